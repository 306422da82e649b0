"""MPE: a zone's member channels have one note each, its master's controllers act on all of them.

Channel 1 is the lower zone's master, channel 16 the upper zone's; an MPE Configuration Message
(RPN 6 on either) says how many members it has [MPE 2.2]. Every channel knows its `master`; outside
of zones that is itself, so that nobody has to ask which of the two worlds this is.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.memory.constants import CHANNEL_COUNT, FREE
from instrument.realtime.native import audio_thread


@audio_thread
def is_note(voice, channel):
    """Tell whether a voice is a channel's sounding note, and no ghost."""
    return voice.stage != FREE and not voice.is_fading and voice.channel == channel


@audio_thread
def is_note_of_zone(s, voice, channel):
    """Tell whether a voice is a sounding note that the channel's controllers act on."""
    if voice.stage == FREE or voice.is_fading:
        return False
    return voice.channel == channel or s.channels[voice.channel].master == channel


@audio_thread
def pedal(s, channel):
    """Return how far down the sustain pedal is for a channel's notes: its own or its master's."""
    chan = s.channels[channel]
    return max(chan.sustain, s.channels[chan.master].sustain)


@audio_thread
def unsettle(s, channel):
    """Let the smoothed values of a channel, and of its zone, move again."""
    for other in range(CHANNEL_COUNT):
        if other == channel or s.channels[other].master == channel:
            s.channels[other].settled = 0


@audio_thread
def press_channel(s, channel):
    """Let the notes of a channel, and of its zone, feel its pressure."""
    for other in range(CHANNEL_COUNT):
        chan = s.channels[other]
        if other == channel or chan.master == channel:
            chan.felt_pressure = max(chan.pressure, s.channels[chan.master].pressure)
