"""The note-tuple LSTM: it learns, its graphs say what it was trained to, it continues."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax

from instrument.composers.note_history import History
from instrument.composers.note_lstm import features
from instrument.composers.note_lstm.features import NO_CONDITIONS
from instrument.music.note import Note, Phrase
from tests.helpers.music.corpora import scales
from tests.helpers.training_runs import losses_whole_and_cut
from training.data.symbolic.corpus import Corpus, make_corpus
from training.note_lstm.features import piece_line
from training.note_lstm.system import SYSTEM, NoteLearner
from training.trainer.run_card import Length, load_learner
from training.trainer.trainer import new_run

CPU = torch.device("cpu")


def learner(corpus: Corpus, seed: int = 0) -> NoteLearner:
    torch.manual_seed(seed)
    return NoteLearner(SYSTEM.recipes["tiny"], corpus, CPU)


def loud(corpus: Corpus) -> Corpus:
    """The same notes with velocities."""
    random = np.random.default_rng(0)
    pieces = [
        replace(p, velocity=random.integers(1, 128, p.velocity.size).astype(np.uint8))
        for p in corpus.pieces
    ]
    return make_corpus("loud", corpus.source, corpus.notice, pieces)


def step_nats(learner: NoteLearner, piece_index: int) -> np.ndarray:
    """Score a piece with the step graphs, note by note: (n, heads) nats."""
    steps = learner.step_module()
    piece = learner.corpus.pieces[piece_index]
    history = History.begin(piece.bar_beats, piece.pickup_beats)
    hidden = cell = torch.zeros(steps.layers, 1, steps.units)
    none, nats = torch.tensor([NO_CONDITIONS]), []

    def cost(logits: torch.Tensor, symbol: int) -> float:
        return -float(log_softmax(logits[0], dim=-1)[symbol])

    def row(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values)[None]

    for shift, pitch, duration, velocity in piece_line(piece).symbols.tolist():
        here, onset = history.onset(0), history.onset(shift)
        past, hidden, cell = steps.advance(row(features.note_columns(history, here)), hidden, cell)
        told = features.shift_inputs(history, here)
        costs = [cost(steps.shift(past, row(told.candidates), row(told.anchors), none), shift)]
        told = features.pitch_inputs(history, onset)
        rest = [row(told.columns), row(told.candidates), row(told.anchors)]
        heard = row(features.pitch_classes(history))
        costs.append(cost(steps.pitch(past, *rest, heard, none), pitch))
        told = features.duration_inputs(history, onset, pitch)
        rest = [row(told.columns), row(told.candidates), row(told.anchors)]
        costs.append(cost(steps.duration(past, *rest, none), duration))
        if steps.velocity is not None:
            columns = features.velocity_columns(history, onset, pitch, duration + 1)
            costs.append(cost(steps.velocity(past, row(columns)), velocity))
        nats.append(costs)
        history = history.follow(onset, pitch, duration + 1, velocity)
    return np.array(nats)


@pytest.mark.parametrize("voices", [1, 4])
def test_the_graphs_say_what_the_training_says(voices: int) -> None:
    corpus = loud(scales(voices=voices))
    trained = learner(corpus)
    nll = trained.nll(corpus.pieces)
    totals = step_nats(trained, 3).sum(axis=0)
    for name, total in zip(("shift", "pitch", "duration", "velocity"), totals, strict=True):
        assert nll[name][3] == pytest.approx(total, rel=1e-5)
    assert nll["notes"][3] == corpus.pieces[3].pitch.size


@pytest.mark.slow
def test_scales_are_learned_in_keys_that_were_not_heard(tmp_path: Path) -> None:
    corpus = scales(per_split=6)
    run = new_run(SYSTEM, "tiny", corpus, Length(150, 0.0, 1), tmp_path, CPU)
    before = run.learner.validate()["loss"]
    run.run(lambda *_: None, lambda: False)
    _, trained = load_learner(tmp_path, SYSTEM, corpus)
    after = trained.validate()
    assert before > 13.0
    assert after["loss"] < 1.5
    assert "velocity" not in after
    assert len(list((tmp_path / "samples").glob("*.mid"))) >= 8


@pytest.mark.slow
def test_a_resumed_run_learns_the_same(tmp_path: Path) -> None:
    whole, cut = losses_whole_and_cut(SYSTEM, scales(), Length(10, 0.0, 1), tmp_path)
    assert whole == cut


def test_only_what_follows_the_prompt_is_counted() -> None:
    corpus = scales()
    trained = learner(corpus)
    found = trained.prompted_nll(corpus.pieces[:3], prompt_bars=2.0)
    whole = step_nats(trained, 1)
    assert found["prompted"]["notes"].tolist() == [8.0] * 3
    assert found["unprompted"]["notes"].tolist() == [8.0] * 3
    assert found["prompted"]["pitch"][1] == pytest.approx(whole[8:, 1].sum(), rel=1e-5)
    assert found["unprompted"]["pitch"][1] != found["prompted"]["pitch"][1]


def test_the_same_seed_continues_in_the_same_way() -> None:
    trained = learner(scales())
    prompt = Phrase.of([Note(float(i), 60 + i, 1.0) for i in range(8)], 8.0)
    first, second = trained.generate(2, 7, prompt), trained.generate(2, 7, prompt)
    assert first == second
    assert first[0].notes != first[1].notes
    for phrase in first:
        assert phrase.length_beats == 32.0
        assert all(0.0 <= note.start_beats < 32.0 for note in phrase.notes)


def test_a_phrase_from_nothing_has_the_commonest_bar() -> None:
    (phrase,) = learner(scales()).generate(1, 1, length_beats=8.0)
    assert phrase.bar_beats == 4.0


def test_examples_fit_their_graphs() -> None:
    steps = learner(loud(scales())).step_module()
    for name, told in steps.examples().items():
        getattr(steps, name)(*told.values())
    assert list(steps.examples()) == ["advance", "shift", "pitch", "duration", "velocity"]
