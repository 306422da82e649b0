"""Write what is played to a WAV file: stereo, float32 as a rule, whole or not at all.

`WavFile` is the file, for `latentkeys render`; `Recorder` fills one from the engine's ring while
people play. Both write beside the wanted name and rename at the end, so that a crash never leaves
a broken file under it.
"""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
import numpy.typing as npt
import soundfile

from instrument.errors import FileError, LatentkeysError, SettingError
from instrument.files import cannot_write, temporary_beside
from instrument.realtime.state import EngineState

Stereo = npt.NDArray[np.float32]

MAX_BYTES = 2**32 - 2**16
"""A WAV file counts its bytes with 32 bits."""


def check_target(path: Path, *, replace: bool) -> None:
    """Refuse a name that cannot become a WAV file, before any work is done.

    Raises
    ------
    SettingError
        The name does not end in .wav, or the file exists and `replace` is false.
    """
    if path.suffix.lower() != ".wav":
        raise SettingError(
            f'"{path}" must end in .wav', f'For example: "{path.with_suffix(".wav").name}".'
        )
    if path.exists() and not replace:
        raise SettingError(f'"{path}" exists', "Add --force to replace it, or choose another name.")


class WavFile:
    """A WAV file in the making; use it in a ``with`` statement.

    Leaving the statement normally puts the file in its place, leaving it by an error or Ctrl-C
    takes it away.

    Parameters
    ----------
    path
        Where the finished file goes.
    rate_hz
        Frames per second.
    subtype
        How a sample is stored; files of floats carry the time at which they were written.

    Raises
    ------
    FileError
        The file cannot be created or written (no such folder, no rights, a full disk).
    """

    def __init__(
        self, path: Path, rate_hz: int, subtype: Literal["FLOAT", "PCM_16"] = "FLOAT"
    ) -> None:
        self.path = path
        self.rate_hz = rate_hz
        self.frames = 0
        self._temporary = temporary_beside(path)
        try:
            self._file = soundfile.SoundFile(
                self._temporary, "w", rate_hz, 2, subtype=subtype, format="WAV"
            )
        except soundfile.LibsndfileError as problem:
            self._temporary.unlink(missing_ok=True)
            raise self._explain(problem) from problem

    def write(self, frames: Stereo) -> None:
        """Append float32 frames, shape (frames, 2), full scale +-1."""
        if (self.frames + len(frames)) * 8 > MAX_BYTES:
            raise FileError(
                f'"{self.path}" has reached 4 GiB, which is all that a WAV file can hold',
                "Record into a new file.",
            )
        try:
            self._file.write(frames)
        except soundfile.LibsndfileError as problem:
            raise self._explain(problem) from problem
        self.frames += len(frames)

    def finish(self) -> None:
        """Close the file and put it in its place."""
        try:
            self._file.close()
            self._temporary.replace(self.path)
        except OSError as problem:
            raise cannot_write(self.path, problem) from problem
        except soundfile.LibsndfileError as problem:
            raise self._explain(problem) from problem

    def discard(self) -> None:
        """Take the unfinished file away."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> WavFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.discard()

    def _explain(self, problem: soundfile.LibsndfileError) -> FileError:
        """Look for the reason ourselves: libsndfile calls everything a system error."""
        is_full = shutil.disk_usage(self._temporary.parent).free < 2**16
        return cannot_write(self.path, OSError(errno.ENOSPC if is_full else 0, str(problem)))


def write_wav(path: Path | str, audio: Stereo, rate_hz: int = 48_000) -> None:
    """Write float32 audio, shape (frames, 2), full scale ±1; a file that is there is replaced.

    Raises
    ------
    SettingError
        The name does not end in .wav.
    FileError
        The file cannot be written.
    """
    check_target(Path(path), replace=True)
    with WavFile(Path(path), rate_hz) as file:
        file.write(audio)


class Recorder:
    """Fill a WAV file from the engine's ring while people play.

    Call `drain` a few times a second from control's loop; the ring holds 20 s. Trouble with the
    file ends the recording and keeps what there is; it never ends the playing.

    Parameters
    ----------
    state
        The engine block; its rate must be known.
    path
        The WAV file.
    """

    def __init__(self, state: EngineState, path: Path) -> None:
        self.path = path
        self._reader = state.read_recording()
        self._file: WavFile | None = WavFile(path, round(state.rate_hz))

    @property
    def lost_frames(self) -> int:
        """Frames that were overwritten before they could be drained."""
        return self._reader.lost

    @property
    def seconds(self) -> float:
        """How much is in the file."""
        return self._file.frames / self._file.rate_hz if self._file else 0.0

    def drain(self) -> LatentkeysError | None:
        """Write everything new; return the problem that has just ended the recording, if any."""
        if self._file is None:
            return None
        try:
            self._file.write(self._reader.read())
        except FileError as problem:
            self.finish()
            return problem
        return None

    def finish(self) -> None:
        """Put the file in its place, with everything drained so far."""
        file, self._file = self._file, None
        if file:
            file.finish()
