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

from training.data.symbolic.corpus import Piece, Split

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


def split_by_cluster(pieces: Sequence[Piece], share: float = 0.1) -> tuple[list[Piece], int]:
    """Put every cluster of variants into one split, chosen by its first name's hash.

    Parameters
    ----------
    share
        Of the clusters, about this many are for validation and as many for tests. Three are enough
        for every split; of two, one is for validation.

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
    split_of = _splits(first, share)
    chosen = [
        replace(piece, split=split_of[number])
        for number, piece in zip(numbers, pieces, strict=True)
    ]
    return chosen, len(pieces) - len(first)


def _splits(first: dict[int, str], share: float) -> dict[int, Split]:
    place = {number: _place(name) for number, name in first.items()}
    count = len(first)
    valid_least, test_least = int(count >= 2), int(count >= 3)
    tests = max(test_least, sum(at < share for at in place.values()))
    tests = min(tests, count - 1 - valid_least)
    held_out = max(tests + valid_least, sum(at < 2.0 * share for at in place.values()))
    held_out = min(held_out, count - 1)
    order = sorted(first, key=lambda number: (place[number], first[number]))
    return {
        number: "test" if rank < tests else "valid" if rank < held_out else "train"
        for rank, number in enumerate(order)
    }


def _place(name: str) -> float:
    """Return a number in 0..1 that depends on the name alone."""
    digest = hashlib.sha256(name.encode(errors="replace")).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index
