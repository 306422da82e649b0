"""A voice's life, tick by tick (`TICK_FRAMES`, on absolute frames), and its release.

Envelope, fade, vibrato, glide, drift and filter move on the grid only.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.dsp import exp2
from instrument.realtime.expression.glide import advance_glide
from instrument.realtime.expression.modulation import advance_modulation
from instrument.realtime.expression.variation import advance_drift
from instrument.realtime.memory.constants import FREE, LANES, RELEASE, TICK_FRAMES
from instrument.realtime.native import audio_thread
from instrument.realtime.voice.aim import aim_for_next_tick, aim_voice, ticks_remainder
from instrument.realtime.voice.lanes import free_lane
from instrument.realtime.voice.reading import watch_source, wrap_loop

SHORTEST_SECONDS = 0.010  # a note that is let go earlier still sounds for so long
LOUDNESS_KEEP = 0.98  # per tick: spans a period of the lowest notes


@audio_thread
def advance_voice(s, v):
    """Live through one tick; called on the grid only."""
    voice = s.voices[v]
    if voice.ticked_at == s.clock:
        return  # it has taken over from another lane at this very tick
    voice.ticked_at = s.clock
    group = v // LANES
    column = v % LANES
    voice.loudness = max(s.lane_peak[group, column], voice.loudness * LOUDNESS_KEEP)
    s.lane_peak[group, column] = 0.0
    if (voice.is_fading and voice.fade <= 0.0) or (
        voice.stage == RELEASE and voice.envelope <= 0.0
    ):
        free_lane(s, v)
        return
    wrap_loop(s, v)
    if not voice.is_fading:
        watch_source(s, v)
        if voice.release_is_due:
            release_voice_if_old_enough(s, v)
    voice.fade = min(max(voice.fade + voice.fade_step, 0.0), 1.0)
    if voice.fade >= 1.0:
        voice.fade_step = 0.0
        voice.fade_is_straight = 0
    if voice.is_looping:
        voice.loop_level *= voice.loop_keep
    voice.lfo_phase += voice.lfo_step
    if voice.lfo_phase >= 1.0:
        voice.lfo_phase -= 1.0
    if voice.glide != 0.0:
        advance_glide(s, v)
    if voice.drift_amount > 0.0:
        advance_drift(s, v)
    if voice.envelope_octaves != 0.0:
        voice.envelope_octaves *= voice.envelope_octaves_keep
        if abs(voice.envelope_octaves) < 0.005:
            voice.envelope_octaves = 0.0
        voice.filter_is_due = 1
    if voice.is_moved or s.banks[voice.bank].route_count > 0:
        advance_modulation(s, v)
    aim_for_next_tick(s, v)


@audio_thread
def release_voice(s, v):
    """Begin the release at this very frame, from the present level."""
    voice = s.voices[v]
    if voice.stage == RELEASE or voice.stage == FREE:
        return
    if s.clock - voice.start_frame < SHORTEST_SECONDS * s.rate_hz:
        voice.release_is_due = 1
        return
    remaining = ticks_remainder(s)
    voice.envelope -= voice.envelope_step * remaining  # where the line is now
    voice.stage = RELEASE
    voice.release_is_due = 0
    voice.release_keep = release_keep(s, v)
    aim_voice(s, v, remaining)


@audio_thread
def release_voice_if_old_enough(s, v):
    """Release a note that was let go before it had sounded for the shortest time."""
    voice = s.voices[v]
    if s.clock - voice.start_frame >= SHORTEST_SECONDS * s.rate_hz:
        voice.stage = RELEASE
        voice.release_is_due = 0
        voice.release_keep = release_keep(s, v)


@audio_thread
def release_keep(s, v):
    """Return the release's factor per tick, stretched by a half-pressed pedal."""
    stretch = s.channels[s.voices[v].channel].release_stretch
    return exp2(s.voices[v].release_octaves * TICK_FRAMES / stretch)
