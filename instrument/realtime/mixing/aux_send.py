"""An aux send: all sounds go to the rack's process, and what comes back is added before the master.

Nothing waits. A frame of the return is due `latency_frames` after it was sent. When no more than
`FADE_OUT_FRAMES` are left of what is there, the return fades within them. It comes back by a fade,
0.2 s later at the soonest, so that a rack that is late all the time does not rattle. The dry sound
is not touched by any of this.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32

from instrument.realtime.memory.aux_memory import FADE_OUT_FRAMES, RACK_FRAMES
from instrument.realtime.native import audio_thread, fence

FADE_IN_SECONDS = 0.010
BACK_SECONDS = 0.2
SMOOTHING = 0.002  # of the way to a level, per frame


@audio_thread
def send_and_return(s, frames):
    """Send one segment of `out_left` and `out_right`, and add what has come back to it."""
    rack = s.rack
    if rack.is_on == 0 and rack.fade <= 0.0 and rack.dry_frames == 0:
        rack.plays = 0
        return
    for frame in range(frames):
        slot = (s.clock + frame) % RACK_FRAMES
        rack.send[slot, 0] = s.out_left[frame]
        rack.send[slot, 1] = s.out_right[frame]
    fence()
    rack.sent = s.clock + frames
    step = float32(1.0 / (FADE_IN_SECONDS * s.rate_hz))
    for frame in range(frames):
        now = s.clock + frame
        if rack.dry_frames != 0:
            slot = (now - rack.dry_frames) % RACK_FRAMES
            s.out_left[frame] = rack.send[slot, 0]
            s.out_right[frame] = rack.send[slot, 1]
        follow_return(s, now, step)
        if rack.fade > 0.0:
            add_return(s, frame, now)


@audio_thread
def follow_return(s, now, step):
    """Fade the return in or out by one frame, as it is there or not."""
    rack = s.rack
    if rack.plays:
        if is_back(rack, now - rack.latency_in_use) and rack.latency_frames == rack.latency_in_use:
            rack.fade = min(rack.fade + step, float32(1.0))
            return
        rack.plays = 0
        rack.back_at = now + int(BACK_SECONDS * s.rate_hz)
        s.meters.late_racks += rack.is_on
    rack.fade = max(rack.fade - float32(1.0 / FADE_OUT_FRAMES), float32(0.0))
    if rack.fade <= 0.0 and now >= rack.back_at and is_back(rack, now - rack.latency_frames):
        rack.plays = 1
        rack.latency_in_use = rack.latency_frames
        rack.return_gain = rack.return_level
        rack.dry_gain = rack.dry_level


@audio_thread
def is_back(rack, wanted):
    """Tell whether a frame of the send has come back, and enough behind it to fade."""
    is_there = rack.returned_from <= wanted and wanted + FADE_OUT_FRAMES < rack.returned
    return rack.is_on != 0 and is_there


@audio_thread
def add_return(s, frame, now):
    """Add one frame of the return to the output."""
    rack = s.rack
    rack.return_gain += (rack.return_level - rack.return_gain) * float32(SMOOTHING)
    rack.dry_gain += (rack.dry_level - rack.dry_gain) * float32(SMOOTHING)
    slot = (now - rack.latency_in_use) % RACK_FRAMES
    fade = rack.fade * rack.fade * (float32(3.0) - rack.fade - rack.fade)
    direct = float32(1.0) - (float32(1.0) - rack.dry_gain) * fade
    wet = rack.return_gain * fade
    s.out_left[frame] = s.out_left[frame] * direct + rack.wet[slot, 0] * wet
    s.out_right[frame] = s.out_right[frame] * direct + rack.wet[slot, 1] * wet
