"""Keep rendered tone tables on disk: a preset that was rendered once opens with no inference.

One file per (model, latent, rate). The folder is only a cache: whatever is wrong with it - a
damaged file, no rights, a full disk - costs a rendering, never a sound, and is told in a sentence.

Samples are 16-bit steps of a fixed power of two, which float32 holds exactly: a tone from the cache
equals, bit for bit, the tone that was written (`on_the_grid` puts a fresh one on the same steps).
Measured for 176 tones of 2.5 s at 48 kHz, file cached by the system, on one 2.6 GHz core:

========================  ========  =========
format                    size      read into a table
========================  ========  =========
npz, 16-bit (this one)    42 MB     19 ms
npz, float32              84 MB     31 ms
npz, float16              42 MB     40 ms
FLAC, 16-bit              20 MB     280 ms
========================  ========  =========
"""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs

from instrument.errors import FileError
from instrument.files import open_regular, replacing_file
from instrument.realtime.memory.constants import HIGHEST_PITCH, LOUD, LOWEST_PITCH, SOFT

TABLE_VERSION = 3
"""Raise it when the same model would fill a slot with other numbers (loops, levels, trimming)."""

SAMPLE_STEP = 2.0**-14
"""One 16-bit step: full scale is +-2, so that a peak above 1 survives; the floor is -95 dBFS."""

DEFAULT_MAX_BYTES = 2 * 2**30

_MOST_GAIN, _FASTEST_GROWTH = 1000.0, 1.001
_DAMAGE = (
    *(OSError, ValueError, KeyError, EOFError, MemoryError, NotImplementedError),
    zipfile.BadZipFile,
)
_SHAPE_FIELDS = np.dtype(
    [
        ("layer", "<i4"),
        ("pitch", "<i4"),
        ("frames", "<i4"),
        ("loop_start", "<i4"),
        ("loop_end", "<i4"),
        ("loop_decay_per_frame", "<f8"),
        ("gain", "<f4"),
    ]
)


@dataclass(frozen=True, slots=True)
class Tone:
    """One held tone as a slot of the tone table holds it.

    Attributes
    ----------
    layer, pitch
        Which slot: velocity layer and MIDI pitch.
    samples
        float32, shape (frames,), at the device's rate, on the steps of `SAMPLE_STEP`.
    loop_start, loop_end
        Frames between which the tone goes round while held; `loop_end` 0 means it does not.
    loop_decay_per_frame
        Factor per frame by which a looping tone goes on dying away; 1 keeps its level.
    gain
        Linear factor of the slot.
    """

    layer: int
    pitch: int
    samples: npt.NDArray[np.float32]
    loop_start: int = 0
    loop_end: int = 0
    loop_decay_per_frame: float = 1.0
    gain: float = 1.0


def on_the_grid(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Round float32 samples of any shape to the steps that the cache keeps exactly."""
    return _steps(samples).astype(np.float32) * np.float32(SAMPLE_STEP)


def table_key(model_sha256: str, latent: Sequence[float], rate_hz: int, note_frames: int) -> str:
    """Name a table by everything that its samples depend on, as 32 hexadecimal digits."""
    numbers = np.asarray(latent, "<f4").tobytes()
    text = f"{TABLE_VERSION} {model_sha256} {rate_hz} {note_frames} "
    return hashlib.sha256(text.encode() + numbers).hexdigest()[:32]


def kept_tones() -> Path:
    """Return the user's folder of rendered tones, with what earlier versions kept in ``notes``.

    That folder is also where ``latentkeys data soundfont`` puts its note set.
    """
    cache = platformdirs.user_cache_path("latentkeys")
    folder = cache / "tones"
    if not folder.exists():
        with suppress(OSError):
            folder.mkdir(parents=True)
            for table in (cache / "notes").glob("*.npz"):
                if table.name != "notes.npz":
                    table.rename(folder / table.name)
    return folder


class ToneCache:
    """A folder of rendered tone tables, bounded: the least recently used goes first.

    Any number of processes may share the folder: files are written beside and renamed.

    Parameters
    ----------
    folder
        Where the tables lie; created on the first save.
    max_bytes
        What the tables may take together.
    """

    def __init__(self, folder: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.folder = folder
        self.max_bytes = max_bytes

    def has(self, key: str) -> bool:
        """Tell whether there is a table under `key`; `load` may still find it damaged."""
        return self._path(key).is_file()

    def load(self, key: str, most_frames: int) -> list[Tone] | None:
        """Return the tones kept under `key`, or None if there are none.

        The kernel follows their numbers blindly, so a file that is damaged, written by somebody
        else or impossible is removed, and is None.

        Parameters
        ----------
        most_frames
            The length of a slot.
        """
        path = self._path(key)
        try:
            # Our own open: numpy forgets to close a damaged file that it opened itself.
            with open_regular(path) as file:
                _check_owner(os.fstat(file.fileno()))
                with np.load(file, allow_pickle=False) as archive:
                    _check_sizes(archive.zip.infolist(), self.max_bytes)
                    shapes, samples = archive["shapes"], archive["samples"]
            tones = list(_unpack(shapes, samples, most_frames))
            os.utime(path)  # most recently used
        except FileNotFoundError:
            return None
        except _DAMAGE:
            with suppress(OSError):
                path.unlink()
            return None
        return tones

    def save(self, key: str, tones: Sequence[Tone]) -> None:
        """Keep a complete table; make room first.

        Raises
        ------
        FileError
            The folder cannot be written; there is no half-written file then.
        """
        shapes, samples = _pack(tones)
        if samples.nbytes > self.max_bytes:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise FileError(
                f'cannot create the cache folder "{self.folder}": {problem.strerror}',
                "Playing goes on without the cache.",
            ) from problem
        self._make_room(samples.nbytes)
        with replacing_file(self._path(key)) as temporary, temporary.open("wb") as file:
            np.savez(file, shapes=shapes, samples=samples)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def _make_room(self, wanted_bytes: int) -> None:
        files = []
        for path in self.folder.glob("*.npz"):
            with suppress(OSError):  # another process may remove it under our hands
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
        free = self.max_bytes - sum(size for _, size, _ in files) - wanted_bytes
        for _, size, path in sorted(files):
            if free >= 0:
                break
            with suppress(OSError):
                path.unlink()
            free += size


def _steps(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    scaled = np.rint(samples * np.float32(1 / SAMPLE_STEP)).clip(-32768, 32767)
    steps: npt.NDArray[np.int16] = scaled.astype(np.int16)
    return steps


def _pack(
    tones: Sequence[Tone],
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.int16]]:
    shapes = np.array(
        [
            (
                tone.layer,
                tone.pitch,
                len(tone.samples),
                tone.loop_start,
                tone.loop_end,
                tone.loop_decay_per_frame,
                tone.gain,
            )
            for tone in tones
        ],
        _SHAPE_FIELDS,
    )
    return shapes, np.concatenate([_steps(tone.samples) for tone in tones])


def _check_owner(status: os.stat_result) -> None:
    """Refuse what a stranger may have written; old versions let the group write."""
    if hasattr(os, "getuid") and (
        status.st_uid not in (0, os.getuid()) or status.st_mode & stat.S_IWOTH
    ):
        raise ValueError("somebody else may have written the file")


def _check_sizes(members: Iterable[zipfile.ZipInfo], max_bytes: int) -> None:
    """Refuse what would unpack to more than the cache ever writes; numpy asks nothing."""
    members = list(members)
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("the cache packs nothing")
    if sum(member.file_size for member in members) > max_bytes:
        raise ValueError("it is larger than the cache")


def _check_shapes(shapes: npt.NDArray[np.void], samples: int, most_frames: int) -> None:
    if shapes.dtype != _SHAPE_FIELDS or shapes.ndim != 1:
        raise ValueError("the shapes have other fields")
    frames, start, end = shapes["frames"], shapes["loop_start"], shapes["loop_end"]
    decay, gain = shapes["loop_decay_per_frame"], shapes["gain"]
    slots = set(zip(shapes["layer"].tolist(), shapes["pitch"].tolist(), strict=True))
    pitch = shapes["pitch"]
    is_good = (
        np.isin(shapes["layer"], (SOFT, LOUD))
        & (pitch >= LOWEST_PITCH)
        & (pitch <= HIGHEST_PITCH)
        & (frames > 0)
        & (frames <= most_frames)
        & (((start == 0) & (end == 0)) | ((start >= 0) & (start < end) & (end <= frames)))
        & (decay > 0.0)
        & (decay <= _FASTEST_GROWTH)
        & (gain >= 0.0)
        & (gain <= _MOST_GAIN)
    )
    if not is_good.all() or len(slots) != len(shapes) or int(frames.sum()) != samples:
        raise ValueError("the shapes do not fit the samples or a table")


def _unpack(
    shapes: npt.NDArray[np.void], samples: npt.NDArray[np.int16], most_frames: int
) -> Iterable[Tone]:
    if samples.dtype != np.dtype("<i2") or samples.ndim != 1:
        raise ValueError("the samples are of another kind")
    _check_shapes(shapes, len(samples), most_frames)
    start = 0
    for shape in shapes:
        frames = int(shape["frames"])
        steps = samples[start : start + frames]
        yield Tone(
            layer=int(shape["layer"]),
            pitch=int(shape["pitch"]),
            samples=steps.astype(np.float32) * np.float32(SAMPLE_STEP),
            loop_start=int(shape["loop_start"]),
            loop_end=int(shape["loop_end"]),
            loop_decay_per_frame=float(shape["loop_decay_per_frame"]),
            gain=float(shape["gain"]),
        )
        start += frames
