"""Registered parameters: bend range, tuning, MPE zones."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32

from instrument.realtime.memory.constants import CHANNEL_COUNT, TUNING_COUNT
from instrument.realtime.native import audio_thread

NO_PARAMETER = -1
# registered parameter numbers
BEND_RANGE, FINE_TUNE, COARSE_TUNE, TUNING_PROGRAM, MPE_ZONE = 0, 1, 2, 3, 6
WIDEST_BEND = 96  # semitones [MPE 2.4]


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
def forget_parameter(s, channel):
    """Select no parameter, as at power-on."""
    chan = s.channels[channel]
    chan.parameter = NO_PARAMETER
    chan.parameter_low = 0x7F
    chan.parameter_high = 0x7F


@audio_thread
def enter_data(s, channel, control, value):
    """CC 6 and 38 set the selected parameter; CC 96 and 97 move it by one."""
    chan = s.channels[channel]
    if chan.parameter == BEND_RANGE:
        set_bend_range(s, channel, next_bend_range(chan.bend_range, control, value))
    elif chan.parameter == FINE_TUNE:
        if control == 6:
            chan.fine_tune_high = value
            chan.fine_tune_low = 0
        elif control == 38:
            chan.fine_tune_low = value
        chan.fine_tune = float32(((chan.fine_tune_high << 7) + chan.fine_tune_low - 8192) / 8192.0)
    elif chan.parameter == COARSE_TUNE and control == 6:
        chan.coarse_tune = float32(min(max(value - 64, -24), 24))
    elif chan.parameter == TUNING_PROGRAM:
        select_tuning(s, channel, next_tuning(chan.tuning_program, control, value))


@audio_thread
def next_tuning(program, control, value):
    """Return the tuning program that data entry makes of another one."""
    if control == 6:
        return value
    step = 1 if control == 96 else -1 if control == 97 else 0
    return min(max(program + step, 0), TUNING_COUNT - 1)


@audio_thread
def select_tuning(s, channel, program):
    """Let the next notes of a channel, and of its zone, have a tuning program's keys."""
    for other in range(CHANNEL_COUNT):
        if other == channel or s.channels[other].master == channel:
            s.channels[other].tuning_program = program


@audio_thread
def next_bend_range(semitones, control, value):
    """Return the bend range that data entry makes of another one: semitones, then cents."""
    whole = int(semitones)
    cents = round((semitones - whole) * 100.0)
    if control == 6:
        return float32(min(value, WIDEST_BEND))
    if control == 38:
        return float32(whole + min(value, 99) / 100.0)
    if control == 96:
        return float32(min(whole + 1, WIDEST_BEND) + cents / 100.0)
    return float32(max(whole - 1, 0) + cents / 100.0)


@audio_thread
def set_bend_range(s, channel, semitones):
    """Set the range of a channel; of a zone's member, that of all its members [MPE 2.4]."""
    master = s.channels[channel].master
    for other in range(CHANNEL_COUNT):
        chan = s.channels[other]
        is_fellow = channel != master and chan.master == master and other != master
        if other == channel or is_fellow:
            chan.bend_range = semitones
            chan.bend_range_given = 1
            chan.settled = 0


@audio_thread
def forget_tuning(s, channel):
    """Tune a channel as at power-on."""
    chan = s.channels[channel]
    chan.coarse_tune = 0.0
    chan.fine_tune = 0.0
    chan.fine_tune_high = 64
    chan.fine_tune_low = 0


@audio_thread
def forget_bend_range(s, channel):
    """Give a channel its preset's bend range again."""
    chan = s.channels[channel]
    chan.bend_range = s.banks[chan.bank].bend_range_semitones
    chan.bend_range_given = 0
    chan.settled = 0
