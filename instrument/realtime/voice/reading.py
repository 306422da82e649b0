"""What a voice reads: its slot, from any moment of the note on, and the change to another slot."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import int64

from instrument.realtime.expression.slide import begin_slide
from instrument.realtime.memory.constants import (
    HIGHEST_PITCH,
    LANES,
    LOUD,
    LOUD_VELOCITY,
    LOWEST_PITCH,
    SOFT,
    SOFT_VELOCITY,
    TICK_FRAMES,
)
from instrument.realtime.native import audio_thread
from instrument.realtime.tones.source import (
    find_source,
    frames_left,
    layer_is_ready,
    slot_frames_ready,
    slot_is_whole,
)
from instrument.realtime.voice.aim import aim_for_next_tick
from instrument.realtime.voice.lanes import fade_voice, take_lane

SWAP_SECONDS = 0.030  # stand-in to true note
END_SECONDS = 0.010  # fade before the end of a slot without a loop
MISSING_LAYER_OCTAVES = 1.5  # stands in for the soft layer's darker sound


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
    aim_for_next_tick(s, w)
