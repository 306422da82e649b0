"""What ``--record`` and `Session` keep of a session: a WAV file that a crash does not lose."""

from __future__ import annotations

from pathlib import Path

from instrument.errors import FileError, LatentkeysError
from instrument.realtime.memory.state import EngineState
from instrument.unfinished import write_down
from instrument.wav_files import Recorder


class Recording:
    """Record what sounds; control's loop calls it.

    Parameters
    ----------
    state
        The engine block; its rate must be known.
    path
        The WAV file.

    Attributes
    ----------
    problem
        Why a recording that a crash interrupts could not be saved, if so.
    """

    def __init__(self, state: EngineState, path: Path) -> None:
        self._recorder = Recorder(state, path)
        self._entry, self.problem = None, None
        try:
            self._entry = write_down(path, self._recorder.temporary, round(state.rate_hz))
        except FileError as problem:
            self.problem = problem

    @property
    def seconds(self) -> float:
        """How much is in the file."""
        return self._recorder.seconds

    def drain(self) -> LatentkeysError | None:
        """Write everything new; return the problem that has just ended the recording, if any."""
        return self._recorder.drain()

    def finish(self) -> None:
        """Put the file in its place, with everything that has sounded.

        Raises
        ------
        FileError
            The disk is full; what it has taken is in the file.
        """
        self._recorder.drain()
        self._recorder.finish()
        if self._entry:
            self._entry.release()
