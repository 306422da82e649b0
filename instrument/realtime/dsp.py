"""The few functions of mathematics that the audio thread needs, without the C library.

Written out so that the compiled kernel depends on nothing but itself, and gives the same bits on
every machine of one kind.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import math

import numpy as np
from numpy import float32

from instrument.realtime.native import audio_thread, bits_to_float

LN2 = math.log(2.0)
TURN = 2.0 * math.pi
OCTAVES_PER_DB = math.log2(10.0) / 20.0
THRESHOLD = 0.89125094  # -1 dB


@audio_thread
def exp2(octaves):
    """Return 2 to the power of `octaves`, within 6e-9 (1e-5 cents), exact at whole octaves."""
    whole = math.floor(octaves + 0.5)
    x = (octaves - whole) * LN2  # |x| <= 0.35: the eighth-order term is below 6e-9
    fraction = 1.0 + x * (
        1.0
        + x * (1 / 2 + x * (1 / 6 + x * (1 / 24 + x * (1 / 120 + x * (1 / 720 + x * (1 / 5040))))))
    )
    exponent = min(max(np.int64(whole), np.int64(-1000)), np.int64(1000))
    return fraction * bits_to_float((exponent + 1023) << 52)


@audio_thread
def sine(turns):
    """Return the sine of an angle in turns, within 6e-8."""
    x = turns - math.floor(turns + 0.5)  # -0.5..0.5
    if x > 0.25:
        x = 0.5 - x
    elif x < -0.25:
        x = -0.5 - x
    x *= TURN
    y = x * x
    return x * (
        1.0
        + y * (-1 / 6 + y * (1 / 120 + y * (-1 / 5040 + y * (1 / 362880 + y * (-1 / 39916800)))))
    )


@audio_thread
def tangent(turns):
    """Return the tangent of an angle in turns, for 0 <= turns < 0.25."""
    return sine(turns) / sine(turns + 0.25)


@audio_thread
def db_to_gain(db):
    """Return the amplitude factor of a level."""
    return exp2(db * OCTAVES_PER_DB)


@audio_thread
def bend_softly(x):
    """Leave a sample below the threshold alone; bring what is above it smoothly below 1."""
    magnitude = abs(x)
    if magnitude <= THRESHOLD:
        return x
    room = float32(1.0 - THRESHOLD)
    over = (magnitude - float32(THRESHOLD)) / room
    bent = float32(THRESHOLD) + room * over / (float32(1.0) + over)
    return bent if x > 0.0 else -bent
