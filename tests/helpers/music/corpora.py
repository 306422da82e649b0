"""Small corpora made from formulas, for tests."""

import io
from typing import TypeVar

import numpy as np
import torch

from training.data.symbolic.corpus import SPLITS, Corpus, Piece, make_corpus
from training.trainer.system import Learner

AnyLearner = TypeVar("AnyLearner", bound=Learner)

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


def copied(learner: Learner, fresh: AnyLearner) -> AnyLearner:
    """Give a fresh learner another's weights and optimisers, by way of a file as a run does."""
    state = [
        {name: part.state_dict() for name, part in parts.items()}
        for parts in (learner.networks, learner.optimizers)
    ]
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    networks, optimizers = torch.load(file, weights_only=True)
    for name, network in fresh.networks.items():
        network.load_state_dict(networks[name])
    for name, optimizer in fresh.optimizers.items():
        optimizer.load_state_dict(optimizers[name])
    return fresh
