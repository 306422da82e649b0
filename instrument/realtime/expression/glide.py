"""Glide: a note that comes from the pitch of the one before (portamento).

A line in semitones, moved once per tick. The voice reads the tone of the pitch that it goes to, or
goes over to it when it has arrived.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.dsp import exp2
from instrument.realtime.expression.tuning import semitones_of_key
from instrument.realtime.memory.constants import ALWAYS, NEVER, NOT_GIVEN, OVERLAPPING, TICK_FRAMES
from instrument.realtime.native import audio_thread
from instrument.realtime.tones.source import ask_for_true_tone

SHORTEST_SECONDS = 0.01  # CC 5 at 0
OCTAVES_OF_SECONDS = 10.0  # at 127 so many times doubled: 10 s
PEDAL_SECONDS = 0.1  # CC 65 is on, and neither CC 5 nor the preset says how long


@audio_thread
def begin_glide(s, v, overlaps):
    """Let a voice that begins, or has changed its key, glide from where the last note was."""
    voice = s.voices[v]
    chan = s.channels[voice.channel]
    zone = s.channels[chan.master]
    here = voice.pitch + voice.fine
    there = zone.last_semitones if zone.has_played else here
    if chan.glides_from != NOT_GIVEN:
        there = semitones_of_key(s, voice.channel, voice.bank, chan.glides_from)
    if glides(s, chan, voice.bank, overlaps):
        aim_glide(s, v, there - here)


@audio_thread
def glides(s, chan, bank, overlaps):
    """Tell whether a note of a channel glides: as its pedal or its next note says, else the preset.

    A sequencer that names the key to come from (CC 84) wants this note to glide, pedal or not.
    """
    if chan.glides_from != NOT_GIVEN:
        return True
    if chan.portamento != NOT_GIVEN:
        return chan.portamento >= 64
    when = s.banks[bank].glide_when
    return when == ALWAYS or (when == OVERLAPPING and overlaps)


@audio_thread
def aim_glide(s, v, semitones):
    """Put a voice so far off its pitch, and let it come back in its time."""
    voice = s.voices[v]
    chan = s.channels[voice.channel]
    sound = s.banks[voice.bank]
    seconds = sound.glide_seconds if sound.glide_when != NEVER else PEDAL_SECONDS
    if chan.portamento_time != NOT_GIVEN:
        seconds = SHORTEST_SECONDS * exp2(OCTAVES_OF_SECONDS * chan.portamento_time / 127.0)
    if sound.glide_is_rate:
        seconds *= abs(semitones) / 12.0
    ticks = seconds * s.rate_hz / TICK_FRAMES
    voice.glide = semitones if ticks >= 1.0 else 0.0
    voice.glide_step = abs(semitones) / max(ticks, 1.0)
    voice.pitch_is_due = 1


@audio_thread
def advance_glide(s, v):
    """Go one tick of the way; at its end, over to the pitch's own tone."""
    voice = s.voices[v]
    left = abs(voice.glide) - voice.glide_step
    if left <= 0.0:
        voice.glide = 0.0
        ask_for_true_tone(s, v)
    elif voice.glide > 0.0:
        voice.glide = left
    else:
        voice.glide = -left
    voice.pitch_is_due = 1


@audio_thread
def remember_pitch(s, v):
    """Note where the next note of the channel, or of its zone, comes from."""
    voice = s.voices[v]
    chan = s.channels[voice.channel]
    zone = s.channels[chan.master]
    zone.last_semitones = voice.pitch + voice.fine
    zone.has_played = 1
    chan.glides_from = NOT_GIVEN
