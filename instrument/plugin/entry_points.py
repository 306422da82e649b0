"""What the plug-in's C calls, compiled from Python like the kernel; C knows no layout of the block.

Who may call: *audio* functions only from the host's audio thread, or while it is not processing;
*helper* functions from the one thread at a time that holds the instance's lock.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import from_dtype
from numpy import float32, float64, int64

from instrument.plugin import panel_entry_points, tone_entry_points
from instrument.realtime import kernel
from instrument.realtime.dsp import exp2, sine
from instrument.realtime.event_queue import make_room, queue_message
from instrument.realtime.expression.channel import BRIGHTNESS_OCTAVES
from instrument.realtime.expression.variation import PITCH_TICKS
from instrument.realtime.kernel import STATE_POINTER
from instrument.realtime.memory.constants import (
    BUILT_IN_BANK,
    CHANNEL_COUNT,
    FREE,
    HIGHEST_PITCH,
    LANE_COUNT,
    LANES,
    LAYER_COUNT,
    LOUD,
    LOWEST_PITCH,
    OUR_SOURCE,
    PITCH_COUNT,
    PRESET_BANKS,
    REQUEST_EVENTS,
    RING_EVENTS,
    TICK_FRAMES,
    TO_VOICES,
)
from instrument.realtime.memory.layout import SLOT
from instrument.realtime.midi.events import use_bank
from instrument.realtime.native import audio_thread, carray, fence, floats_at, types
from instrument.realtime.tones.built_in_tone import (
    GAIN,
    HARMONICS,
    LOOP_FROM_SECONDS,
    RISE_SECONDS,
    SECONDS,
    SEMITONES_APART,
)

SLOTS_POINTER = types.CPointer(from_dtype(SLOT))
FIRST_BANK, END_BANK = PRESET_BANKS.start, PRESET_BANKS.stop
GRID_FRAMES = TICK_FRAMES * PITCH_TICKS  # after so many, ticks are alike
MOST_GAIN, FASTEST_GROWTH = 1000.0, 1.001
TUNING, VOLUME, PAN, BRIGHTNESS = range(4)  # what `lk_express` moves; lk.h has the same order
MOST_HARMONICS = max(map(len, HARMONICS.values()))
AMPLITUDES = np.zeros((LAYER_COUNT, MOST_HARMONICS))
for _layer, _amplitudes in HARMONICS.items():
    AMPLITUDES[_layer, : len(_amplitudes)] = _amplitudes


def lk_midi(state, offset, status, data1, data2):
    """Audio: play one MIDI message `offset` frames into the block that comes."""
    s = carray(state, (1,))[0]
    queue_message(s, s.clock + offset, status, data1, data2, OUR_SOURCE, TO_VOICES)


def lk_value(state, offset, command, value):
    """Audio: give a command that has a value, from a frame of the coming block on."""
    s = carray(state, (1,))[0]
    at = make_room(s, s.clock + offset)
    if at >= 0:
        event = s.pending[at]
        event.status = 0
        event.data1 = 0
        event.data2 = 0
        event.source = 0
        event.value = value
        event.command = command


def lk_express(state, kind, channel, key, before, after):
    """Audio: move the note that sounds on a key, and no other.

    `before` is what the same expression of it was, since voices keep only the sum: semitones, a
    factor of its level, its pan from -1 to 1, its brightness from -1 to 1.
    """
    s = carray(state, (1,))[0]
    for v in range(LANE_COUNT):
        voice = s.voices[v]
        if voice.channel != channel or voice.key != key or voice.stage == FREE or voice.is_fading:
            continue
        if kind == TUNING:
            voice.fine += float32(after - before)
            voice.tuning += float32(after - before)
            voice.pitch_is_due = 1
        elif kind == VOLUME:
            voice.gain *= float32(after / before)
        elif kind == PAN:
            voice.pan += float32(after - before)
            voice.pan_is_due = 1
        elif kind == BRIGHTNESS:
            voice.cutoff_octaves += float32(BRIGHTNESS_OCTAVES * (after - before))
            voice.filter_is_due = 1


def lk_sounding(state):
    """Audio: tell whether any voice still sounds."""
    s = carray(state, (1,))[0]
    return int64(s.meters.active_voices + s.meters.fading_voices)


def lk_align(state, position_frames):
    """Audio: while no voice sounds, go on as a song that has come so far from its beginning.

    What a song sounds like depends on where its notes lie on the grid of ticks, and on the number
    of each strike. The clock itself never goes back.
    """
    s = carray(state, (1,))[0]
    s.clock += (position_frames - s.clock) % GRID_FRAMES
    s.strikes = 0


def lk_begin(state, rate_hz):
    """Helper, not processing: fix the rate of a fresh block."""
    carray(state, (1,))[0].rate_hz = rate_hz


def lk_use_now(state, bank, channel):
    """Audio, not processing: let new notes of a channel, or of all, play from a bank at once."""
    use_bank(carray(state, (1,))[0], bank, channel)


def lk_command(state, command, data1, data2):
    """Helper: ask the kernel for something at the next block; 0 when its ring is full."""
    ring = carray(state, (1,))[0].control_ring
    if ring.head - ring.tail >= RING_EVENTS:
        return int64(0)
    event = ring.events[ring.head % RING_EVENTS]
    event.time_frames = -1
    event.status = 0
    event.data1 = data1
    event.data2 = data2
    event.source = 0
    event.value = 0
    event.command = command
    fence()
    ring.head += 1
    return int64(1)


def lk_bank(state):
    """Audio: return the bank that new notes of the first channel play from."""
    return int64(carray(state, (1,))[0].channels[0].bank)


def lk_forget(state):
    """Helper, not processing: drop what no block has heard: commands, the panel's messages."""
    ring = carray(state, (1,))[0].control_ring
    ring.tail = ring.head
    panel = carray(state, (1,))[0].panel_ring
    panel.tail = panel.head


def lk_free_bank(state, other_than, nor):
    """Helper: return a preset's bank that no channel plays from and no voice reads, or -1."""
    s = carray(state, (1,))[0]
    for bank in range(FIRST_BANK, END_BANK):
        used = s.meters.bank_voices[bank] + (1 if bank in (other_than, nor) else 0)
        for channel in range(CHANNEL_COUNT):
            if s.channels[channel].bank == bank:
                used += 1
        if used == 0:
            return int64(bank)
    return int64(-1)


def lk_clear_bank(state, bank):
    """Helper: let a free bank have no tones yet."""
    s = carray(state, (1,))[0]
    for layer in range(LAYER_COUNT):
        for index in range(PITCH_COUNT):
            s.slots[bank, layer, index].frames_ready = 0
    for index in range(PITCH_COUNT):
        s.wanted[bank, index] = 0
    fence()


def lk_take_slots(state, bank, address, stride, slots):
    """Helper: publish what has become ready of a mapped table; -1 if its numbers are impossible."""
    s = carray(state, (1,))[0]
    s.bank_addresses[bank] = address
    s.bank_strides[bank] = stride
    fence()
    records = carray(slots, (LAYER_COUNT * PITCH_COUNT,))
    for index in range(PITCH_COUNT):
        announced = records[LOUD * PITCH_COUNT + index].frames_ready  # after the other layer
        fence()
        for layer in range(LAYER_COUNT):
            found = records[layer * PITCH_COUNT + index]
            ready = announced if layer == LOUD else found.frames_ready
            fence()
            slot = s.slots[bank, layer, index]
            if ready == slot.frames_ready:
                continue
            if not is_possible(found, ready, stride):
                return int64(-1)
            slot.frames_whole = found.frames_whole
            slot.loop_start = found.loop_start
            slot.loop_end = found.loop_end
            slot.loop_decay_per_frame = found.loop_decay_per_frame
            slot.gain = found.gain
            fence()
            slot.frames_ready = ready
    return int64(0)


@audio_thread
def is_possible(slot, ready, stride):
    """Tell whether the kernel can follow a slot's numbers blindly."""
    is_loop = 0 <= slot.loop_start < slot.loop_end <= slot.frames_whole
    no_loop = slot.loop_start == 0 and slot.loop_end == 0
    return (
        0 <= ready <= slot.frames_whole <= stride
        and (is_loop or no_loop)
        and 0.0 < slot.loop_decay_per_frame <= FASTEST_GROWTH
        and 0.0 <= slot.gain <= MOST_GAIN
    )


def lk_wanted(state, bank):
    """Helper: return the pitch that was struck last while its own tone was missing, or -1."""
    s = carray(state, (1,))[0]
    latest = int64(0)
    pitch = int64(-1)
    for index in range(PITCH_COUNT):
        slot = s.slots[bank, LOUD, index]
        is_whole = slot.frames_ready > 0 and slot.frames_ready >= slot.frames_whole
        if s.wanted[bank, index] > latest and not is_whole:
            latest = s.wanted[bank, index]
            pitch = int64(index + LOWEST_PITCH)
    return pitch


def lk_program(state):
    """Helper: take the program change that came last, or -1."""
    ring = carray(state, (1,))[0].request_ring
    head = ring.head
    fence()
    program = int64(-1)
    for count in range(ring.tail, head):
        event = ring.events[count % REQUEST_EVENTS]
        if event.status & 0xF0 == 0xC0:
            program = int64(event.data1)
    ring.tail = head
    return program


def lk_tone_stride(rate_hz):
    """Return how far apart the built-in tone's slots lie, in frames."""
    return int64(tone_frames(rate_hz) + LANES) // LANES * LANES + LANES


def lk_tone(state, address, audio_is_there):
    """Helper, not processing: the built-in tone into bank 0; see `realtime.tones.built_in_tone`."""
    s = carray(state, (1,))[0]
    rate_hz = s.rate_hz
    stride = int64(tone_frames(rate_hz) + LANES) // LANES * LANES + LANES
    s.bank_addresses[BUILT_IN_BANK] = address
    s.bank_strides[BUILT_IN_BANK] = stride
    for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1, SEMITONES_APART):
        period = rate_hz / (440.0 * exp2((pitch - 69) / 12.0))
        longest = tone_frames(rate_hz)
        start = min(round_half_even(LOOP_FROM_SECONDS * rate_hz), longest // 4)
        periods = int64((longest - start) / period - 0.5)
        end = start + round_half_even(periods * period)
        for layer in range(LAYER_COUNT):
            if not audio_is_there:
                index = layer * PITCH_COUNT + pitch - LOWEST_PITCH
                audio = carray(
                    floats_at(int64(address) + index * stride * 4), (stride,), np.float32
                )
                write_tone(audio, layer, end, periods / (end - start), period, rate_hz)
            slot = s.slots[BUILT_IN_BANK, layer, pitch - LOWEST_PITCH]
            slot.frames_whole = end
            slot.loop_start = start
            slot.loop_end = end
            slot.loop_decay_per_frame = float32(1.0)
            slot.gain = float32(GAIN)
            slot.frames_ready = end
    s.banks[BUILT_IN_BANK].gain_db = float32(0.0)


@audio_thread
def tone_frames(rate_hz):
    """Return the length of the longest tone in frames."""
    return round_half_even(SECONDS * rate_hz)


@audio_thread
def round_half_even(x):
    """Round as Python does."""
    whole = math.floor(x + 0.5)
    if whole - x == 0.5 and int64(whole) % 2 != 0:
        whole -= 1.0
    return int64(whole)


@audio_thread
def write_tone(audio, layer, end, step, period, rate_hz):
    """Write one tone: harmonics of a sine that turns by `step` per frame."""
    for frame in range(end):
        turns = frame * step
        sum_ = 0.0
        for number in range(1, MOST_HARMONICS + 1):
            if number < period / 2 and AMPLITUDES[layer, number - 1] > 0.0:
                sum_ += AMPLITUDES[layer, number - 1] * sine(number * turns)
        audio[frame] = float32(sum_ * min(frame / (RISE_SECONDS * rate_hz), float64(1.0)))


_I, _U, _F = types.int64, types.uint64, types.float64
#: By name: the Python function and what C sees of it.
ENTRY_POINTS: dict[str, tuple[Any, Any, str]] = {
    "process_block": (
        kernel.process_block,
        kernel.SIGNATURE,
        "void (*)(void *, float *, float *, int64_t, int64_t)",
    ),
    "lk_midi": (
        lk_midi,
        types.void(STATE_POINTER, _I, _I, _I, _I),
        "void (*)(void *, int64_t, int64_t, int64_t, int64_t)",
    ),
    "lk_value": (
        lk_value,
        types.void(STATE_POINTER, _I, _I, _I),
        "void (*)(void *, int64_t, int64_t, int64_t)",
    ),
    "lk_express": (
        lk_express,
        types.void(STATE_POINTER, _I, _I, _I, types.float64, types.float64),
        "void (*)(void *, int64_t, int64_t, int64_t, double, double)",
    ),
    "lk_align": (lk_align, types.void(STATE_POINTER, _I), "void (*)(void *, int64_t)"),
    "lk_bank": (lk_bank, _I(STATE_POINTER), "int64_t (*)(void *)"),
    "lk_sounding": (lk_sounding, _I(STATE_POINTER), "int64_t (*)(void *)"),
    "lk_begin": (lk_begin, types.void(STATE_POINTER, types.float64), "void (*)(void *, double)"),
    "lk_use_now": (
        lk_use_now,
        types.void(STATE_POINTER, _I, _I),
        "void (*)(void *, int64_t, int64_t)",
    ),
    "lk_command": (
        lk_command,
        _I(STATE_POINTER, _I, _I, _I),
        "int64_t (*)(void *, int64_t, int64_t, int64_t)",
    ),
    "lk_press": (
        panel_entry_points.lk_press,
        _I(STATE_POINTER, _I, _I, _I),
        "int64_t (*)(void *, int64_t, int64_t, int64_t)",
    ),
    "lk_look": (
        panel_entry_points.lk_look,
        types.void(STATE_POINTER, _I, _I, types.CPointer(types.uint8), types.CPointer(_F)),
        "void (*)(void *, int64_t, int64_t, uint8_t *, double *)",
    ),
    "lk_forget": (lk_forget, types.void(STATE_POINTER), "void (*)(void *)"),
    "lk_free_bank": (
        lk_free_bank,
        _I(STATE_POINTER, _I, _I),
        "int64_t (*)(void *, int64_t, int64_t)",
    ),
    "lk_clear_bank": (
        lk_clear_bank,
        types.void(STATE_POINTER, _I),
        "void (*)(void *, int64_t)",
    ),
    "lk_take_slots": (
        lk_take_slots,
        _I(STATE_POINTER, _I, _U, _I, SLOTS_POINTER),
        "int64_t (*)(void *, int64_t, uint64_t, int64_t, const void *)",
    ),
    "lk_lacks": (tone_entry_points.lk_lacks, _I(STATE_POINTER), "int64_t (*)(void *)"),
    "lk_lacks_key": (
        tone_entry_points.lk_lacks_key,
        _I(STATE_POINTER, _I, _I),
        "int64_t (*)(void *, int64_t, int64_t)",
    ),
    "lk_wanted": (lk_wanted, _I(STATE_POINTER, _I), "int64_t (*)(void *, int64_t)"),
    "lk_program": (lk_program, _I(STATE_POINTER), "int64_t (*)(void *)"),
    "lk_tone_stride": (lk_tone_stride, _I(types.float64), "int64_t (*)(double)"),
    "lk_tone": (lk_tone, types.void(STATE_POINTER, _U, _I), "void (*)(void *, uint64_t, int64_t)"),
}
#: Those that each processor has its own code of; of the others one does for all, the oldest's.
FAST = ("process_block", "lk_tone")


def name_in_file(name: str, suffix: str) -> str:
    """Return what an entry point is called where several processors' code is in one file."""
    return name + (suffix if name in FAST else "_all")
