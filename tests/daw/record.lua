-- Ardour records a session with latentkeys: ardour7-lua record.lua
--
-- Three tracks: Player (a keyboard, passed on to latentkeys), Answer (its MIDI output), Sound (its
-- audio). The tempo changes in bar 5. Its stdin is the folder to write, then "go", "stop" and
-- "save"; it says READY, ROLLING, STOPPED and SAVED on stdout. Whoever starts it connects the
-- ports: from Lua, connecting Ardour's ports to another program's does not work.

local folder = assert(io.read("l"))
AudioEngine:set_backend("JACK", "ardour", "")
local session = create_session(folder, "daw", 48000)
assert(session, "no session: does Ardour reach the JACK server?")

local tempo_map = Temporal.TempoMap.fetch_writable()
local bar_5 = Temporal.timepos_t.from_ticks(Temporal.ticks_per_beat * 16)
tempo_map:set_tempo(Temporal.Tempo(100, 100, 4), Temporal.timepos_t(0))
tempo_map:set_tempo(Temporal.Tempo(126, 126, 4), bar_5)
Temporal.TempoMap.update(tempo_map)
tempo_map = nil

local none = ARDOUR.PresentationInfo.max_order
local normal = ARDOUR.TrackMode.Normal
local function midi_track(name)
  local count = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
  return session:new_midi_track(
    count, count, true, ARDOUR.PluginInfo(), nil, nil, 1, name, none, normal, true
  ):front()
end

local tracks = {
  midi_track("Player"),
  midi_track("Answer"),
  session:new_audio_track(2, 2, nil, 1, "Sound", none, normal, true):front(),
}
for index, track in ipairs(tracks) do
  local passes_on = index == 1  -- hearing latentkeys through Ardour would only add to it
  local choice = passes_on and ARDOUR.MonitorChoice.MonitorInput or ARDOUR.MonitorChoice.MonitorDisk
  track:monitoring_control():set_value(choice, PBD.GroupControlDisposition.NoGroup)
  track:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
end

local function say(word)
  print(word)
  io.stdout:flush()
end

local function wait_until(look)
  for _ = 1, 400 do
    if look() then return end
    ARDOUR.LuaAPI.usleep(50000)
  end
  error("Ardour's transport does not do what it was asked for")
end

say("READY")
assert(io.read("l") == "go")
session:maybe_enable_record()
session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
wait_until(function() return session:transport_rolling() end)
say("ROLLING")
assert(io.read("l") == "stop")
session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
wait_until(function() return not session:transport_rolling() end)
say("STOPPED")
assert(io.read("l") == "save")
ARDOUR.LuaAPI.usleep(500000)
session:save_state("")
say("SAVED")
session = nil
tracks = nil
close_session()
quit()
