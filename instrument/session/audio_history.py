"""The last minutes of what sounded, always there, so that a good take is never lost.

Audio is kept in pieces of a minute as FLAC files in a temporary folder, the oldest of which goes
when there are too many. `write` puts the rest together as one WAV file. Control's loop calls
`drain`; nothing here runs on the audio thread.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from instrument.realtime.state import EngineState
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
    """

    def __init__(self, state: EngineState) -> None:
        self._reader = state.read_recording()
        self._rate_hz = round(state.rate_hz)
        self._folder = Path(tempfile.mkdtemp(prefix="latentkeys-audio-"))
        self._pieces: list[Path] = []
        self._number = 0
        self._file: soundfile.SoundFile | None = None

    def drain(self) -> None:
        """Take everything new; at least every ten seconds."""
        frames = np.asarray(self._reader.read(), np.float32)
        if not len(frames):
            return
        if self._file is None:
            self._begin_piece()
        assert self._file is not None
        self._file.write(frames)
        if self._file.frames > _PIECE_SECONDS * self._rate_hz:
            self._file.close()
            self._file = None

    def write(self, path: Path) -> float:
        """Write what is kept as a WAV file; return how many seconds it has.

        Raises
        ------
        FileError
            It cannot be written.
        """
        self.drain()
        if self._file is not None:
            self._file.close()
            self._file = None
        with WavFile(path, self._rate_hz) as wav:
            for piece in self._pieces:
                for block in soundfile.blocks(piece, _READ_FRAMES, dtype="float32"):
                    wav.write(block)
            return wav.frames / self._rate_hz

    def close(self) -> None:
        """Forget everything."""
        if self._file is not None:
            self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _begin_piece(self) -> None:
        while len(self._pieces) >= KEPT_MINUTES:
            self._pieces.pop(0).unlink(missing_ok=True)
        path = self._folder / f"{self._number:06d}.flac"
        self._number += 1
        self._file = soundfile.SoundFile(path, "w", self._rate_hz, 2, subtype="PCM_24")
        self._pieces.append(path)
