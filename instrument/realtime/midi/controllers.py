"""Control change: what each controller does, the channel modes, and what puts them back."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32

from instrument.realtime.memory.constants import CHANNEL_COUNT, FREE, LANE_COUNT, NOT_GIVEN
from instrument.realtime.midi.keys import forget_hands, lift_all
from instrument.realtime.midi.parameters import (
    MPE_ZONE,
    enter_data,
    forget_bend_range,
    forget_parameter,
    select_parameter,
    set_bend_range,
)
from instrument.realtime.midi.pedals import set_sostenuto, set_sustain
from instrument.realtime.midi.zones import is_note_of_zone, press_channel, unsettle
from instrument.realtime.native import audio_thread
from instrument.realtime.voice.lanes import fade_voice

PANIC_SECONDS = 0.005
FIRST_MODE = 120  # from here on they are no controllers, but channel mode messages
LOWER_MASTER, UPPER_MASTER = 0, CHANNEL_COUNT - 1
MASTER_BEND, MEMBER_BEND = float32(2.0), float32(48.0)  # semitones [MPE 2.4]


@audio_thread
def change_control(s, source, channel, control, value):
    """Control change, including the channel mode messages (120 and above)."""
    chan = s.channels[channel]
    unsettle(s, channel)
    if control < FIRST_MODE:
        chan.controllers[control] = value
    if control == 0:
        chan.bank_select = value
    elif control == 1:
        chan.modulation = value
    elif control == 5:
        chan.portamento_time = value
    elif control == 7:
        chan.volume = value
    elif control == 10:
        chan.pan = value
    elif control == 11:
        chan.expression = value
    elif control == 64:
        chan.pedal_source = source
        set_sustain(s, channel, value)
    elif control == 65:
        chan.portamento = value
    elif control == 66:
        chan.pedal_source = source
        set_sostenuto(s, channel, value)
    elif control == 67:
        chan.soft = value
    elif control == 74:
        chan.brightness = value
    elif control == 84:
        chan.glides_from = value
    elif control == 91:
        s.chains[chan.bank].reverb_control = value + 1
    elif control == 93:
        s.chains[chan.bank].chorus_control = value + 1
    elif control == 6 or control == 38 or control == 96 or control == 97:
        if chan.parameter == MPE_ZONE and control == 6:
            set_zone(s, channel, min(value, CHANNEL_COUNT - 1))
        else:
            enter_data(s, channel, control, value)
    elif 98 <= control <= 101:
        select_parameter(s, channel, control, value)
    elif control == 120:  # All Sound Off
        silence_channel(s, channel)
    elif control == 121:
        reset_controllers(s, channel)
    elif control >= 123:  # All Notes Off; 124 to 127 change the mode and imply it [p. 20]
        lift_all(s, channel)
        if control >= 126:
            set_mono(s, channel, control == 126, value)


@audio_thread
def set_mono(s, channel, is_mono, count):
    """CC 126 and 127: one note at a time, on `count` channels from this one on [p. 23].

    No count (as many as there are voices) is taken as this channel alone: keyboards have a switch
    that sends it, and mean themselves.
    """
    last = channel + max(count, 1) - 1 if is_mono else channel
    for other in range(channel, min(last + 1, CHANNEL_COUNT)):
        if other != channel:
            lift_all(s, other)
        s.channels[other].is_mono = 1 if is_mono else 0


@audio_thread
def reset_controllers(s, channel):
    """CC 121, as RP-015 lists it: volume, pan, brightness, program and bend range stay."""
    for other in range(CHANNEL_COUNT):
        chan = s.channels[other]
        if other == channel or chan.master == channel:
            chan.modulation = 0
            chan.expression = 127
            chan.pressure = 0
            chan.bend = 0
            chan.soft = 0
            chan.portamento = NOT_GIVEN
            chan.glides_from = NOT_GIVEN
            forget_parameter(s, other)
            set_sustain(s, other, 0)
            set_sostenuto(s, other, 0)
    press_channel(s, channel)
    unsettle(s, channel)
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if is_note_of_zone(s, voice, channel):
            voice.pressure = 0
            voice.pitch_is_due = 1
            voice.filter_is_due = 1


@audio_thread
def silence_channel(s, channel):
    """CC 120: everything of a channel and its zone ends at once, held or not, without a click."""
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if voice.stage == FREE:
            continue
        if voice.channel == channel or s.channels[voice.channel].master == channel:
            fade_voice(s, v, PANIC_SECONDS)
    forget_hands(s, channel)


@audio_thread
def set_zone(s, master, count):
    """Make an MPE zone of `count` members, change it, or end it with none [MPE 2.2].

    The channels concerned begin at rest. A zone that needs the other one's channels takes them; if
    it takes its master, the other zone is no more.
    """
    if master != LOWER_MASTER and master != UPPER_MASTER:
        return
    rest(s, master)
    end_zone(s, master)
    other = LOWER_MASTER + UPPER_MASTER - master
    if count == CHANNEL_COUNT - 1:
        rest(s, other)
        end_zone(s, other)
    if count > 0:
        step = 1 if master == LOWER_MASTER else -1
        for number in range(1, count + 1):
            rest(s, master + step * number)
            s.channels[master + step * number].master = master
            s.channels[master + step * number].bank = s.channels[master].bank
        set_bend_range(s, master, MASTER_BEND)
        set_bend_range(s, master + step, MEMBER_BEND)


@audio_thread
def rest(s, channel):
    """Let a channel and its zone go: keys, pedals, controllers."""
    lift_all(s, channel)
    reset_controllers(s, channel)


@audio_thread
def end_zone(s, master):
    """Let a zone's channels be on their own again."""
    for channel in range(CHANNEL_COUNT):
        if s.channels[channel].master == master:
            s.channels[channel].master = channel
            forget_bend_range(s, channel)
