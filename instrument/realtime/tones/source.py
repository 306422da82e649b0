"""Which slot a note reads: its own, a neighbour's, or the built-in tone's.

A note never waits for the renderer. If its own slot is empty, the nearest pitch that is there
stands in, resampled; the kernel marks the pitch as wanted and goes over to the true note when it
lands (`voice.reading.watch_source`).
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import int64

from instrument.realtime.memory.constants import (
    BUILT_IN_BANK,
    FARTHEST_WHOLE,
    HIGHEST_PITCH,
    LOUD,
    LOWEST_PITCH,
    PITCH_COUNT,
    SOFT,
)
from instrument.realtime.native import audio_thread

FARTHEST_ATTACK = 5  # the same, for a slot that has only its attack yet


@audio_thread
def slot_frames_ready(s, bank, pitch):
    """Return how much of a slot is there; the loud layer alone is enough."""
    return s.slots[bank, LOUD, pitch - LOWEST_PITCH].frames_ready


@audio_thread
def slot_is_whole(s, bank, pitch):
    """Tell whether a slot is there to its end."""
    slot = s.slots[bank, LOUD, pitch - LOWEST_PITCH]
    return slot.frames_ready > 0 and slot.frames_ready >= slot.frames_whole


@audio_thread
def layer_is_ready(s, bank, layer, pitch):
    """Tell whether a layer has at least as much as the loud one."""
    slot = s.slots[bank, layer, pitch - LOWEST_PITCH]
    return slot.frames_ready > 0 and slot.frames_ready >= slot_frames_ready(s, bank, pitch)


@audio_thread
def find_source(s, v, only_whole):
    """Choose bank and pitch of the slot that a voice shall read, and mark what is wanted."""
    voice = s.voices[v]
    true_pitch = min(max(voice.pitch, LOWEST_PITCH), HIGHEST_PITCH)
    if not slot_is_whole(s, voice.bank, true_pitch):
        s.wanted[voice.bank, true_pitch - LOWEST_PITCH] = s.clock + 1
    voice.source_bank = voice.bank
    voice.source_pitch = true_pitch
    voice.is_stand_in = 0
    if slot_is_whole(s, voice.bank, true_pitch):
        return
    if slot_frames_ready(s, voice.bank, true_pitch) > 0 and not only_whole:
        return
    voice.is_stand_in = 1
    s.meters.stand_ins += 1
    source = nearest_slot(s, voice.bank, true_pitch, FARTHEST_WHOLE, True)
    if source < 0 and not only_whole:
        source = nearest_slot(s, voice.bank, true_pitch, FARTHEST_ATTACK, False)
    if source < 0:
        voice.source_bank = BUILT_IN_BANK
        source = nearest_slot(s, BUILT_IN_BANK, true_pitch, PITCH_COUNT, True)
    if source >= 0:
        voice.source_pitch = source


@audio_thread
def ask_for_true_tone(s, v):
    """Let a voice whose pitch has moved go over to its own tone, as soon as that is there."""
    voice = s.voices[v]
    true_pitch = min(max(voice.pitch, LOWEST_PITCH), HIGHEST_PITCH)
    if voice.source_pitch == true_pitch and voice.source_bank == voice.bank:
        return
    voice.is_stand_in = 1
    if not slot_is_whole(s, voice.bank, true_pitch):
        s.wanted[voice.bank, true_pitch - LOWEST_PITCH] = s.clock + 1


@audio_thread
def nearest_slot(s, bank, pitch, farthest, whole):
    """Return the nearest pitch that can be read, the lower of two equals, or -1."""
    for distance in range(farthest + 1):
        for direction in (-1, 1):
            candidate = int64(pitch + direction * distance)
            if candidate < LOWEST_PITCH or candidate > HIGHEST_PITCH:
                continue
            if whole:
                if slot_is_whole(s, bank, candidate):
                    return candidate
            elif slot_frames_ready(s, bank, candidate) > 0:
                return candidate
    return int64(-1)


@audio_thread
def frames_left(s, v):
    """Return how many output frames a voice can still read; -1 if it goes on for ever."""
    voice = s.voices[v]
    if voice.loops or voice.reads_stream:
        return int64(-1)
    ready = slot_frames_ready(s, voice.source_bank, voice.source_pitch)
    left = (ready << 32) - voice.position
    if left <= 0 or voice.increment <= 0:
        return int64(0)
    return left // voice.increment


assert SOFT < LOUD
