"""The chain of one bank: when it is awake, what its parameters do, and its effects in order."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32

from instrument.realtime.effects.chorus import aim_chorus, run_chorus
from instrument.realtime.effects.delay import aim_delay, run_delay
from instrument.realtime.effects.glue import aim_glue, run_glue
from instrument.realtime.effects.orbit import aim_orbit, run_orbit
from instrument.realtime.effects.reverb import aim_reverb, aim_sway, run_reverb
from instrument.realtime.effects.tone import (
    HIGH,
    LOW,
    MID,
    aim_drive,
    aim_tone,
    run_drive,
    run_tone,
)
from instrument.realtime.effects.width import aim_width, run_width
from instrument.realtime.memory.constants import BANK_COUNT, GROUP_COUNT, TICK_FRAMES
from instrument.realtime.memory.effect_memory import (
    BANDS,
    CHORUS_FRAMES,
    DELAY_FRAMES,
    DIFFUSERS,
    REVERB_FRAMES,
    REVERB_LINES,
    SPREAD_FRAMES,
    SPREADERS,
    SWAYS,
    TAPS,
)
from instrument.realtime.native import audio_thread

SMOOTHING_SECONDS = 0.020
INAUDIBLE = float32(2.0**-17)  # -102 dB
QUIET_SECONDS = 0.5  # beside the delay's length: then a chain sleeps
MUTE_SECONDS = 0.020
CLEANED_FRAMES = 1024  # of the lines in a tick: all of them at once would take 100 µs


@audio_thread
def asks_for_effects(chain, sound):
    """Tell whether a sound, or a controller, asks for anything."""
    return (
        chain.chorus_control > 1
        or chain.reverb_control > 1
        or sound.width != 0.0
        or sound.drive != 0.0
        or sound.orbit_depth != 0.0
        or sound.glue != 0.0
        or sound.tone_low_db != 0.0
        or sound.tone_mid_db != 0.0
        or sound.tone_high_db != 0.0
        or sound.chorus_level != 0.0
        or sound.delay_level != 0.0
        or sound.reverb_level != 0.0
    )


@audio_thread
def advance_chains(s, is_tick):
    """Wake the chains of voices that begin; on the grid let all live through a tick."""
    if is_tick:
        s.true_peak_is_wanted = 0
    for bank in range(BANK_COUNT):
        chain = s.chains[bank]
        sound = s.banks[bank]
        sounds = is_tick and bank_sounds(s, bank)
        is_due = chain.is_due or sounds  # effects may be turned up while voices sound
        is_new = is_due and not chain.is_awake and asks_for_effects(chain, sound)
        chain.is_due = 0
        if is_new:
            clean_lines(chain, chain.unclean)
            wake_chain(chain, sound)
        elif not is_tick:
            continue
        elif chain.unclean > 0:
            clean_lines(chain, CLEANED_FRAMES)
        elif sounds:
            chain.quiet_ticks = 0
        if chain.is_awake and (is_new or not fall_asleep(s, chain)):
            aim_chain(s, chain, sound)
        if chain.is_awake and sound.glue > 0.0:
            s.true_peak_is_wanted = 1


@audio_thread
def bank_sounds(s, bank):
    """Tell whether a bank has voices."""
    for group in range(GROUP_COUNT):
        if s.sounding_groups[group] > 0 and s.group_bank[group] == bank:
            return True
    return False


@audio_thread
def aim_chain(s, chain, sound):
    """Move every parameter by a tick."""
    aim_levels(s, chain, sound)
    aim_tone(s, chain, sound)
    aim_drive(chain, sound)
    aim_width(s, chain)
    aim_orbit(s, chain, sound)
    aim_chorus(s, chain, sound)
    aim_delay(s, chain, sound)
    aim_reverb(s, chain, sound)
    aim_sway(s, chain, sound)
    aim_glue(s, chain, sound)


@audio_thread
def wake_chain(chain, sound):
    """Begin with the levels that the sound has: nothing can jump yet."""
    chain.is_awake = 1
    chain.quiet_ticks = 0
    chain.wet_peak = 0.0
    chain.mute_gain = 1.0
    chain.width = sound.width
    chain.chorus_level = wanted_level(chain.chorus_control, sound.chorus_level)
    chain.delay_level = sound.delay_level
    chain.reverb_level = wanted_level(chain.reverb_control, sound.reverb_level)
    chain.delay_frames = 0.0  # the next aim sets it at once
    chain.orbit_phase = 0.0
    chain.orbit_left = 1.0
    chain.orbit_right = 1.0
    chain.glue_gain = 1.0
    chain.glue_peak = 0.0
    chain.band_db[LOW] = sound.tone_low_db
    chain.band_db[MID] = sound.tone_mid_db
    chain.band_db[HIGH] = sound.tone_high_db
    for band in range(BANDS):
        chain.band_hz[band] = 0.0  # to be computed
    chain.drive = float32(0.999) * sound.drive  # near enough to be there at once


@audio_thread
def fall_asleep(s, chain):
    """End a chain that has been quiet for as long as it could hide an echo; True if it has."""
    chain.quiet_ticks = 0 if chain.wet_peak > INAUDIBLE else chain.quiet_ticks + 1
    chain.wet_peak = 0.0
    seconds = QUIET_SECONDS
    if chain.delay_runs:
        seconds += chain.delay_frames / s.rate_hz
    is_over = chain.quiet_ticks * TICK_FRAMES > seconds * s.rate_hz
    if chain.is_muted:
        is_over = chain.mute_gain <= 0.0
    if is_over:
        forget_sound(chain)
    return is_over


@audio_thread
def forget_sound(chain):
    """Sleep, with every filter empty and lines to be cleaned: what wakes begins as if new."""
    chain.is_awake = 0
    chain.is_muted = 0
    chain.orbit_runs = 0
    chain.chorus_runs = 0
    chain.delay_runs = 0
    chain.reverb_runs = 0
    chain.at = 0
    chain.spread_phase = 0.0
    chain.spread_delay = 0.0
    chain.chorus_phase = 0.0
    chain.chorus_flutter = 0.0
    for wall in range(SWAYS):
        chain.sway[wall] = 0.0
        chain.sway_step[wall] = 0.0
        chain.sway_turn[wall] = 0.0
    chain.unclean = DELAY_FRAMES  # the longest line
    for line in range(REVERB_LINES):
        chain.line_low[line] = 0.0
    for band in range(BANDS):
        for index in range(4):
            chain.band_state[band, index] = 0.0
    for tap in range(TAPS):
        chain.tap_delay[tap] = 0.0
    chain.delay_low[0] = 0.0
    chain.delay_low[1] = 0.0
    chain.spread_low = 0.0


@audio_thread
def clean_lines(chain, frames):
    """Silence the last `frames` of those that are unclean, in every line that is so long."""
    first = max(chain.unclean - frames, 0)
    for frame in range(first, chain.unclean):
        chain.delay[frame, 0] = 0.0
        chain.delay[frame, 1] = 0.0
    for frame in range(first, min(chain.unclean, REVERB_FRAMES)):
        chain.pre_delay[frame, 0] = 0.0
        chain.pre_delay[frame, 1] = 0.0
        for line in range(REVERB_LINES):
            chain.lines[frame, line] = 0.0
    for frame in range(first, min(chain.unclean, SPREAD_FRAMES)):
        for spreader in range(SPREADERS):
            chain.spread[frame, spreader] = 0.0
    for frame in range(first, min(chain.unclean, CHORUS_FRAMES)):
        chain.chorus[frame] = 0.0
        for index in range(DIFFUSERS):
            chain.diffusers[frame, index] = 0.0
    chain.unclean = first


@audio_thread
def wanted_level(control, level):
    """Return a send's level: the controller's, if it was moved, or the preset's."""
    return float32((control - 1) / 127.0) if control > 0 else level


@audio_thread
def aim_levels(s, chain, sound):
    """Let the levels follow the preset and the controllers."""
    approach = min(TICK_FRAMES / (SMOOTHING_SECONDS * s.rate_hz), 1.0)
    chain.width_step = step_to(chain.width, sound.width, approach)
    chorus = wanted_level(chain.chorus_control, sound.chorus_level)
    chain.chorus_step = step_to(chain.chorus_level, chorus, approach)
    chain.delay_step = step_to(chain.delay_level, sound.delay_level, approach)
    reverb = wanted_level(chain.reverb_control, sound.reverb_level)
    chain.reverb_step = step_to(chain.reverb_level, reverb, approach)
    chain.orbit_runs |= sound.orbit_depth > 0.0
    chain.chorus_runs |= is_heard(chain.chorus_level, chain.chorus_step)
    chain.delay_runs |= is_heard(chain.delay_level, chain.delay_step)
    chain.reverb_runs |= is_heard(chain.reverb_level, chain.reverb_step)


@audio_thread
def step_to(level, target, approach):
    """Return the step per frame towards a level; the last one arrives."""
    away = target - level
    if abs(away) > 1e-4:
        away *= approach
    return float32(away / TICK_FRAMES)


@audio_thread
def run_chain(s, bank, frames):
    """Put one segment of a bank's sound, in `bus_left` and `bus_right`, through its effects."""
    chain = s.chains[bank]
    sound = s.banks[bank]
    if chain.tone_is_on:
        run_tone(s, chain, frames)
    if chain.drive > 0.0:
        run_drive(s, chain, frames)
    if is_heard(chain.width, chain.width_step):
        run_width(s, chain, frames)
    if chain.orbit_runs:
        run_orbit(s, chain, frames)
    if chain.chorus_runs:
        run_chorus(s, chain, sound, frames)
    if chain.delay_runs:
        run_delay(s, chain, sound, frames)
    if chain.reverb_runs:
        run_reverb(s, chain, frames)
    if sound.glue > 0.0 or chain.glue_gain != 1.0:
        run_glue(s, chain, frames)
    chain.at += frames
    peak = chain.wet_peak
    mute = chain.mute_gain
    step = float32(1.0 / (MUTE_SECONDS * s.rate_hz)) if chain.is_muted else float32(0.0)
    for frame in range(frames):
        mute = max(mute - step, float32(0.0))
        s.bus_left[frame] *= mute
        s.bus_right[frame] *= mute
        peak = max(peak, max(abs(s.bus_left[frame]), abs(s.bus_right[frame])))
    chain.mute_gain = mute
    chain.wet_peak = peak


@audio_thread
def is_heard(level, step):
    """Tell whether a level is off nothing, or about to be."""
    return abs(level) > 1e-6 or abs(step) > 1e-9


@audio_thread
def mute_chain(s, bank):
    """Let a bank's effects fade and forget what they hold."""
    if s.chains[bank].is_awake:
        s.chains[bank].is_muted = 1
