"""Recordings that a killed session has left: written down while they run, saved afterwards.

Each running recording has an entry in the user's data folder, held by its process
(`instrument.processes.held_file`): one that nobody holds is unfinished. `latentkeys recover` makes
WAV files of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import platformdirs

from instrument.errors import FileError
from instrument.files import cannot_write, free_name, is_file, is_folder
from instrument.processes.held_file import HeldFile, is_held
from instrument.schema import NO_JSON

FORMAT = 1
_HEADER_BYTES = 4096
_MOST_ENTRY_BYTES = 1 << 16
_BLOCK_FRAMES = 1 << 16
_FRAME_BYTES = 8  # stereo float32


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is written down of a recording that runs."""

    format: int
    path: str  #: what the player wants it to be called
    temporary: str  #: where it is being written
    rate_hz: int
    began: float  #: seconds since 1970


def entries_folder() -> Path:
    """Return where entries are, which need not be there yet."""
    return platformdirs.user_data_path("latentkeys") / "unfinished"


def write_down(path: Path, temporary: Path, rate_hz: int) -> HeldFile:
    """Remember a recording that has begun; `HeldFile.release` what is returned when it is finished.

    Parameters
    ----------
    path
        The recording, once it is finished.
    temporary
        Where it is written until then.
    rate_hz
        Of the samples.

    Raises
    ------
    FileError
        The data folder cannot be written.
    """
    entry = Entry(FORMAT, str(path.absolute()), str(temporary.absolute()), rate_hz, time.time())
    file = entries_folder() / f"{temporary.name.lstrip('.')}.json"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return HeldFile(file, msgspec.json.encode(entry))
    except OSError as problem:
        raise cannot_write(file, problem) from problem


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A recording whose process is gone.

    Attributes
    ----------
    path
        What it was to be called.
    seconds
        How much of it there is.
    began
        When, in seconds since 1970.
    """

    path: Path
    seconds: float
    began: float
    _entry: Path
    _temporary: Path
    _rate_hz: int

    def save(self) -> Path:
        """Write it as a WAV file beside its wanted name, which another file may have by now.

        Returns
        -------
        Path
            Where it is; what was left of it is gone.

        Raises
        ------
        FileError
            It cannot be read or written; everything stays as it is.
        """
        from instrument.wav_files import WavFile  # soundfile: not needed to look

        target = free_name(self.path)
        with WavFile(target, self._rate_hz) as wav:
            audio = _audio_in(self._temporary)
            for start in range(0, len(audio), _BLOCK_FRAMES):
                wav.write(audio[start : start + _BLOCK_FRAMES])
        with suppress(OSError):
            self._temporary.unlink()
            self._entry.unlink()
        return target


def unfinished_recordings() -> list[Unfinished]:
    """Return every recording that was not finished, the oldest first.

    One of which nothing is left to be heard is forgotten; one on a disk that is away is kept.
    """
    found = []
    for file in sorted(entries_folder().glob("[!.]*.json")):
        if is_held(file):
            continue
        try:
            recording = _read(file)
        except FileError:
            with suppress(OSError):
                file.unlink()
            continue
        if recording:
            found.append(recording)
    return sorted(found, key=lambda recording: recording.began)


def _read(file: Path) -> Unfinished | None:
    try:
        if file.stat().st_size > _MOST_ENTRY_BYTES:
            raise FileError(f'"{file}" is no entry of a recording')
        entry = msgspec.json.decode(file.read_bytes(), type=Entry)
    except (OSError, *NO_JSON) as problem:
        raise FileError(f'"{file}" cannot be read: {problem}') from problem
    temporary = Path(entry.temporary)
    if not is_folder(temporary.parent):
        return None
    frames = len(_audio_in(temporary))
    if entry.format != FORMAT or not frames or entry.rate_hz <= 0:
        raise FileError(f'nothing is left of "{entry.path}"')
    seconds = frames / entry.rate_hz
    return Unfinished(Path(entry.path), seconds, entry.began, file, temporary, entry.rate_hz)


def _audio_in(path: Path) -> npt.NDArray[np.float32]:
    """Map the frames of a WAV file whose header was never completed: float32, shape (frames, 2).

    The header counts none of them; what follows its last chunk's name and length are frames, as
    far as they go.

    Raises
    ------
    FileError
        It is not there, or not one of ours.
    """
    try:
        if not is_file(path):
            raise FileError(f'"{path}" is gone')
        with path.open("rb") as file:
            begin = _data_begins(file.read(_HEADER_BYTES))
        frames = (path.stat().st_size - begin) // _FRAME_BYTES if begin else 0
        if frames <= 0:
            return np.empty((0, 2), np.float32)
        return np.memmap(path, np.float32, "r", begin, (frames, 2))
    except OSError as problem:
        raise FileError(f'"{path}" cannot be read: {problem.strerror}') from problem


def _data_begins(head: bytes) -> int:
    """Return where the frames begin; 0 if these are no stereo floats [RIFF, WAVE_FORMAT_*]."""
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return 0
    formats = b""
    for name, at in _chunks(head):
        if name == b"fmt ":
            formats = head[at : at + 4]
        if name == b"data":
            return at if formats == b"\x03\x00\x02\x00" else 0  # IEEE float, two channels
    return 0


def _chunks(head: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield name and begin of every chunk that begins in a header."""
    at = 12
    while at + 8 <= len(head):
        size = int.from_bytes(head[at + 4 : at + 8], "little")
        yield head[at : at + 4], at + 8
        at += 8 + size + size % 2
