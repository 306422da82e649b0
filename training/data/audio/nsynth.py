"""Read NSynth in every form that it is published in: folder, archive, TFRecord files.

In: a folder with ``examples.json`` and ``audio/*.wav`` (or folders of them), the ``.tar.gz`` of
that, read as a stream and never unpacked, or TFRecord files. Out: a wave set of the tones that
GANSynth learns from (Engel et al., 2019, section 3.1): acoustic instruments, pitches 24 to 84.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Literal, Self, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from instrument.errors import FileError, first_line
from instrument.schema import NO_JSON
from training.audio.format import WAVE_FRAMES, WAVE_PITCHES
from training.data.audio.tfrecord import Feature, read_example, read_records
from training.data.audio.wave_files import read_note
from training.data.audio.wave_writer import (
    CollectedWaves,
    Item,
    RecordedTone,
    split_by_name,
    write_waves,
)
from training.data.symbolic.reading import Show

NSYNTH_NOTICE = (
    "NSynth (Engel et al., 2017), https://magenta.tensorflow.org/datasets/nsynth, by Google Inc., "
    "CC BY 4.0."
)
Sources = Literal["acoustic", "all"]

_LIST = "examples.json"
_SOURCE_NAMES = ("acoustic", "electronic", "synthetic")
_LARGEST_LIST, _LARGEST_WAVE = 1 << 30, 1 << 20
_LARGEST_HEADER, _MOST_PACKED = 1 << 16, 20
_MOST_MEMBERS = 320_000
"""NSynth's largest part has 289,205 tones."""
_LONG_HEADERS = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, b"x", b"g", b"X")
_ARCHIVES = (".tar.gz", ".tgz", ".tar")
_REMEDY = (
    "Give the folder with examples.json and audio/, the .tar.gz that it comes in, or TFRecord "
    "files, from https://magenta.tensorflow.org/datasets/nsynth"
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What ``examples.json`` says of a tone; the rest of it is not read."""

    pitch: Annotated[int, msgspec.Meta(ge=0, le=127)]
    velocity: Annotated[int, msgspec.Meta(ge=0, le=127)]
    instrument_str: str
    instrument_source_str: str


def read_nsynth(
    path: Path, folder: Path, name: str, sources: Sources, show: Show
) -> CollectedWaves:
    """Make a wave set of NSynth.

    Parameters
    ----------
    path
        What was downloaded: see the module.
    folder, name
        Where the set goes, and what ``--data`` calls it; a tone takes 128 kB.
    sources
        Only acoustic instruments, as in GANSynth's released models' ``acoustic_only``, or all.
    show
        Told after each tone.

    Raises
    ------
    FileError
        It is not NSynth, an archive is damaged, or more than one in a hundred tones are missing or
        broken.
    """
    items = _items(path, sources, show)
    what = f"NSynth in {path.resolve().name}, {sources} instruments"
    return write_waves(folder, items, name=name, source=what, notice=NSYNTH_NOTICE)


def crop_or_pad(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Make a wave 64000 frames long as GANSynth does: crop its end, or pad both sides."""
    missing = max(WAVE_FRAMES - wave.size, 0)
    return np.pad(wave[:WAVE_FRAMES], (missing - missing // 2, missing // 2))


def _items(path: Path, sources: Sources, show: Show) -> Iterator[Item]:
    if path.name.endswith(_ARCHIVES):
        return _archive_items(path, sources, show)
    if path.is_file() and ".tfrecord" in path.name:
        return _record_items([path], sources, show)
    found = [*path.glob("*.tfrecord*"), *path.glob("*/*.tfrecord*")]
    if records := sorted(file for file in found if file.is_file()):
        return _record_items(records, sources, show)
    if lists := sorted([*path.glob(_LIST), *path.glob(f"*/{_LIST}")]):
        return _folder_items(lists, sources, show)
    raise FileError(f"{path} has no {_LIST} and no *.tfrecord", _REMEDY)


def _folder_items(lists: list[Path], sources: Sources, show: Show) -> Iterator[Item]:
    for path in lists:
        entries = _entries(_read_list(path), path)
        for done, (key, entry) in enumerate(entries.items(), start=1):
            yield _tone(key, entry, path.parent / "audio" / f"{key}.wav", sources)
            show(key, done, len(entries))


def _read_list(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST_LIST:
        raise FileError(f"{path} is larger than NSynth's list")
    return path.read_bytes()


def _entries(content: bytes, path: Path) -> dict[str, _Entry]:
    try:
        entries = msgspec.json.decode(content, type=dict[str, _Entry])
    except NO_JSON as reason:
        raise FileError(f"{path}: {_LIST} is not NSynth's: {reason}", _REMEDY) from reason
    for key in entries:
        if PurePosixPath(key).name != key:
            raise FileError(f"{path}: {_LIST} names a file outside its folder: {key}")
    return entries


def _tone(key: str, entry: _Entry, file: Path | io.BytesIO, sources: Sources) -> Item:
    if not _is_wanted(entry, sources):
        return None
    try:
        wave = crop_or_pad(read_note(file))
    except ValueError as reason:
        return key, first_line(reason)
    return RecordedTone(wave, entry.pitch, entry.velocity, entry.instrument_str, split_by_name(key))


def _is_wanted(entry: _Entry, sources: Sources) -> bool:
    return entry.pitch in WAVE_PITCHES and sources in ("all", entry.instrument_source_str)


def _archive_items(path: Path, sources: Sources, show: Show) -> Iterator[Item]:
    """Read an archive twice: the list may come after the tones."""
    entries = _entries(_list_in(path), path)
    total = len(entries)
    with _members(path) as members:
        for name, size, file in members:
            key = name.stem
            if name.suffix != ".wav" or name.parent.name != "audio" or key not in entries:
                continue
            entry = entries.pop(key)
            if size > _LARGEST_WAVE:
                yield key, f"it has {size} bytes, more than any note"
            elif _is_wanted(entry, sources):
                yield _tone(key, entry, io.BytesIO(file.read()), sources)
            else:
                yield None
            show(key, total - len(entries), total)
    for key, entry in entries.items():
        yield (key, "it is not in the archive") if _is_wanted(entry, sources) else None


def _list_in(path: Path) -> bytes:
    with _members(path) as members:
        for name, size, file in members:
            if name.name == _LIST and size <= _LARGEST_LIST:
                return file.read()
    raise FileError(f"{path} has no {_LIST}", _REMEDY)


@contextmanager
def _members(path: Path) -> Iterator[Iterator[tuple[PurePosixPath, int, IO[bytes]]]]:
    """Go through an archive's plain files; nothing of it is ever written to disk.

    Decompressed here: tarfile's own way takes a file that is cut off for one that is at its end.
    """
    try:
        with (
            _decompressed(path) as file,
            _Budgeted(file, path.stat().st_size) as limited,
            tarfile.open(fileobj=limited, mode="r|", tarinfo=_ShortHeader) as archive,
        ):
            yield _plain_files(archive)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as reason:
        raise FileError(
            f"{path} is no archive, or is damaged or cut off: {first_line(reason)}",
            "Download it again.",
        ) from reason


class _ShortHeader(tarfile.TarInfo):
    """What tarfile knows of a member; it would read a header of any length into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Refuse names and attributes of endless length."""
        member = super().frombuf(buf, encoding, errors)
        if member.type in _LONG_HEADERS and member.size > _LARGEST_HEADER:
            raise tarfile.ReadError(f"a member's header has {member.size} bytes")
        return member


class _Budgeted(io.RawIOBase):
    """A file that gives no more than its packed size justifies: sound packs to a half, not less."""

    def __init__(self, file: IO[bytes], packed_bytes: int) -> None:
        self._file = file
        self._left = _LARGEST_LIST + _MOST_PACKED * packed_bytes

    def read(self, size: int = -1, /) -> bytes:
        """Read the next bytes."""
        content = self._file.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise tarfile.ReadError("it unpacks to far more than sound would")
        return content


def _plain_files(archive: tarfile.TarFile) -> Iterator[tuple[PurePosixPath, int, IO[bytes]]]:
    for number, member in enumerate(archive):
        if number > _MOST_MEMBERS:
            raise tarfile.ReadError(f"it has more than {_MOST_MEMBERS} members")
        if member.isreg() and (content := archive.extractfile(member)) is not None:
            yield PurePosixPath(member.name), member.size, content
        archive.members = []  # type: ignore[attr-defined] # tarfile would keep them all


def _decompressed(path: Path) -> IO[bytes]:
    return path.open("rb") if path.suffix == ".tar" else cast(IO[bytes], gzip.open(path))


def _record_items(paths: list[Path], sources: Sources, show: Show) -> Iterator[Item]:
    for done, path in enumerate(paths, start=1):
        for number, content in enumerate(read_records(path)):
            where = f"{path.name}, record {number}"
            yield (
                (where, "its checksum is wrong")
                if content is None
                else _example(where, content, sources)
            )
        show(path.name, done, len(paths))


def _example(where: str, content: bytes, sources: Sources) -> Item:
    try:
        example = read_example(content)
        key = _text(example, "note_str", "id")
        said = {
            "pitch": _number(example, "pitch"),
            "velocity": _number(example, "velocity"),
            "instrument_str": key.rsplit("-", 2)[0],
            "instrument_source_str": _SOURCE_NAMES[
                _number(example, "instrument_source", "instrument/source")
            ],
        }
        entry = msgspec.convert(said, _Entry)
        return _sounding(key, entry, example["audio"]) if _is_wanted(entry, sources) else None
    except (ValueError, LookupError, TypeError, *NO_JSON) as reason:
        return where, f"it is no note of NSynth: {first_line(reason)}"


def _sounding(key: str, entry: _Entry, audio: Feature) -> RecordedTone:
    if not isinstance(audio, np.ndarray) or audio.dtype != np.float32 or not audio.size:
        raise ValueError("its audio is not floating point")
    if not np.isfinite(audio).all():
        raise ValueError("it has values that are no numbers")
    wave = crop_or_pad(np.asarray(audio, np.float32))
    return RecordedTone(wave, entry.pitch, entry.velocity, entry.instrument_str, split_by_name(key))


def _text(example: dict[str, Feature], *names: str) -> str:
    return bytes(_first(example, names)[0]).decode()


def _number(example: dict[str, Feature], *names: str) -> int:
    return int(_first(example, names)[0])


def _first(example: dict[str, Feature], names: tuple[str, ...]) -> Feature:
    """Look a feature up by Magenta's name for it, or by TensorFlow Datasets'."""
    for name in names:
        if name in example:
            return example[name]
    raise LookupError(f"{names[0]} is missing")
