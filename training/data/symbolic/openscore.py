"""Read OpenScore's songs and quartets, or any folder of MusicXML.

In: a folder, such as OpenScore Lieder or OpenScore String Quartets (CC0), unpacked. Out: a corpus.
A voice is a staff, from the top: the singer first, a pianist's hands apart. A piece has one meter,
so a score that changes it becomes several, all in one split.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from instrument.errors import FileError, first_line
from instrument.music.note import Note, Phrase, Track
from training.data.symbolic.corpus import Piece, make_corpus, meter_of
from training.data.symbolic.duplicates import split_by_cluster
from training.data.symbolic.midi_folder import FOLDER_NOTICE, piece_of
from training.data.symbolic.musicxml import Bar, Score, read_score
from training.data.symbolic.reading import (
    Collected,
    Show,
    Skipped,
    read_side_by_side,
    refuse_many_skipped,
)

SOURCE = "CC0 scores as those of OpenScore, https://openscore.cc"
NOTICE = (
    "Music in the public domain whose transcribers waived their rights (CC0 1.0), as the "
    "volunteers of the OpenScore Lieder Corpus and the OpenScore String Quartets did."
)
_WAIVED = ("CC0", "CCO")  # what its scores state, as typed by volunteers
FEWEST_BARS, FEWEST_NOTES = 8, 32
_SUFFIXES = (".mxl", ".musicxml", ".xml")
_EXACT = 1e-6


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file gave: pieces, the rights that it states, or why it cannot be read."""

    pieces: tuple[Piece, ...]
    rights: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Bars of one length, one after the other; quarter notes."""

    start: float
    end: float
    bar_beats: float
    pickup: float


def read_openscore(folder: Path, name: str, show: Show, most: int | None = None) -> Collected:
    """Read every score under a folder.

    Parameters
    ----------
    most
        Read no more files than this, the first by name.

    Raises
    ------
    FileError
        There are no scores, or more than one in a hundred cannot be read.
    """
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder")
    paths = _scores(folder)[:most]
    if not paths:
        raise FileError(
            f"{folder} has no scores ({', '.join(_SUFFIXES)})",
            "Unpack OpenScore there; MuseScore files (.mscx) come with .mxl beside them.",
        )
    scores: list[tuple[Piece, ...]] = []
    skipped: list[Skipped] = []
    rights: set[str] = set()
    for done, (path, read) in enumerate(
        zip(paths, read_side_by_side(_read, paths), strict=True), start=1
    ):
        inside = path.relative_to(folder).as_posix()
        if read.problem:
            skipped.append((inside, read.problem))
        elif read.pieces:
            scores.append(_named(read.pieces, inside))
        rights.add(read.rights)
        show(inside, done, len(paths))
    refuse_many_skipped(skipped, len(paths))
    pieces = _split(scores)
    source, notice = f"the scores of {folder.resolve().name}", FOLDER_NOTICE
    if _are_waived(rights - {""}):
        source, notice = SOURCE, NOTICE
    return Collected(make_corpus(name, source, notice, pieces), tuple(skipped))


def pieces_of(score: Score) -> Iterator[Piece]:
    """Return a score as pieces of one meter each, without names; short ones are left out."""
    for stretch in _stretches(score.bars):
        if stretch.end - stretch.start < FEWEST_BARS * stretch.bar_beats:
            continue
        tracks = tuple(
            Track(tuple(_inside(staff.notes, stretch)), program=staff.program)
            for staff in score.staves
        )
        if sum(len(track.notes) for track in tracks) >= FEWEST_NOTES:
            meters = (meter_of(stretch.bar_beats),)
            length = stretch.end - stretch.start
            phrase = Phrase(tracks, length, meters=meters, pickup_beats=stretch.pickup)
            yield piece_of(phrase, "")


def _scores(folder: Path) -> list[Path]:
    """Return the scores, each once: some collections have one in several formats."""
    found = {}
    for suffix in reversed(_SUFFIXES):
        for path in folder.rglob("*"):
            if path.suffix.lower() == suffix and path.is_file():
                found[path.with_suffix("")] = path
    return sorted(found.values())


def _are_waived(rights: set[str]) -> bool:
    """Say whether all scores that state their rights are in CC0; a few state nothing."""
    return bool(rights) and all(any(word in one for word in _WAIVED) for one in rights)


def _read(path: Path) -> _Read:
    try:
        score = read_score(path)
        return _Read(tuple(pieces_of(score)), score.rights)
    except (OSError, ValueError) as reason:
        return _Read((), "", first_line(reason))


def _named(pieces: tuple[Piece, ...], inside: str) -> tuple[Piece, ...]:
    return tuple(
        replace(piece, name=f"{inside}#{number}") for number, piece in enumerate(pieces, 1)
    )


def _split(scores: Sequence[tuple[Piece, ...]]) -> list[Piece]:
    """Choose the split by each score's longest piece; all of a score go there."""
    longest = [max(pieces, key=lambda piece: piece.pitch.size) for pieces in scores]
    chosen, _ = split_by_cluster(longest)
    return [
        replace(piece, split=one.split)
        for pieces, one in zip(scores, chosen, strict=True)
        for piece in pieces
    ]


def _stretches(bars: Sequence[Bar]) -> Iterator[_Stretch]:
    """Cut where bars change their length; two that make one between them are one."""
    begun: _Stretch | None = None
    left = 0.0  # of a bar that the next one completes
    for bar in bars:
        end = bar.start_beats + bar.length_beats
        is_new = begun is None or abs(bar.nominal_beats - begun.bar_beats) > _EXACT
        does_not_fit = left > _EXACT and abs(bar.length_beats - left) > _EXACT
        if is_new or does_not_fit or bar.length_beats > bar.nominal_beats + _EXACT:
            if begun is not None:
                yield begun
            short = bar.length_beats < bar.nominal_beats - _EXACT
            pickup = bar.length_beats if short else 0.0
            begun, left = _Stretch(bar.start_beats, end, bar.nominal_beats, pickup), 0.0
            continue
        assert begun is not None
        missing = bar.nominal_beats - bar.length_beats
        left = 0.0 if left > _EXACT else missing
        begun = replace(begun, end=end)
    if begun is not None:
        yield begun


def _inside(notes: Sequence[Note], stretch: _Stretch) -> Iterator[Note]:
    for note in notes:
        if stretch.start - _EXACT <= note.start_beats < stretch.end - _EXACT:
            start = max(0.0, note.start_beats - stretch.start)
            yield replace(note, start_beats=start)
