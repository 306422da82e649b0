"""What a MIDI message does: notes, pedals, controllers, tuning, modes.

References in brackets are to the MIDI 1.0 Detailed Specification (4.2) and to the recommended
practice RP-015 (what "Reset All Controllers" resets). Every channel has its own state, in omni mode
as well: a pedal or an All Notes Off on one channel does nothing to another one, which matters
because sequencers send CC 64 and CC 123 on all sixteen when they start and stop.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32

from instrument.realtime.dsp import db_to_gain
from instrument.realtime.event_queue import send_out
from instrument.realtime.native import audio_thread, fence
from instrument.realtime.state import (
    ALL_CHANNELS,
    BANK_COUNT,
    CHANNEL_COUNT,
    FADE_BANK,
    FADE_OUT,
    FREE,
    LANE_COUNT,
    MASTER_GAIN,
    PANIC,
    PARTNER_SOURCE,
    REQUEST_EVENTS,
    TO_OUT,
    USE_BANK,
)
from instrument.realtime.voice import (
    RESTRIKE_SECONDS,
    fade_voice,
    release_keep,
    release_voice,
    start_voice,
)

PANIC_SECONDS = 0.005
FADE_SECONDS = 0.030
STRETCH = 7.0  # a pedal just short of down makes releases eight times as long
NO_PARAMETER = -1
BEND_RANGE, FINE_TUNE, COARSE_TUNE = 0, 1, 2  # registered parameter numbers


@audio_thread
def apply_event(s, event):
    """Do what one event says, at the present frame; False if nobody listens to it."""
    status = event.status
    if status < 0x80:
        apply_command(s, status, event.data1, event.data2, event.value)
        return True
    if event.value == TO_OUT:
        send_out(s, event)
        return True
    if status >= 0xF0:
        if status == 0xFF:  # System Reset
            panic(s)
        return is_for_followers(status)
    if event.source != PARTNER_SOURCE:
        if (s.channel_mask >> (status & 0x0F)) & 1 == 0 or is_echo(s, event):
            return False
        if s.goes_through:
            send_out(s, event)
    play_message(s, event)
    return True


@audio_thread
def is_for_followers(status):
    """Tell whether a system message is logged: clock, start, continue, stop, position, reset."""
    return status in (0xF2, 0xF8, 0xFA, 0xFB, 0xFC, 0xFF)


@audio_thread
def is_echo(s, event):
    """Tell whether a note is our own, which somebody sends back to us."""
    if event.status & 0xF0 != 0x90 or event.data2 == 0:
        return False
    pitch = event.data1 & 0x7F
    is_soon = s.clock - s.sent_frame[pitch] < s.echo_frames
    return is_soon and s.sent_velocity[pitch] == event.data2


@audio_thread
def play_message(s, event):
    """Play a channel message."""
    channel = event.status & 0x0F
    kind = event.status & 0xF0
    data1 = event.data1 & 0x7F
    data2 = event.data2 & 0x7F
    if kind == 0x90 and data2 > 0:
        strike_key(s, channel, data1, data2)
    elif kind == 0x80 or kind == 0x90:
        let_key_go(s, channel, data1)
    elif kind == 0xB0:
        change_control(s, channel, data1, data2)
    elif kind == 0xE0:
        s.channels[channel].bend = (data2 << 7) + data1 - 8192
        s.channels[channel].settled = 0
    elif kind == 0xD0:
        s.channels[channel].pressure = data1
    elif kind == 0xA0:
        press_key(s, channel, data1, data2)
    elif kind == 0xC0:
        request_program(s, channel, data1)


@audio_thread
def strike_key(s, channel, pitch, velocity):
    """Start a note. The same key's older sound makes room, pedal or not, as a string would."""
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if is_note(voice, channel) and voice.pitch == pitch:
            fade_voice(s, v, RESTRIKE_SECONDS)
    start_voice(s, channel, pitch, velocity)


@audio_thread
def is_note(voice, channel):
    """Tell whether a voice is a channel's sounding note, and no ghost."""
    return voice.stage != FREE and not voice.is_fading and voice.channel == channel


@audio_thread
def let_key_go(s, channel, pitch):
    """End a note, unless a pedal holds it."""
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if is_note(voice, channel) and voice.key_is_down and voice.pitch == pitch:
            lift(s, v)


@audio_thread
def lift(s, v):
    """Let go of a voice's key."""
    voice = s.voices[v]
    voice.key_is_down = 0
    if s.channels[voice.channel].sustain >= 64:
        voice.pedal_holds = 1
    if not voice.pedal_holds and not voice.sostenuto_holds:
        release_voice(s, v)


@audio_thread
def press_key(s, channel, pitch, pressure):
    """Polyphonic key pressure."""
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if is_note(voice, channel) and voice.pitch == pitch:
            voice.pressure = pressure
            voice.pitch_is_due = 1
            voice.filter_is_due = 1


@audio_thread
def change_control(s, channel, control, value):
    """Control change, including the channel mode messages (120 and above)."""
    chan = s.channels[channel]
    chan.settled = 0
    if control == 0:
        chan.bank_select = value
    elif control == 1:
        chan.modulation = value
    elif control == 7:
        chan.volume = value
    elif control == 10:
        chan.pan = value
    elif control == 11:
        chan.expression = value
    elif control == 64:
        set_sustain(s, channel, value)
    elif control == 66:
        set_sostenuto(s, channel, value)
    elif control == 67:
        chan.soft = value
    elif control == 74:
        chan.brightness = value
    elif control == 6 or control == 38 or control == 96 or control == 97:
        enter_data(s, channel, control, value)
    elif 98 <= control <= 101:
        select_parameter(s, channel, control, value)
    elif control == 120:  # All Sound Off
        silence_channel(s, channel)
    elif control == 121:
        reset_controllers(s, channel)
    elif control >= 123:  # All Notes Off; 124 to 127 change the mode and imply it [p. 20]
        for v in range(LANE_COUNT):
            voice = s.voices[v]
            if is_note(voice, channel) and voice.key_is_down:
                lift(s, v)


@audio_thread
def set_sustain(s, channel, value):
    """CC 64. From 64 on it holds [p. 13]; below, the nearer to 64 the longer releases last."""
    chan = s.channels[channel]
    chan.sustain = value
    half = min(value, 63) / 63.0
    chan.release_stretch = 1.0 + STRETCH * half * half
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if not is_note(voice, channel):
            continue
        voice.release_keep = release_keep(s, v)
        if value < 64 and voice.pedal_holds:
            voice.pedal_holds = 0
            if not voice.sostenuto_holds:
                release_voice(s, v)


@audio_thread
def set_sostenuto(s, channel, value):
    """CC 66. Going down it catches the keys that are down; others come and go as usual."""
    chan = s.channels[channel]
    goes_down = value >= 64 and chan.sostenuto < 64
    chan.sostenuto = value
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if not is_note(voice, channel):
            continue
        if goes_down and voice.key_is_down:
            voice.sostenuto_holds = 1
        elif value < 64 and voice.sostenuto_holds:
            voice.sostenuto_holds = 0
            if not voice.key_is_down:
                lift(s, v)


@audio_thread
def select_parameter(s, channel, control, value):
    """CC 98 to 101: which parameter data entry changes; 127/127 is none [p. 15]."""
    chan = s.channels[channel]
    if control < 100:  # non-registered: none of ours, and data entry must not hit an old RPN
        chan.parameter = NO_PARAMETER
        return
    if control == 100:
        chan.parameter_low = value
    else:
        chan.parameter_high = value
    chan.parameter = NO_PARAMETER
    if chan.parameter_low != 0x7F and chan.parameter_high != 0x7F:
        chan.parameter = (chan.parameter_high << 7) | chan.parameter_low


@audio_thread
def enter_data(s, channel, control, value):
    """CC 6 and 38 set the selected parameter; CC 96 and 97 move it by one."""
    chan = s.channels[channel]
    if chan.parameter == BEND_RANGE:
        whole = int(chan.bend_range)
        cents = round((chan.bend_range - whole) * 100.0)
        if control == 6:
            chan.bend_range = float32(min(value, 48))
        elif control == 38:
            chan.bend_range = float32(whole + min(value, 99) / 100.0)
        elif control == 96:
            chan.bend_range = float32(min(whole + 1, 48) + cents / 100.0)
        else:
            chan.bend_range = float32(max(whole - 1, 0) + cents / 100.0)
        chan.bend_range_given = 1
    elif chan.parameter == FINE_TUNE:
        if control == 6:
            chan.fine_tune_high = value
            chan.fine_tune_low = 0
        elif control == 38:
            chan.fine_tune_low = value
        chan.fine_tune = float32(((chan.fine_tune_high << 7) + chan.fine_tune_low - 8192) / 8192.0)
    elif chan.parameter == COARSE_TUNE and control == 6:
        chan.coarse_tune = float32(min(max(value - 64, -24), 24))


@audio_thread
def reset_controllers(s, channel):
    """CC 121, as RP-015 lists it: volume, pan, brightness, program and bend range stay."""
    chan = s.channels[channel]
    chan.modulation = 0
    chan.expression = 127
    chan.pressure = 0
    chan.bend = 0
    chan.soft = 0
    chan.parameter = NO_PARAMETER
    chan.parameter_low = 0x7F
    chan.parameter_high = 0x7F
    chan.settled = 0
    for v in range(LANE_COUNT):
        if is_note(s.voices[v], channel):
            s.voices[v].pressure = 0
            s.voices[v].pitch_is_due = 1
            s.voices[v].filter_is_due = 1
    set_sustain(s, channel, 0)
    set_sostenuto(s, channel, 0)


@audio_thread
def silence_channel(s, channel):
    """CC 120: everything of this channel ends at once, held or not, without a click."""
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if voice.stage != FREE and voice.channel == channel:
            fade_voice(s, v, PANIC_SECONDS)


@audio_thread
def panic(s):
    """Silence every channel and put its controllers back."""
    for channel in range(CHANNEL_COUNT):
        silence_channel(s, channel)
        reset_controllers(s, channel)


@audio_thread
def request_program(s, channel, program):
    """Ask control for another preset: loading one is no work for this thread."""
    ring = s.request_ring
    if ring.head - ring.tail >= REQUEST_EVENTS:
        ring.dropped += 1
        return
    event = ring.events[ring.head % REQUEST_EVENTS]
    event.time_frames = s.clock
    event.status = 0xC0 | channel
    event.data1 = program
    event.data2 = s.channels[channel].bank_select
    event.source = 0
    event.value = 0
    fence()
    ring.head += 1


@audio_thread
def apply_command(s, command, data1, data2, value):
    """Do what control asks for (`realtime.state` lists the commands)."""
    if command == USE_BANK and data1 < BANK_COUNT:
        for channel in range(CHANNEL_COUNT):
            if data2 in (ALL_CHANNELS, channel):
                chan = s.channels[channel]
                chan.bank = data1
                if not chan.bend_range_given:
                    chan.bend_range = s.banks[data1].bend_range_semitones
                    chan.settled = 0
    elif command == PANIC:
        panic(s)
    elif command == FADE_OUT:
        s.fade_out_step = -1.0 / (FADE_SECONDS * s.rate_hz)
    elif command == FADE_BANK:
        for v in range(LANE_COUNT):
            voice = s.voices[v]
            if voice.stage != FREE and (voice.bank == data1 or voice.source_bank == data1):
                fade_voice(s, v, FADE_SECONDS)
    elif command == MASTER_GAIN:
        s.master_target = db_to_gain(value / 100.0)
