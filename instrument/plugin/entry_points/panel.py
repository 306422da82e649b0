"""What the plug-in's C calls for the web panel."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import numpy as np
from numpy import int64

from instrument.plugin.instance_panel import FIGURES, FIRST_KEY_CHARACTER
from instrument.realtime.memory.constants import (
    FREE,
    LANE_COUNT,
    LOUD,
    LOWEST_PITCH,
    PANEL_SOURCE,
    PITCH_COUNT,
    RELEASE,
    RING_EVENTS,
    TO_VOICES,
)
from instrument.realtime.native import carray, fence


def lk_press(state, status, data1, data2):
    """Helper: let the panel play a MIDI message at the next block; 0 when its ring is full."""
    ring = carray(state, (1,))[0].panel_ring
    if ring.head - ring.tail >= RING_EVENTS:
        return int64(0)
    event = ring.events[ring.head % RING_EVENTS]
    event.time_frames = -1
    event.status = status
    event.data1 = data1
    event.data2 = data2
    event.source = PANEL_SOURCE
    event.value = TO_VOICES
    fence()
    ring.head += 1
    return int64(1)


def lk_look(state, bank, partner_channels, keys, figures):
    """Helper: see how far the tones of a bank are, what sounds, and how it goes.

    Bit c of `partner_channels` says that channel c is the partner's.
    """
    s = carray(state, (1,))[0]
    seen = carray(keys, (PITCH_COUNT,), np.uint8)
    for index in range(PITCH_COUNT):
        slot = s.slots[bank, LOUD, index]
        ready = slot.frames_ready
        seen[index] = 0 if ready == 0 else 1 if ready < slot.frames_whole else 2
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        index = voice.pitch - LOWEST_PITCH
        if voice.stage in (FREE, RELEASE) or voice.is_fading or not 0 <= index < PITCH_COUNT:
            continue
        who = 2 if partner_channels >> voice.channel & 1 else 1
        if not seen[index] // 3 & who:
            seen[index] += 3 * who
    for index in range(PITCH_COUNT):
        seen[index] += FIRST_KEY_CHARACTER
    found = carray(figures, (FIGURES,), np.float64)
    found[0] = s.meters.active_voices
    found[1] = s.meters.stolen_voices
    found[2] = s.meters.lost_events
    found[3] = s.meters.late_events
    found[4] = s.meters.peak
    found[5] = s.meters.limiter_gain
