"""Write what is played to a WAV file: stereo, float32 as a rule, whole or not at all.

`WavFile` is every file of ours with sound in it; `Recorder` fills one from the engine's ring while
people play. It is written beside the wanted name and renamed once it is on the disk, so that a
crash never leaves a broken file under it.
"""

from __future__ import annotations

import errno
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
import numpy.typing as npt
import soundfile

from instrument.errors import FileError, LatentkeysError, SettingError, check_whole
from instrument.files import cannot_write, flush_to_disk, is_file, temporary_beside
from instrument.realtime.memory.constants import RATES_HZ
from instrument.realtime.memory.state import EngineState

Stereo = npt.NDArray[np.float32]

Subtype = Literal["FLOAT", "PCM_16", "PCM_24"]
_SAMPLE_BYTES: dict[Subtype, int] = {"FLOAT": 4, "PCM_16": 2, "PCM_24": 3}

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
        raise SettingError(f'"{path}" must end in .wav', f'For example: "{path.stem or "a"}.wav".')
    if is_file(path) and not replace:
        raise SettingError(f'"{path}" exists', "Add --force to replace it, or choose another name.")


class WavFile:
    """A sound file in the making; use it in a ``with`` statement.

    Leaving the statement normally puts the file in its place, leaving it by an error or Ctrl-C
    takes it away.

    Parameters
    ----------
    path
        Where the finished file goes; one that ends in .flac is packed without loss.
    rate_hz
        Frames per second.
    subtype
        How a sample is stored; files of floats carry the time at which they were written.

    Raises
    ------
    FileError
        The file cannot be created or written (no such folder, no rights, a full disk).
    """

    def __init__(self, path: Path, rate_hz: int, subtype: Subtype = "FLOAT") -> None:
        self.path = path
        self.rate_hz = rate_hz
        self.frames = 0
        self._most_frames = MAX_BYTES // (2 * _SAMPLE_BYTES[subtype])
        self.temporary = temporary_beside(path)
        kind = "FLAC" if path.suffix == ".flac" else "WAV"
        try:
            self._file = soundfile.SoundFile(
                self.temporary, "w", rate_hz, 2, subtype=subtype, format=kind
            )
        except soundfile.LibsndfileError as problem:
            self.temporary.unlink(missing_ok=True)
            raise self._explain(problem) from problem

    def write(self, frames: Stereo) -> None:
        """Append float32 frames, shape (frames, 2), full scale +-1."""
        if self.frames + len(frames) > self._most_frames:
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
        """Close the file and put it in its place; after a failure it can still be kept or not."""
        try:
            self._file.close()
            flush_to_disk(self.temporary)
            self.temporary.replace(self.path)
        except OSError as problem:
            raise cannot_write(self.path, problem) from problem
        except soundfile.LibsndfileError as problem:
            raise self._explain(problem) from problem

    def finish_or_keep(self) -> None:
        """Do as `finish`; if that fails, keep what the disk has taken before it is told."""
        try:
            self.finish()
        except FileError:
            self.keep_beginning()
            raise

    def keep_beginning(self) -> None:
        """Put what there is in its place after trouble, as far as that still goes."""
        with suppress(OSError, soundfile.LibsndfileError):
            self._file.close()
        with suppress(OSError):
            self.temporary.replace(self.path)

    def discard(self) -> None:
        """Take the unfinished file away, if there still is one."""
        with suppress(soundfile.LibsndfileError):
            self._file.close()
        self.temporary.unlink(missing_ok=True)

    def __enter__(self) -> WavFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.discard()

    def _explain(self, problem: soundfile.LibsndfileError) -> FileError:
        """Look for the reason ourselves: libsndfile calls everything a system error."""
        is_full = shutil.disk_usage(self.temporary.parent).free < 2**16
        return cannot_write(self.path, OSError(errno.ENOSPC if is_full else 0, str(problem)))


def write_wav(path: Path | str, audio: Stereo, rate_hz: int = 48_000) -> None:
    """Write float32 audio, shape (frames, 2), full scale ±1; a file that is there is replaced.

    Parameters
    ----------
    rate_hz
        Whole frames per second.

    Raises
    ------
    SettingError
        The name does not end in .wav, or the audio is none: another shape, whole numbers, NaN.
    FileError
        The file cannot be written.
    """
    check_target(Path(path), replace=True)
    check_whole("rate_hz", rate_hz, *RATES_HZ)
    if audio.ndim != 2 or audio.shape[1] != 2:
        raise SettingError(
            f"audio must have the shape (frames, 2), got {audio.shape}",
            "Of one channel np.stack([mono, mono], axis=1) makes two.",
        )
    if audio.dtype.kind != "f" or not np.isfinite(audio).all():
        raise SettingError(
            f"audio must be numbers with a fraction, full scale ±1, got {audio.dtype}"
            + (" with NaN or infinity" if audio.dtype.kind == "f" else "")
        )
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
    def temporary(self) -> Path:
        """Where it is being written."""
        assert self._file
        return self._file.temporary

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
            self._file.keep_beginning()
            self._file = None
            return problem
        return None

    def finish(self) -> None:
        """Put the file in its place, with everything drained so far.

        Raises
        ------
        FileError
            The disk is full; what it has taken is in the file.
        """
        file, self._file = self._file, None
        if file:
            file.finish_or_keep()
