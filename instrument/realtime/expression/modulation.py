"""Modulation: what moves a voice's level, place, filter and pitch, by itself or as hands say.

A bank has two LFOs and up to eight routes. A route adds its source, times an amount, to its target;
what comes out follows with the 5 ms of the controllers, so that no step of a source is a click. A
voice reads its bank's routes as they are: turning one is heard in held notes too. What is random
depends on the number of the strike alone, as all variation does.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import math

from numpy import float32, int64

from instrument.realtime.dsp import sine
from instrument.realtime.expression.variation import draw, spread
from instrument.realtime.memory.constants import (
    BANK_COUNT,
    FIRST_CONTROLLER,
    FROM_ENVELOPE,
    FROM_FIRST_LFO,
    FROM_KEY,
    FROM_PRESSURE,
    FROM_RANDOM,
    FROM_SECOND_LFO,
    FROM_SLIDE,
    FROM_STRIKE,
    FROM_VELOCITY,
    FROM_WHEEL,
    LAST_CONTROLLER,
    LFO_COUNT,
    MOST_ROUTES,
    SAW,
    SQUARE,
    STEPS,
    TARGET_COUNT,
    TICK_FRAMES,
    TO_CUTOFF,
    TO_FIRST_LFO,
    TO_LEVEL,
    TO_PAN,
    TO_PITCH,
    TRIANGLE,
    WANDER,
)
from instrument.realtime.native import audio_thread

TICKS = 2  # a voice is moved every second tick
FOLLOW_SECONDS = 0.005
ARRIVED = 1e-4
MOST_LEVEL_DB = float32(24.0)  # of all routes together: one route's most
ALL_VOICES = 1 << 60  # where the draws of an LFO that voices share begin


@audio_thread
def advance_lfos(s):
    """Let the LFOs that the voices of a bank share go on by a tick; say how fast all its LFOs go.

    That is as their rates say, or their beats at the tempo.
    """
    for bank in range(BANK_COUNT):
        sound = s.banks[bank]
        if sound.route_count <= 0:
            continue
        for number in range(LFO_COUNT):
            hz = sound.lfo_rate_hz[number]
            if sound.lfo_beats[number] > 0.0:
                hz = float32(s.tempo / (60.0 * sound.lfo_beats[number]))
            s.lfo_step[bank, number] = hz * TICK_FRAMES / s.rate_hz
            s.lfo_turns[bank, number] += s.lfo_step[bank, number]


@audio_thread
def begin_modulation(s, v):
    """Put a voice that starts where its routes want it at once."""
    voice = s.voices[v]
    voice.struck = 1.0
    for number in range(LFO_COUNT):
        voice.lfo_turns[number] = 0.0
    for target in range(TARGET_COUNT):
        voice.moved[target] = 0.0
    voice.is_moved = 0
    if s.banks[voice.bank].route_count > 0:
        aim_modulation(s, v)
        follow_modulation(s, v, 1.0)


@audio_thread
def advance_modulation(s, v):
    """Let a voice's LFOs go on by a tick; move it, if it is its turn."""
    voice = s.voices[v]
    for number in range(LFO_COUNT):
        voice.lfo_turns[number] += s.lfo_step[voice.bank, number]
    voice.struck *= voice.envelope_octaves_keep
    if (s.clock // TICK_FRAMES + v) % TICKS == 0:
        aim_modulation(s, v)
        follow_modulation(s, v, min(TICKS * TICK_FRAMES / (FOLLOW_SECONDS * s.rate_hz), 1.0))


@audio_thread
def aim_modulation(s, v):
    """Add up where a voice's routes want their targets."""
    sound = s.banks[s.voices[v].bank]
    for target in range(TARGET_COUNT):
        s.wants[target] = 0.0
    for route in range(min(sound.route_count, MOST_ROUTES)):
        target = sound.route_target[route]
        if 0 <= target < TARGET_COUNT:
            value = source_value(s, v, sound.route_source[route])
            s.wants[target] += float32(sound.route_amount[route] * value)
    s.wants[TO_LEVEL] = min(s.wants[TO_LEVEL], MOST_LEVEL_DB)


@audio_thread
def follow_modulation(s, v, approach):
    """Bring a voice's targets nearer to where they are wanted; note what must be computed anew."""
    voice = s.voices[v]
    voice.is_moved = 1
    for target in range(TARGET_COUNT):
        away = s.wants[target] - voice.moved[target]
        if away == 0.0:
            continue
        if abs(away) > ARRIVED:
            away = float32(away * approach)
        voice.moved[target] += away
        if target == TO_PITCH:
            voice.pitch_is_due = 1
        elif target == TO_CUTOFF:
            voice.filter_is_due = 1
        elif target == TO_PAN:
            voice.pan_is_due = 1


@audio_thread
def source_value(s, v, source):
    """Return where a source is: 0 to 1, or -1 to 1; a key in octaves from middle C."""
    voice = s.voices[v]
    chan = s.channels[voice.channel]
    if FROM_FIRST_LFO <= source <= FROM_SECOND_LFO:
        return lfo_value(s, v, source - FROM_FIRST_LFO)
    if source == FROM_VELOCITY:
        return voice.felt_velocity / 127.0
    if source == FROM_KEY:
        return (voice.pitch + voice.fine - 60.0) / 12.0
    if source == FROM_WHEEL:
        return max(chan.modulation, s.channels[chan.master].modulation) / 127.0
    if source == FROM_PRESSURE:
        return max(voice.pressure, chan.felt_pressure) / 127.0
    if source == FROM_SLIDE:
        return max(chan.brightness - 64, -63) / 63.0
    if source == FROM_RANDOM:
        return spread(draw(voice.number + 1), 8)
    if source == FROM_ENVELOPE:
        return 1.0 * voice.envelope
    if source == FROM_STRIKE:
        return 1.0 * voice.struck
    if FIRST_CONTROLLER <= source <= LAST_CONTROLLER:
        control = source - FIRST_CONTROLLER
        master = s.channels[chan.master]
        return max(chan.controllers[control], master.controllers[control]) / 127.0
    return 0.0


@audio_thread
def lfo_value(s, v, number):
    """Return where an LFO is, -1 to 1, as far as it has swelled and routes let it."""
    voice = s.voices[v]
    sound = s.banks[voice.bank]
    depth = sound.lfo_depth[number] + voice.moved[TO_FIRST_LFO + number]
    delay = sound.lfo_delay_seconds[number] * s.rate_hz
    if delay > 0.0:
        depth *= min(max((s.clock - voice.start_frame) / delay - 1.0, 0.0), 1.0)
    turns = voice.lfo_turns[number]
    seed = int64(voice.number)
    if sound.lfo_is_common[number]:
        turns = s.lfo_turns[voice.bank, number]
        seed = int64(ALL_VOICES)
    return min(max(depth, 0.0), 1.0) * wave(sound.lfo_shape[number], turns, seed + number)


@audio_thread
def wave(shape, turns, seed):
    """Return an LFO's wave; it begins at 0 and rises, where it can."""
    whole = math.floor(turns)
    at = turns - whole
    if shape == TRIANGLE:
        return 1.0 - 4.0 * abs((turns + 0.75) - math.floor(turns + 0.75) - 0.5)
    if shape == SAW:
        return 2.0 * at - 1.0
    if shape == SQUARE:
        return 1.0 if at < 0.5 else -1.0
    if shape == STEPS:
        return height_of_turn(seed, int64(whole))
    if shape == WANDER:
        near = 0.0 if whole < 1.0 else height_of_turn(seed, int64(whole))
        return near + at * at * (3.0 - 2.0 * at) * (height_of_turn(seed, int64(whole) + 1) - near)
    return sine(at)


@audio_thread
def height_of_turn(seed, turn):
    """Return where an LFO without a wave of its own is in a turn, -1 to 1."""
    return spread(draw(seed + (turn << 20)), 24)
