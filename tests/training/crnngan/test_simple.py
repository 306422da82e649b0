from dataclasses import replace

import numpy as np
import pytest
import torch

from instrument.errors import SettingError
from tests.helpers.music.corpora import copied, scales
from training.crnngan.simple import (
    SYSTEM,
    SimpleConfig,
    SimpleDiscriminator,
    SimpleGenerator,
    SimpleLearner,
)
from training.data.symbolic.corpus import Corpus, Piece, make_corpus
from training.trainer.system import RunPosition

CPU = torch.device("cpu")
TINY = SYSTEM.recipes["tiny"]


def _moment(step: int) -> RunPosition:
    return RunPosition(step, 0.5, np.random.default_rng(step), 0, 1)


def _long_scales() -> Corpus:
    """Each scale eight times: 128 notes."""
    return make_corpus("long scales", "", "", [_repeated(piece) for piece in scales().pieces])


def _repeated(piece: Piece) -> Piece:
    starts = np.concatenate([piece.start_beats + 16.0 * n for n in range(8)])
    return replace(
        piece,
        start_beats=starts,
        length=128.0,
        length_beats=np.tile(piece.length_beats, 8),
        pitch=np.tile(piece.pitch, 8),
        velocity=np.tile(piece.velocity, 8),
        voice=np.tile(piece.voice, 8),
    )


def test_the_documents_networks_have_the_documents_parameters() -> None:
    dense = 1001 * 256 + 257 * 512 + 513 * 1024 + 1025 * 100
    normalised = 2 * (256 + 512 + 1024)
    assert sum(p.numel() for p in SimpleGenerator().parameters()) == dense + normalised
    lstms = 4 * 512 * (1 + 512 + 2) + 2 * 4 * 512 * (512 + 512 + 2)  # torch: two biases a gate
    verdict = 1025 * 512 + 513 * 256 + 257
    assert sum(p.numel() for p in SimpleDiscriminator(512).parameters()) == lstms + verdict


@torch.no_grad()
def test_shapes_are_the_documents() -> None:
    values = SimpleGenerator().eval()(torch.randn(3, 1000))
    assert values.shape == (3, 100)
    assert values.abs().max() <= 1.0
    assert SimpleDiscriminator(8)(values).shape == (3,)


@pytest.mark.parametrize("is_document", [False, True])
def test_values_come_back_as_pitches(is_document: bool) -> None:
    config = replace(TINY, is_document=is_document)
    values = SimpleLearner(config, _long_scales(), CPU)._values
    pitches = np.array([[60, 62, 64], [67, 65, 60]])
    scaled = values.scaled(pitches)
    assert np.abs(scaled).max() <= 1.0
    np.testing.assert_array_equal(values.pitches(scaled), pitches)


def test_ours_are_in_order_and_the_documents_alphabetical() -> None:
    corpus = scales(transposed=36, per_split=4)  # 96 to 111: "100" comes before "96"
    long = make_corpus("high", "", "", [_repeated(piece) for piece in corpus.pieces])
    document = SimpleLearner(replace(TINY, is_document=True), long, CPU)._values
    assert document.scaled(np.array([100])) < document.scaled(np.array([96]))
    ours = SimpleLearner(TINY, long, CPU)._values
    low, high = int(ours.order[0]), int(ours.order[-1])
    assert ours.scaled(np.array([low])) == -1.0
    assert ours.scaled(np.array([high])) == 1.0


@pytest.mark.parametrize("config", [TINY, replace(TINY, is_document=True)])
def test_a_step_moves_both_networks_and_phrases_have_100_notes(config: SimpleConfig) -> None:
    learner = SimpleLearner(config, _long_scales(), CPU)
    before = {name: next(net.parameters()).clone() for name, net in learner.networks.items()}
    learner.step(_moment(0))
    for name, net in learner.networks.items():
        assert not torch.equal(next(net.parameters()), before[name])
    (phrase,) = learner.generate(1, seed=1)
    assert phrase.length_beats == 50.0
    assert len(phrase.notes) == 100
    assert learner.generate(1, seed=1) == [phrase]


def test_a_corpus_of_short_pieces_is_refused() -> None:
    with pytest.raises(SettingError, match="no piece of 100 notes"):
        SimpleLearner(TINY, scales(), CPU)


def test_training_goes_on_to_the_bit() -> None:
    corpus = _long_scales()
    torch.manual_seed(1)
    whole = SimpleLearner(TINY, corpus, CPU)
    torch.manual_seed(1)
    halves = SimpleLearner(TINY, corpus, CPU)
    for step in range(4):
        if step == 2:
            halves = copied(halves, SimpleLearner(TINY, corpus, CPU))
        for learner in (whole, halves):
            torch.manual_seed(step)
            learner.step(_moment(step))
    for name, network in whole.networks.items():
        pairs = zip(network.parameters(), halves.networks[name].parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs), name
