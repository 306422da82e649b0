"""Peaks between samples, as ITU-R BS.1770-5, annex 2, finds them: four times oversampled.

The filter is the annex's, and hears six frames late; nothing that sounds waits for it.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import numpy as np
from numpy import float32

from instrument.realtime.native import audio_thread

TAPS = 12
# Phases 0 and 1; 3 and 2 are the same backwards.
PHASES = np.array(
    (
        (
            *(0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000),
            *(-0.0594482421875, 0.1373291015625, 0.9721679687500, -0.1022949218750),
            *(0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500),
        ),
        (
            *(-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250),
            *(-0.1665039062500, 0.4650878906250, 0.7797851562500, -0.2003173828125),
            *(0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375),
        ),
    ),
    np.float32,
)


@audio_thread
def true_peak(past):
    """Return the largest magnitude between the last frames: float32, the newest one last."""
    peak = float32(0.0)
    for phase in range(2):
        forwards = float32(0.0)
        backwards = float32(0.0)
        for tap in range(TAPS):
            forwards += PHASES[phase, tap] * past[TAPS - 1 - tap]
            backwards += PHASES[phase, tap] * past[tap]
        peak = max(peak, max(abs(forwards), abs(backwards)))
    return peak


@audio_thread
def remember(past, x):
    """Put a frame behind the others."""
    for index in range(TAPS - 1):
        past[index] = past[index + 1]
    past[TAPS - 1] = x
