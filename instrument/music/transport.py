"""Where the music is: from beats to frames and back, while the tempo changes.

In: what a clock says (our own, another program's, Ableton Link's). Out: one straight line between
frames of the stream and beats, replaced whenever the clock says something new. A beat is a quarter
note; beat 0 is a bar line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

SLOWEST_BPM, FASTEST_BPM = 20.0, 400.0


@dataclass(frozen=True, slots=True)
class BeatAnchor:
    """`frame` is `beats`, and from there on time passes evenly."""

    frame: float
    beats: float
    frames_per_beat: float

    def beats_at(self, frame: float) -> float:
        """Return the position at a frame."""
        return self.beats + (frame - self.frame) / self.frames_per_beat

    def frame_at(self, beats: float) -> float:
        """Return the frame of a position.

        Parameters
        ----------
        beats
            The position, quarter notes.
        """
        return self.frame + (beats - self.beats) * self.frames_per_beat


@dataclass(frozen=True, slots=True)
class Transport:
    """The musical clock at one moment.

    Attributes
    ----------
    tie
        Beats and frames.
    rate_hz
        Frames per second.
    bar_beats
        Beats per bar.
    is_running
        Time passes; a stopped transport keeps its position.
    jumps
        How often the position was set anew: whoever has planned ahead must plan again.
    """

    tie: BeatAnchor
    rate_hz: float
    bar_beats: float = 4.0
    is_running: bool = True
    jumps: int = 0

    @classmethod
    def at_tempo(
        cls, bpm: float, rate_hz: float, frame: float = 0.0, bar_beats: float = 4.0
    ) -> Transport:
        """Begin at beat 0 on `frame`.

        Parameters
        ----------
        bpm
            Quarter notes per minute.
        rate_hz
            Frames per second.
        bar_beats
            Quarter notes in a bar.
        """
        return cls(BeatAnchor(frame, 0.0, 60.0 * rate_hz / bpm), rate_hz, bar_beats)

    @property
    def bpm(self) -> float:
        """Quarter notes per minute."""
        return 60.0 * self.rate_hz / self.tie.frames_per_beat

    def beats_at(self, frame: float) -> float:
        """Return the position at a frame; a stopped transport has only one."""
        return self.tie.beats_at(frame) if self.is_running else self.tie.beats

    def frame_at(self, beats: float) -> int:
        """Return the frame of a position, never before the first one.

        Parameters
        ----------
        beats
            The position, quarter notes.
        """
        return max(0, round(self.tie.frame_at(beats)))

    def next_line(self, beats: float, division_beats: float) -> float:
        """Return the first multiple of `division_beats` at or after a position.

        Parameters
        ----------
        beats
            The position, quarter notes.
        """
        return math.ceil(beats / division_beats - 1e-6) * division_beats

    def with_tempo(self, bpm: float, frame: float) -> Transport:
        """Change the tempo at a frame; the position there stays.

        Parameters
        ----------
        bpm
            Quarter notes per minute, kept within 20 to 400.
        """
        bpm = min(max(bpm, SLOWEST_BPM), FASTEST_BPM)
        tie = BeatAnchor(frame, self.beats_at(frame), 60.0 * self.rate_hz / bpm)
        return replace(self, tie=tie)

    def at(self, beats: float, frame: float) -> Transport:
        """Jump to a position.

        Parameters
        ----------
        beats
            The position, quarter notes,
        frame
            that this frame has.
        """
        tie = replace(self.tie, frame=frame, beats=beats)
        return replace(self, tie=tie, jumps=self.jumps + 1)

    def started(self, frame: float) -> Transport:
        """Let time pass from a frame on."""
        return replace(self, tie=replace(self.tie, frame=frame), is_running=True)

    def stopped(self, frame: float) -> Transport:
        """Stand still at a frame."""
        tie = replace(self.tie, frame=frame, beats=self.beats_at(frame))
        return replace(self, tie=tie, is_running=False)


class TapTempo:
    """A tempo from taps: the median of the last ones' distances.

    Parameters
    ----------
    rate_hz
        Frames per second.
    """

    _KEPT = 8
    _LONGEST_SECONDS = 60.0 / SLOWEST_BPM

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._taps: list[float] = []

    def tap(self, frame: float) -> float | None:
        """Hear a tap; return the tempo in beats per minute once there are three in a row.

        Parameters
        ----------
        frame
            When; taps come in order.
        """
        if self._taps and frame - self._taps[-1] > self._LONGEST_SECONDS * self._rate_hz:
            self._taps = []
        self._taps = [*self._taps[-self._KEPT :], frame]
        if len(self._taps) < 3:
            return None
        gaps = sorted(b - a for a, b in zip(self._taps, self._taps[1:], strict=False))
        bpm = 60.0 * self._rate_hz / max(gaps[len(gaps) // 2], 1.0)
        return min(max(bpm, SLOWEST_BPM), FASTEST_BPM)
