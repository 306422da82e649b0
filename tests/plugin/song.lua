-- Ardour makes a song with the plug-in: ardour7-lua song.lua
--
-- One MIDI track "Keys" with latentkeys on it. Its stdin is the folder to write, then commands:
-- roll, stop, play, halt, save, accompany, automate. It says "ready", then each command when it is done.

local folder = assert(io.read("l"))
AudioEngine:set_backend("JACK", "ardour", "")
local session = create_session(folder, "song", 48000)
assert(session, "no session: does Ardour reach the JACK server?")

local info = ARDOUR.LuaAPI.new_plugin_info("latentkeys", ARDOUR.PluginType.VST3)
assert(not info:isnil(), "Ardour does not know the plug-in latentkeys")
local midi = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
local stereo = ARDOUR.ChanCount(ARDOUR.DataType("audio"), 2)
local track = session:new_midi_track(
  midi, stereo, true, info, nil, nil, 1, "Keys",
  ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true
):front()
local processor = track:nth_plugin(0)
assert(not processor:isnil(), "no plug-in is on the track")
local insert = processor:to_insert()

local function say(word)
  print(word)
  io.stdout:flush()
end

local function arm(is_armed)
  local value = is_armed and 1 or 0
  track:rec_enable_control():set_value(value, PBD.GroupControlDisposition.NoGroup)
  local choice = is_armed and ARDOUR.MonitorChoice.MonitorInput or ARDOUR.MonitorChoice.MonitorDisk
  track:monitoring_control():set_value(choice, PBD.GroupControlDisposition.NoGroup)
end

local function wait_until(look)
  for _ = 1, 400 do
    if look() then return end
    ARDOUR.LuaAPI.usleep(50000)
  end
  error("Ardour's transport does not do what it was asked for")
end

local function control_named(name)
  local plugin = insert:plugin(0)
  local place = 0
  for i = 0, plugin:parameter_count() - 1 do
    if plugin:parameter_is_control(i) and plugin:parameter_is_input(i) then
      if plugin:parameter_label(i) == name then return place, i end
      place = place + 1
    end
  end
  error("the plug-in has no parameter " .. name)
end

local ui = ARDOUR.TransportRequestSource.TRS_UI
local obey = {}

function obey.roll()
  arm(true)
  session:maybe_enable_record()
  session:request_roll(ui)
  wait_until(function() return session:transport_rolling() end)
end

function obey.stop()
  session:request_stop(false, false, ui)
  wait_until(function() return session:transport_stopped_or_stopping() end)
  ARDOUR.LuaAPI.usleep(1000000)
  arm(false)
  session:goto_start(false)
end

function obey.play()
  session:request_roll(ui)
  wait_until(function() return session:transport_rolling() end)
end

obey.halt = obey.stop

function obey.save()
  session:save_state("")
end

function obey.accompany()  -- another state of the song, with the partner
  local _, index = control_named("Partner")
  assert(ARDOUR.LuaAPI.set_processor_param(processor, index, 1), "there is no partner to switch on")
  ARDOUR.LuaAPI.usleep(300000)
  session:save_state("duo")
  ARDOUR.LuaAPI.set_processor_param(processor, index, 0)
end

function obey.automate()  -- the level falls to nothing after a second
  local place, index = control_named("Level")
  local list, _, descriptor = ARDOUR.LuaAPI.plugin_automation(processor, place)
  assert(not list:isnil(), "the level has no automation")
  list:editor_add(Temporal.timepos_t(0), 60 / 66, false)
  list:editor_add(Temporal.timepos_t(48000), 60 / 66, false)
  list:editor_add(Temporal.timepos_t(48480), descriptor.lower, false)
  local which = Evoral.Parameter(ARDOUR.AutomationType.PluginAutomation, 0, index)
  insert:to_automatable():automation_control(which, false):set_automation_state(ARDOUR.AutoState.Play)
  session:save_state("automated")
end

say("ready")
for command in io.lines() do
  ARDOUR.LuaAPI.usleep(300000)
  obey[command]()
  say(command)
  if command == "automate" then break end
end
session, track, processor, insert = nil, nil, nil, nil
close_session()
quit()
