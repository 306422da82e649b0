"""Play a kept take once more, with the sounds of now, while everything else goes on."""

from __future__ import annotations

from pathlib import Path

from instrument.realtime.memory.constants import CONTROL_SOURCE, LET_GO
from instrument.realtime.memory.state import EngineState
from instrument.session.songs.song_player import SongFeed

AHEAD_SECONDS = 0.12


class TakePlayer:
    """Feed one take's notes to the kernel; control's loop calls `follow`.

    Parameters
    ----------
    state
        The engine block.
    """

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._feed: SongFeed | None = None
        self._name = ""
        self._quiet_frame: int | None = None  # what was handed over has been played by then

    def play(self, name: str) -> None:
        """Begin a take, by the name of its folder; another one that plays ends.

        Raises
        ------
        MidiFileError
            Its notes cannot be read.
        """
        from instrument.midi.song import read_midi_file  # for takes alone
        from instrument.partner.takes.take import NOTES_FILE, takes_folder

        self.stop()
        song = read_midi_file(takes_folder() / Path(name).name / NOTES_FILE)
        self._feed = SongFeed(
            self._state, song, follow_programs=False, ahead_seconds=AHEAD_SECONDS, is_alone=False
        )
        self._name = name

    def stop(self) -> None:
        """End it, and let its notes go."""
        if self._feed:
            self._feed = None
            self._let_go()
            later = round(2 * AHEAD_SECONDS * self._state.rate_hz)
            self._quiet_frame = self._state.clock + later

    def follow(self) -> None:
        """Hand over what is due, and let go of what was when it has been stopped."""
        if self._quiet_frame is not None and self._state.clock > self._quiet_frame:
            self._quiet_frame = None
            self._let_go()
        if self._feed:
            self._feed.feed()
            if self._feed.is_played:
                self._feed = None
                self._let_go()

    def _let_go(self) -> None:
        self._state.command(LET_GO, CONTROL_SOURCE)

    @property
    def playing(self) -> tuple[str, float, float] | None:
        """What plays, where it is and how long it is, in seconds."""
        if self._feed is None:
            return None
        return self._name, max(0.0, self._feed.position_seconds), self._feed.length_seconds
