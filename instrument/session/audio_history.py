"""The last minutes of what sounded, always there, so that a good take is never lost.

Audio is kept in pieces of a minute as FLAC files in a temporary folder, the oldest of which goes
when there are too many. `write` puts the rest together as one WAV file. Control's loop calls
`drain`; nothing here runs on the audio thread.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from instrument.errors import FileError, LatentkeysError
from instrument.processes.held_folder import HeldFolder
from instrument.realtime.memory.state import EngineState
from instrument.session.session_folder import AUDIO_PREFIX
from instrument.wav_files import WavFile

KEPT_MINUTES = 10
_PIECE_SECONDS = 60.0
_READ_FRAMES = 1 << 16


class AudioCapture:
    """Capture the engine's output until `close`.

    Parameters
    ----------
    state
        The engine block; its rate must be known.

    Attributes
    ----------
    folder
        Where it is kept until then.
    """

    def __init__(self, state: EngineState) -> None:
        self._reader = state.read_recording()
        self._rate_hz = round(state.rate_hz)
        self._held = HeldFolder(AUDIO_PREFIX)
        self.folder = self._held.path
        self._pieces: list[Path] = []
        self._number = 0
        self._file: WavFile | None = None
        self._has_ended = False

    def drain(self) -> LatentkeysError | None:
        """Take everything new; at least every ten seconds.

        Returns
        -------
        LatentkeysError
            The problem that has just ended the capture, if any; what was captured before is kept.
        """
        frames = np.asarray(self._reader.read(), np.float32)
        if self._has_ended or not len(frames):
            return None
        try:
            if self._file is None:
                self._file = self._begin_piece()
            self._file.write(frames)
            if self._file.frames > _PIECE_SECONDS * self._rate_hz:
                self._end_piece()
        except FileError as problem:
            self._has_ended = True
            self._forget_piece()
            return problem
        return None

    def write(self, path: Path) -> float:
        """Write what is kept as a WAV file; return how many seconds it has.

        Raises
        ------
        FileError
            It cannot be written.
        """
        self.drain()
        self._end_piece()
        with WavFile(path, self._rate_hz) as wav:
            for piece in self._pieces:
                for block in soundfile.blocks(piece, _READ_FRAMES, dtype="float32"):
                    wav.write(block)
            return wav.frames / self._rate_hz

    def close(self) -> None:
        """Forget everything."""
        self._forget_piece()
        self._held.release()

    def _begin_piece(self) -> WavFile:
        while len(self._pieces) >= KEPT_MINUTES:
            self._pieces.pop(0).unlink(missing_ok=True)
        self._number += 1
        return WavFile(self.folder / f"{self._number:06d}.flac", self._rate_hz, "PCM_24")

    def _end_piece(self) -> None:
        if self._file is not None:
            self._file.finish()
            self._pieces.append(self._file.path)
            self._file = None

    def _forget_piece(self) -> None:
        if self._file is not None:
            self._file.discard()
            self._file = None
