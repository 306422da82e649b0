"""What is sent on the beat whoever plays: a click, and a clock for other programs.

A click is a short note on a channel of its own; the clock is MIDI's, 24 ticks per beat, with start,
stop and song position, at the frames of the transport.
"""

from __future__ import annotations

import math

from instrument.midi.messages import note_off, note_on
from instrument.music.transport import Transport
from instrument.partner.sounding_notes import Message
from instrument.realtime.state import TO_OUT, TO_VOICES

CLICK_CHANNEL = 9
TICKS_PER_BEAT = 24
_BAR_PITCH, _BEAT_PITCH, _VELOCITY = 96, 84, 90
_FARTHEST_BEATS = 16.0  # from one call to the next; calls come every millisecond
_CLICK_SECONDS = 0.03
_TICK, _START, _STOP = b"\xf8", b"\xfa", b"\xfc"


class BeatKeeper:
    """Clicks and ticks up to some position.

    Parameters
    ----------
    clicks
        Sound a metronome. The count-in is heard in any case.
    sends_clock
        Send a MIDI clock to the output.
    count_in_beats
        Before beat 0; clicks are heard until then.
    """

    def __init__(self, *, clicks: bool, sends_clock: bool, count_in_beats: float = 0.0) -> None:
        self.clicks, self.sends_clock = clicks, sends_clock
        self._next_click = math.ceil(-count_in_beats)
        self._next_tick = 0
        self._has_started = False

    def until(self, beats: float, music: Transport, now: int) -> list[Message]:
        """Return what is due before a position; call it with growing positions.

        Parameters
        ----------
        beats
            The position.
        music
            Tells the frames.
        now
            The present frame: nothing is placed before it.
        """
        if beats - self._next_click > _FARTHEST_BEATS:
            self.begin_anew(beats)  # a position that nobody has announced: the past is not clicked
        messages = []
        while self._next_click < beats:
            if self.clicks or self._next_click < 0:
                messages += _click(self._next_click, music, now)
            self._next_click += 1
        if self.sends_clock:
            messages += self._ticks(beats, music, now)
        return messages

    def stop(self, now: int) -> list[Message]:
        """Stop the clock of others."""
        was_on, self._has_started = self._has_started, False
        return [Message(now, _STOP, TO_OUT)] if was_on else []

    def begin_anew(self, beats: float) -> None:
        """Go on from another position."""
        self._next_click = math.ceil(beats)
        self._next_tick = math.ceil(beats * TICKS_PER_BEAT)

    def _ticks(self, beats: float, music: Transport, now: int) -> list[Message]:
        messages = []
        while self._next_tick < beats * TICKS_PER_BEAT:
            frame = max(now, music.frame_at(self._next_tick / TICKS_PER_BEAT))
            if not self._has_started:
                self._has_started = True
                messages.append(Message(frame, _START, TO_OUT))
            messages.append(Message(frame, _TICK, TO_OUT))
            self._next_tick += 1
        return messages


def _click(beat: int, music: Transport, now: int) -> list[Message]:
    is_bar = beat % music.bar_beats == 0
    pitch, frame = (_BAR_PITCH if is_bar else _BEAT_PITCH), max(now, music.frame_at(beat))
    end = frame + round(_CLICK_SECONDS * music.rate_hz)
    return [
        Message(frame, note_on(pitch, _VELOCITY, CLICK_CHANNEL), TO_VOICES),
        Message(end, note_off(pitch, CLICK_CHANNEL), TO_VOICES),
    ]
