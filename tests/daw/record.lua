-- Ardour records a session with latentkeys: ardour7-lua record.lua
--
-- Three tracks: Player (a keyboard, passed on to latentkeys), Answer (its MIDI output), Sound (its
-- audio). Its stdin is the folder to write, the tempo, then commands: roll, stop, save. It says
-- "ready", then each command when it is done. Whoever starts it connects the ports: from Lua,
-- connecting Ardour's ports to another program's does not work.

local folder = assert(io.read("l"))
local bpm = assert(io.read("n", "l"))
AudioEngine:set_backend("JACK", "ardour", "")
local session = create_session(folder, "daw", 48000)
assert(session, "no session: does Ardour reach the JACK server?")

local tempo_map = Temporal.TempoMap.fetch_writable()
tempo_map:set_tempo(Temporal.Tempo(bpm, bpm, 4), Temporal.timepos_t(0))
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

local ui = ARDOUR.TransportRequestSource.TRS_UI
local obey = {}

function obey.roll()
  session:maybe_enable_record()
  session:request_roll(ui)
  wait_until(function() return session:transport_rolling() end)
end

function obey.stop()
  session:request_stop(false, false, ui)
  wait_until(function() return session:transport_stopped_or_stopping() end)
end

function obey.save()
  session:save_state("")
end

say("ready")
for command in io.lines() do
  ARDOUR.LuaAPI.usleep(300000)  -- a stop goes on for a moment: regions are written
  obey[command]()
  say(command)
  if command == "save" then break end
end
session = nil
tracks = nil
close_session()
quit()
