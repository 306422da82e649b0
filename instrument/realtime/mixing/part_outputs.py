"""Outputs of their own for the parts beyond the first, where the device has them (JACK).

A bank that such a part plays goes, behind its effects, to the part's pair instead of the main one:
past the rack, the limiter and the recording, but with the master's gain and its fade. Above -1 dB
it is bent softly. What two parts share leaves by the first one's.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import numpy as np
from numpy import float32

from instrument.realtime.dsp import bend_softly
from instrument.realtime.memory.constants import CHANNEL_COUNT, MOST_PARTS
from instrument.realtime.native import audio_thread, carray, floats_at

AUDIBLE = 1e-4  # -80 dB
LARGEST = 1e30  # above: as good as infinite
SIDES = 2


@audio_thread
def follow_parts(s):
    """Note which bank leaves by which pair; on the grid, and when a channel changes its bank."""
    if s.part_pairs == 0:
        return
    for number in range(min(s.part_count, s.part_pairs + 1, MOST_PARTS) - 1, -1, -1):
        channel = s.parts[number].plays
        if 0 <= channel < CHANNEL_COUNT:
            s.bank_pair[s.channels[channel].bank] = number


@audio_thread
def pair_of(s, bank):
    """Return the pair that a bank leaves by; 0 is the main one."""
    return min(s.bank_pair[bank], s.part_pairs)


@audio_thread
def silence_parts(s, frames):
    """Begin a segment of every pair."""
    for pair in range(s.part_pairs):
        for side in range(SIDES):
            for frame in range(frames):
                s.part_out[pair, side, frame] = float32(0.0)


@audio_thread
def add_to_part(s, pair, frames):
    """Add the bus to a pair, 1 for the second part's."""
    for frame in range(frames):
        s.part_out[pair - 1, 0, frame] += s.bus_left[frame]
        s.part_out[pair - 1, 1, frame] += s.bus_right[frame]


@audio_thread
def write_parts(s, at, frames):
    """Write a segment of every pair to the device; the master's own moves the fade afterwards."""
    for pair in range(s.part_pairs):
        for side in range(SIDES):
            out = carray(floats_at(s.part_buffers[pair, side]), (at + frames,), np.float32)
            fade_out = s.fade_out
            for frame in range(frames):
                gain = s.master_gain * max(fade_out, float32(0.0))
                fade_out += s.fade_out_step
                out[at + frame] = finished(s, s.part_out[pair, side, frame] * gain, frame)


@audio_thread
def finished(s, sample, frame):
    """Return a sample as it leaves: valid, and below full scale."""
    if not abs(sample) < LARGEST:
        s.meters.invalid_samples += 1
        return float32(0.0)
    if abs(sample) > AUDIBLE:
        s.meters.last_sound_frame = s.clock + frame
    sample = bend_softly(sample)
    s.block_peak = max(s.block_peak, abs(sample))
    return sample
