"""Batches of chord-and-duration symbols for the next-symbol networks.

In: pieces of a corpus. Out: a `Lexicon` (the vocabularies that the pieces need in all twelve keys),
pieces as ids, and batches of two sorts: whole pieces, padded, with a target at every position
(ours), and windows of one long stream with a single target each (the source documents').
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from instrument.errors import FileError
from instrument.music.chord_events import (
    REST,
    ChordEvent,
    events_of,
    length_ticks,
    named_event,
    nearest_chord,
    nearest_duration,
    rests,
)
from instrument.music.note import Phrase
from instrument.music.note_tuples import GRID
from instrument.music.vocabulary import START, Vocabulary
from training.data.symbolic.corpus import Piece

KEYS = range(-5, 7)
"""Transpositions of the augmentation, semitones."""
PHASES = 8 * GRID
BAR_LENGTHS = 18
_BAR_STEP = GRID // 2

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What a network can read and say: names of chords and of durations.

    Attributes
    ----------
    chords, durations
        Two vocabularies.
    transposition
        int64, shape (12, chords): the id of each chord moved by `KEYS`; itself where it cannot.
    """

    chords: Vocabulary
    durations: Vocabulary
    transposition: Ids

    @classmethod
    def of(cls, pieces: Sequence[Piece], rare: int = 2) -> Lexicon:
        """Collect chords and durations that occur `rare` times or more, chords in all keys.

        The rest is always one of them: a player pauses, even if no piece does.
        """
        events = [event for piece in pieces for event in events_of(piece.phrase().notes)]
        base = Vocabulary.of((event.chord for event in events), at_least=rare)
        names = {_moved(name, key) for name in base.symbols[1:] for key in KEYS}
        chords = Vocabulary.of({REST} | {name for name in names if name})
        durations = Vocabulary.of((event.duration for event in events), at_least=rare)
        return cls(chords, durations, _transpositions(chords))

    def ids_of(self, events: Sequence[ChordEvent]) -> tuple[Ids, Ids]:
        """Return chord and duration ids, int64 of shape (n,); unknown ones as their nearest."""
        chords = [nearest_chord(self.chords, event.pitches) for event in events]
        durations = [
            nearest_duration(self.durations, event.length_ticks, event.advance_ticks)
            for event in events
        ]
        return np.array(chords, np.int64), np.array(durations, np.int64)

    def event(self, chord: int, duration: int) -> ChordEvent:
        """Return the event of two ids, neither of them START."""
        return named_event(self.chords.symbols[chord], self.durations.symbols[duration])


@dataclass(frozen=True, slots=True)
class Line:
    """A piece as ids.

    Attributes
    ----------
    chords, durations
        int64, shape (n,).
    starts
        int64, shape (n,): ticks from the beginning.
    bar_ticks, pickup_ticks
        Of its metre.
    notes
        How many notes the events stand for, the unit of a likelihood.
    unknown
        Events that the lexicon does not have, replaced by their nearest.
    """

    chords: Ids
    durations: Ids
    starts: Ids
    bar_ticks: int
    pickup_ticks: int
    notes: int
    unknown: int

    def phases(self) -> Ids:
        """Return the position in the bar at which each event starts, ticks, shape (n,)."""
        return bar_phase(self.starts, self.bar_ticks, self.pickup_ticks)


def line_of(phrase: Phrase, lexicon: Lexicon, to_the_end: bool = False) -> Line:
    """Return a phrase as ids, with the silence at its end if asked."""
    events = events_of(phrase.notes)
    if to_the_end:
        events += tuple(rests(round(phrase.length_beats * GRID) - length_ticks(events)))
    chords, durations = lexicon.ids_of(events)
    ends = np.cumsum([0, *(event.advance_ticks for event in events)], dtype=np.int64)
    unknown = sum(
        event.chord not in lexicon.chords or event.duration not in lexicon.durations
        for event in events
    )
    return Line(
        chords=chords,
        durations=durations,
        starts=ends[:-1],
        bar_ticks=round(phrase.bar_beats * GRID),
        pickup_ticks=round(phrase.pickup_beats * GRID),
        notes=len(phrase.notes),
        unknown=unknown,
    )


def bar_phase(start_ticks: Ids, bar_ticks: int, pickup_ticks: int) -> Ids:
    """Return how far into its bar a tick is, at most `PHASES` - 1."""
    return np.minimum((start_ticks - pickup_ticks) % max(1, bar_ticks), PHASES - 1)


def bar_length(bar_ticks: int) -> int:
    """Return the id of a bar's length, in half beats: 8 is 4/4, 6 is 3/4 or 6/8."""
    return min(round(bar_ticks / _BAR_STEP), BAR_LENGTHS - 1)


@dataclass(frozen=True, slots=True)
class SymbolBatch:
    """What a network reads and what it should say; all int64 of shape (b, t).

    Attributes
    ----------
    chords, durations
        The event before each position; START before the first.
    phases, bars
        Where in the bar the next event starts, and the bar's length (`bar_length`).
    next_chords, next_durations
        The targets; 0 where there is none.
    """

    chords: Tensor
    durations: Tensor
    phases: Tensor
    bars: Tensor
    next_chords: Tensor
    next_durations: Tensor

    @property
    def mask(self) -> Tensor:
        """Bool, (b, t): positions with a target. START is never one."""
        return self.next_chords != 0

    def to(self, device: torch.device) -> SymbolBatch:
        """Return the batch on a device."""
        return SymbolBatch(*(getattr(self, name).to(device) for name in self.__slots__))


def draw_pieces(
    lines: Sequence[Line],
    lexicon: Lexicon,
    count: int,
    longest: int,
    random: np.random.Generator,
) -> SymbolBatch:
    """Draw pieces of like lengths, each in a random key; of long ones a random stretch."""
    pool = random.choice(len(lines), size=min(len(lines), 8 * count), replace=False)
    pool = pool[np.argsort([min(len(lines[i].chords), longest) for i in pool], kind="stable")]
    first = int(random.integers(0, max(1, len(pool) - count + 1)))
    rows = []
    for index in pool[first : first + count]:
        line = lines[index]
        key = lexicon.transposition[random.integers(len(KEYS))]
        begin = int(random.integers(0, max(1, len(line.chords) - longest + 1)))
        rows.append(_row(line, key[line.chords], begin, longest))
    return _padded(rows)


def whole_pieces(lines: Sequence[Line]) -> SymbolBatch:
    """Return whole pieces in their own keys, padded to the longest."""
    return _padded([_row(line, line.chords, 0, len(line.chords)) for line in lines])


def draw_windows(
    stream: SymbolBatch, count: int, length: int, random: np.random.Generator
) -> SymbolBatch:
    """Draw windows from the one row of `stream`; only the last position keeps its target."""
    begins = random.integers(0, stream.chords.shape[1] - length + 1, size=count)
    at = torch.from_numpy(begins[:, None] + np.arange(length))
    windows = SymbolBatch(*(getattr(stream, name)[0][at] for name in SymbolBatch.__slots__))
    windows.next_chords[:, :-1] = 0
    return windows


def stream_of(lines: Sequence[Line]) -> SymbolBatch:
    """Return all pieces one after the other as a single row, as the documents train."""
    rows = [_row(line, line.chords, 0, len(line.chords)) for line in lines]
    return SymbolBatch(
        *(torch.from_numpy(np.concatenate(parts))[None] for parts in zip(*rows, strict=True))
    )


def spread(pieces: Sequence[Piece], most: int) -> tuple[Piece, ...]:
    """Return at most so many pieces, evenly from all books: pieces come in order of name."""
    step = -(-len(pieces) // most) if pieces else 1
    return tuple(pieces[::step])


class SavedVocabulary(nn.Module):
    """Keep a vocabulary in a network's checkpoint and refuse a checkpoint with another one."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def get_extra_state(self) -> dict[str, list[str]]:
        """Return what torch saves."""
        return {"symbols": list(self.vocabulary.symbols)}

    def set_extra_state(self, state: dict[str, list[str]]) -> None:
        """Compare what was saved with what the corpus gives now."""
        if tuple(state["symbols"]) != self.vocabulary.symbols:
            raise FileError(
                f"the run knows {len(state['symbols'])} symbols, the corpus gives "
                f"{len(self.vocabulary)} others",
                "Use the corpus that the run was trained on.",
            )


def _row(line: Line, chords: Ids, begin: int, longest: int) -> tuple[Ids, ...]:
    """Return the arrays of `SymbolBatch` for one piece from an event on."""
    end = min(begin + longest, len(chords))
    before = slice(begin - 1, end - 1) if begin else slice(0, end - 1)
    start = () if begin else (0,)
    return (
        np.concatenate([np.array(start, np.int64), chords[before]]),
        np.concatenate([np.array(start, np.int64), line.durations[before]]),
        line.phases()[begin:end],
        np.full(end - begin, bar_length(line.bar_ticks)),
        chords[begin:end],
        line.durations[begin:end],
    )


def _padded(rows: Sequence[tuple[Ids, ...]]) -> SymbolBatch:
    longest = max(len(row[0]) for row in rows)
    columns = []
    for parts in zip(*rows, strict=True):
        padded = np.zeros((len(rows), longest), np.int64)
        for row, part in zip(padded, parts, strict=True):
            row[: len(part)] = part
        columns.append(torch.from_numpy(padded))
    return SymbolBatch(*columns)


def _moved(name: str, key: int) -> str:
    """Return a chord's name in another key, empty if a pitch leaves 0-127."""
    event = named_event(name, "1").transposed(key)
    return event.chord if all(0 <= pitch <= 127 for pitch in event.pitches) else ""


def _transpositions(chords: Vocabulary) -> Ids:
    table = np.tile(np.arange(len(chords), dtype=np.int64), (len(KEYS), 1))
    for key, row in zip(KEYS, table, strict=True):
        for index, name in enumerate(chords.symbols):
            moved = _moved(name, key) if name != START else START
            if moved in chords:
                row[index] = chords.id_of(moved)
    return table
