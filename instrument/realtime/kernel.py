"""`process_block`: from events to sound, one block at a time.

The only sound-making function of the instrument. The JACK callback, the PortAudio callback and
`OfflineEngine` all call the same machine code, and its result does not depend on where blocks end:

- control-rate work happens on an absolute grid (`TICK_FRAMES`), never "once per block";
- a block is cut into segments at ticks and at events, and everything inside a segment is computed
  the same way however long the segment is;
- positions are integers (32.32 fixed point), so no rounding piles up.

Which is why a test can compare live audio with an offline render bit for bit.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import numpy as np
from numba import from_dtype

from instrument.realtime.effects.chain import advance_chains
from instrument.realtime.event_queue import drop_applied, log_event, take_events
from instrument.realtime.expression.channel import advance_channels
from instrument.realtime.expression.modulation import advance_lfos
from instrument.realtime.expression.slide import follow_slide
from instrument.realtime.memory.constants import FREE, GROUP_COUNT, LANES, TICK_FRAMES
from instrument.realtime.memory.layout import STATE
from instrument.realtime.midi.events import apply_event
from instrument.realtime.midi.inputs import watch_inputs
from instrument.realtime.mixing.aux_send import send_and_return
from instrument.realtime.mixing.master import advance_master, end_invalid_voices, write_output
from instrument.realtime.mixing.mixer import mix_banks
from instrument.realtime.mixing.part_outputs import follow_parts, write_parts
from instrument.realtime.native import audio_thread, carray, fence, types
from instrument.realtime.voice.lanes import count_banks
from instrument.realtime.voice.life import advance_voice
from instrument.realtime.voice.streaming import follow_stream

STATE_POINTER = types.CPointer(from_dtype(STATE))
SIGNATURE = types.void(
    STATE_POINTER,
    types.CPointer(types.float32),
    types.CPointer(types.float32),
    types.int64,
    types.int64,
)


def process_block(state, left, right, stride, frames):
    """Render the next `frames` frames.

    Parameters
    ----------
    state
        Pointer to the engine block.
    left, right
        Pointers to float32: where each channel's first frame goes.
    stride
        Distance between a channel's frames in floats: 1 = planar (JACK), 2 = interleaved.
    frames
        Any number; nothing is allocated for it.
    """
    s = carray(state, (1,))[0]
    left_out = carray(left, (frames * stride,), np.float32)
    right_out = carray(right, (frames * stride,), np.float32)
    take_events(s)
    s.block_peak = 0.0
    applied = 0
    done = 0
    while done < frames:
        if s.clock % TICK_FRAMES == 0:
            tick(s)
            watch_inputs(s)
        while applied < s.pending_count and s.pending[applied].time_frames <= s.clock:
            if apply_event(s, s.pending[applied]):
                log_event(s, s.pending[applied])
            applied += 1
        advance_chains(s, s.clock % TICK_FRAMES == 0)
        segment = min(frames - done, TICK_FRAMES - s.clock % TICK_FRAMES)
        if applied < s.pending_count:
            segment = min(segment, s.pending[applied].time_frames - s.clock)
        invalid = s.meters.invalid_samples
        mix_banks(s, segment)
        send_and_return(s, segment)
        write_parts(s, done, segment)
        write_output(s, left_out, right_out, stride, done, segment)
        if s.meters.invalid_samples != invalid:
            end_invalid_voices(s)
        s.clock += segment
        s.record_ring.head += segment
        done += segment
    drop_applied(s, applied)
    count_banks(s)
    s.meters.peak = s.block_peak
    s.meters.blocks += 1
    fence()


@audio_thread
def tick(s):
    """Do the control-rate work of this frame."""
    advance_channels(s)
    follow_parts(s)
    advance_master(s)
    advance_lfos(s)
    for group in range(GROUP_COUNT):
        if s.sounding_groups[group] == 0:
            continue
        for v in range(group * LANES, (group + 1) * LANES):
            if s.voices[v].stage != FREE:
                advance_voice(s, v)
                follow_stream(s, v)
                follow_slide(s, v)
