"""Keys: which hands are on them, and which voices they start and end.

Two parts of one piece may play the same key of one channel, and often the next note begins before
the last one has ended. So every note-on counts, and a note-off takes back the oldest one of its
input: the key's sound, which is the newest strike's, goes on until the last hand has left the key.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.expression.glide import remember_pitch
from instrument.realtime.expression.tuning import plays_nothing
from instrument.realtime.memory.constants import (
    KEY_COUNT,
    LANE_COUNT,
    LEGATO,
    MOST_UNISON,
    POLY,
    SOURCE_COUNT,
)
from instrument.realtime.midi.mono import (
    NO_KEY,
    first_key,
    is_held,
    is_of_line,
    move_line,
    playing_mode,
)
from instrument.realtime.midi.zones import is_note, is_note_of_zone, pedal
from instrument.realtime.native import audio_thread
from instrument.realtime.voice.lanes import fade_voice
from instrument.realtime.voice.life import release_voice
from instrument.realtime.voice.start import start_voice

MOST_HANDS = 255  # on one key
RESTRIKE_SECONDS = 0.060  # the old sound of a key that is struck again


@audio_thread
def strike_key(s, source, channel, pitch, velocity):
    """Put a hand on a key and start its note."""
    key = s.keys[channel, pitch]
    if s.held_by[source, channel, pitch] < MOST_HANDS:
        s.held_by[source, channel, pitch] += 1
        key.held += 1
    s.strikes += 1
    key.struck = s.strikes
    key.velocity = velocity
    if plays_nothing(s, channel, pitch):
        return
    if playing_mode(s, channel) == POLY or not is_held(s, channel):
        sound_key(s, channel, pitch, velocity)
    elif first_key(s, channel) == channel * KEY_COUNT + pitch:
        go_to_key(s, channel, pitch)


@audio_thread
def is_key(voice, channel, pitch):
    """Tell whether a voice is the sounding note of one key, and no ghost."""
    return is_note(voice, channel) and voice.key == pitch


@audio_thread
def sound_key(s, channel, pitch, velocity):
    """Start a note. The same key's older sound makes room, pedal or not, as a string would.

    Where only one note sounds at a time, every older one of the line does.
    """
    overlaps = is_held(s, channel)
    is_line = playing_mode(s, channel) != POLY
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        makes_room = is_of_line(s, voice, channel) if is_line else is_key(voice, channel, pitch)
        if makes_room:
            fade_voice(s, v, RESTRIKE_SECONDS)
    voices = min(max(s.banks[s.channels[channel].bank].unison, 1), MOST_UNISON)
    last = 0
    for fellow in range(voices):
        last = start_voice(s, channel, pitch, velocity, fellow, overlaps)
    remember_pitch(s, last)


@audio_thread
def go_to_key(s, channel, pitch):
    """Let the line go to a key that is held: with a new stroke, or legato."""
    if playing_mode(s, channel) == LEGATO:
        move_line(s, channel, pitch)
    else:
        sound_key(s, channel, pitch, s.keys[channel, pitch].velocity)


@audio_thread
def let_key_go(s, source, channel, pitch):
    """Take a hand off a key; the last one ends the note, unless a pedal holds it."""
    if s.held_by[source, channel, pitch] == 0:
        return
    s.held_by[source, channel, pitch] -= 1
    key = s.keys[channel, pitch]
    key.held -= 1
    if key.held > 0:
        return
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if voice.key_is_down and is_key(voice, channel, pitch):
            if playing_mode(s, channel) != POLY and return_to_held_key(s, channel):
                return
            lift(s, v)


@audio_thread
def return_to_held_key(s, channel):
    """Let the line go back to a key that is still held; False if there is none.

    Under the pedal the last note stays.
    """
    first = first_key(s, channel)
    if first == NO_KEY or pedal(s, channel) >= 64:
        return False
    s.strikes += 1
    go_to_key(s, first // KEY_COUNT, first % KEY_COUNT)
    return True


@audio_thread
def lift(s, v):
    """Let go of a voice's key."""
    voice = s.voices[v]
    voice.key_is_down = 0
    if pedal(s, voice.channel) >= 64:
        voice.pedal_holds = 1
    if not voice.pedal_holds and not voice.sostenuto_holds:
        release_voice(s, v)


@audio_thread
def lift_all(s, channel):
    """Let go of every key of a channel and its zone: All Notes Off."""
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if is_note_of_zone(s, voice, channel) and voice.key_is_down:
            lift(s, v)
    forget_hands(s, channel)


@audio_thread
def forget_hands(s, channel):
    """Take all hands off the keys of a channel and its zone, without ending a note."""
    for other in range(len(s.channels)):
        if other != channel and s.channels[other].master != channel:
            continue
        for pitch in range(KEY_COUNT):
            if s.keys[other, pitch].held > 0:
                s.keys[other, pitch].held = 0
                for source in range(SOURCE_COUNT):
                    s.held_by[source, other, pitch] = 0


@audio_thread
def press_key(s, channel, pitch, pressure):
    """Polyphonic key pressure."""
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if is_key(voice, channel, pitch):
            voice.pressure = pressure
            voice.pitch_is_due = 1
            voice.filter_is_due = 1
