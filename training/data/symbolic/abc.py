"""Read tunes in ABC notation (standard 2.1), with music21's parser.

In: a file of one tune or many. Out: their melodies. Every tune is parsed for itself: of several at
once, music21 lets a tune without a note length (``L:``) have that of the tune before it, and one
tune that it does not understand would take all the others with it.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from instrument.errors import first_line
from training.data.symbolic.corpus import Piece
from training.data.symbolic.reading import Found, Skipped
from training.data.symbolic.scores import piece_of_parts

SHORTEST_TUNE_NOTES = 16
MAX_FILE_BYTES = 16 * 2**20
_TUNE = re.compile(r"^(?=X:)", re.MULTILINE)
_FIELD = re.compile(r"^[A-Za-z]:.*$", re.MULTILINE)


def read_abc(path: Path) -> Found:
    """Read the melodies of an ABC file.

    Pieces are in the split "train", named ``/0``, ``/1`` … when there are many. Repeats are written
    once, as they stand; a tune's first voice is its melody; tunes of a few notes are left out.
    """
    try:
        tunes = _tunes_of(path)
    except (OSError, ValueError) as reason:
        return Found((), (("", first_line(reason)),))
    pieces: list[Piece] = []
    skipped: list[Skipped] = []
    for index, tune in enumerate(tunes):
        name = f"/{index}" if len(tunes) > 1 else ""
        piece = _read_tune(tune, name)
        if isinstance(piece, str):
            skipped.append((name, piece))
        elif piece.pitch.size >= SHORTEST_TUNE_NOTES:
            pieces.append(piece)
    return Found(tuple(pieces), tuple(skipped))


def _tunes_of(path: Path) -> list[str]:
    """Cut a file at its ``X:`` fields; what its head says goes for every tune."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"it is larger than {MAX_FILE_BYTES // 2**20} MiB")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # as ABC files were before standard 2.1
    head, *tunes = _TUNE.split("\n".join(text.splitlines()) + "\n")
    if not tunes:
        raise ValueError("it has no tunes (lines that begin with X:)")
    fields = "".join(f"{field}\n" for field in _FIELD.findall(head))
    return [tune.replace("\n", f"\n{fields}", 1) for tune in tunes]


def _read_tune(text: str, name: str) -> Piece | str:
    """Return a tune as a piece, or why it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from music21 import converter, exceptions21

        try:
            score: Any = converter.parseData(text, format="abc")
            return piece_of_parts(name, "train", list(score.parts)[:1])
        except (
            exceptions21.Music21Exception,
            # What its parser raises, besides its own, at notation that it does not expect.
            ValueError,
            LookupError,
            TypeError,
            ArithmeticError,
            AttributeError,
            RecursionError,
        ) as reason:
            return first_line(reason)
