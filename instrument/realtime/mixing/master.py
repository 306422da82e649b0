"""The last stage: master gain, limiter, guard against invalid numbers, output, recording.

The limiter is transparent below -1 dB: it then multiplies by exactly 1. Above, it lowers the gain
within one tick and lets it rise again over 150 ms; what comes through in that first tick is bent
softly below full scale. It looks at nothing ahead, so it adds no latency. Where a sound has glue,
peaks between samples count, too.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32

from instrument.realtime.dsp import THRESHOLD, bend_softly
from instrument.realtime.memory.constants import FREE, LANE_COUNT, LANES, RECORD_FRAMES, TICK_FRAMES
from instrument.realtime.mixing.true_peak import remember, true_peak
from instrument.realtime.native import audio_thread
from instrument.realtime.voice.lanes import free_lane

HALF = 0.5  # a tick whose samples stay below has no peak above the threshold between them
RELEASE_SECONDS = 0.150
MASTER_SECONDS = 0.020
AUDIBLE = 1e-4  # -80 dB
LARGEST = 1e30  # above: as good as infinite


@audio_thread
def advance_master(s):
    """Move the master's gains by one tick."""
    approach = min(TICK_FRAMES / (MASTER_SECONDS * s.rate_hz), 1.0)
    target_gain = s.master_target * s.master_volume
    away = target_gain - s.master_gain
    s.master_gain += away * approach
    if abs(away) < 1e-4:
        s.master_gain = target_gain
    s.limiter_gain = s.limiter_target
    target = float32(1.0)
    if s.cell_peak > THRESHOLD:
        target = float32(THRESHOLD / s.cell_peak)
    if target > s.limiter_gain:
        rise = min(TICK_FRAMES / (RELEASE_SECONDS * s.rate_hz), 1.0)
        target = s.limiter_gain + (target - s.limiter_gain) * float32(rise)
        if target > 0.9999:
            target = float32(1.0)
    s.limiter_target = target
    s.limiter_step = (target - s.limiter_gain) / float32(TICK_FRAMES)
    s.cell_peak = 0.0
    s.meters.limiter_gain = target


@audio_thread
def write_output(s, left_out, right_out, stride, at, frames):
    """Finish one segment and write it to the device's buffers and the recording.

    `left_out` and `right_out` are float32 arrays; frame f goes to index ``(at + f) * stride``.
    """
    into_tick = s.clock % TICK_FRAMES
    recorded = s.record_ring.head
    for frame in range(frames):
        fade = max(s.fade_out, float32(0.0))
        s.fade_out += s.fade_out_step
        gain = s.master_gain * fade
        left = s.out_left[frame] * gain
        right = s.out_right[frame] * gain
        if not (abs(left) < LARGEST and abs(right) < LARGEST):
            s.meters.invalid_samples += 1
            left = float32(0.0)
            right = float32(0.0)
        s.cell_peak = max(s.cell_peak, max(abs(left), abs(right)))
        if s.true_peak_is_wanted:
            remember(s.past_left, left)
            remember(s.past_right, right)
            if s.cell_peak > HALF:
                between = max(true_peak(s.past_left), true_peak(s.past_right))
                s.cell_peak = max(s.cell_peak, between)
        limit = s.limiter_gain + s.limiter_step * float32(into_tick + frame)
        if limit != 1.0:
            left *= limit
            right *= limit
        if limit != 1.0 or max(abs(left), abs(right)) > THRESHOLD:
            s.meters.limited_frames += 1
            left = bend_softly(left)
            right = bend_softly(right)
        peak = max(abs(left), abs(right))
        s.block_peak = max(s.block_peak, peak)
        if peak > AUDIBLE:
            s.meters.last_sound_frame = s.clock + frame
        left_out[(at + frame) * stride] = left
        right_out[(at + frame) * stride] = right
        slot = (recorded + frame) % RECORD_FRAMES
        s.record_ring.audio[slot, 0] = left
        s.record_ring.audio[slot, 1] = right
    if s.fade_out <= 0.0:
        s.stopped = 1


@audio_thread
def end_invalid_voices(s):
    """End the voices whose filter holds an invalid number: they would never recover."""
    for v in range(LANE_COUNT):
        low_1 = s.low_1[v // LANES, v % LANES]
        low_2 = s.low_2[v // LANES, v % LANES]
        if s.voices[v].stage != FREE and not (abs(low_1) < LARGEST and abs(low_2) < LARGEST):
            free_lane(s, v)
