"""Where a voice is going: gains, pitch and filter of its lane, a tick ahead.

`aim_voice` says what the lane shall reach when the next tick begins; between ticks the gains are
straight lines. Events between two ticks aim anew from where the line is, so nothing ever jumps.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32, int64

from instrument.realtime.dsp import db_to_gain, exp2, sine, tangent
from instrument.realtime.memory.constants import (
    ATTACK,
    DECAY,
    LANES,
    PRESSURE_CUTOFF,
    PRESSURE_LEVEL,
    PRESSURE_VIBRATO,
    RELEASE,
    TICK_FRAMES,
    TO_CUTOFF,
    TO_LEVEL,
    TO_PAN,
    TO_PITCH,
)
from instrument.realtime.native import audio_thread

ONE = 1 << 32
FASTEST_RATE = 17.0  # what SLOPE_FRAMES has room for
SILENCE = 2.0**-15  # -90 dB: where a release ends
DECAY_SETTLES = 2.0**-10
OPEN_HZ = 20_000.0  # a cut-off from here on is an open filter, exactly
OPENING_HZ = 16_000.0
BUTTERWORTH = 1.4142135623730951
RESONANCE_OCTAVES = 4.0  # damping at resonance 1: sqrt(2) / 16
PRESSURE_CUTOFF_OCTAVES = 2.0


@audio_thread
def ticks_remainder(s):
    """Return the frames from now to the next tick, 1..TICK_FRAMES."""
    return TICK_FRAMES - s.clock % TICK_FRAMES


@audio_thread
def aim_for_next_tick(s, v):
    """Set what the lane shall reach a whole tick from now."""
    aim_voice(s, v, int64(TICK_FRAMES))  # for a literal there would be code of its own


@audio_thread
def aim_voice(s, v, frames):
    """Set what the lane shall reach `frames` from now, at the next tick."""
    advance_envelope(s, v, frames)
    voice = s.voices[v]
    chan = s.channels[voice.channel]
    pressure = max(voice.pressure, chan.felt_pressure) / 127.0
    vibrato = chan.vibrato
    cutoff = float32(chan.cutoff_octaves)
    level = chan.level
    if pressure > 0.0:
        if voice.pressure_target == PRESSURE_VIBRATO:
            vibrato = min(vibrato + pressure, 1.0)
        elif voice.pressure_target == PRESSURE_CUTOFF:
            cutoff = float32(cutoff + PRESSURE_CUTOFF_OCTAVES * pressure)
        elif voice.pressure_target == PRESSURE_LEVEL:
            level *= 1.0 + pressure
    if voice.vibrato_share > 0.0:
        vibrato = max(vibrato, own_vibrato(s, voice))
    wobbles = vibrato > 0.0 and voice.vibrato_semitones > 0.0
    if voice.pitch_is_due or wobbles or not chan.settled:
        semitones = voice.tuning + chan.bend_semitones + voice.drift + voice.moved[TO_PITCH]
        if voice.glide != 0.0:
            semitones += voice.glide
        if wobbles:
            semitones += voice.vibrato_semitones * vibrato * sine(voice.lfo_phase)
        voice.increment = int64(min(exp2(semitones / 12.0), FASTEST_RATE) * ONE + 0.5)
        voice.pitch_is_due = 1 if wobbles else 0
    if voice.filter_is_due or cutoff != voice.aimed_octaves:
        aim_filter(s, v, cutoff)
        voice.aimed_octaves = cutoff
        voice.filter_is_due = 0
    if voice.pan_is_due or not chan.settled:
        place = voice.pan + voice.moved[TO_PAN] + chan.balance
        quarter = 0.125 * (1.0 + min(max(place, -1.0), 1.0))
        voice.pan_left = sine(0.25 - quarter)
        voice.pan_right = sine(quarter)
        voice.pan_is_due = 0
    gain = voice.envelope * voice.loop_level * voice.gain * level * (1.0 + voice.sway)
    if voice.is_moved:
        gain *= db_to_gain(voice.moved[TO_LEVEL])
    if voice.fade < 1.0:
        gain *= voice.fade if voice.fade_is_straight else sine(0.25 * voice.fade)
    group = v // LANES
    column = v % LANES
    per_frame = float32(1.0 / frames)
    s.step_left[group, column] = (
        float32(gain * voice.pan_left) - s.gain_left[group, column]
    ) * per_frame
    s.step_right[group, column] = (
        float32(gain * voice.pan_right) - s.gain_right[group, column]
    ) * per_frame


@audio_thread
def own_vibrato(s, voice):
    """Return the share of a voice's vibrato that has come by itself: nothing, then it swells."""
    swelled = (s.clock - voice.start_frame) / voice.vibrato_delay_frames - 1.0
    return float32(voice.vibrato_share * min(max(swelled, 0.0), 1.0))


@audio_thread
def advance_envelope(s, v, frames):
    """Move the amplitude envelope to where it shall be `frames` from now."""
    voice = s.voices[v]
    before = voice.envelope
    if voice.stage == ATTACK:
        voice.envelope += voice.attack_step * frames
        if voice.envelope >= 1.0:
            voice.envelope = 1.0
            voice.stage = DECAY
    elif voice.stage == DECAY:
        above = voice.envelope - voice.sustain_level
        voice.envelope = voice.sustain_level
        if abs(above) > DECAY_SETTLES:
            voice.envelope += above * voice.decay_keep
    elif voice.stage == RELEASE:
        keep = voice.release_keep
        if frames < TICK_FRAMES:
            keep = float32(1.0 - (1.0 - keep) * frames / TICK_FRAMES)
        voice.envelope *= keep
        if voice.envelope * voice.gain < SILENCE:
            voice.envelope = 0.0
    voice.envelope_step = (voice.envelope - before) / frames


@audio_thread
def aim_filter(s, v, cutoff_octaves):
    """Compute the low-pass coefficients of a lane (A. Simper, as in `mixer.mix_group`)."""
    voice = s.voices[v]
    octaves = cutoff_octaves + voice.cutoff_octaves + voice.missing_layer_octaves
    octaves += voice.envelope_octaves + voice.moved[TO_CUTOFF]
    hz = voice.cutoff_hz * exp2(octaves)
    group = v // LANES
    column = v % LANES
    openness = min(max((hz - OPENING_HZ) / (OPEN_HZ - OPENING_HZ), 0.0), 1.0)
    g = tangent(min(max(hz, 20.0), 0.45 * s.rate_hz) / s.rate_hz * 0.5)
    damping = BUTTERWORTH * exp2(-RESONANCE_OCTAVES * voice.resonance)
    a1 = 1.0 / (1.0 + g * (g + damping))
    s.filter_1[group, column] = a1
    s.filter_2[group, column] = g * a1
    s.filter_3[group, column] = g * g * a1
    s.bypass[group, column] = openness


@audio_thread
def place_filter(s, v, semitones):
    """Let the cut-off follow a voice that has gone so far to another key."""
    voice = s.voices[v]
    voice.cutoff_octaves += s.banks[voice.bank].cutoff_key_track * semitones / 12.0
    voice.filter_is_due = 1
