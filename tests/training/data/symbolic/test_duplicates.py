import dataclasses

import numpy as np
import pytest

from tests.helpers.music.corpora import scale_piece
from training.data.symbolic import duplicates
from training.data.symbolic.corpus import Piece
from training.data.symbolic.duplicates import clusters, shingles, split_by_cluster


def tune(name: str, seed: int, notes: int = 60) -> Piece:
    random = np.random.default_rng(seed)
    lengths = random.choice([0.5, 1.0], notes)
    return dataclasses.replace(
        scale_piece(name, "train", 60),
        start_beats=np.concatenate([[0.0], np.cumsum(lengths)[:-1]]),
        length_beats=lengths,
        pitch=(67 + np.cumsum(random.integers(-2, 3, notes)) % 12).astype(np.uint8),
        velocity=np.full(notes, 80, np.uint8),
        voice=np.zeros(notes, np.uint8),
        length=float(lengths.sum()),
    )


def transposed(piece: Piece, name: str, semitones: int) -> Piece:
    return dataclasses.replace(piece, name=name, pitch=piece.pitch + np.uint8(semitones))


def test_shingles_do_not_depend_on_the_key() -> None:
    piece = tune("a", 1)
    assert shingles(piece) == shingles(transposed(piece, "b", 5))
    assert len(shingles(tune("short", 1, notes=5))) == 0


def test_a_transposed_tune_with_another_ending_is_a_variant() -> None:
    piece = tune("a", 1)
    other = transposed(piece, "b", 3)
    pitch = other.pitch.copy()
    pitch[40:] = 70
    variant = dataclasses.replace(other, pitch=pitch)
    numbers = clusters([piece, tune("c", 2), variant, tune("d", 3)])
    assert numbers[0] == numbers[2]
    assert len(set(numbers)) == 3


def test_variants_are_never_on_both_sides_of_a_split() -> None:
    tunes = [tune(f"tune {seed}", seed) for seed in range(120)]
    again = [transposed(piece, f"{piece.name} in another book", 2) for piece in tunes]
    chosen, variants = split_by_cluster([*tunes, *again])
    assert variants == 120
    split_of = {piece.name: piece.split for piece in chosen}
    for piece in tunes:
        assert split_of[piece.name] == split_of[f"{piece.name} in another book"]
    assert {"train", "valid", "test"} == set(split_of.values())


def test_the_split_does_not_depend_on_the_order() -> None:
    tunes = [tune(f"tune {seed}", seed) for seed in range(30)]
    one = {piece.name: piece.split for piece in split_by_cluster(tunes)[0]}
    other = {piece.name: piece.split for piece in split_by_cluster(tunes[::-1])[0]}
    assert one == other


@pytest.mark.parametrize("start", range(0, 60, 3))
@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, {"train"}), (2, {"train", "valid"}), (3, {"train", "valid", "test"})],
)
def test_few_tunes_are_shared_out_so_that_training_can_be_tried(
    start: int, count: int, expected: set[str]
) -> None:
    tunes = [tune(f"tune {seed}", seed) for seed in range(start, start + count)]
    assert {piece.split for piece in split_by_cluster(tunes)[0]} == expected


def test_fifty_copies_of_one_song_hang_together() -> None:
    copies = [transposed(tune("song", 1), f"copy {number}", number % 12) for number in range(50)]
    others = [tune(f"other {seed}", seed) for seed in range(2, 8)]
    numbers = clusters([*copies[:25], *others, *copies[25:]])
    assert len(set(numbers[:25] + numbers[31:])) == 1
    assert len(set(numbers)) == 7


def test_variants_are_found_by_some_of_their_shingles(monkeypatch: pytest.MonkeyPatch) -> None:
    tunes = [tune(f"tune {seed}", seed, notes=200) for seed in range(20)]
    again = [transposed(piece, f"{piece.name} again", 2) for piece in tunes]
    monkeypatch.setattr(duplicates, "_MOST_SHINGLES", 1000)  # an eighth of them
    numbers = clusters([*tunes, *again])
    assert numbers[:20] == numbers[20:]
    assert len(set(numbers)) == 20
