"""A voice's life: start, tick by tick, release, fade, end.

A voice takes a lane of the mixer at note-on and copies whatever it needs from its preset, so that
a preset change leaves held notes as they are. Once per tick (`TICK_FRAMES`, on absolute frames)
`advance_voice` moves envelope, fade, vibrato and filter, and aims the lane's two gains at what
they shall be when the next tick begins; between ticks the gains are straight lines. Events between
two ticks re-aim from where the line is, so nothing ever jumps.

Two lanes may carry one note: a stolen, re-struck or replaced voice keeps its lane as a ghost
(`is_fading`) until its fade is over, while its successor already sounds on another lane.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import numpy as np
from numpy import float32, int64

from instrument.realtime.dsp import db_to_gain, exp2, sine, tangent
from instrument.realtime.glide import advance_glide, begin_glide
from instrument.realtime.memory.constants import (
    ATTACK,
    BUILT_IN_BANK,
    DECAY,
    FREE,
    HIGHEST_PITCH,
    LANE_COUNT,
    LANES,
    LOUD,
    LOUD_VELOCITY,
    LOWEST_PITCH,
    POLYPHONY,
    PRESSURE_CUTOFF,
    PRESSURE_LEVEL,
    PRESSURE_VIBRATO,
    RELEASE,
    SOFT,
    SOFT_VELOCITY,
    TICK_FRAMES,
    TO_CUTOFF,
    TO_LEVEL,
    TO_PAN,
    TO_PITCH,
)
from instrument.realtime.modulation import advance_modulation, begin_modulation
from instrument.realtime.native import audio_thread
from instrument.realtime.slide import begin_slide, drop_slide
from instrument.realtime.source import (
    find_source,
    frames_left,
    layer_is_ready,
    slot_frames_ready,
    slot_is_whole,
)
from instrument.realtime.stream import drop_stream
from instrument.realtime.tuning import semitones_of_key
from instrument.realtime.variation import advance_drift, vary_voice

ONE = 1 << 32
FASTEST_RATE = 17.0  # what SLOPE_FRAMES has room for
SHORTEST_SECONDS = 0.010  # a note that is let go earlier still sounds for so long
DECLICK_SECONDS = 0.001  # shortest attack
STEAL_SECONDS = 0.003
RESTRIKE_SECONDS = 0.060  # the old sound of a key that is struck again
SWAP_SECONDS = 0.030  # stand-in to true note
END_SECONDS = 0.010  # fade before the end of a slot without a loop
OCTAVES_OF_60_DB = 9.965784  # log2(1000)
SILENCE = 2.0**-15  # -90 dB: where a release ends
DECAY_SETTLES = 2.0**-10
OPEN_HZ = 20_000.0  # a cut-off from here on is an open filter, exactly
OPENING_HZ = 16_000.0
BUTTERWORTH = 1.4142135623730951
RESONANCE_OCTAVES = 4.0  # damping at resonance 1: sqrt(2) / 16
SOFT_PEDAL_VELOCITY = 0.25  # CC 67 fully down takes a quarter off the velocity
MISSING_LAYER_OCTAVES = 1.5  # stands in for the soft layer's darker sound
BRIGHTNESS_OCTAVES = 4.0  # CC 74 from its centre to either end
PRESSURE_CUTOFF_OCTAVES = 2.0
LOUDNESS_KEEP = 0.98  # per tick: spans a period of the lowest notes
UNISON_SECONDS = 0.0007  # into the tone, from one voice of a unison to the next
NEW_VOICE_SECONDS = 0.020  # not stolen for being quiet: it has only begun


@audio_thread
def start_voice(s, channel, key, velocity, fellow, overlaps):
    """Begin a voice at this very frame; return it. It always gets a lane and a source.

    `fellow` is its number among the voices of one note, 0 for the first or only one; `overlaps`
    tells whether another key is held.
    """
    if count_sounding(s) >= POLYPHONY:
        steal_voice(s)
    chan = s.channels[channel]
    bank = chan.bank
    v = take_lane(s, bank)
    voice = s.voices[v]
    s.chains[bank].is_due = 1
    sound = s.banks[bank]
    soft_pedal = max(chan.soft, s.channels[chan.master].soft) / 127.0
    felt = max(velocity * (1.0 - SOFT_PEDAL_VELOCITY * soft_pedal), 1.0)

    begin_key(s, v, channel, key, velocity, bank)
    voice.pressure_target = sound.pressure_target
    voice.felt_velocity = felt
    set_envelope(s, v, sound)
    set_vibrato(s, v, sound)
    voice.loudness = 0.0
    level = exp2(sound.velocity_curve * log2_velocity(felt))
    voice.gain = db_to_gain(sound.gain_db) * (1.0 + sound.velocity_to_gain * (level - 1.0))
    set_filter(s, v, sound, felt, soft_pedal)
    voice.pan = sound.pan + sound.stereo_width * (voice.pitch - 64) / 64.0
    start_at = vary_voice(s, v, sound.variation, fellow)
    if sound.unison > 1:
        start_at += join_unison(s, v, sound, fellow)
    find_source(s, v, False)
    open_source(s, v, start_at)
    s.sounding_groups[v // LANES] += 1
    begin_glide(s, v, overlaps)
    begin_modulation(s, v)
    aim_voice(s, v, ticks_remainder(s))
    return v


@audio_thread
def begin_key(s, v, channel, key, velocity, bank):
    """Give a voice its key, held from this very frame on, and what the key sounds."""
    voice = s.voices[v]
    semitones = semitones_of_key(s, channel, bank, key)
    voice.start_frame = s.clock
    voice.ticked_at = s.clock
    voice.stage = ATTACK
    voice.channel = channel
    voice.key = key
    voice.velocity = velocity
    voice.bank = bank
    voice.pitch = int64(semitones + 512.5) - 512
    voice.fine = semitones - voice.pitch
    voice.glide = 0.0
    voice.key_is_down = 1
    voice.pedal_holds = 0
    voice.sostenuto_holds = 0
    voice.release_is_due = 0
    voice.is_fading = 0
    voice.pressure = 0
    voice.fade = 1.0
    voice.fade_step = 0.0
    voice.fade_is_straight = 0
    voice.stream = 0
    voice.stream_is_late = 0
    begin_slide(voice)


@audio_thread
def set_vibrato(s, v, sound):
    """Take over how a voice moves by itself: vibrato and drift."""
    voice = s.voices[v]
    voice.drift_amount = sound.drift
    voice.drift = 0.0
    voice.sway = 0.0
    voice.drift_ticks = 0
    voice.drift_lines = 0
    voice.lfo_phase = 0.0
    voice.lfo_step = sound.vibrato_rate_hz * TICK_FRAMES / s.rate_hz
    voice.vibrato_semitones = sound.vibrato_depth_cents / 100.0
    voice.vibrato_share = sound.vibrato_share
    voice.vibrato_delay_frames = max(sound.vibrato_delay_seconds * s.rate_hz, 1.0)


@audio_thread
def set_filter(s, v, sound, felt, soft_pedal):
    """Take over where a voice's cut-off lies, and where it comes from."""
    voice = s.voices[v]
    decay_ticks = max(sound.cutoff_decay_seconds * s.rate_hz / TICK_FRAMES, 1.0)
    voice.envelope_octaves = sound.cutoff_envelope_octaves
    voice.envelope_octaves_keep = exp2(-OCTAVES_OF_60_DB / decay_ticks)
    voice.resonance = sound.resonance
    voice.cutoff_hz = sound.cutoff_hz
    voice.cutoff_octaves = (
        sound.cutoff_key_track * (voice.pitch - 60) / 12.0
        - sound.cutoff_velocity_octaves * (1.0 - felt / 127.0)
        - 0.5 * soft_pedal
    )


@audio_thread
def place_filter(s, v, semitones):
    """Let the cut-off follow a voice that has gone so far to another key."""
    voice = s.voices[v]
    voice.cutoff_octaves += s.banks[voice.bank].cutoff_key_track * semitones / 12.0
    voice.filter_is_due = 1


@audio_thread
def join_unison(s, v, sound, fellow):
    """Place one voice of a unison in pitch, space and time; return how many frames in it starts."""
    voice = s.voices[v]
    place = 2.0 * fellow / (sound.unison - 1) - 1.0
    voice.detune += place * sound.unison_detune_cents / 100.0
    voice.pan += place * sound.unison_spread
    voice.gain *= sound.unison_gain
    return int64(fellow * UNISON_SECONDS * s.rate_hz)


@audio_thread
def set_envelope(s, v, sound):
    """Turn the preset's seconds into steps per frame and factors per tick."""
    voice = s.voices[v]
    ticks_per_second = s.rate_hz / TICK_FRAMES
    attack = max(sound.attack_seconds, DECLICK_SECONDS)
    voice.envelope = 0.0
    voice.envelope_step = 0.0
    voice.attack_step = 1.0 / (attack * s.rate_hz)
    decay_ticks = max(sound.decay_seconds * ticks_per_second, 1.0)
    voice.decay_keep = exp2(-OCTAVES_OF_60_DB / decay_ticks)
    voice.sustain_level = sound.sustain_level
    release = max(sound.release_seconds, 0.005)
    voice.release_octaves = -OCTAVES_OF_60_DB / (release * s.rate_hz)


@audio_thread
def log2_velocity(velocity):
    """Return log2(velocity / 127) for 1 <= velocity <= 127, to 1e-4."""
    x = velocity / 127.0
    octaves = 0.0
    while x < 0.70710678:
        x *= 2.0
        octaves -= 1.0
    z = (x - 1.0) / (x + 1.0)  # ln x = 2 atanh z
    return octaves + 2.885390081777927 * z * (1.0 + z * z * (1 / 3 + z * z * (1 / 5)))


@audio_thread
def open_source(s, v, elapsed):
    """Point a voice at its slot, `elapsed` frames into the note."""
    voice = s.voices[v]
    sound = s.banks[voice.source_bank]
    slot = s.slots[voice.source_bank, LOUD, voice.source_pitch - LOWEST_PITCH]
    voice.source_is_whole = slot_is_whole(s, voice.source_bank, voice.source_pitch)
    voice.loops = voice.source_is_whole and sound.loop != 0 and slot.loop_end > slot.loop_start
    voice.is_looping = 0
    voice.reads_stream = 0
    voice.wrapped = 0
    into_loop = elapsed - slot.loop_start
    if voice.loops and elapsed >= slot.loop_end:
        voice.wrapped = elapsed
        elapsed = slot.loop_start + into_loop % (slot.loop_end - slot.loop_start)
        voice.wrapped -= elapsed
    voice.position = int64(elapsed) << 32
    voice.loop_level = 1.0
    set_loop_decay(s, v)
    if voice.loops and into_loop >= 0:
        voice.is_looping = 1
        voice.loop_level = to_the_power(voice.loop_keep, int64(into_loop // TICK_FRAMES))
    loud = (voice.felt_velocity - SOFT_VELOCITY) / (LOUD_VELOCITY - SOFT_VELOCITY)
    loud = min(max(loud, 0.0), 1.0)
    voice.missing_layer_octaves = 0.0
    if layer_is_ready(s, voice.source_bank, SOFT, voice.source_pitch):
        soft_slot = s.slots[voice.source_bank, SOFT, voice.source_pitch - LOWEST_PITCH]
        voice.soft_weight = (1.0 - loud) * soft_slot.gain
        voice.loud_weight = loud * slot.gain
    else:
        voice.soft_weight = 0.0
        voice.loud_weight = slot.gain
        voice.missing_layer_octaves = -MISSING_LAYER_OCTAVES * (1.0 - loud)
    voice.tuning = voice.pitch - voice.source_pitch + voice.detune + voice.fine
    voice.pitch_is_due = 1
    voice.filter_is_due = 1
    voice.pan_is_due = 1


@audio_thread
def set_loop_decay(s, v):
    """Take over how fast a slot dies away from its loop's start on."""
    voice = s.voices[v]
    slot = s.slots[voice.source_bank, LOUD, voice.source_pitch - LOWEST_PITCH]
    voice.loop_keep = 1.0
    if voice.loops and 0.0 < slot.loop_decay_per_frame < 1.0:
        voice.loop_keep = to_the_power(slot.loop_decay_per_frame, TICK_FRAMES)


@audio_thread
def to_the_power(factor, count):
    """Return a factor to a whole power, by squaring."""
    result = 1.0
    square = float(factor)
    while count > 0:
        if count & 1:
            result *= square
        square *= square
        count >>= 1
    return result


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
def release_keep(s, v):
    """Return the release's factor per tick, stretched by a half-pressed pedal."""
    stretch = s.channels[s.voices[v].channel].release_stretch
    return exp2(s.voices[v].release_octaves * TICK_FRAMES / stretch)


@audio_thread
def ticks_remainder(s):
    """Return the frames from now to the next tick, 1..TICK_FRAMES."""
    return TICK_FRAMES - s.clock % TICK_FRAMES


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
    aim_voice(s, v, TICK_FRAMES)


@audio_thread
def release_voice_if_old_enough(s, v):
    """Release a note that was let go before it had sounded for the shortest time."""
    voice = s.voices[v]
    if s.clock - voice.start_frame >= SHORTEST_SECONDS * s.rate_hz:
        voice.stage = RELEASE
        voice.release_is_due = 0
        voice.release_keep = release_keep(s, v)


@audio_thread
def wrap_loop(s, v):
    """Take whole loops off a position; on the grid only, so that blocks cannot move it."""
    voice = s.voices[v]
    if not voice.loops:
        return
    slot = s.slots[voice.source_bank, LOUD, voice.source_pitch - LOWEST_PITCH]
    at = int64(voice.position >> 32)
    if at >= slot.loop_start:
        voice.is_looping = 1
    if at >= slot.loop_end:
        length = int64(slot.loop_end - slot.loop_start)
        whole = (at - slot.loop_start) // length * length
        voice.position -= whole << 32
        voice.wrapped += whole


@audio_thread
def watch_source(s, v):
    """Go over to the true note once it is there; leave a slot that is about to end."""
    voice = s.voices[v]
    elapsed = s.clock - voice.start_frame
    if voice.is_stand_in:
        true_pitch = min(max(voice.pitch, LOWEST_PITCH), HIGHEST_PITCH)
        whole = slot_is_whole(s, voice.bank, true_pitch)
        begun = slot_frames_ready(s, voice.bank, true_pitch) > elapsed + 0.15 * s.rate_hz
        if whole or begun:
            slot = s.slots[voice.bank, LOUD, true_pitch - LOWEST_PITCH]
            loops = s.banks[voice.bank].loop != 0 and slot.loop_end > slot.loop_start
            if loops or elapsed + SWAP_SECONDS * s.rate_hz < slot.frames_ready:
                replace_source(s, v, False)
                return
    if not voice.source_is_whole and slot_is_whole(s, voice.source_bank, voice.source_pitch):
        slot = s.slots[voice.source_bank, LOUD, voice.source_pitch - LOWEST_PITCH]
        voice.source_is_whole = 1
        voice.loops = s.banks[voice.source_bank].loop != 0 and slot.loop_end > slot.loop_start
        set_loop_decay(s, v)
    if slot_frames_ready(s, voice.source_bank, voice.source_pitch) == 0:
        return  # there is nothing at all yet, not even the built-in tone
    left = frames_left(s, v)
    if left < 0:
        return
    if left < (END_SECONDS + SWAP_SECONDS) * s.rate_hz and not slot_is_whole(
        s, voice.source_bank, voice.source_pitch
    ):
        s.meters.starved_voices += 1
        replace_source(s, v, True)
    elif left < END_SECONDS * s.rate_hz:
        fade_voice(s, v, END_SECONDS * 0.8)


@audio_thread
def replace_source(s, v, only_whole):
    """Cross-fade a note to another slot, at the same time in the note."""
    w = take_lane(s, s.voices[v].bank)
    old = s.voices[v]
    s.voices[w] = s.voices[v]
    new = s.voices[w]
    new.stream = 0
    new.stream_is_late = 0
    begin_slide(new)
    find_source(s, w, only_whole)
    open_source(s, w, s.clock - old.start_frame)
    new.fade = 0.0
    new.fade_step = TICK_FRAMES / (SWAP_SECONDS * s.rate_hz)
    s.sounding_groups[w // LANES] += 1
    is_alike = old.fade >= 1.0 and old.source_pitch == new.source_pitch  # the same phases
    fade_voice(s, v, SWAP_SECONDS)
    if is_alike:
        new.fade_is_straight = 1
        old.fade_is_straight = 1
    aim_voice(s, w, TICK_FRAMES)


@audio_thread
def aim_voice(s, v, frames):
    """Set what the lane shall reach `frames` from now, at the next tick."""
    advance_envelope(s, v, frames)
    voice = s.voices[v]
    chan = s.channels[voice.channel]
    pressure = max(voice.pressure, chan.felt_pressure) / 127.0
    vibrato = chan.vibrato
    cutoff = float32(chan.cutoff_octaves)
    level = chan.level
    if pressure > 0.0:
        if voice.pressure_target == PRESSURE_VIBRATO:
            vibrato = min(vibrato + pressure, 1.0)
        elif voice.pressure_target == PRESSURE_CUTOFF:
            cutoff = float32(cutoff + PRESSURE_CUTOFF_OCTAVES * pressure)
        elif voice.pressure_target == PRESSURE_LEVEL:
            level *= 1.0 + pressure
    if voice.vibrato_share > 0.0:
        vibrato = max(vibrato, own_vibrato(s, voice))
    wobbles = vibrato > 0.0 and voice.vibrato_semitones > 0.0
    if voice.pitch_is_due or wobbles or not chan.settled:
        semitones = voice.tuning + chan.bend_semitones + voice.drift + voice.moved[TO_PITCH]
        if voice.glide != 0.0:
            semitones += voice.glide
        if wobbles:
            semitones += voice.vibrato_semitones * vibrato * sine(voice.lfo_phase)
        voice.increment = int64(min(exp2(semitones / 12.0), FASTEST_RATE) * ONE + 0.5)
        voice.pitch_is_due = 1 if wobbles else 0
    if voice.filter_is_due or cutoff != voice.aimed_octaves:
        aim_filter(s, v, cutoff)
        voice.aimed_octaves = cutoff
        voice.filter_is_due = 0
    if voice.pan_is_due or not chan.settled:
        place = voice.pan + voice.moved[TO_PAN] + chan.balance
        quarter = 0.125 * (1.0 + min(max(place, -1.0), 1.0))
        voice.pan_left = sine(0.25 - quarter)
        voice.pan_right = sine(quarter)
        voice.pan_is_due = 0
    gain = voice.envelope * voice.loop_level * voice.gain * level * (1.0 + voice.sway)
    if voice.is_moved:
        gain *= db_to_gain(voice.moved[TO_LEVEL])
    if voice.fade < 1.0:
        gain *= voice.fade if voice.fade_is_straight else sine(0.25 * voice.fade)
    group = v // LANES
    column = v % LANES
    per_frame = float32(1.0 / frames)
    s.step_left[group, column] = (
        float32(gain * voice.pan_left) - s.gain_left[group, column]
    ) * per_frame
    s.step_right[group, column] = (
        float32(gain * voice.pan_right) - s.gain_right[group, column]
    ) * per_frame


@audio_thread
def own_vibrato(s, voice):
    """Return the share of a voice's vibrato that has come by itself: nothing, then it swells."""
    swelled = (s.clock - voice.start_frame) / voice.vibrato_delay_frames - 1.0
    return float32(voice.vibrato_share * min(max(swelled, 0.0), 1.0))


@audio_thread
def advance_envelope(s, v, frames):
    """Move the amplitude envelope to where it shall be `frames` from now."""
    voice = s.voices[v]
    before = voice.envelope
    if voice.stage == ATTACK:
        voice.envelope += voice.attack_step * frames
        if voice.envelope >= 1.0:
            voice.envelope = 1.0
            voice.stage = DECAY
    elif voice.stage == DECAY:
        above = voice.envelope - voice.sustain_level
        voice.envelope = voice.sustain_level
        if abs(above) > DECAY_SETTLES:
            voice.envelope += above * voice.decay_keep
    elif voice.stage == RELEASE:
        keep = voice.release_keep
        if frames < TICK_FRAMES:
            keep = float32(1.0 - (1.0 - keep) * frames / TICK_FRAMES)
        voice.envelope *= keep
        if voice.envelope * voice.gain < SILENCE:
            voice.envelope = 0.0
    voice.envelope_step = (voice.envelope - before) / frames


@audio_thread
def aim_filter(s, v, cutoff_octaves):
    """Compute the low-pass coefficients of a lane (A. Simper, as in `mixer.mix_group`)."""
    voice = s.voices[v]
    octaves = cutoff_octaves + voice.cutoff_octaves + voice.missing_layer_octaves
    octaves += voice.envelope_octaves + voice.moved[TO_CUTOFF]
    hz = voice.cutoff_hz * exp2(octaves)
    group = v // LANES
    column = v % LANES
    openness = min(max((hz - OPENING_HZ) / (OPEN_HZ - OPENING_HZ), 0.0), 1.0)
    g = tangent(min(max(hz, 20.0), 0.45 * s.rate_hz) / s.rate_hz * 0.5)
    damping = BUTTERWORTH * exp2(-RESONANCE_OCTAVES * voice.resonance)
    a1 = 1.0 / (1.0 + g * (g + damping))
    s.filter_1[group, column] = a1
    s.filter_2[group, column] = g * a1
    s.filter_3[group, column] = g * g * a1
    s.bypass[group, column] = openness


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
assert np.log2(1000.0) - OCTAVES_OF_60_DB < 1e-6
