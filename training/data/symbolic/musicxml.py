"""Read scores in MusicXML: who plays what, where the bars are, how loud it is.

In: a ``.musicxml``, ``.xml`` or ``.mxl`` file, perhaps a stranger's. Out: a `Score`. Only what is
heard is read. A repeat is played once, with its last ending; grace notes and cues are left out;
loudness follows the marks, from pp to ff, with hairpins and accents.
"""

from __future__ import annotations

import codecs
import math
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from instrument.music.note import Note
from training.data.symbolic.loudness import Loudness

MOST_BYTES = 64 << 20
MOST_BARS, MOST_PARTS = 20_000, 64
_LONGEST_BEATS = 64.0
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar as it is written: how long it should be, and how long it is, quarter notes."""

    start_beats: float
    nominal_beats: float
    length_beats: float


@dataclass(frozen=True, slots=True)
class Staff:
    """One staff: a singer, a violin, a pianist's right hand.

    Attributes
    ----------
    program
        General MIDI's, 0-127.
    notes
        Counted from the score's beginning, ties joined, sorted.
    """

    program: int
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A whole score: its staves from top to bottom, its bars, and whose rights it states."""

    staves: tuple[Staff, ...]
    bars: tuple[Bar, ...]
    rights: str


@dataclass(slots=True)
class _Written:
    """A note as it stands in its bar."""

    bar: int
    offset: float
    length: float
    pitch: int
    staff: str
    is_tied: bool
    is_accented: bool


@dataclass(slots=True)
class _ScorePart:
    """One part while it is read; marks are (bar, offset, what)."""

    notes: list[_Written] = field(default_factory=list)
    marks: list[tuple[int, float, str]] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)
    nominal: list[float] = field(default_factory=list)
    endings: list[tuple[str, int, int]] = field(default_factory=list)
    divisions: float = 1.0
    bar_beats: float = 4.0
    transposed: int = 0


def read_score(path: Path) -> Score:
    """Read a score.

    Raises
    ------
    ValueError
        It is damaged, too large, or not written part by part.
    OSError
        The file cannot be read.
    """
    root = _parsed(_content(path))
    if root.tag != "score-partwise":
        raise ValueError("it is no MusicXML that is written part by part (score-partwise)")
    elements = root.findall("part")
    if not 0 < len(elements) <= MOST_PARTS:
        raise ValueError(f"it has {len(elements)} parts, not 1 to {MOST_PARTS}")
    parts = [_read_part(element) for element in elements]
    bars, kept = _bars(parts)
    everywhere = [mark for part in parts for mark in part.marks]
    staves: list[Staff] = []
    for element, part in zip(elements, parts, strict=True):
        curve = Loudness(_placed(part.marks or everywhere, kept))
        program = _program(root, element.get("id", ""))
        for name in sorted({note.staff for note in part.notes}):
            own = [note for note in part.notes if note.staff == name]
            staves.append(Staff(program, _sounded(own, kept, curve)))
    return Score(tuple(staves), tuple(bars), root.findtext("identification/rights", "").strip())


def _content(path: Path) -> bytes:
    """Return the XML, unpacked if need be."""
    if path.suffix.lower() != ".mxl":
        with path.open("rb") as file:
            return _small_enough(file.read(MOST_BYTES + 1))
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if not n.startswith("META-INF/")]
            names = [n for n in names if n.lower().endswith((".xml", ".musicxml"))]
            if not names:
                raise ValueError("there is no score in it")
            with archive.open(names[0]) as file:
                return _small_enough(file.read(MOST_BYTES + 1))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as reason:
        raise ValueError(f"it is no compressed MusicXML: {reason}") from reason


def _small_enough(content: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES >> 20} MiB")
    return content


def _parsed(content: bytes) -> Element:
    encoding = None  # as it declares
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        content, encoding = content.decode("utf-16").encode(), "utf-8"
    if b"\0" in content:
        raise ValueError("it is no XML in UTF-8 or UTF-16")
    if b"<!ENTITY" in content:
        raise ValueError("it defines entities of its own, which no score needs")
    try:
        parser = ElementTree.XMLParser(encoding=encoding)  # noqa: S314 - no entities, no fetching
        return ElementTree.fromstring(content, parser)  # noqa: S314 - as above
    except ElementTree.ParseError as reason:
        raise ValueError(f"it is no XML: {reason}") from reason


def _program(root: Element, part: str) -> int:
    for told in root.iterfind("part-list/score-part"):
        if told.get("id") == part:
            number = told.findtext("midi-instrument/midi-program", "1")
            return min(max(int(_number(number)) - 1, 0), 127)
    return 0


def _number(text: str | None) -> float:
    value = float(text or "nan")
    if not math.isfinite(value) or abs(value) > 1e6:
        raise ValueError(f"it has {text!r} where a number should be")
    return value


def _read_part(element: Element) -> _ScorePart:
    part = _ScorePart()
    measures = element.findall("measure")
    if len(measures) > MOST_BARS:
        raise ValueError(f"it has more than {MOST_BARS} bars")
    for bar, measure in enumerate(measures):
        _read_bar(part, bar, measure)
    return part


def _read_bar(part: _ScorePart, bar: int, measure: Element) -> None:
    cursor = furthest = start = 0.0
    for element in measure:
        if element.tag == "attributes":
            _read_attributes(part, element)
        elif element.tag in ("backup", "forward"):
            step = _number(element.findtext("duration")) / part.divisions
            cursor = max(0.0, cursor + (step if element.tag == "forward" else -step))
        elif element.tag == "direction":
            _read_direction(part, bar, cursor, element)
        elif element.tag == "barline":
            _read_ending(part, bar, element)
        elif element.tag == "note" and element.find("grace") is None:
            length = _number(element.findtext("duration")) / part.divisions
            if element.find("chord") is None:
                start, cursor = cursor, cursor + length
            _read_note(part, bar, start, length, element)
        furthest = max(furthest, cursor)
    part.lengths.append(furthest)
    part.nominal.append(part.bar_beats)


def _read_attributes(part: _ScorePart, element: Element) -> None:
    if (divisions := element.findtext("divisions")) is not None:
        part.divisions = max(1.0, _number(divisions))
    beats, unit = element.findtext("time/beats"), element.findtext("time/beat-type")
    if beats is not None and unit is not None:
        count = sum(_number(term) for term in beats.split("+"))
        part.bar_beats = min(max(4.0 * count / max(1.0, _number(unit)), 0.25), _LONGEST_BEATS)
    if (transpose := element.find("transpose")) is not None:
        octaves = _number(transpose.findtext("octave-change", "0"))
        part.transposed = int(_number(transpose.findtext("chromatic", "0")) + 12 * octaves)


def _read_direction(part: _ScorePart, bar: int, cursor: float, element: Element) -> None:
    at = max(0.0, cursor + _number(element.findtext("offset", "0")) / part.divisions)
    for mark in element.iterfind("direction-type/dynamics/*"):
        part.marks.append((bar, at, mark.tag))
    for wedge in element.iterfind("direction-type/wedge"):
        part.marks.append((bar, at, wedge.get("type", "stop")))


def _read_ending(part: _ScorePart, bar: int, element: Element) -> None:
    for ending in element.iterfind("ending"):
        if ending.get("type") == "start":
            part.endings.append((ending.get("number", ""), bar, bar))
        elif part.endings:
            number, first, _ = part.endings[-1]
            part.endings[-1] = (number, first, bar)


def _read_note(part: _ScorePart, bar: int, start: float, length: float, element: Element) -> None:
    pitch = element.find("pitch")
    if pitch is None or element.find("cue") is not None or not 0.0 < length <= _LONGEST_BEATS:
        return
    step = _STEPS.get(pitch.findtext("step", ""))
    if step is None:
        raise ValueError("it has a note without a name")
    height = 12 * (int(_number(pitch.findtext("octave"))) + 1) + step
    height += round(_number(pitch.findtext("alter", "0"))) + part.transposed
    if not 0 <= height <= 127:
        raise ValueError(f"it has a note outside MIDI's range ({height})")
    ties = {tie.get("type") for tie in element.iterfind("tie")}
    accents = ("accent", "strong-accent")
    is_accented = any(
        element.find(f"notations/articulations/{accent}") is not None for accent in accents
    )
    staff = element.findtext("staff", "1")[:4]
    part.notes.append(_Written(bar, start, length, height, staff, "stop" in ties, is_accented))


def _bars(parts: Sequence[_ScorePart]) -> tuple[list[Bar], dict[int, float]]:
    """Return the bars that are played, and where each bar of the page begins that is."""
    left_out = _first_endings(parts)
    count = max(len(part.lengths) for part in parts)
    bars, kept, now = [], dict[int, float](), 0.0
    for index in range(count):
        having = [part for part in parts if index < len(part.lengths)]
        nominal = having[0].nominal[index]
        length = max(part.lengths[index] for part in having) or nominal
        if index not in left_out:
            kept[index] = now
            bars.append(Bar(now, nominal, length))
            now += length
    return bars, kept


def _first_endings(parts: Sequence[_ScorePart]) -> set[int]:
    """Return the bars of endings that another ending follows."""
    left_out: set[int] = set()
    for part in parts:
        for (_, first, last), (_, after, _) in pairwise(part.endings):
            if after == last + 1:
                left_out.update(range(first, last + 1))
    return left_out


def _placed(
    marks: Iterable[tuple[int, float, str]], kept: dict[int, float]
) -> list[tuple[float, str]]:
    return sorted((kept[bar] + offset, what) for bar, offset, what in marks if bar in kept)


def _sounded(
    written: Iterable[_Written], kept: dict[int, float], curve: Loudness
) -> tuple[Note, ...]:
    """Join ties; let equal pitches of a staff end each other."""
    rows: list[list[float]] = []
    last: dict[int, list[float]] = {}
    for start, note in sorted(_started(written, kept), key=lambda row: (row[0], row[1].pitch)):
        before = last.get(note.pitch)
        end = start + note.length
        if before is not None and before[0] + 1e-6 >= start:  # two voices on one note
            before[1] = max(before[1], end)
        elif before is not None and note.is_tied and abs(before[1] - start) < 1e-3:
            before[1] = end
        else:
            if before is not None:
                before[1] = min(before[1], start)
            last[note.pitch] = [start, end, note.pitch, note.is_accented]
            rows.append(last[note.pitch])
    return tuple(
        sorted(
            Note(start, int(pitch), end - start, curve.velocity(start, bool(accent)))
            for start, end, pitch, accent in rows
        )
    )


def _started(
    written: Iterable[_Written], kept: dict[int, float]
) -> Iterator[tuple[float, _Written]]:
    for note in written:
        if note.bar in kept:
            yield kept[note.bar] + note.offset, note
