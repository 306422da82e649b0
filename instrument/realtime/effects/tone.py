"""Tone: a low shelf, a bell and a high shelf; and drive, a soft curve.

The filters are the trapezoidal state-variable ones of A. Simper, "Solving the continuous SVF
equations using trapezoidal integration and equivalent currents", Cytomic, 2013, section "Bell" and
after; the curve is a Padé approximant of the hyperbolic tangent.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import math

from numpy import float32

from instrument.realtime.dsp import exp2, tangent
from instrument.realtime.memory.effect_memory import BANDS
from instrument.realtime.native import audio_thread, square_root

OCTAVES_PER_DB = math.log2(10.0) / 20.0
LOW, MID, HIGH = 0, 1, 2  # bands
DAMPING = 1.4142135623730951  # of the shelves and, flat, of the bell
DRIVE_DB = 24.0
USUAL_PEAK = 0.25  # what keeps its level whatever the drive
CURVE_END = float32(3.0)  # from here on the curve is flat


@audio_thread
def aim_tone(s, chain, sound):
    """Compute the bands whose parameters have changed."""
    aim_band(s, chain, LOW, sound.tone_low_db, sound.tone_low_hz)
    aim_band(s, chain, MID, sound.tone_mid_db, sound.tone_mid_hz)
    aim_band(s, chain, HIGH, sound.tone_high_db, sound.tone_high_hz)
    is_on = 0
    for band in range(BANDS):
        if chain.band_db[band] != 0.0:
            is_on = 1
    chain.tone_is_on = is_on


@audio_thread
def aim_band(s, chain, band, db, hz):
    """Let a band's level approach what it shall be, and compute its coefficients."""
    away = db - chain.band_db[band]
    if away == 0.0 and hz == chain.band_hz[band]:
        return
    if abs(away) > 0.02:
        db = chain.band_db[band] + float32(0.05) * away
    chain.band_db[band] = db
    chain.band_hz[band] = hz
    gain = exp2(0.5 * db * OCTAVES_PER_DB)  # Simper's A
    g = tangent(min(hz, 0.45 * s.rate_hz) / s.rate_hz * 0.5)
    k = DAMPING
    if band == LOW:
        g /= square_root(gain)
        set_mix(chain, band, 1.0, k * (gain - 1.0), gain * gain - 1.0)
    elif band == MID:
        k = DAMPING / gain
        set_mix(chain, band, 1.0, k * (gain * gain - 1.0), 0.0)
    else:
        g *= square_root(gain)
        set_mix(chain, band, gain * gain, k * (1.0 - gain) * gain, 1.0 - gain * gain)
    a1 = 1.0 / (1.0 + g * (g + k))
    chain.band_a[band, 0] = a1
    chain.band_a[band, 1] = g * a1
    chain.band_a[band, 2] = g * g * a1


@audio_thread
def set_mix(chain, band, direct, middle, low):
    """Say what of a filter's three signals a band gives."""
    chain.band_m[band, 0] = direct
    chain.band_m[band, 1] = middle
    chain.band_m[band, 2] = low


@audio_thread
def run_tone(s, chain, frames):
    """Filter both channels through the three bands."""
    for band in range(BANDS):
        if chain.band_db[band] == 0.0:
            continue
        a1, a2, a3 = chain.band_a[band, 0], chain.band_a[band, 1], chain.band_a[band, 2]
        m0, m1, m2 = chain.band_m[band, 0], chain.band_m[band, 1], chain.band_m[band, 2]
        left_1, left_2 = chain.band_state[band, 0], chain.band_state[band, 1]
        right_1, right_2 = chain.band_state[band, 2], chain.band_state[band, 3]
        for frame in range(frames):
            x = s.bus_left[frame]
            v3 = x - left_2
            v1 = a1 * left_1 + a2 * v3
            v2 = left_2 + a2 * left_1 + a3 * v3
            left_1 = v1 + v1 - left_1
            left_2 = v2 + v2 - left_2
            s.bus_left[frame] = m0 * x + m1 * v1 + m2 * v2
            x = s.bus_right[frame]
            v3 = x - right_2
            v1 = a1 * right_1 + a2 * v3
            v2 = right_2 + a2 * right_1 + a3 * v3
            right_1 = v1 + v1 - right_1
            right_2 = v2 + v2 - right_2
            s.bus_right[frame] = m0 * x + m1 * v1 + m2 * v2
        chain.band_state[band, 0], chain.band_state[band, 1] = left_1, left_2
        chain.band_state[band, 2], chain.band_state[band, 3] = right_1, right_2


@audio_thread
def aim_drive(chain, sound):
    """Compute how far into the curve a sound goes, and how much louder it comes out."""
    if sound.drive == chain.drive:
        return
    away = sound.drive - chain.drive
    chain.drive = sound.drive if abs(away) < 0.002 else chain.drive + float32(0.05) * away
    gain = float32(exp2(chain.drive * DRIVE_DB * OCTAVES_PER_DB))
    chain.drive_gain = gain
    chain.drive_makeup = float32(USUAL_PEAK) / bent(float32(USUAL_PEAK) * gain)


@audio_thread
def run_drive(s, chain, frames):
    """Bend both channels."""
    gain = chain.drive_gain
    makeup = chain.drive_makeup
    for frame in range(frames):
        s.bus_left[frame] = makeup * bent(gain * s.bus_left[frame])
        s.bus_right[frame] = makeup * bent(gain * s.bus_right[frame])


@audio_thread
def bent(x):
    """Return tanh(x) within 0.024, flat from ±3 on."""
    x = min(max(x, -CURVE_END), CURVE_END)
    square = x * x
    return x * (float32(27.0) + square) / (float32(27.0) + float32(9.0) * square)
