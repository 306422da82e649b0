"""A voice's start: it takes a lane and copies whatever it needs from its preset.

So a preset change leaves held notes as they are.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import numpy as np
from numpy import int64

from instrument.realtime.dsp import db_to_gain, exp2
from instrument.realtime.expression.glide import begin_glide
from instrument.realtime.expression.modulation import begin_modulation
from instrument.realtime.expression.slide import begin_slide
from instrument.realtime.expression.tuning import semitones_of_key
from instrument.realtime.expression.variation import vary_voice
from instrument.realtime.memory.constants import ATTACK, LANES, POLYPHONY, TICK_FRAMES
from instrument.realtime.native import audio_thread
from instrument.realtime.tones.source import find_source
from instrument.realtime.voice.aim import aim_voice, ticks_remainder
from instrument.realtime.voice.lanes import count_sounding, steal_voice, take_lane
from instrument.realtime.voice.reading import open_source

DECLICK_SECONDS = 0.001  # shortest attack
OCTAVES_OF_60_DB = 9.965784  # log2(1000)
SOFT_PEDAL_VELOCITY = 0.25  # CC 67 fully down takes a quarter off the velocity
UNISON_SECONDS = 0.0007  # into the tone, from one voice of a unison to the next


@audio_thread
def start_voice(s, channel, key, velocity, fellow, overlaps):
    """Begin a voice at this very frame; return it. It always gets a lane and a source.

    `fellow` is its number among the voices of one note, 0 for the first or only one; `overlaps`
    tells whether another key is held.
    """
    if count_sounding(s) >= POLYPHONY:
        steal_voice(s)
    chan = s.channels[channel]
    bank = chan.bank
    v = take_lane(s, bank)
    voice = s.voices[v]
    s.chains[bank].is_due = 1
    sound = s.banks[bank]
    soft_pedal = max(chan.soft, s.channels[chan.master].soft) / 127.0
    felt = max(velocity * (1.0 - SOFT_PEDAL_VELOCITY * soft_pedal), 1.0)

    begin_key(s, v, channel, key, velocity, bank)
    voice.pressure_target = sound.pressure_target
    voice.felt_velocity = felt
    set_envelope(s, v, sound)
    set_vibrato(s, v, sound)
    voice.loudness = 0.0
    level = exp2(sound.velocity_curve * log2_velocity(felt))
    voice.gain = db_to_gain(sound.gain_db) * (1.0 + sound.velocity_to_gain * (level - 1.0))
    set_filter(s, v, sound, felt, soft_pedal)
    voice.pan = sound.pan + sound.stereo_width * (voice.pitch - 64) / 64.0
    start_at = vary_voice(s, v, sound.variation, fellow)
    if sound.unison > 1:
        start_at += join_unison(s, v, sound, fellow)
    find_source(s, v, False)
    open_source(s, v, start_at)
    s.sounding_groups[v // LANES] += 1
    begin_glide(s, v, overlaps)
    begin_modulation(s, v)
    aim_voice(s, v, ticks_remainder(s))
    return v


@audio_thread
def begin_key(s, v, channel, key, velocity, bank):
    """Give a voice its key, held from this very frame on, and what the key sounds."""
    voice = s.voices[v]
    semitones = semitones_of_key(s, channel, bank, key)
    voice.start_frame = s.clock
    voice.ticked_at = s.clock
    voice.stage = ATTACK
    voice.channel = channel
    voice.key = key
    voice.velocity = velocity
    voice.bank = bank
    voice.pitch = int64(semitones + 512.5) - 512
    voice.fine = semitones - voice.pitch
    voice.glide = 0.0
    voice.key_is_down = 1
    voice.pedal_holds = 0
    voice.sostenuto_holds = 0
    voice.release_is_due = 0
    voice.is_fading = 0
    voice.pressure = 0
    voice.fade = 1.0
    voice.fade_step = 0.0
    voice.fade_is_straight = 0
    voice.stream = 0
    voice.stream_is_late = 0
    begin_slide(voice)


@audio_thread
def set_vibrato(s, v, sound):
    """Take over how a voice moves by itself: vibrato and drift."""
    voice = s.voices[v]
    voice.drift_amount = sound.drift
    voice.drift = 0.0
    voice.sway = 0.0
    voice.drift_ticks = 0
    voice.drift_lines = 0
    voice.lfo_phase = 0.0
    voice.lfo_step = sound.vibrato_rate_hz * TICK_FRAMES / s.rate_hz
    voice.vibrato_semitones = sound.vibrato_depth_cents / 100.0
    voice.vibrato_share = sound.vibrato_share
    voice.vibrato_delay_frames = max(sound.vibrato_delay_seconds * s.rate_hz, 1.0)


@audio_thread
def set_filter(s, v, sound, felt, soft_pedal):
    """Take over where a voice's cut-off lies, and where it comes from."""
    voice = s.voices[v]
    decay_ticks = max(sound.cutoff_decay_seconds * s.rate_hz / TICK_FRAMES, 1.0)
    voice.envelope_octaves = sound.cutoff_envelope_octaves
    voice.envelope_octaves_keep = exp2(-OCTAVES_OF_60_DB / decay_ticks)
    voice.resonance = sound.resonance
    voice.cutoff_hz = sound.cutoff_hz
    voice.cutoff_octaves = (
        sound.cutoff_key_track * (voice.pitch - 60) / 12.0
        - sound.cutoff_velocity_octaves * (1.0 - felt / 127.0)
        - 0.5 * soft_pedal
    )


@audio_thread
def join_unison(s, v, sound, fellow):
    """Place one voice of a unison in pitch, space and time; return how many frames in it starts."""
    voice = s.voices[v]
    place = 2.0 * fellow / (sound.unison - 1) - 1.0
    voice.detune += place * sound.unison_detune_cents / 100.0
    voice.pan += place * sound.unison_spread
    voice.gain *= sound.unison_gain
    return int64(fellow * UNISON_SECONDS * s.rate_hz)


@audio_thread
def set_envelope(s, v, sound):
    """Turn the preset's seconds into steps per frame and factors per tick."""
    voice = s.voices[v]
    ticks_per_second = s.rate_hz / TICK_FRAMES
    attack = max(sound.attack_seconds, DECLICK_SECONDS)
    voice.envelope = 0.0
    voice.envelope_step = 0.0
    voice.attack_step = 1.0 / (attack * s.rate_hz)
    decay_ticks = max(sound.decay_seconds * ticks_per_second, 1.0)
    voice.decay_keep = exp2(-OCTAVES_OF_60_DB / decay_ticks)
    voice.sustain_level = sound.sustain_level
    release = max(sound.release_seconds, 0.005)
    voice.release_octaves = -OCTAVES_OF_60_DB / (release * s.rate_hz)


@audio_thread
def log2_velocity(velocity):
    """Return log2(velocity / 127) for 1 <= velocity <= 127, to 1e-4."""
    x = velocity / 127.0
    octaves = 0.0
    while x < 0.70710678:
        x *= 2.0
        octaves -= 1.0
    z = (x - 1.0) / (x + 1.0)  # ln x = 2 atanh z
    return octaves + 2.885390081777927 * z * (1.0 + z * z * (1 / 3 + z * z * (1 / 5)))


assert np.log2(1000.0) - OCTAVES_OF_60_DB < 1e-6
