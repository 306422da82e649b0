"""What is sent on the beat whoever plays: a click, and a clock for other programs.

A click is a short note on a channel of its own; the clock is MIDI's, 24 ticks per beat, with start,
stop and song position, at the frames of the transport. Clicks and ticks are of the present alone:
where the position has jumped, or lay elsewhere than anybody knew, what was missed stays silent.
"""

from __future__ import annotations

import math

from instrument.midi.messages import (
    CLOCK_TICK,
    CONTINUE,
    SONG_POSITION,
    START,
    STOP,
    note_off,
    note_on,
)
from instrument.music.transport import Transport
from instrument.partner.sounding_notes import Message
from instrument.realtime.memory.constants import TO_OUT, TO_VOICES

CLICK_CHANNEL = 9
TICKS_PER_BEAT = 24
_TICKS_PER_SIXTEENTH, _SIXTEENTHS = 6, 1 << 14  # of a song position, which counts no further
_BAR_PITCH, _BEAT_PITCH, _VELOCITY = 96, 84, 90
_LATE_BEATS, _MISSED_BEATS = 0.1, 1.0  # a click so late is left out; a clock so late begins anew
_CLICK_SECONDS = 0.03


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
        self._jumps = 0  # of the transport
        self._has_started = False

    def until(self, beats: float, music: Transport, now: int) -> list[Message]:
        """Return what is due before a position, half a second away at most.

        Parameters
        ----------
        beats
            The position.
        music
            Tells the frames.
        now
            The present frame: nothing is placed before it.
        """
        messages, here = [], music.beats_at(now)
        if music.jumps != self._jumps or here - self._next_click > _MISSED_BEATS:
            self._jumps = music.jumps
            messages += self.go_to(here, now)
        while self._next_click < beats:
            is_late = here - self._next_click > _LATE_BEATS
            if (self.clicks or self._next_click < 0) and not is_late:
                messages += _click(self._next_click, music, now)
            self._next_click += 1
        if self.sends_clock:
            messages += self._ticks(beats, music, now)
        return messages

    def go_to(self, beats: float, now: int) -> list[Message]:
        """Go on from another position; the clock of others stops until it is told from where."""
        was_on, self._has_started = self._has_started, False
        self.tell_again(beats)
        return [Message(now, bytes((STOP,)), TO_OUT)] if was_on else []

    def tell_again(self, beats: float) -> None:
        """Send what was sent ahead once more, as was done when old takes were played."""
        self._next_click = math.ceil(beats)
        self._next_tick = math.ceil(beats * TICKS_PER_BEAT)

    def _ticks(self, beats: float, music: Transport, now: int) -> list[Message]:
        messages = []
        while self._next_tick < beats * TICKS_PER_BEAT:
            frame = max(now, music.frame_at(self._next_tick / TICKS_PER_BEAT))
            begins = () if self._has_started else _beginning(self._next_tick)
            self._has_started = self._has_started or bool(begins)
            if self._has_started:
                messages += [
                    Message(frame, data, TO_OUT) for data in (*begins, bytes((CLOCK_TICK,)))
                ]
            self._next_tick += 1
        return messages


def _beginning(tick: int) -> tuple[bytes, ...]:
    """Return what lets others begin with a tick; they can on a sixteenth, from beat 0 on.

    The bars of 4/4 are still right where a song position begins anew, after 4096 beats.
    """
    sixteenth, rest = divmod(tick, _TICKS_PER_SIXTEENTH)
    if rest or tick < 0:
        return ()
    if not tick:
        return (bytes((START,)),)
    high, low = divmod(sixteenth % _SIXTEENTHS, 128)
    return bytes((SONG_POSITION, low, high)), bytes((CONTINUE,))


def _click(beat: int, music: Transport, now: int) -> list[Message]:
    is_bar = beat % music.bar_beats == 0
    pitch, frame = (_BAR_PITCH if is_bar else _BEAT_PITCH), max(now, music.frame_at(beat))
    end = frame + round(_CLICK_SECONDS * music.rate_hz)
    return [
        Message(frame, note_on(pitch, _VELOCITY, CLICK_CHANNEL), TO_VOICES),
        Message(end, note_off(pitch, CLICK_CHANNEL), TO_VOICES),
    ]
