"""Turn music21's scores into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.data.symbolic.corpus import Piece

_VOICES = ("soprano", "alto", "tenor", "bass")
_PICKUP_TOLERANCE = 1e-6


def four_voices(score: Any) -> list[Any] | None:
    """Choose soprano, alto, tenor and bass by their names, or the four parts there are."""
    parts = list(score.parts)
    if len(parts) == 4:
        return parts
    named = {str(part.partName or "").strip().lower(): part for part in reversed(parts)}
    chosen = [named.get(voice) for voice in _VOICES]
    return None if None in chosen else chosen


def piece_of_parts(name: str, split: str, parts: Sequence[Any]) -> Piece:
    """Turn parts of a score into a piece, a voice for each; tied notes are one, of chords the top.

    Raises
    ------
    ValueError
        There are no notes.
    """
    rows: list[tuple[float, float, int, int]] = []
    for voice, part in enumerate(parts):
        for sound in part.stripTies().flatten().notes:
            length = float(sound.quarterLength)
            if length > 0.0:  # a grace note has no length of its own
                pitch = max(p.midi for p in sound.pitches)
                rows.append((float(sound.offset), length, pitch, voice))
    rows.sort(key=lambda row: (row[0], -row[2], row[3]))
    if not rows:
        raise ValueError("it has no notes")
    bar_beats, pickup_beats = _bars(parts[0])
    start, length_beats, pitches, voices = (np.array(column) for column in zip(*rows, strict=True))
    return Piece(
        name=name,
        split=split,  # type: ignore[arg-type]
        start_beats=start.astype(np.float64),
        length_beats=length_beats.astype(np.float64),
        pitch=pitches.astype(np.uint8),
        velocity=np.full(len(rows), 80, np.uint8),
        voice=voices.astype(np.uint8),
        bar_beats=bar_beats,
        pickup_beats=pickup_beats,
        length=float(max(part.highestTime for part in parts)),
        programs=(0,) * len(parts),
        is_drum=(False,) * len(parts),
    )


def _bars(part: Any) -> tuple[float, float]:
    """Return the length of a bar and of the pickup, in beats."""
    # The first one: where bars are broken, music21's ABC parser adds meters of its own beside it.
    meters = list(part.recurse().getElementsByClass("TimeSignature"))
    bar = float(meters[0].barDuration.quarterLength) if meters else 4.0
    measures = list(part.getElementsByClass("Measure"))
    if len(measures) < 2:
        return bar, 0.0
    length = float(measures[1].offset - measures[0].offset)
    return bar, length if 0.0 < length < bar - _PICKUP_TOLERANCE else 0.0
