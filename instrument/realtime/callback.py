"""What audio libraries call: PortAudio's stream callback, JACK's process, xrun and shutdown.

All of it is machine code that never asks for the interpreter. Whatever belongs to one process
(ports, addresses of library functions) lies in the state block; nothing of it is compiled in, so
compiled code can be kept on disk and used by any later process.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

import math
import sys

from numpy import float64, int64, uint64

from instrument.realtime import byte_stream, exclusive
from instrument.realtime.event_queue import message_bytes, queue_message
from instrument.realtime.kernel import STATE_POINTER
from instrument.realtime.memory.constants import OUR_SOURCE, RING_EVENTS
from instrument.realtime.memory.layout import STATE
from instrument.realtime.native import (
    address_of,
    audio_thread,
    audio_thread_too,
    bytes_at,
    call,
    carray,
    fence,
    pointer_value,
    types,
)

UNDERFLOW = 0x4  # paOutputUnderflow (portaudio.h)
CONTINUE = 0  # paContinue
STEREO = 2
BANDWIDTH_HZ = 0.5  # of the loop that smooths the audio clock
LOST_LOCK_SECONDS = 0.5  # farther off than this, the clock starts anew
CLOCK_SCRATCH = STATE.fields["clock_scratch"][1]  # type: ignore[index]
MIDI_EVENT = STATE.fields["midi_event"][1]  # type: ignore[index]
begin_packet = audio_thread(byte_stream.begin_packet)
take_byte = audio_thread(byte_stream.take_byte)
count_messages = audio_thread_too(exclusive.count_messages)
make_message = audio_thread_too(exclusive.make_message)
MIDI_BYTES = STATE.fields["midi_bytes"][1]  # type: ignore[index]

FLOATS = types.CPointer(types.float32)
UNSIGNED_LONG = types.uint32 if sys.platform == "win32" else types.uint64
# int callback(input, output, frames, time_info, status_flags, user_data)
PORTAUDIO_SIGNATURE = types.int32(
    types.voidptr, FLOATS, UNSIGNED_LONG, types.voidptr, UNSIGNED_LONG, STATE_POINTER
)
JACK_SIGNATURE = types.int32(types.uint32, STATE_POINTER)
JACK_XRUN_SIGNATURE = types.int32(STATE_POINTER)
JACK_SHUTDOWN_SIGNATURE = types.void(types.int32, types.voidptr, STATE_POINTER)
JACK_CONNECTION_SIGNATURE = types.void(types.uint32, types.uint32, types.int32, STATE_POINTER)
JACK_REGISTRATION_SIGNATURE = types.void(types.uint32, types.int32, STATE_POINTER)
JACK_MESSAGE_SIGNATURE = types.void(types.voidptr)


def portaudio_callback(_input, out, frames, _time, flags, state):
    """Fill one interleaved stereo buffer (``PaStreamCallback`` in portaudio.h)."""
    s = carray(state, (1,))[0]
    began = now_ns(s)
    follow_audio_clock(s, began, int64(frames))
    if flags & UNDERFLOW:
        s.meters.underruns += 1
    output = pointer_value(out)
    render(s, output, output + 4, STEREO, int64(frames))
    measure(s, began)
    return CONTINUE


def jack_process(frames, state):
    """Read MIDI and write audio for one period (``JackProcessCallback`` in jack/types.h).

    A MIDI event is played at its own frame of this very period: from the sender's period to ours
    JACK itself puts exactly one block.
    """
    s = carray(state, (1,))[0]
    began = now_ns(s)
    follow_audio_clock(s, began, int64(frames))
    count = uint64(frames)
    take_jack_midi(s, call(s.jack_port_get_buffer, (s.jack_midi_in, count)), int64(frames))
    left = call(s.jack_port_get_buffer, (s.jack_out_left, count))
    right = call(s.jack_port_get_buffer, (s.jack_out_right, count))
    for pair in range(s.part_pairs):
        for side in range(STEREO):
            port = s.jack_part_outs[pair, side]
            s.part_buffers[pair, side] = call(s.jack_port_get_buffer, (port, count))
    render(s, left, right, 1, int64(frames))
    if s.jack_midi_out != 0:
        give_jack_midi(s, call(s.jack_port_get_buffer, (s.jack_midi_out, count)), int64(frames))
    measure(s, began)
    return 0


def jack_xrun(state):
    """Count an xrun of the server (``JackXRunCallback``)."""
    carray(state, (1,))[0].meters.underruns += 1
    return 0


def jack_shutdown(_code, _reason, state):
    """Note that the server is gone (``JackInfoShutdownCallback``); the sink sees the flag."""
    carray(state, (1,))[0].server_is_gone = 1


def jack_connection(_from, to, is_made, state):
    """Count changes of cables, and those lost at our MIDI input (``JackPortConnectCallback``).

    Called on libjack's own thread, one at a time; nobody else writes these fields.
    """
    s = carray(state, (1,))[0]
    if not is_made:
        port = call(s.jack_port_by_id, (s.jack_client, uint64(to)))
        if port == s.jack_midi_in:
            s.jack_losses += 1
    s.jack_changes += 1


def jack_registration(_port, _is_new, state):
    """Count ports that come and go (``JackPortRegistrationCallback``)."""
    carray(state, (1,))[0].jack_changes += 1


def jack_message(_text):
    """Drop a line that libjack would print: what matters is in the return values."""


@audio_thread
def render(s, left, right, stride, frames):
    """Call the one compiled `process_block`, so that live and offline run the same code."""
    call(
        s.process_block,
        (uint64(address_of(s)), uint64(left), uint64(right), uint64(stride), uint64(frames)),
    )


@audio_thread
def take_jack_midi(s, buffer, frames):
    """Queue every message of this period at its own frame.

    ``jack_midi_event_t`` (jack/midiport.h): uint32 time, size_t size, pointer to the bytes.
    """
    words = s.midi_event
    count = call(s.jack_midi_get_event_count, (buffer,)) & 0xFFFFFFFF
    for index in range(count):
        place = uint64(address_of(s) + MIDI_EVENT)
        failed = call(s.jack_midi_event_get, (place, buffer, uint64(index))) & 0xFFFFFFFF
        if not failed:
            at = s.clock + min(int64(words[0] & 0xFFFFFFFF), frames - 1)
            take_packet(s, at, carray(bytes_at(words[2]), (int64(words[1]),)))


@audio_thread
def take_packet(s, at, packet):
    """Queue the messages that one packet of the driver's completes."""
    stream = s.jack_bytes
    begin_packet(stream)
    for byte in packet:
        status = take_byte(stream, byte)
        if status == byte_stream.EXCLUSIVE_END:
            for number in range(count_messages(stream)):
                queue_made(s, at, make_message(stream, number))
        else:
            queue_made(s, at, status)
    begin_packet(stream)
    s.meters.stray_bytes += stream.stray_bytes
    stream.stray_bytes = 0


@audio_thread
def queue_made(s, at, status):
    """Queue the message that JACK's bytes have made; 0 is none."""
    made = s.jack_bytes
    if status != 0:
        queue_message(s, at, status, made.made_data1, made.made_data2, OUR_SOURCE, made.made_value)


@audio_thread
def give_jack_midi(s, buffer, frames):
    """Send what has become due in this period, each message at its own frame of it."""
    call(s.jack_midi_clear_buffer, (buffer,))
    ring = s.out_ring
    first = s.clock - frames
    for number in range(ring.tail, ring.head):
        event = ring.events[number % RING_EVENTS]
        s.midi_bytes[0] = event.status
        s.midi_bytes[1] = event.data1
        s.midi_bytes[2] = event.data2
        at = uint64(max(event.time_frames - first, 0))
        message = uint64(address_of(s) + MIDI_BYTES)
        size = uint64(message_bytes(event.status))
        call(s.jack_midi_event_write, (buffer, at, message, size))
    ring.tail = ring.head


@audio_thread
def now_ns(s):
    """Return the system's monotonic clock, or 0 if this process gave no function to read it."""
    if s.clock_function == 0:
        return int64(0)
    scratch = uint64(address_of(s) + CLOCK_SCRATCH)
    if s.clock_id >= 0:  # clock_gettime(id, timespec *)
        call(s.clock_function, (uint64(s.clock_id), scratch))
        return s.clock_scratch[0] * 1_000_000_000 + s.clock_scratch[1]
    call(s.clock_function, (scratch,))  # QueryPerformanceCounter(int64 *)
    return int64(float64(s.clock_scratch[0]) * (1e9 / s.clock_ticks_per_second))


@audio_thread
def measure(s, began):
    """Keep how long the block took."""
    spent = now_ns(s) - began
    s.meters.callback_ns_last = spent
    s.meters.callback_ns_sum += spent
    s.meters.callback_ns_max = max(s.meters.callback_ns_max, spent)


@audio_thread
def follow_audio_clock(s, now, frames):
    """Tie stream frames to the system's clock, with the callback's own jitter filtered out.

    A second-order delay-locked loop: F. Adriaensen, "Using a DLL to filter time", Linux Audio
    Conference 2005. `clock_sequence` is odd while the values change (a reader tries again).
    """
    if now == 0:
        return
    period = frames / s.rate_hz
    error = (now - s.clock_next_ns) * 1e-9
    s.clock_sequence += 1
    fence()
    s.clock_frame = s.clock
    if s.clock_next_ns == 0.0 or abs(error) > LOST_LOCK_SECONDS:
        s.clock_ns = float64(now)
        s.clock_block_ns = period * 1e9
    else:
        omega = 2.0 * math.pi * BANDWIDTH_HZ * period
        s.clock_ns = s.clock_next_ns + 1.4142135623730951 * omega * error * 1e9
        s.clock_block_ns += omega * omega * error * 1e9
    s.clock_next_ns = s.clock_ns + s.clock_block_ns
    s.clock_block_frames = frames
    fence()
    s.clock_sequence += 1
