"""The chorale LSTM: a proper likelihood, one chain rule for scoring and writing, exact resuming."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch

from instrument.composers.chorale_lstm.features import ORDER
from instrument.composers.chorale_lstm.state import (
    MOVES,
    advance,
    begin,
    move_of,
    pitch_of,
    possible_moves,
)
from instrument.music.chorale_frames import frames_of, phrase_of
from tests.helpers.music.corpora import copied, scales
from training.chorale_lstm.likelihoods import ChoraleLikelihoods, best_temperature
from training.chorale_lstm.system import SYSTEM, ChoraleConfig, ChoraleLearner
from training.chorale_lstm.tables import batch_of, draw_batch, tables_of
from training.chorale_lstm.writer import ChoraleWriter
from training.data.symbolic.corpus import Corpus
from training.trainer.system import RunPosition

TINY = dataclasses.replace(SYSTEM.recipes["tiny"], bfloat16=False)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return scales(voices=4)


def opened(corpus: Corpus, config: ChoraleConfig = TINY, seed: int = 0) -> ChoraleLearner:
    torch.manual_seed(seed)
    return ChoraleLearner(config, corpus, CPU)


def trained(learner: ChoraleLearner, first: int, last: int, steps: int = 1000) -> list[float]:
    losses = []
    for step in range(first, last):
        torch.manual_seed(step)
        at = RunPosition(step, step / steps, np.random.default_rng(step), 0, 1)
        losses.append(float(learner.step(at)["loss"]))
    return losses


def frame_nats(learner: ChoraleLearner, frames: list[tuple[int, ...]]) -> list[float]:
    """Score frames one by one with the step graphs, as a host does."""
    writer, nats = ChoraleWriter(learner.averaged, 4.0, 0.0), []
    for frame in frames:
        moves = tuple(move_of(writer.past, voice, frame[voice]) for voice in ORDER)
        nats.append(sum(writer.nats(frame, moves)))
    return nats


def nats_per_note(found: ChoraleLikelihoods) -> float:
    return float(found.nats.sum() / found.notes.sum())


def test_the_probabilities_of_all_moves_of_two_voices_sum_to_one(corpus: Corpus) -> None:
    learner = opened(corpus)
    trained(learner, 0, 5)
    frames = [tuple(row) for row in frames_of(corpus.pieces[0].phrase()).tolist()[:9]]
    total = 0.0
    past = begin(4.0, 0.0)
    for row in frames:
        past = advance(past, row)
    first, second = ORDER[:2]
    choices = [np.flatnonzero(possible_moves(past, voice)).tolist() for voice in (first, second)]
    for one, two in itertools.product(choices[0][::16], choices[1]):
        frame = list(past.last)
        frame[first], frame[second] = pitch_of(past, first, one), pitch_of(past, second, two)
        moves = tuple(move_of(past, voice, frame[voice]) for voice in ORDER)
        assert moves[:2] == (one, two)
        writer = ChoraleWriter(learner.averaged, 4.0, 0.0)
        writer.past = past
        total += math.exp(-sum(writer.nats(tuple(frame), moves)[:2]))
    writer = ChoraleWriter(learner.averaged, 4.0, 0.0)
    writer.past = past
    logits = writer._scores(writer._next_context(), first, (-1,) * 4)
    logits[~possible_moves(past, first)] = -np.inf
    shares = np.exp(logits - np.logaddexp.reduce(logits))
    assert len(shares) == MOVES
    assert total == pytest.approx(shares[choices[0][::16]].sum(), rel=1e-5)
    assert shares.sum() == pytest.approx(1.0)


def test_frame_by_frame_and_whole_pieces_give_the_same_likelihood(corpus: Corpus) -> None:
    learner = opened(corpus)
    trained(learner, 0, 20)
    pieces = corpus.split("test")[:2]
    found = learner.nll(pieces)
    for piece, nats, notes in zip(pieces, found.nats, found.notes, strict=True):
        frames = [tuple(row) for row in frames_of(piece.phrase()).tolist()]
        assert notes == 4 * len(frames)
        assert sum(frame_nats(learner, frames)) / notes == pytest.approx(nats / notes, abs=1e-5)


def test_changed_cells_are_those_that_differ_from_the_frame_before(corpus: Corpus) -> None:
    piece = corpus.split("test")[0]
    found = opened(corpus).nll([piece])
    frames = frames_of(piece.phrase())
    changed = np.diff(frames, axis=0, prepend=-1) != 0
    assert found.changed_notes.tolist() == [changed.sum()]
    assert 0.0 < found.changed_nats[0] < found.nats[0]


def test_no_likelihood_depends_on_what_comes_later(corpus: Corpus) -> None:
    learner = opened(corpus)
    trained(learner, 0, 5)
    frames = frames_of(corpus.pieces[0].phrase())
    other = frames.copy()
    other[32:] = frames[32:] - 2
    meter = (4, 4)
    one, two = tables_of([phrase_of(frames, meter=meter), phrase_of(other, meter=meter)])
    for field in ("frames", "voices", "relations", "moves"):
        np.testing.assert_array_equal(getattr(one, field)[:32], getattr(two, field)[:32])


@pytest.mark.slow
def test_a_small_network_learns_one_piece_by_heart(corpus: Corpus) -> None:
    config = dataclasses.replace(
        TINY, pieces=1, dropout=0.0, feature_dropout=0.0, learning_rate=0.01, average=0.9
    )
    learner = opened(corpus, config)
    losses = trained(learner, 0, 120, steps=120)
    assert losses[0] > 3.0
    assert nats_per_note(learner.nll(corpus.split("train")[:1])) < 0.02


def test_an_interrupted_training_goes_on_to_the_bit(corpus: Corpus) -> None:
    straight = opened(corpus)
    trained(straight, 0, 6)
    half = opened(corpus)
    trained(half, 0, 3)
    resumed = copied(half, opened(corpus, seed=9))
    trained(resumed, 3, 6)
    for name, weights in straight.networks["mean"].state_dict().items():
        assert torch.equal(weights, resumed.networks["mean"].state_dict()[name]), name


def test_frames_left_out_are_made_up_for_by_weights(corpus: Corpus) -> None:
    tables = tables_of([piece.phrase() for piece in corpus.split("train")])
    random = np.random.default_rng(0)
    whole = batch_of(tables)
    assert whole.weights.sum() == len(whole.where) == sum(len(t.frames) for t in tables)
    totals = [float(draw_batch(tables, 2, n, random, 0.4).weights.sum()) for n in range(400)]
    assert 2 * np.mean(totals) == pytest.approx(float(whole.weights.sum()), rel=0.02)


def test_every_chorale_is_drawn_once_in_a_round() -> None:
    corpus = scales(voices=4, per_split=7)
    tables = tables_of([piece.phrase() for piece in corpus.split("train")])
    random = np.random.default_rng(0)
    for first in (0, 3):
        batches = [draw_batch(tables, 3, first + n, random, 1.0) for n in range(3)]
        openings = np.concatenate([b.voices[b.where % b.frames.shape[1] == 0] for b in batches])
        assert len(np.unique(openings.reshape(7, -1), axis=0)) == 7


def test_the_temperature_is_the_one_that_logits_were_multiplied_by() -> None:
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 6, generator=random)
    drawn = torch.multinomial(logits.softmax(dim=-1), 1, generator=random)[:, 0]
    assert best_temperature(1.4 * logits, drawn) == pytest.approx(1.4, abs=0.05)


def test_validation_sets_the_temperature_that_everything_after_it_uses(corpus: Corpus) -> None:
    learner = opened(corpus)
    trained(learner, 0, 30)
    found = learner.validate()
    assert found["temperature"] != pytest.approx(1.0, abs=1e-3)
    pieces = corpus.split("valid")[: TINY.pieces]
    assert nats_per_note(learner.nll(pieces)) == pytest.approx(found["loss"], abs=1e-5)
    trained(learner, 30, 31)
    assert float(learner.averaged.temperature) == pytest.approx(found["temperature"])


def test_harmonising_keeps_the_soprano(corpus: Corpus) -> None:
    learner = opened(corpus)
    melody = corpus.split("valid")[0].phrase()
    made = frames_of(learner.harmonise(melody, seed=1))
    np.testing.assert_array_equal(made[:, 0], frames_of(melody)[:, 0])
    again = frames_of(learner.harmonise(melody, seed=1))
    np.testing.assert_array_equal(made, again)


def test_a_continuation_begins_with_its_prompt(corpus: Corpus) -> None:
    learner = opened(corpus)
    prompt = corpus.split("valid")[0].phrase().between(0.0, 4.0)
    made = learner.generate(1, 5, prompt, length_beats=4.0)[0]
    assert made.length_beats == 8.0
    np.testing.assert_array_equal(frames_of(made)[:16], frames_of(prompt))
    assert set(learner.samples()) == {"from nothing", "continued", "harmonised"}


def test_the_steps_are_pure_and_have_fixed_shapes(corpus: Corpus) -> None:
    learner = opened(corpus)
    advance_step, place = learner.step_modules()
    h, c = learner.averaged.initial_state(1)
    frame = torch.rand(1, learner.averaged.memory.input_size)
    one, two = advance_step(frame, h, c), advance_step(frame, h, c)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    voice = torch.rand(1, learner.averaged.entry.in_features)
    related = torch.zeros(1, 8, 49, dtype=torch.int64)
    assert place(one[0], voice, related).shape == (1, MOVES)
