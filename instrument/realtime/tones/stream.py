"""Held notes that go on being rendered: rings in shared memory that the models process fills.

A voice whose preset streams asks for a ring a second before its slot comes to an end. The models
process renders what follows, half a second at a time (`instrument.rendering.held.stream_server`),
and publishes how far it is. The voice cross-fades to the ring at the same moment of the note, where
both sound the same; if nothing is there yet it loops, as any other, and goes over later. A ring
that dries up sends it back to the loop. Nothing waits: both sides read numbers of the other's.

Who reads a ring, and who will, are its holders; without one it is free.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import int64

from instrument.realtime.memory.constants import (
    CHUNK_SECONDS,
    LOUD,
    LOWEST_PITCH,
    RELEASE,
    STREAM_COUNT,
)
from instrument.realtime.native import audio_thread, fence

ASK_SECONDS = 1.0  # before the slot ends
SWITCH_SECONDS = 0.13  # before a loop's end: its cross-fade of 80 ms must not have begun


@audio_thread
def drop_stream(s, v):
    """Hold a voice's ring no longer."""
    voice = s.voices[v]
    if voice.stream:
        s.streams[voice.stream - 1].holders -= 1
        voice.stream = 0
        voice.reads_stream = 0


@audio_thread
def frame_of_note(voice):
    """Return how far into its note a voice is, in frames of its slot."""
    return int64(voice.position >> 32) + voice.wrapped


@audio_thread
def frames_streamed(s, number, at):
    """Return how many frames of a stream are there from `at` on."""
    stream = s.streams[number]
    if stream.answered != stream.request or at < stream.first_frame:
        return int64(0)
    return stream.frames_ready - at


@audio_thread
def ask_for_stream(s, v):
    """Take a free ring for a note whose slot comes to an end; none may be free."""
    voice = s.voices[v]
    joins = joins_at(s, voice)
    at = frame_of_note(voice)
    if at >= joins - ASK_SECONDS * s.rate_hz and voice.stage != RELEASE:
        voice.stream = take_ring(s, v, max(at, joins), 0)


@audio_thread
def joins_at(s, voice):
    """Return the frame of a note at which its stream follows its slot."""
    slot = s.slots[voice.source_bank, LOUD, voice.source_pitch - LOWEST_PITCH]
    return int64(slot.loop_end) - int64(SWITCH_SECONDS * s.rate_hz)


@audio_thread
def take_ring(s, v, position, slides):
    """Ask for a voice's sound from a frame of it on; return the ring + 1, 0 if none is free."""
    voice = s.voices[v]
    for number in range(STREAM_COUNT):
        stream = s.streams[number]
        if stream.holders == 0:
            stream.holders = 1
            stream.slides = slides
            stream.bank = voice.source_bank
            stream.pitch = voice.source_pitch
            stream.drift = voice.drift_amount
            stream.soft_weight = voice.soft_weight
            stream.loud_weight = voice.loud_weight
            stream.number = voice.number
            stream.joins_at = joins_at(s, voice)
            stream.position = position
            fence()
            stream.request += 1
            return number + 1
    return 0


assert ASK_SECONDS >= 2 * CHUNK_SECONDS
