"""Play a song into the running engine, each message at its own frame."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from instrument.midi.messages import PROGRAM_CHANGE, kind_of, release_everything
from instrument.realtime.control_input import ControlInput
from instrument.realtime.memory.constants import TICK_FRAMES
from instrument.realtime.memory.state import EngineState

if TYPE_CHECKING:
    from instrument.midi.song import Song

AHEAD_SECONDS = 0.5
"""How far ahead messages are handed over: more than control ever sleeps."""
LEAD_IN_SECONDS = 0.3


class SongFeed:
    """Hand a song's messages to the kernel a little ahead of time.

    The song begins on the kernel's control grid, so that an offline render of it gives the same
    samples. Call `feed` a few times a second from control's loop.

    Parameters
    ----------
    state
        The engine block; its rate must be known.
    song
        The messages.
    follow_programs
        Hand over program changes too.
    ahead_seconds
        How far ahead: so long it cannot be taken back.
    is_alone
        Nobody else plays: at its end everything is let go, whoever holds it.
    """

    def __init__(
        self,
        state: EngineState,
        song: Song,
        *,
        follow_programs: bool,
        ahead_seconds: float = AHEAD_SECONDS,
        is_alone: bool = True,
    ) -> None:
        self._state, self._ahead_seconds = state, ahead_seconds
        self._midi = ControlInput(state)
        first = state.clock + round(LEAD_IN_SECONDS * state.rate_hz)
        self.first_frame = -(-first // TICK_FRAMES) * TICK_FRAMES
        self.length_seconds = song.length_seconds
        self._waiting = deque(
            (self._frame(message.time_seconds), message.data)
            for message in song.messages
            if follow_programs or kind_of(message.data) != PROGRAM_CHANGE
        )
        self._last_frame = self._frame(song.length_seconds)
        if is_alone:
            self._waiting.extend((self._last_frame, data) for data in release_everything())

    def feed(self) -> None:
        """Hand over what is due soon, as far as the ring takes it."""
        until = self._state.clock + round(self._ahead_seconds * self._state.rate_hz)
        while self._waiting and self._waiting[0][0] <= until:
            frame, data = self._waiting[0]
            if not self._midi.send(data, frame):
                return
            self._waiting.popleft()

    @property
    def position_seconds(self) -> float:
        """Where the song is; negative before it begins."""
        return (self._state.clock - self.first_frame) / self._state.rate_hz

    @property
    def is_played(self) -> bool:
        """The last message has been played."""
        return not self._waiting and self._state.clock > self._last_frame

    @property
    def has_ended(self) -> bool:
        """The last message has been played and nothing sounds any more."""
        # Neither voices nor what effects let ring.
        return self.is_played and not self._state.meters["bank_voices"].any()

    def _frame(self, seconds: float) -> int:
        return self.first_frame + round(seconds * self._state.rate_hz)
