"""Follow another program's MIDI clock.

In: clock ticks (24 per beat), start, stop, continue and song position, each with its frame. Out: a
`Transport`. Ticks come with the jitter of their way here, so a loop of second order follows them
(F. Adriaensen, "Using a DLL to filter time", Linux Audio Conference 2005): wide until it has
locked, narrow afterwards, wide again after a change of tempo.

A tick far from where it must be is not followed. If such ticks make an even row of their own, the
clock has changed its tempo; if not, there are two clocks, and the first one is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

from instrument.midi.messages import CLOCK_TICK, CONTINUE, SONG_POSITION, START, STOP
from instrument.music.transport import FASTEST_BPM, SLOWEST_BPM, BeatAnchor, Transport

CLOCK_MESSAGES = (CLOCK_TICK, START, CONTINUE, STOP, SONG_POSITION)
TICKS_PER_BEAT = 24
TICKS_PER_SIXTEENTH = 6  # what song positions count
LOST_SECONDS = 0.25
"""A clock that says nothing for so long (or for four ticks, if it is slow) has stopped."""

_WIDE, _NARROW = 0.12, 0.008  # bandwidth, in turns per tick
_NARROWING, _WIDENING = 0.93, 1.3  # per tick
_MEMORY_TICKS = 12.0
_IDLE_TICKS = 4 * TICKS_PER_BEAT
_BIASED = 0.8  # errors that all lie on one side by so much of their spread: the tempo moves
_NEAR = 0.3  # of a tick: further off, a tick is not this clock's
_EVEN = 0.2  # of a tick: how much an even row may vary
_ROW = 6


@dataclass(frozen=True, slots=True)
class ClockNews:
    """Something that the player should know about the clock."""

    message: str
    remedy: str = ""


class ClockFollower:
    """A transport that another program drives.

    Parameters
    ----------
    transport
        Where the music is before the clock says anything; it stands still until then.
    starts_anywhere
        A start counts from its first tick on, wherever its ticks lay before; by the rules of old
        takes, only once some of them have made a row.
    """

    def __init__(self, transport: Transport, *, starts_anywhere: bool = True) -> None:
        self._starts_anywhere = starts_anywhere
        self.transport = transport.stopped(transport.tie.frame)
        self.news: list[ClockNews] = []
        self._source: int | None = None
        self._last_frame: float | None = None  # of the last tick followed, as it came
        self._next = 0.0  # where the next tick must come
        self._period = 0.0  # frames per tick; 0 until two ticks have come
        at_1_bpm = transport.rate_hz * 60.0 / TICKS_PER_BEAT
        self._shortest, self._longest = 0.5 * at_1_bpm / FASTEST_BPM, 2.0 * at_1_bpm / SLOWEST_BPM
        self._bandwidth = _WIDE
        self._bias = self._spread = 0.0  # of the last errors, in frames
        self._ticks = 0  # since position 0, of the next tick
        self._waits_for_tick = False  # after start or continue
        self._strange: list[tuple[float, bool]] = []  # since a tick did not fit; and which ones
        self._kept = (0.0, 0)  # where the next tick was expected before that, and its number
        self._has_told_two = False
        self._idle_ticks = 0

    @property
    def is_locked(self) -> bool:
        """The tempo is known well."""
        return self._period > 0.0 and self._bandwidth < 2 * _NARROW

    def hear(self, frame: float, data: bytes, source: int = 0) -> None:
        """Take one message of the clock; any other is ignored."""
        status = data[0]
        if status == CLOCK_TICK:
            self._tick(frame, source)
        elif status == SONG_POSITION and len(data) == 3:
            self._place((data[1] | data[2] << 7) * TICKS_PER_SIXTEENTH, frame)
        elif status == START:
            self._place(0, frame)
            self._waits_for_tick = True
        elif status == CONTINUE:
            self._waits_for_tick = True
        elif status == STOP:
            self._stop(frame)

    def look(self, frame: float) -> None:
        """Notice that no tick has come for too long; call it at least ten times a second."""
        if not self.transport.is_running or self._last_frame is None:
            return
        patience = max(LOST_SECONDS * self.transport.rate_hz, 4.0 * self._period)
        if frame - self._last_frame > patience:
            self._stop(self._last_frame)
            self._source = None
            self.news.append(
                ClockNews("the MIDI clock has stopped in the middle", "It goes on with its ticks.")
            )

    def _place(self, ticks: int, frame: float) -> None:
        self._ticks = ticks
        self.transport = self.transport.at(ticks / TICKS_PER_BEAT, frame)

    def _stop(self, frame: float) -> None:
        self.transport = self.transport.stopped(frame)
        self._waits_for_tick = False
        beats = self.transport.tie.beats
        self._ticks = max(0, math.floor(beats * TICKS_PER_BEAT + 0.5))

    def _tick(self, frame: float, source: int) -> None:
        if self._source is None:
            self._source = source
        if source != self._source:
            self._tell_two()
            return
        if self._last_frame is None or self._is_after_pause(frame):
            self._begin_row(frame)
            return
        if self._period == 0.0:
            if not self._is_possible(frame - self._last_frame):
                self._begin_row(frame)
                return
            self._lock(frame, frame - self._last_frame)
            return
        error = frame - self._next
        if abs(error) <= _NEAR * self._period:
            self._follow(frame, error)
        elif self._waits_for_tick and self._starts_anywhere:
            self._begin_row(frame)
        else:
            self._hear_strange(frame)

    def _begin_row(self, frame: float) -> None:
        """Take a tick that has no predecessor; the period stays if one is known."""
        self._last_frame = frame
        self._next = frame + self._period
        self._bandwidth, self._strange = _WIDE, []
        self._count(frame)

    def _lock(self, frame: float, period: float) -> None:
        self._period, self._last_frame = period, frame
        self._next = frame + period
        self._bandwidth, self._strange = _WIDE, []
        self._count(frame)

    def _follow(self, frame: float, error: float) -> None:
        omega = 2.0 * math.pi * self._bandwidth
        at = self._next + math.sqrt(2.0) * omega * error
        period = self._period + omega * omega * error
        self._period = min(max(period, self._shortest), self._longest)
        self._next, self._last_frame = at + self._period, frame
        self._bandwidth *= _WIDENING if self._tempo_moves(error) else _NARROWING
        self._bandwidth = min(max(self._bandwidth, _NARROW), _WIDE)
        if self._strange:
            self._strange = [*self._strange[-_ROW:], (frame, False)]
        if not any(is_strange for _, is_strange in self._strange):
            self._strange = []
        self._count(at)

    def _tempo_moves(self, error: float) -> bool:
        self._bias += (error - self._bias) / _MEMORY_TICKS
        self._spread += (abs(error - self._bias) - self._spread) / _MEMORY_TICKS
        return abs(self._bias) > max(_BIASED * self._spread, 0.5)

    def _hear_strange(self, frame: float) -> None:
        """Take a tick that does not fit; see whether the last ones make a row of their own.

        It counts all the same, for a position is a number of ticks; unless there are two clocks.
        """
        if not self._strange:
            self._kept = (self._next, self._ticks)
        if not self._has_told_two:
            self._next += self._period
            self._ticks += self.transport.is_running
            self._last_frame = frame
        self._strange = [*self._strange[-_ROW:], (frame, True)]
        frames = [at for at, _ in self._strange]
        gaps = [b - a for a, b in pairwise(frames)]
        if len(gaps) == _ROW:
            self._judge_row(frame, gaps)
        if self._has_told_two:
            self._skip_to(frame)

    def _judge_row(self, frame: float, gaps: list[float]) -> None:
        """Decide between a new tempo, two clocks, and single ticks that came late."""
        mean = sum(gaps) / len(gaps)
        if max(abs(gap - mean) for gap in gaps) < _EVEN * mean:
            if self._is_possible(mean):
                self._ticks -= self.transport.is_running and not self._has_told_two
                self._lock(frame, mean)
        elif sum(is_strange for _, is_strange in self._strange) > _ROW // 2:
            if not self._has_told_two:
                self._next, self._ticks = self._kept
                self._skip_to(frame)
            self._tell_two()
            self._strange = []

    def _skip_to(self, frame: float) -> None:
        """Go on to where the first clock's next tick must come, counting those before it."""
        while self._next < frame - _NEAR * self._period:
            self._next += self._period
            self._ticks += self.transport.is_running
            self._last_frame = frame  # ticks do come: the clock has not stopped

    def _count(self, at: float) -> None:
        """Move the transport to this tick."""
        if self._waits_for_tick:
            self._waits_for_tick = False
            self.transport = replace(self.transport, is_running=True)
        if not self.transport.is_running:
            self._tell_idle()
            return
        per_beat = self._period * TICKS_PER_BEAT or self.transport.tie.frames_per_beat
        tie = BeatAnchor(at, self._ticks / TICKS_PER_BEAT, per_beat)
        self.transport = replace(self.transport, tie=tie)
        self._ticks += 1

    def _is_after_pause(self, frame: float) -> bool:
        assert self._last_frame is not None
        patience = max(LOST_SECONDS * self.transport.rate_hz, 4.0 * self._period)
        is_after = frame - self._last_frame > patience
        if is_after and not self.transport.is_running:
            self._waits_for_tick = True  # it went away without a stop, and goes on without a start
        return is_after

    def _is_possible(self, period: float) -> bool:
        if period <= 0.0:
            return False  # ticks that came late can come all at once
        bpm = 60.0 * self.transport.rate_hz / (TICKS_PER_BEAT * period)
        return SLOWEST_BPM <= bpm <= FASTEST_BPM

    def _tell_idle(self) -> None:
        """Say once that a clock which ticks without having started moves nothing."""
        self._idle_ticks += 1
        if self._idle_ticks == _IDLE_TICKS:
            self.news.append(
                ClockNews(
                    "a MIDI clock ticks, but it has sent no start",
                    "Press stop and then play in the program that sends it.",
                )
            )

    def _tell_two(self) -> None:
        if not self._has_told_two:
            self._has_told_two = True
            self.news.append(
                ClockNews(
                    "two MIDI clocks tick at once: the first one is followed",
                    "Let one program alone send a clock to latentkeys.",
                )
            )
