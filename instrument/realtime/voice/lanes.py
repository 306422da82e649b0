"""Lanes of the mixer: which voice has which, who makes room, and how one fades.

Two lanes may carry one note: a stolen, re-struck or replaced voice keeps its lane as a ghost
(`is_fading`) until its fade is over, while its successor already sounds on another lane.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.expression.slide import drop_slide
from instrument.realtime.memory.constants import (
    BUILT_IN_BANK,
    FREE,
    LANE_COUNT,
    LANES,
    RELEASE,
    TICK_FRAMES,
)
from instrument.realtime.native import audio_thread
from instrument.realtime.tones.stream import drop_stream

STEAL_SECONDS = 0.003
NEW_VOICE_SECONDS = 0.020  # not stolen for being quiet: it has only begun


@audio_thread
def take_lane(s, bank):
    """Return a free lane; if even the ghosts have none left, that of the faintest ghost.

    A group of lanes belongs to one bank at a time, whose effects its sum goes through.
    """
    for v in range(LANE_COUNT):
        group = v // LANES
        if s.voices[v].stage == FREE and (
            s.sounding_groups[group] == 0 or s.group_bank[group] == bank
        ):
            s.group_bank[group] = bank
            return v
    faintest = 0
    for v in range(LANE_COUNT):
        ghost = s.voices[v]
        if ghost.is_fading and (
            not s.voices[faintest].is_fading or ghost.fade < s.voices[faintest].fade
        ):
            faintest = v
    s.meters.cut_steals += 1
    free_lane(s, faintest)
    return faintest


@audio_thread
def free_lane(s, v):
    """End a voice."""
    group = v // LANES
    column = v % LANES
    drop_stream(s, v)
    drop_slide(s, v)
    s.voices[v].stage = FREE
    s.voices[v].is_fading = 0
    s.voices[v].key_is_down = 0
    s.sounding_groups[group] -= 1
    s.low_1[group, column] = 0.0
    s.low_2[group, column] = 0.0
    s.gain_left[group, column] = 0.0
    s.gain_right[group, column] = 0.0
    s.step_left[group, column] = 0.0
    s.step_right[group, column] = 0.0
    s.lane_peak[group, column] = 0.0


@audio_thread
def count_sounding(s):
    """Return how many notes sound, ghosts not counted."""
    count = 0
    for v in range(LANE_COUNT):
        if s.voices[v].stage != FREE and not s.voices[v].is_fading:
            count += 1
    return count


@audio_thread
def steal_voice(s):
    """Fade out the quietest released voice, or else the quietest; of equals the oldest."""
    victim = -1
    best_held = True
    best_loudness = 0.0
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if voice.stage == FREE or voice.is_fading:
            continue
        held = voice.stage != RELEASE
        loudness = float(voice.loudness)
        if s.clock - voice.start_frame < NEW_VOICE_SECONDS * s.rate_hz:
            loudness = 1.0 + voice.gain
        older = victim >= 0 and voice.start_frame < s.voices[victim].start_frame
        if (
            victim < 0
            or (best_held and not held)
            or (
                best_held == held
                and (loudness < best_loudness or (loudness == best_loudness and older))
            )
        ):
            victim = v
            best_held = held
            best_loudness = loudness
    if victim >= 0:
        fade_voice(s, victim, STEAL_SECONDS)
        s.meters.stolen_voices += 1


@audio_thread
def fade_voice(s, v, seconds):
    """Turn a voice into a ghost that is silent after `seconds`, from its present level."""
    voice = s.voices[v]
    step = -TICK_FRAMES / (seconds * s.rate_hz)
    if voice.is_fading:
        step = min(step, voice.fade_step)
    voice.fade_step = step
    voice.is_fading = 1
    voice.key_is_down = 0
    voice.pedal_holds = 0
    voice.sostenuto_holds = 0


@audio_thread
def count_banks(s):
    """Publish which banks are being read, and how many voices sound."""
    sounding = 0
    fading = 0
    streams = 0
    for bank in range(len(s.meters.bank_voices)):
        s.bank_count[bank] = 1 if s.chains[bank].is_awake else 0
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if s.sounding_groups[v // LANES] == 0 or voice.stage == FREE:
            continue
        s.bank_count[voice.source_bank] += 1
        if voice.is_fading:
            fading += 1
        else:
            sounding += 1
            streams += voice.reads_stream
            if voice.bank != voice.source_bank:
                s.bank_count[voice.bank] += 1
    for bank in range(len(s.meters.bank_voices)):
        s.meters.bank_voices[bank] = s.bank_count[bank]
    s.meters.active_voices = sounding
    s.meters.streams = streams
    s.meters.fading_voices = fading


assert BUILT_IN_BANK == 0
