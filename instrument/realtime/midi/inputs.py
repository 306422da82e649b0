"""Inputs that go away: a pulled cable cannot tell that its keys are up."""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from instrument.realtime.event_queue import log_event
from instrument.realtime.memory.constants import AS_IT_IS, CHANNEL_COUNT, KEY_COUNT, SOURCE_COUNT
from instrument.realtime.midi.messages import hear_message
from instrument.realtime.native import audio_thread

SENSING_SECONDS = 0.330  # 300 ms between two messages, and a tenth [MIDI 1.0, p. 32]
ACTIVE_SENSING = 0xFE


@audio_thread
def notice_input(s, source, status):
    """Note that an input is alive, if it has said that it will keep saying so."""
    if status == ACTIVE_SENSING and not s.is_sensed[source]:
        s.is_sensed[source] = 1
        s.sensed_count += 1
    s.heard_frame[source] = s.clock


@audio_thread
def watch_inputs(s):
    """Let those inputs go that have fallen silent; on the grid only."""
    if s.sensed_count == 0:
        return
    for source in range(SOURCE_COUNT):
        silent = s.clock - s.heard_frame[source]
        if s.is_sensed[source] and silent > SENSING_SECONDS * s.rate_hz:
            let_input_go(s, source)


@audio_thread
def let_input_go(s, source):
    """Play and log what the input can no longer send: pedals and keys up."""
    if s.is_sensed[source]:
        s.is_sensed[source] = 0
        s.sensed_count -= 1
    for channel in range(CHANNEL_COUNT):
        chan = s.channels[channel]
        if chan.pedal_source == source:
            if chan.sustain > 0:
                send_instead(s, source, 0xB0 | channel, 64, 0)
            if chan.sostenuto > 0:
                send_instead(s, source, 0xB0 | channel, 66, 0)
        for pitch in range(KEY_COUNT):
            while s.held_by[source, channel, pitch] > 0:
                left = s.held_by[source, channel, pitch]
                send_instead(s, source, 0x80 | channel, pitch, 64)
                if s.held_by[source, channel, pitch] == left:
                    break  # its channel is no longer listened to: nothing would ever change


@audio_thread
def send_instead(s, source, status, data1, data2):
    """Play and log one message as if the input had sent it, to the channel that it came to."""
    event = s.made
    event.time_frames = s.clock
    event.status = status
    event.data1 = data1
    event.data2 = data2
    event.source = source
    event.value = AS_IT_IS
    event.command = 0
    if hear_message(s, event):
        log_event(s, event)
