"""Find pieces that are the same music, in whatever key, and keep them on one side of a split.

Tune books repeat each other, and a model that has learned a test tune in another key has not been
tested. Two pieces are taken for variants when many of their *shingles* agree: stretches of a few
notes, as intervals and durations.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from zlib import crc32

import numpy as np

from training.data.corpus import Piece, Split

SHINGLE_NOTES = 8
_SHARED_SHARE = 0.35
"""Of the shorter piece's shingles: unrelated tunes of one kind share up to a tenth."""
_COMMON = 40
"""Of a shingle in more pieces than this, a turn of phrase or a much copied song, only neighbours
are compared: copies of one song still hang together, and the work stays small."""
_MOST_SHINGLES = 4_000_000
_TICKS_PER_BEAT = 24


def shingles(piece: Piece, notes: int = SHINGLE_NOTES) -> frozenset[bytes]:
    """Return all stretches of `notes` successive notes: intervals and durations in 24ths."""
    interval = np.diff(piece.pitch.astype(np.int16))
    duration = np.round(piece.length_beats * _TICKS_PER_BEAT).astype(np.int16)
    pairs = np.stack([interval, duration[:-1]], axis=1)
    count = len(pairs) - notes + 2
    return frozenset(pairs[at : at + notes - 1].tobytes() for at in range(max(0, count)))


def clusters(pieces: Sequence[Piece]) -> list[int]:
    """Number pieces so that variants of one tune have the same number.

    In large collections only some shingles are compared, chosen by their checksums, so that the
    same ones count in every piece (Broder, "On the resemblance and containment of documents",
    1997).
    """
    one_in = 1 + sum(piece.pitch.size for piece in pieces) // _MOST_SHINGLES
    every = [_some(shingles(piece), one_in) for piece in pieces]
    parent = list(range(len(pieces)))
    for (a, b), count in _shared(every).items():
        if count >= _SHARED_SHARE * min(len(every[a]), len(every[b])):
            parent[_root(parent, a)] = _root(parent, b)
    return [_root(parent, index) for index in range(len(pieces))]


def _shared(every: Sequence[frozenset[bytes]]) -> Counter[tuple[int, int]]:
    """Count the shingles that two pieces share."""
    pieces_with = defaultdict(list)
    for index, own in enumerate(every):
        for shingle in own:
            pieces_with[shingle].append(index)
    shared: Counter[tuple[int, int]] = Counter()
    for holders in pieces_with.values():
        if len(holders) > _COMMON:
            shared.update(pairwise(holders))
        else:
            shared.update(combinations(holders, 2))
    return shared


def _some(every: frozenset[bytes], one_in: int) -> frozenset[bytes]:
    if one_in == 1:
        return every
    return frozenset(shingle for shingle in every if crc32(shingle) % one_in == 0)


def split_by_cluster(
    pieces: Sequence[Piece], valid_share: float = 0.1, test_share: float = 0.1
) -> tuple[list[Piece], int]:
    """Put every cluster of variants into one split, chosen by its first name's hash.

    Returns
    -------
    list
        The pieces with their splits.
    int
        How many pieces are variants of another one.
    """
    numbers = clusters(pieces)
    first: dict[int, str] = {}
    for number, piece in zip(numbers, pieces, strict=True):
        first[number] = min(first.get(number, piece.name), piece.name)
    chosen = [
        replace(piece, split=_split_of(first[number], valid_share, test_share))
        for number, piece in zip(numbers, pieces, strict=True)
    ]
    return chosen, len(pieces) - len(first)


def _split_of(name: str, valid_share: float, test_share: float) -> Split:
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2.0**64
    if place < test_share:
        return "test"
    return "valid" if place < test_share + valid_share else "train"


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index
