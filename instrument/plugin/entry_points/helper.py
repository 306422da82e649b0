"""What the helper calls: commands, banks and their tables, what is wanted and asked for."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numba import from_dtype
from numpy import int64

from instrument.realtime.memory.constants import (
    CHANNEL_COUNT,
    LAYER_COUNT,
    LOUD,
    LOWEST_PITCH,
    PITCH_COUNT,
    PRESET_BANKS,
    REQUEST_EVENTS,
    RING_EVENTS,
)
from instrument.realtime.memory.layout import SLOT
from instrument.realtime.native import audio_thread, carray, fence, types

SLOTS_POINTER = types.CPointer(from_dtype(SLOT))
FIRST_BANK, END_BANK = PRESET_BANKS.start, PRESET_BANKS.stop
MOST_GAIN, FASTEST_GROWTH = 1000.0, 1.001


def lk_begin(state, rate_hz):
    """Helper, not processing: fix the rate of a fresh block."""
    carray(state, (1,))[0].rate_hz = rate_hz


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
