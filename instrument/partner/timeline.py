"""The partner's time: its own tempo, the player's taps or strikes, a MIDI clock, Ableton Link.

In: frames that pass, taps, strikes, clock messages, positions of Link. Out: the `Transport` of this
moment, and what a change of it means for what was planned.
"""

from __future__ import annotations

import math
from dataclasses import replace
from enum import Enum

from instrument.music.transport import BeatAnchor, TapTempo, Transport
from instrument.partner.clocks.midi_clock import ClockFollower
from instrument.partner.clocks.player_clock import PlayerClock

COMMIT_SECONDS = 0.030
"""What begins so soon is played even if the player returns."""
HAND_OVER_SECONDS = 0.020
"""So far ahead messages are given to the engine, which places each at its frame."""
_SILENT_BARS = 2.0
_MOST_BAR_BEATS, _NEAR_BEATS = 16, 0.3
_JUMP_BEATS, _SAME_BEATS, _SAME_TEMPO = 0.25, 0.002, 1e-5  # of what Link says


class Change(Enum):
    """What has become of the transport."""

    NONE = 0
    MOVED = 1  #: another tempo, or a little correction: what is planned stays
    JUMPED = 2  #: another position, or a standstill: nothing planned is left
    FOUND = 3  #: the player's tempo is known now: what was heard lies elsewhere in the bar


class Timeline:
    """The present moment, as a frame and as a position in beats.

    Parameters
    ----------
    transport
        Where the music begins.
    follows_clock
        Wait for a MIDI clock instead of keeping the transport's own tempo.
    follows_player
        Take beat and tempo from the player's strikes.
    starts_anywhere
        See `instrument.partner.clocks.midi_clock.ClockFollower`.

    Attributes
    ----------
    transport, frame
        The musical clock, and the frame of the stream, at this moment.
    follower
        Of the MIDI clock, if one is followed.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        follows_clock: bool,
        follows_player: bool = False,
        starts_anywhere: bool = True,
    ) -> None:
        follower = ClockFollower(transport, starts_anywhere=starts_anywhere)
        self.follower = follower if follows_clock else None
        self.transport = self.follower.transport if self.follower else transport
        self.frame = 0
        self._taps = TapTempo(transport.rate_hz)
        self._player = PlayerClock(transport.rate_hz) if follows_player else None
        self._last_strike = -math.inf
        self._last_bar_line = -1e3  # long ago
        self._jumps, self._was_running = self.transport.jumps, self.transport.is_running

    @property
    def beats(self) -> float:
        """The present position."""
        return self.transport.beats_at(self.frame)

    @property
    def has_just_begun(self) -> bool:
        """The player who is followed has struck his first key: all that was before is nothing."""
        return self._player is not None and self.transport.jumps == 1

    @property
    def is_sure(self) -> bool:
        """The tempo is known; a player who is followed has not shown it at first."""
        return self._player is None or self._player.is_sure

    @property
    def committed_beats(self) -> float:
        """The position up to which what is planned is played in any case."""
        return self.transport.beats_at(round(self.frame + self._commit_frames))

    @property
    def soon_beats(self) -> float:
        """How many beats the commit time is."""
        return self._commit_frames / self.transport.tie.frames_per_beat

    @property
    def _commit_frames(self) -> float:
        return COMMIT_SECONDS * self.transport.rate_hz

    def begin_at(self, frame: int, count_in_bars: int) -> None:
        """Begin on a frame: soon after it is beat 0, unless another program says what is."""
        self.frame = frame
        if self.follower is None:
            soon = frame + round(HAND_OVER_SECONDS * self.transport.rate_hz)
            tie = replace(self.transport.tie, frame=float(soon), beats=0.0)
            count_in = tie.frame_at(count_in_bars * self.transport.bar_beats)
            self.transport = replace(self.transport, tie=replace(tie, frame=count_in))

    def go_on(self, frames: int) -> Change:
        """Let time pass."""
        self.frame += frames
        if self._player is not None:
            found = self._player.look(float(self.frame), self.transport.tie)
            return self._keep_time(found, was_sure=False)
        if self.follower is None:
            return Change.NONE
        self.follower.look(float(self.frame))
        return self._follow()

    def strike(self, frame: int, *, is_free: bool) -> Change:
        """Take a strike of the player, if he is followed.

        Parameters
        ----------
        is_free
            Nothing of ours sounds or is planned: after a long silence the beat begins anew, at
            the next bar line.
        """
        if self._player is None:
            return Change.NONE
        silence = self.transport.beats_at(frame) - self.transport.beats_at(self._last_strike)
        is_first = self._last_strike == -math.inf
        self._last_strike = float(frame)
        if is_first or (is_free and silence > _SILENT_BARS * self.transport.bar_beats):
            bar = self.transport.bar_beats
            line = (
                0.0 if is_first else self.transport.next_line(self.transport.beats_at(frame), bar)
            )
            self._player.begin(float(frame), line)
            self.transport = self.transport.at(line, float(frame))
            return Change.JUMPED
        was_sure = self._player.is_sure
        return self._keep_time(self._player.strike(float(frame), self.transport.tie), was_sure)

    def _keep_time(self, tie: BeatAnchor, was_sure: bool) -> Change:
        if tie == self.transport.tie:
            return Change.NONE
        self.transport = replace(self.transport, tie=tie)
        return Change.MOVED if was_sure else Change.FOUND

    def hear_clock(self, frame: int, data: bytes, source: int) -> Change:
        """Take a message of a MIDI clock; without one to follow it means nothing."""
        if self.follower is None:
            return Change.NONE
        self.follower.hear(float(frame), data, source)
        return self._follow()

    def tap(self, sent_until_beats: float) -> Change:
        """Take a tap of the player, from where nothing was sent yet: sent ticks stay right."""
        bpm = None if self.follower else self._taps.tap(float(self.frame))
        if bpm is not None and self._player is not None:
            self._player.is_sure = True  # the player has said it himself
        if bpm is None:
            return Change.NONE
        at = max(self.transport.tie.frame_at(sent_until_beats), float(self.frame))
        self.transport = self.transport.with_tempo(bpm, at)
        return Change.MOVED

    def bar_line(self) -> Change:
        """Take this moment for a bar line; the second of two says how long a bar is.

        Whoever follows another program's clock has its bar lines, but not their distance.
        """
        beats = self.beats
        distance, self._last_bar_line = beats - self._last_bar_line, beats
        bar = round(distance)
        is_meter = 1 <= bar <= _MOST_BAR_BEATS and abs(distance - bar) <= _NEAR_BEATS
        length = float(bar) if is_meter else self.transport.bar_beats
        music = replace(self.transport, bar_beats=length)
        if self.follower is not None:
            self.transport = music
            return Change.NONE
        line = music.next_line(beats - _NEAR_BEATS, length)
        self.transport, self._last_bar_line = music.at(line, float(self.frame)), line
        return Change.JUMPED

    def follow_link(self, beats: float, bpm: float) -> Change:
        """Take what Link says: a small difference smoothly, a large one as a jump.

        Where another clock is followed, or the player, it says nothing: only the file of a take
        can hold both, and the two would tear the position to and fro.
        """
        if self.follower is not None or self._player is not None:
            return Change.NONE
        music = self.transport
        away = beats - music.beats_at(self.frame)
        if abs(away) > _JUMP_BEATS:
            self.transport = music.at(beats, self.frame).with_tempo(bpm, self.frame)
            return Change.JUMPED
        if abs(away) > _SAME_BEATS or abs(bpm / music.bpm - 1.0) > _SAME_TEMPO:
            tie = replace(music.tie, frame=float(self.frame), beats=beats)
            self.transport = replace(music, tie=tie).with_tempo(bpm, self.frame)
            return Change.MOVED
        return Change.NONE

    def _follow(self) -> Change:
        assert self.follower is not None
        self.transport = self.follower.transport
        jumped = self.transport.jumps != self._jumps
        stopped = self._was_running and not self.transport.is_running
        self._jumps, self._was_running = self.transport.jumps, self.transport.is_running
        return Change.JUMPED if jumped or stopped else Change.MOVED
