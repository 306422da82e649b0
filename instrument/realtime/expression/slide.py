"""Slide: CC 74 of a note's own channel (MPE) moves its timbre along the way that its preset names.

What the far end of that way adds to the note is rendered on request into a ring of its own
(`tones.stream`), from the same phases, so that the voice only adds as much of it as the slide is
up: heard at the next tick, without a click and in tune. The first time that a slide goes up, it is
heard from a fixed time after, so that a render of the same events has the same samples.

Above its middle the slide goes that way, below it closes the filter as ever. A note that is let go
keeps its timbre: its channel may be another note's by then.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# numba infers the types of what it compiles.

from __future__ import annotations

from numpy import float32, int64

from instrument.realtime.memory.constants import FREE, RELEASE, TICK_FRAMES
from instrument.realtime.native import audio_thread
from instrument.realtime.tones.stream import frame_of_note, frames_streamed, take_ring

FIRST_SECONDS = 0.08  # from the first slide until it is heard
FOLLOW_SECONDS = 0.005
DRY_SECONDS = 0.05  # what is left of a ring when its slide goes down again
ARRIVED = float32(1e-4)


@audio_thread
def begin_slide(voice):
    """Give a voice that begins no slide yet."""
    voice.slide_stream = 0
    voice.slide_is_late = 0
    voice.slide_wanted = 0.0
    voice.slide = 0.0
    voice.slide_from = 0.0
    voice.slide_step = 0.0


@audio_thread
def drop_slide(s, v):
    """Hold the ring of a voice's slide no longer."""
    voice = s.voices[v]
    if voice.slide_stream:
        s.streams[voice.slide_stream - 1].holders -= 1
        voice.slide_stream = 0


@audio_thread
def share_slide(s, v):
    """Hold the ring of a slide once more: this lane reads it too, for the same note."""
    voice = s.voices[v]
    if voice.slide_stream:
        s.streams[voice.slide_stream - 1].holders += 1
        aim_slide(s, v, voice.slide)


@audio_thread
def slides(s, bank, has_own_channel):
    """Tell whether a note's slide moves its timbre: where nobody streams, it opens the filter."""
    return has_own_channel and s.stream_address != 0 and s.banks[bank].slides != 0


@audio_thread
def follow_slide(s, v):
    """Let a voice's timbre follow its slide for one tick."""
    voice = s.voices[v]
    if voice.stage == FREE:
        return
    chan = s.channels[voice.channel]
    if voice.stage != RELEASE and not voice.is_fading:
        voice.slide_wanted = 0.0
        if slides(s, voice.source_bank, chan.master != voice.channel):
            voice.slide_wanted = max(chan.brightness - 64, 0) / float32(63.0)
        is_whole = (voice.loops or voice.reads_stream) and not voice.is_stand_in
        if voice.slide_stream == 0 and voice.slide_wanted > 0.0 and is_whole:
            ask_for_slide(s, v)
    if voice.slide_stream == 0:
        return
    aim_slide(s, v, voice.slide_wanted if slide_is_there(s, v) else float32(0.0))


@audio_thread
def ask_for_slide(s, v):
    """Take a ring for what a voice's slide adds; it is needed at a fixed frame of the note."""
    voice = s.voices[v]
    pace = voice.increment / 4294967296.0 * s.rate_hz
    voice.slide_begins = frame_of_note(voice) + int64(FIRST_SECONDS * pace)
    voice.slide_stream = take_ring(s, v, voice.slide_begins, 1)


@audio_thread
def slide_is_there(s, v):
    """Tell whether the ring of a voice's slide has what is needed next; count it if it is late."""
    voice = s.voices[v]
    at = frame_of_note(voice)
    if not voice.is_fading:
        s.streams[voice.slide_stream - 1].position = max(at, voice.slide_begins)
    if at < voice.slide_begins:
        return False
    pace = voice.increment / 4294967296.0 * s.rate_hz
    if frames_streamed(s, voice.slide_stream - 1, at) > DRY_SECONDS * pace:
        return True
    if not voice.slide_is_late:
        voice.slide_is_late = 1
        s.meters.late_streams += 1
    return False


@audio_thread
def aim_slide(s, v, wanted):
    """Draw the line that a slide goes until the next tick, over the frames of its note."""
    voice = s.voices[v]
    away = wanted - voice.slide
    if abs(away) > ARRIVED:
        away *= float32(min(TICK_FRAMES / (FOLLOW_SECONDS * s.rate_hz), 1.0))
    voice.slide_from = voice.slide
    voice.slide_at = frame_of_note(voice)
    voice.slide += away
    voice.slide_step = float32(away / max(TICK_FRAMES * voice.increment / 4294967296.0, 1.0))
