"""The kernel's side of the rings: due events in order of time, and the log of what was applied."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.memory.constants import CLOCK_TICK, LOG_EVENTS, RING_EVENTS, SOURCE_COUNT
from instrument.realtime.native import audio_thread, fence


@audio_thread
def take_events(s):
    """Move what all other threads and processes have sent into the queue of due events."""
    take_messages(s, s.midi_ring)
    take_commands(s, s.engine_ring)
    take_commands(s, s.control_ring)
    take_messages(s, s.partner_ring)
    take_messages(s, s.panel_ring)


@audio_thread
def take_messages(s, ring):
    """Empty one ring of messages into the queue."""
    head = ring.head
    fence()
    for count in range(ring.tail, head):
        event = ring.events[count % len(ring.events)]
        queue_message(
            s,
            event.time_frames,
            event.status,
            event.data1,
            event.data2,
            event.source,
            event.value,
        )
    fence()
    ring.tail = head


@audio_thread
def take_commands(s, ring):
    """Empty one ring of messages and commands into the queue, in the order they were sent."""
    head = ring.head
    fence()
    for count in range(ring.tail, head):
        event = ring.events[count % len(ring.events)]
        if event.command != 0:
            at = make_room(s, event.time_frames)
            if at >= 0:
                s.pending[at].status = 0
                s.pending[at].data1 = event.data1
                s.pending[at].data2 = event.data2
                s.pending[at].source = event.source
                s.pending[at].value = event.value
                s.pending[at].command = event.command
        else:
            queue_message(
                s,
                event.time_frames,
                event.status,
                event.data1,
                event.data2,
                event.source,
                event.value,
            )
    fence()
    ring.tail = head


@audio_thread
def queue_message(s, time_frames, status, data1, data2, source, value):
    """Put one MIDI message where its time says; what is none is counted and dropped.

    Every message from outside comes through here, whatever its way.
    """
    size = message_bytes(status)
    if status < 0x80 or (size > 1 and data1 >= 0x80) or (size > 2 and data2 >= 0x80):
        s.meters.stray_bytes += 1
        return
    at = make_room(s, time_frames)
    if at < 0:
        return
    event = s.pending[at]
    event.status = status
    event.data1 = data1
    event.data2 = data2
    event.source = source % SOURCE_COUNT
    event.value = value
    event.command = 0


@audio_thread
def message_bytes(status):
    """Return a message's length [MIDI 1.0, table 1]."""
    if status >= 0xF0:
        return 3 if status == 0xF2 else 1
    return 2 if status & 0xE0 == 0xC0 else 3


@audio_thread
def make_room(s, time_frames):
    """Return the queue's place for an event of this time; -1, and counted, if the queue is full.

    Events of one frame stay in the order they came.
    """
    if s.pending_count >= RING_EVENTS:
        s.meters.lost_events += 1
        return -1
    if time_frames < s.clock:
        if time_frames >= 0:
            s.meters.late_events += 1
        time_frames = s.clock
    at = s.pending_count
    while at > 0 and s.pending[at - 1].time_frames > time_frames:
        s.pending[at] = s.pending[at - 1]
        at -= 1
    s.pending[at].time_frames = time_frames
    s.pending_count += 1
    return at


@audio_thread
def drop_applied(s, count):
    """Take the first `count` events out of the queue."""
    if count == 0:
        return
    for at in range(count, s.pending_count):
        s.pending[at - count] = s.pending[at]
    s.pending_count -= count


@audio_thread
def send_out(s, event):
    """Give a message to the MIDI output, at the present frame."""
    ring = s.out_ring
    if ring.head - ring.tail >= RING_EVENTS:
        ring.dropped += 1  # nobody reads it
        return
    entry = ring.events[ring.head % RING_EVENTS]
    entry.time_frames = s.clock
    entry.status = event.status
    entry.data1 = event.data1
    entry.data2 = event.data2
    entry.source = event.source
    entry.value = event.value
    if event.status & 0xF0 == 0x90 and event.data2 > 0:
        s.sent_frame[event.data1 & 0x7F] = s.clock
        s.sent_velocity[event.data1 & 0x7F] = event.data2
    fence()
    ring.head += 1


@audio_thread
def log_event(s, event):
    """Write down that an event was applied at this very frame."""
    entry = s.log_ring.events[s.log_ring.head % LOG_EVENTS]
    entry.time_frames = s.clock
    entry.status = event.status
    entry.data1 = event.data1
    entry.data2 = event.data2
    entry.source = event.source
    entry.value = event.value
    entry.command = event.command
    if event.status < CLOCK_TICK:  # a clock that runs on is nobody playing
        s.meters.last_event_frame = s.clock
    fence()
    s.log_ring.head += 1
