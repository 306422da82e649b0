"""Channel messages: who is heard, and what it plays."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import int64

from instrument.realtime.event_queue import send_out
from instrument.realtime.memory.constants import (
    AS_IT_IS,
    CHANNEL_COUNT,
    MOST_PARTS,
    PARTNER_SOURCE,
    REQUEST_EVENTS,
)
from instrument.realtime.midi.controllers import change_control
from instrument.realtime.midi.keys import let_key_go, press_key, strike_key
from instrument.realtime.midi.zones import press_channel, unsettle
from instrument.realtime.native import audio_thread, fence


@audio_thread
def hear_message(s, event):
    """Play a channel message at the present frame; False if nobody listens to it."""
    if event.source != PARTNER_SOURCE:
        if (s.channel_mask >> (event.status & 0x0F)) & 1 == 0 or is_echo(s, event):
            return False
        if s.goes_through:
            send_out(s, event)
    if s.part_count > 0 and event.source != PARTNER_SOURCE and event.value != AS_IT_IS:
        play_parts(s, event)
    else:
        play_message(s, event)
    return True


@audio_thread
def is_echo(s, event):
    """Tell whether a note is our own, which somebody sends back to us."""
    if event.status & 0xF0 != 0x90 or event.data2 == 0:
        return False
    is_soon = s.clock - s.sent_frame[event.data1] < s.echo_frames
    return is_soon and s.sent_velocity[event.data1] == event.data2


@audio_thread
def play_parts(s, event):
    """Play a channel message on the channel of every part that hears it; on its own if none does.

    Another preset is for the first part alone.
    """
    status = event.status
    is_heard = False
    for number in range(min(s.part_count, MOST_PARTS)):
        part = s.parts[number]
        if (part.hears >> (status & 0x0F)) & 1 == 0:
            continue
        is_for_one = status & 0xF0 == 0xC0 and is_heard
        is_heard = True
        if 0 <= part.plays < CHANNEL_COUNT and is_within(part, event) and not is_for_one:
            set_part_gain(s, int64(part.plays), part.gain)
            event.status = (status & 0xF0) | part.plays
            play_message(s, event)
            event.status = status
    if not is_heard:
        play_message(s, event)


@audio_thread
def set_part_gain(s, channel, gain):
    """Let a channel be as loud as the part that plays on it."""
    if s.channels[channel].part_gain != gain:
        s.channels[channel].part_gain = gain
        unsettle(s, channel)


@audio_thread
def is_within(part, event):
    """Tell whether a message is for a part: a note of its keys, a strike of its velocities."""
    kind = event.status & 0xF0
    if kind <= 0xA0 and not part.lowest_key <= event.data1 <= part.highest_key:
        return False
    if kind == 0x90 and event.data2 > 0:
        return part.lowest_velocity <= event.data2 <= part.highest_velocity
    return True


@audio_thread
def play_message(s, event):
    """Play a channel message."""
    channel = event.status & 0x0F
    kind = event.status & 0xF0
    data1 = event.data1
    data2 = event.data2
    if kind == 0x90 and data2 > 0:
        strike_key(s, event.source, channel, data1, data2)
    elif kind == 0x80 or kind == 0x90:
        let_key_go(s, event.source, channel, data1)
    elif kind == 0xB0:
        change_control(s, event.source, channel, data1, data2)
    elif kind == 0xE0:
        s.channels[channel].bend = (data2 << 7) + data1 - 8192
        unsettle(s, channel)
    elif kind == 0xD0:
        s.channels[channel].pressure = data1
        press_channel(s, channel)
    elif kind == 0xA0:
        press_key(s, channel, data1, data2)
    elif kind == 0xC0:
        ask_for(s, event.status, data1, s.channels[channel].bank_select)


@audio_thread
def ask_for(s, status, program, bank):
    """Ask control for another preset: loading one is no work for this thread."""
    ring = s.request_ring
    if ring.head - ring.tail >= REQUEST_EVENTS:
        ring.dropped += 1
        return
    event = ring.events[ring.head % REQUEST_EVENTS]
    event.time_frames = s.clock
    event.status = status
    event.data1 = program
    event.data2 = bank
    event.source = 0
    event.value = 0
    fence()
    ring.head += 1
