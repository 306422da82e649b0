"""Small corpora made from formulas, for tests."""

import numpy as np

from training.data.corpus import SPLITS, Corpus, Piece, make_corpus

_STEPS = (0, 2, 4, 5, 7, 9, 11, 12)


def scale_piece(name: str, split: str, tonic: int, voices: int = 1) -> Piece:
    """A major scale up and down in quarter notes, each lower voice a fifth below the one above."""
    degrees = [*_STEPS, *reversed(_STEPS)]
    count = len(degrees)
    start = np.repeat(np.arange(count, dtype=np.float64), voices)
    voice = np.tile(np.arange(voices, dtype=np.uint8), count)
    pitch = np.repeat(np.array(degrees) + tonic, voices) - 7 * voice
    return Piece(
        name=name,
        split=split,  # type: ignore[arg-type]
        start_beats=start,
        length_beats=np.ones(start.size),
        pitch=pitch.astype(np.uint8),
        velocity=np.full(start.size, 80, np.uint8),
        voice=voice,
        bar_beats=4.0,
        pickup_beats=0.0,
        length=float(count),
        programs=(0,) * voices,
        is_drum=(False,) * voices,
    )


def scales(transposed: int = 0, voices: int = 1, per_split: int = 4) -> Corpus:
    """Scales in different keys, some in every split."""
    pieces = [
        scale_piece(f"{split} {index}", split, 60 + transposed + index, voices)
        for split in SPLITS
        for index in range(per_split)
    ]
    return make_corpus("scales", "formulas", "Public domain.", pieces)
