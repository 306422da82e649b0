"""The kernel's side of the rings: due events in order of time, and the log of what was applied."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.native import audio_thread, fence
from instrument.realtime.state import CLOCK_TICK, LOG_EVENTS, RING_EVENTS


@audio_thread
def take_events(s):
    """Move what the MIDI thread, control and partner have sent into the queue of due events."""
    drain(s, s.midi_ring)
    drain(s, s.control_ring)
    drain(s, s.partner_ring)


@audio_thread
def drain(s, ring):
    """Empty one ring into the queue."""
    head = ring.head
    fence()
    for count in range(ring.tail, head):
        event = ring.events[count % RING_EVENTS]
        queue_event(
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
def queue_event(s, time_frames, status, data1, data2, source, value):
    """Put one event where its time says; events of one frame stay in the order they came."""
    if s.pending_count >= RING_EVENTS:
        s.meters.lost_events += 1
        return
    if time_frames < s.clock:
        if time_frames >= 0:
            s.meters.late_events += 1
        time_frames = s.clock
    at = s.pending_count
    while at > 0 and s.pending[at - 1].time_frames > time_frames:
        s.pending[at] = s.pending[at - 1]
        at -= 1
    event = s.pending[at]
    event.time_frames = time_frames
    event.status = status
    event.data1 = data1
    event.data2 = data2
    event.source = source
    event.value = value
    s.pending_count += 1


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
    if event.status < CLOCK_TICK:  # a clock that runs on is nobody playing
        s.meters.last_event_frame = s.clock
    fence()
    s.log_ring.head += 1
