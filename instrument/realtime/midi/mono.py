"""One note at a time: which of the held keys sounds, and how a note moves to another key.

In an MPE zone, where every finger has a channel of its own, the zone's keys count together.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.expression.glide import aim_glide, glides, remember_pitch
from instrument.realtime.expression.tuning import plays_nothing, semitones_of_key
from instrument.realtime.memory.constants import (
    CHANNEL_COUNT,
    HIGHEST_KEY,
    KEY_COUNT,
    LANE_COUNT,
    LAST_KEY,
    MONO,
    POLY,
)
from instrument.realtime.midi.zones import is_note
from instrument.realtime.native import audio_thread
from instrument.realtime.tones.source import ask_for_true_tone
from instrument.realtime.voice.aim import place_filter

NO_KEY = -1


@audio_thread
def playing_mode(s, channel):
    """Return POLY, MONO or LEGATO: the preset's, and at least MONO after CC 126."""
    chan = s.channels[channel]
    mode = s.banks[chan.bank].playing_mode
    return MONO if chan.is_mono and mode == POLY else mode


@audio_thread
def plays_with(s, channel, other):
    """Tell whether two channels play one line: the same one, or two of one zone."""
    return s.channels[channel].master == s.channels[other].master


@audio_thread
def is_of_line(s, voice, channel):
    """Tell whether a voice is a sounding note of the channel's line, and no ghost."""
    return is_note(voice, voice.channel) and plays_with(s, channel, voice.channel)


@audio_thread
def is_held(s, channel):
    """Tell whether a key of the line holds a note that sounds."""
    for v in range(LANE_COUNT):
        if s.voices[v].key_is_down and is_of_line(s, s.voices[v], channel):
            return True
    return False


@audio_thread
def first_key(s, channel):
    """Return which held key of the line goes before the others, as channel * 128 + key."""
    priority = s.banks[s.channels[channel].bank].key_priority
    best = NO_KEY
    for other in range(CHANNEL_COUNT):
        if not plays_with(s, channel, other):
            continue
        for key in range(KEY_COUNT):
            if s.keys[other, key].held > 0 and not plays_nothing(s, other, key):
                at = other * KEY_COUNT + key
                if best == NO_KEY or goes_before(s, at, best, priority):
                    best = at
    return best


@audio_thread
def goes_before(s, at, best, priority):
    """Tell whether one held key takes the line from another."""
    key = at % KEY_COUNT
    other = best % KEY_COUNT
    if priority == LAST_KEY or key == other:
        struck = s.keys[at // KEY_COUNT, key].struck
        return struck > s.keys[best // KEY_COUNT, other].struck
    return key > other if priority == HIGHEST_KEY else key < other


@audio_thread
def move_line(s, channel, key):
    """Let the notes that sound go to another key, without a new stroke: legato."""
    for v in range(LANE_COUNT):
        if s.voices[v].key_is_down and is_of_line(s, s.voices[v], channel):
            move_voice(s, v, channel, key)


@audio_thread
def tune_voice(s, v, semitones):
    """Let a voice that sounds have another pitch from the next tick on; it keeps its tone."""
    voice = s.voices[v]
    before = voice.pitch
    voice.pitch = int(semitones + 512.5) - 512
    voice.fine = semitones - voice.pitch
    voice.tuning = voice.pitch - voice.source_pitch + voice.detune + voice.fine
    voice.pitch_is_due = 1
    place_filter(s, v, voice.pitch - before)


@audio_thread
def move_voice(s, v, channel, key):
    """Give a voice another key; it glides there, or is there at once."""
    voice = s.voices[v]
    sounds = voice.pitch + voice.fine + voice.glide
    semitones = semitones_of_key(s, channel, voice.bank, key)
    voice.channel = channel
    voice.key = key
    voice.glide = 0.0
    tune_voice(s, v, semitones)
    if glides(s, s.channels[channel], voice.bank, True):
        aim_glide(s, v, sounds - semitones)
    if voice.glide == 0.0:
        ask_for_true_tone(s, v)
    remember_pitch(s, v)
