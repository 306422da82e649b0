"""How a voice goes over to its stream, and back to its loop; `realtime.tones.stream` has the rings.

Both lanes play the same note while they cross-fade, in straight lines: what they have in common,
which is nearly all, then keeps its level.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import int64

from instrument.realtime.expression.slide import share_slide
from instrument.realtime.memory.constants import (
    FREE,
    LANES,
    LOUD,
    LOWEST_PITCH,
    RELEASE,
    TICK_FRAMES,
)
from instrument.realtime.native import audio_thread
from instrument.realtime.tones.stream import (
    ask_for_stream,
    drop_stream,
    frame_of_note,
    frames_streamed,
)
from instrument.realtime.voice.aim import aim_for_next_tick
from instrument.realtime.voice.lanes import fade_voice, take_lane
from instrument.realtime.voice.reading import to_the_power

ENOUGH_SECONDS = 0.2  # of a stream, to go over to it
DRY_SECONDS = 0.1  # what is left when it goes back
CROSS_SECONDS = 0.040


@audio_thread
def follow_stream(s, v):
    """Do what is due for a voice's stream at this tick."""
    voice = s.voices[v]
    if s.stream_address == 0 or voice.stage == FREE or voice.is_fading:
        return
    pace = voice.increment / 4294967296.0 * s.rate_hz
    if voice.reads_stream:
        at = int64(voice.position >> 32)
        s.streams[voice.stream - 1].position = at
        if voice.fade >= 1.0 and frames_streamed(s, voice.stream - 1, at) < DRY_SECONDS * pace:
            count_late(s, voice)
            return_to_loop(s, v)
        return
    if not voice.loops or voice.is_stand_in or s.banks[voice.source_bank].streams == 0:
        drop_stream(s, v)
        return
    if voice.stream == 0:
        ask_for_stream(s, v)
    if voice.stream == 0:
        if voice.wrapped and voice.stage != RELEASE:
            count_late(s, voice)
        return
    stream = s.streams[voice.stream - 1]
    at = frame_of_note(voice)
    stream.position = max(at, stream.joins_at)
    if at < stream.joins_at or voice.fade < 1.0:
        return
    if frames_streamed(s, voice.stream - 1, at) > ENOUGH_SECONDS * pace:
        go_to_stream(s, v)
    else:
        count_late(s, voice)


@audio_thread
def count_late(s, voice):
    """Count a note once for each time that it has to loop."""
    if not voice.stream_is_late:
        voice.stream_is_late = 1
        s.meters.late_streams += 1


@audio_thread
def go_to_stream(s, v):
    """Cross-fade a looping note to its stream."""
    w = take_twin(s, v)
    twin = s.voices[w]
    twin.reads_stream = 1
    twin.stream_is_late = 0
    twin.position += twin.wrapped << 32
    twin.wrapped = 0
    twin.loops = 0
    twin.is_looping = 0
    twin.loop_level = 1.0  # what dies away does so in its stream
    s.voices[v].stream = 0  # the twin holds it now
    cross_fade(s, v, w)


@audio_thread
def return_to_loop(s, v):
    """Cross-fade a note whose stream runs dry to the loop of its slot, in phase with it."""
    w = take_twin(s, v)
    twin = s.voices[w]
    slot = s.slots[twin.source_bank, LOUD, twin.source_pitch - LOWEST_PITCH]
    at = int64(twin.position >> 32)
    length = int64(slot.loop_end - slot.loop_start)
    twin.reads_stream = 0
    twin.loops = 1
    twin.is_looping = 1
    twin.wrapped = max(at - slot.loop_start, int64(0)) // length * length
    twin.position -= twin.wrapped << 32
    gone = max(at - slot.loop_start, int64(0)) // TICK_FRAMES
    twin.loop_level = to_the_power(twin.loop_keep, gone)
    s.streams[twin.stream - 1].holders += 1  # the old lane reads on while it fades
    cross_fade(s, v, w)


@audio_thread
def take_twin(s, v):
    """Give a note a second lane with the same filter, and return it."""
    w = take_lane(s, s.voices[v].bank)
    s.voices[w] = s.voices[v]
    s.voices[w].filter_is_due = 1
    share_slide(s, w)
    s.low_1[w // LANES, w % LANES] = s.low_1[v // LANES, v % LANES]
    s.low_2[w // LANES, w % LANES] = s.low_2[v // LANES, v % LANES]
    s.sounding_groups[w // LANES] += 1
    return w


@audio_thread
def cross_fade(s, v, w):
    """Let one lane of a note fade out while the other one fades in."""
    twin = s.voices[w]
    twin.fade = 0.0
    twin.fade_step = TICK_FRAMES / (CROSS_SECONDS * s.rate_hz)
    twin.fade_is_straight = 1
    fade_voice(s, v, CROSS_SECONDS)
    s.voices[v].fade_is_straight = 1
    aim_for_next_tick(s, w)
