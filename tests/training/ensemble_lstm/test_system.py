"""The ensemble LSTM: it learns, resumes to the bit, and plays what it was trained to."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax

from instrument.composers.ensemble_lstm import ensemble_lstm
from instrument.composers.ensemble_lstm.ensemble_lstm import EnsembleLSTM
from instrument.composers.ensemble_lstm.likelihood import LikelihoodJudge
from instrument.errors import SettingError
from instrument.music.constraints import Constraints
from instrument.music.note import Note, Phrase
from instrument.music.note_tuples import GRID, in_telling_order
from instrument.music.sampling import NoteRandom
from tests.helpers.music.corpora import scales
from tests.helpers.training_runs import losses_whole_and_cut
from training.data.symbolic.corpus import Corpus
from training.ensemble_lstm.batches import batch_of
from training.ensemble_lstm.lines import line_of, nothing_asked
from training.ensemble_lstm.parts import Event, scene_of
from training.ensemble_lstm.step_graphs import examples, step_modules, torch_graphs
from training.ensemble_lstm.system import SYSTEM, EnsembleLearner, deal
from training.ensemble_lstm.writer import composer_of, melody_of
from training.trainer.run_card import Length, load_learner
from training.trainer.trainer import new_run

CPU = torch.device("cpu")


def learner(corpus: Corpus, seed: int = 0) -> EnsembleLearner:
    torch.manual_seed(seed)
    return EnsembleLearner(SYSTEM.recipes["tiny"], corpus, CPU)


def test_a_corpus_without_a_scene_is_an_error_and_no_endless_search() -> None:
    names = ("start_beats", "length_beats", "pitch", "velocity", "voice")
    piece = scales().pieces[0]
    short = replace(piece, **{name: getattr(piece, name)[:5] for name in names})
    with pytest.raises(SettingError, match="longer pieces"):
        deal([short], 3, np.random.default_rng(0), 0.5)


def note(event: Event) -> Note:
    return Note(event.start / GRID, event.pitch, event.duration / GRID, event.velocity)


def test_the_player_waits_and_hears_as_in_training() -> None:
    """Of every note of ours, what the host of the graphs gives it is what training gave it."""
    corpus = scales(voices=3)
    trained = learner(corpus)
    scene = scene_of(corpus.pieces[2], (1, 2))
    line = line_of(scene, nothing_asked(scene))
    nats = trained.playing().nats(batch_of([line]))
    model = EnsembleLSTM(torch_graphs(trained.playing()))
    state = model.knowing(
        model.begin(scene.bar_beats, scene.pickup_beats),
        tuple(note(event) for event in scene.events if not event.is_own),
    )
    network, own = trained.playing(), 0
    for index, event in enumerate(scene.events):
        told = torch.from_numpy(line.shift_asked[index].astype(np.int64))[None]
        rest = (line.shift_candidates, line.shift_anchors)
        logits = network.shift(
            torch.from_numpy(state.advanced.outputs["past"]),
            None,
            *(torch.from_numpy(rows[index].astype(np.int64))[None] for rows in rest),
            told,
        )
        logs = log_softmax(logits[0], dim=-1)
        if event.is_own:
            wanted = -float(logs[line.shifts[index]])
            own += 1
            state = model.follow(state, note(event))
        else:
            wanted = -float(logs[line.least[index] :].logsumexp(0))
            state = model.feed(state, note(event))
        assert float(nats["shift"][index]) == pytest.approx(wanted, abs=1e-4)
    assert own == 32
    assert not state.company.coming


def test_how_surprising_our_notes_are_is_what_training_says() -> None:
    corpus = scales(voices=3)
    trained = learner(corpus)
    piece = corpus.pieces[2]
    scene = scene_of(piece, (1, 2))
    nats = trained.playing().nats(batch_of([line_of(scene, nothing_asked(scene))]))
    ours = torch.tensor([event.is_own for event in scene.events])
    wanted = float((nats["shift"][ours] + nats["pitch"] + nats["duration"]).mean())
    judge = LikelihoodJudge(EnsembleLSTM(torch_graphs(trained.playing())))
    melody, rest = (
        Phrase.of([note(event) for event in scene.events if event.is_own is own], piece.length)
        for own in (False, True)
    )
    # How loud the player's coming notes are is not known ahead, and training was told.
    assert judge.beside(melody, rest) == pytest.approx(wanted, abs=1e-3)
    assert judge.beside(melody, Phrase.of([], piece.length)) == math.inf


def test_a_continuation_is_judged_after_all_of_its_prompt() -> None:
    corpus = scales(voices=2)
    model = EnsembleLSTM(torch_graphs(learner(corpus).playing()))
    phrase = corpus.pieces[1].phrase()
    seam = 2.0 * phrase.bar_beats
    prompt, then = phrase.between(0.0, seam), phrase.between(seam, phrase.length_beats)
    state = model.begin(phrase.bar_beats, phrase.pickup_beats)
    for one in in_telling_order(prompt.notes):
        state = model.feed(state, one)
    found = []
    for one in in_telling_order(phrase.notes):
        if one.start_beats >= seam:
            nats, state = model.surprise(state, one)
            found.append(nats)
    assert LikelihoodJudge(model).after(prompt, then) == pytest.approx(sum(found) / len(found))


def test_notes_of_the_player_are_heard_before_ours_that_come_later() -> None:
    corpus = scales(voices=3)
    composer = composer_of(learner(corpus).playing())
    melody = melody_of(corpus.pieces[0], 4)
    model = composer.model
    state = model.knowing(model.begin(4.0, 0.0), melody.notes)
    random, ours = NoteRandom(1), []
    for index in range(40):
        drawn, state = model.draw(state, Constraints(), random.at(index))
        ours.append(drawn.start_beats)
        if state.company.coming:
            assert state.company.coming[0].start / GRID > drawn.start_beats
    assert ours == sorted(ours)


def drawn(model: EnsembleLSTM, controls: Constraints, seed: int = 2, count: int = 60) -> list[Note]:
    state, random, notes = model.begin(4.0, 0.0), NoteRandom(seed), []
    state = model.feed(state, Note(0.0, 60, 8.0))
    for index in range(count):
        made, state = model.draw(state, controls, random.at(index))
        notes.append(made)
    return notes


def test_who_is_asked_for_so_many_notes_does_not_wait_for_a_turn() -> None:
    model = composer_of(learner(scales(voices=2)).playing()).model
    free = [note.start_beats for note in drawn(model, Constraints())]
    asked = [note.start_beats for note in drawn(model, Constraints(density=4.0))]
    assert np.diff(free).max() > 2.0 >= np.diff(asked).max()


def test_what_would_clash_is_drawn_less(monkeypatch: pytest.MonkeyPatch) -> None:
    model = composer_of(learner(scales(voices=2)).playing()).model

    def clashes() -> int:
        wild = Constraints(density=8.0, temperature=5.0, top_p=1.0)
        firsts = [drawn(model, wild, seed, 1)[0] for seed in range(60)]
        return sum(note.pitch % 12 in (1, 11) for note in firsts if note.start_beats < 8.0)

    monkeypatch.setattr(ensemble_lstm, "_LEAST_CARE", 0.0)
    before = clashes()
    monkeypatch.setattr(ensemble_lstm, "_LEAST_CARE", 40.0)
    assert before > 3
    assert clashes() == 0


def test_likelihoods_are_of_all_notes_and_seeds_repeat() -> None:
    trained = learner(corpus := scales(voices=2))
    found = trained.nll(corpus.pieces[:2])
    assert found["notes"].tolist() == [32.0, 32.0]
    assert (found["velocity"] == 0.0).all()
    prompt = corpus.pieces[0].phrase()
    first, second = trained.generate(2, 5, prompt, 2), trained.generate(2, 5, prompt, 2)
    assert first == second
    assert first[0] != first[1]
    assert len(first[0].tracks) == 2


@pytest.mark.slow
def test_a_voice_below_a_scale_is_learned(tmp_path: Path) -> None:
    corpus = scales(voices=2, per_split=6)
    run = new_run(SYSTEM, "tiny", corpus, Length(250, 0.0, 1), tmp_path, CPU)
    before = run.learner.validate()["loss"]
    run.run(lambda *_: None, lambda: False)
    _, trained = load_learner(tmp_path, SYSTEM, corpus)
    assert isinstance(trained, EnsembleLearner)
    assert before > 13.0
    assert trained.validate()["loss"] < 2.0
    assert len(list((tmp_path / "samples").glob("*.mid"))) >= 8
    melody = melody_of(corpus.split("test")[0], 4)
    beside = composer_of(trained.playing()).generate(
        4, 1, Constraints(temperature=0.0), condition=melody
    )
    below = {(n.start_beats, n.pitch + 7) for n in beside.notes}
    above = {(n.start_beats, n.pitch) for n in melody.notes}
    assert len(below & above) > 0.7 * len(above)


@pytest.mark.slow
def test_a_resumed_run_learns_the_same(tmp_path: Path) -> None:
    whole, cut = losses_whole_and_cut(SYSTEM, scales(voices=2), Length(50, 0.0, 1), tmp_path)
    assert whole == cut


def test_examples_fit_their_graphs() -> None:
    network = learner(scales(voices=2)).playing()
    modules, told = step_modules(network), examples(network)
    for name, module in modules.items():
        module(*told[name].values())
