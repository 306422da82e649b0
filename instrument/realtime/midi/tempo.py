"""Tempo: what a MIDI clock or control says, for what keeps time."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.native import audio_thread

SLOWEST, FASTEST = 20.0, 400.0  # beats per minute
TICKS_PER_BEAT = 24.0
APPROACH = 0.1
STEADY = 0.005  # a clock that strays by less keeps its tempo: it only jitters


@audio_thread
def set_tempo(s, beats_per_minute):
    """Take over a tempo, within what is music."""
    s.tempo = min(max(beats_per_minute, SLOWEST), FASTEST)


@audio_thread
def follow_clock(s):
    """Measure the tempo from a tick to the next."""
    since = s.clock - s.tempo_tick_frame
    s.tempo_tick_frame = s.clock
    slowest = 60.0 * s.rate_hz / (SLOWEST * TICKS_PER_BEAT)
    if since <= 0 or since > slowest:
        s.tempo_tick_frames = 0.0  # the first one, or the first after a pause
        return
    if s.tempo_tick_frames == 0.0:
        s.tempo_tick_frames = float(since)
    s.tempo_tick_frames += APPROACH * (since - s.tempo_tick_frames)
    measured = 60.0 * s.rate_hz / (TICKS_PER_BEAT * s.tempo_tick_frames)
    if abs(measured - s.tempo) > STEADY * s.tempo:
        set_tempo(s, measured)
