"""Find the instruments in folders of recordings, and the key and velocity of each recording.

In: a folder, or an ``.sfz`` file. Out: instruments, each a list of files with key, velocity and
level. An SFZ file says all of that; SpectMorph's ``instrument.xml`` says the key; else the files'
names do. Of an instrument with layers of velocity each layer is one of its own: they are points
between which a voice can go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from training.data.audio.note_names import named_velocity, parse_note_name
from training.data.audio.recorded.sfz import Region, read_sfz
from training.data.audio.wave_files import SUFFIXES

MOST_FILES, DEEPEST = 50_000, 8
_MOST_XML_BYTES = 4 << 20
_SPECTMORPH = "instrument.xml"
_LOUD = 1.0


@dataclass(frozen=True, slots=True)
class MappedNote:
    """A recording and what its instrument says of it; `pitch` is None where nothing does."""

    file: Path
    pitch: int | None
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class MappedInstrument:
    """One instrument at one velocity.

    Attributes
    ----------
    name
        Its own, with the velocity if there are several: "steinway-v40".
    velocity
        0 to 1.
    notes
        In order of pitch.
    """

    name: str
    velocity: float
    notes: tuple[MappedNote, ...]


def find_instruments(path: Path) -> tuple[MappedInstrument, ...]:
    """Find every instrument in a folder and the folders inside it, or in one SFZ file.

    Raises
    ------
    ValueError
        A mapping cannot be read, or there are too many files.
    """
    return tuple(instrument for instrument in _found(path, 0) if instrument.notes)


def _found(path: Path, depth: int) -> Iterator[MappedInstrument]:
    if path.suffix.lower() == ".sfz":
        yield from _of_sfz(path)
        return
    inside = sorted(path.iterdir())
    if len(inside) > MOST_FILES:
        raise ValueError(f"{path.name} has more than {MOST_FILES} files")
    if fonts := [file for file in inside if file.suffix.lower() == ".sfz" and file.is_file()]:
        for file in fonts:
            yield from _of_sfz(file)
        return  # what lies beside it are its samples
    if (path / _SPECTMORPH).is_file():
        yield _of_spectmorph(path)
        return
    yield from _of_names(path, [file for file in inside if file.suffix.lower() in SUFFIXES])
    for folder in inside:
        if depth < DEEPEST and folder.is_dir() and not folder.is_symlink():
            yield from _found(folder, depth + 1)


def _of_sfz(path: Path) -> Iterator[MappedInstrument]:
    """Give the layers of an SFZ instrument; a file that two of them share is the louder one's."""
    try:
        regions = read_sfz(path)
    except ValueError as reason:
        raise ValueError(f"{path.name}: {reason}") from reason
    loudest: dict[tuple[Path, int], Region] = {}
    for region in regions:
        known = loudest.setdefault((region.sample, region.pitch), region)
        if region.highest > known.highest:
            loudest[region.sample, region.pitch] = region
    layers: dict[int, dict[int, Region]] = {}
    for region in loudest.values():
        layers.setdefault(region.highest, {}).setdefault(region.pitch, region)
    for highest, regions_of in sorted(layers.items()):
        notes = [MappedNote(r.sample, r.pitch, r.gain_db) for _, r in sorted(regions_of.items())]
        name = _plain(path.stem) + (f"-v{highest}" if len(layers) > 1 else "")
        yield MappedInstrument(name, highest / 127.0, tuple(notes))


def _of_spectmorph(folder: Path) -> MappedInstrument:
    path = folder / _SPECTMORPH
    with path.open("rb") as file:
        content = file.read(_MOST_XML_BYTES + 1)
    if len(content) > _MOST_XML_BYTES or b"<!ENTITY" in content:
        raise ValueError(f"{folder.name}/{path.name} is too large, or defines entities")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - no entities, no fetching
        samples = [
            (s.get("filename", ""), int(s.get("midi_note", ""))) for s in root.iter("sample")
        ]
    except (ElementTree.ParseError, ValueError) as reason:
        raise ValueError(f"{folder.name}/{path.name} cannot be read: {reason}") from reason
    if any(Path(name).name != name for name, _ in samples):
        raise ValueError(f"{folder.name}/{path.name} names a file outside its folder")
    notes = sorted((pitch, name) for name, pitch in samples if 0 <= pitch <= 127)
    found = tuple(MappedNote(folder / name, pitch) for pitch, name in notes)
    return MappedInstrument(_plain(folder.name), _LOUD, found)


def _of_names(folder: Path, files: list[Path]) -> Iterator[MappedInstrument]:
    """Give what a plain folder holds: one instrument for each velocity in the files' names."""
    layers: dict[float, list[MappedNote]] = {}
    for file in files:
        named = parse_note_name(file.stem)
        note = MappedNote(file, named.pitch if named else None)
        layers.setdefault(named_velocity(str(file)) or _LOUD, []).append(note)
    for velocity, notes in sorted(layers.items()):
        ending = f"-v{round(127 * velocity)}" if len(layers) > 1 else ""
        ordered = sorted(notes, key=lambda note: (note.pitch is None, note.pitch or 0))
        yield MappedInstrument(_plain(folder.name) + ending, velocity, tuple(ordered))


def _plain(name: str) -> str:
    """Return a name as instruments have them: lower case, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "instrument"
