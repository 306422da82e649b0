"""A plain tone in bank 0: what a key plays when no model has rendered anything yet.

A few harmonics that fall off quickly, one slot every half octave, each a loop of whole periods.
Made in 3 ms, so an instrument whose models never come up still sounds.
"""

from __future__ import annotations

import numpy as np

from instrument.realtime.memory.constants import (
    BUILT_IN_BANK,
    HIGHEST_PITCH,
    LOUD,
    LOWEST_PITCH,
    SOFT,
)
from instrument.realtime.memory.state import EngineState

SEMITONES_APART = 6
SECONDS = 0.4
LOOP_FROM_SECONDS = 0.1
RISE_SECONDS = 0.004
HARMONICS = {SOFT: (0.6, 0.12, 0.03), LOUD: (0.6, 0.25, 0.12, 0.06, 0.03)}  # amplitudes

GAIN = 0.21  # to an RMS of 0.1, as renderers have it: a stand-in is no louder than the true note


def fill_built_in_bank(state: EngineState) -> None:
    """Render the built-in tone's slots at the device's rate."""
    rate_hz = state.rate_hz
    longest = min(round(SECONDS * rate_hz), int(state.fields["slot_frames"]))
    for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1, SEMITONES_APART):
        period = rate_hz / (440.0 * 2.0 ** ((pitch - 69) / 12))
        start = min(round(LOOP_FROM_SECONDS * rate_hz), longest // 4)
        periods = int((longest - start) / period - 0.5)
        end = start + round(periods * period)
        # The loop holds whole periods exactly: at most half a frame in 14400 off pitch (0.06 cent).
        turns = np.arange(end) * (periods / (end - start))
        rise = np.minimum(np.arange(end) / (RISE_SECONDS * rate_hz), 1.0)
        for layer, amplitudes in HARMONICS.items():
            tone = np.zeros(end)
            for number, amplitude in enumerate(amplitudes, start=1):
                if number < period / 2:  # below the Nyquist frequency
                    tone += amplitude * np.sin(2 * np.pi * number * turns)
            audio = (tone * rise).astype(np.float32)
            state.write_slot(BUILT_IN_BANK, layer, pitch, audio, loop=(start, end), gain=GAIN)
    state.banks[BUILT_IN_BANK]["gain_db"] = 0.0
