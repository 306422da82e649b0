"""Pedals that hold notes: sustain, with half pedal, and sostenuto."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.memory.constants import CHANNEL_COUNT, LANE_COUNT
from instrument.realtime.midi.keys import lift
from instrument.realtime.midi.zones import is_note_of_zone, pedal
from instrument.realtime.native import audio_thread
from instrument.realtime.voice.life import release_keep, release_voice

STRETCH = 7.0  # a pedal just short of down makes releases eight times as long


@audio_thread
def set_sustain(s, channel, value):
    """CC 64. From 64 on it holds [p. 13]; below, the nearer to 64 the longer releases last."""
    s.channels[channel].sustain = value
    for other in range(CHANNEL_COUNT):
        if other == channel or s.channels[other].master == channel:
            half = min(pedal(s, other), 63) / 63.0
            s.channels[other].release_stretch = 1.0 + STRETCH * half * half
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if not is_note_of_zone(s, voice, channel):
            continue
        voice.release_keep = release_keep(s, v)
        if voice.pedal_holds and pedal(s, voice.channel) < 64:
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
        if not is_note_of_zone(s, voice, channel):
            continue
        if goes_down and voice.key_is_down:
            voice.sostenuto_holds = 1
        elif value < 64 and voice.sostenuto_holds:
            voice.sostenuto_holds = 0
            if not voice.key_is_down:
                lift(s, v)
