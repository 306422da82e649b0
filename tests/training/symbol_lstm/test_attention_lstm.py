"""The attention LSTM: what a network of its shape must do, whatever it learned."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from instrument.music.note import Note, Phrase
from tests.helpers.music.corpora import copied, scale_piece, scales
from training.data.symbolic.corpus import make_corpus
from training.symbol_lstm.attention_lstm import SYSTEM, AttentionLearner, losses, nats_at
from training.symbol_lstm.attention_network import AttentionNetwork, AttentionStepModule
from training.symbol_lstm.batches import Lexicon, SymbolBatch, line_of, whole_pieces
from training.trainer.system import RunPosition

CPU = torch.device("cpu")
TINY, DOCUMENT = SYSTEM.recipes["tiny"], SYSTEM.recipes["document"]
PIECES = scales().split("train")
LEXICON = Lexicon.of(PIECES, rare=1)


def _network(is_document: bool = False) -> AttentionNetwork:
    torch.manual_seed(1)
    parts = {"hears_metre": not is_document, "speaks_from_state": not is_document}
    return AttentionNetwork(LEXICON.chords, LEXICON.durations, 16, **parts).eval()


def _batch() -> SymbolBatch:
    return whole_pieces([line_of(piece.phrase(), LEXICON) for piece in PIECES])


def _moment(step: int) -> RunPosition:
    return RunPosition(step, 0.0, np.random.default_rng(step), 0, 1)


def test_the_documents_network_has_the_parameters_of_its_layers() -> None:
    network = AttentionNetwork(
        LEXICON.chords, LEXICON.durations, hears_metre=False, speaks_from_state=False
    )
    chords, durations = len(LEXICON.chords), len(LEXICON.durations)
    lstm = 4 * 256 * (200 + 256 + 2) + 4 * 256 * (256 + 256 + 2)  # torch has two biases a gate
    heads = 257 * (chords + durations)
    unused = network.phase.weight.numel() + network.bar.weight.numel()
    found = sum(p.numel() for p in network.parameters()) - unused
    assert found == 100 * (chords + durations) + lstm + 257 + heads


@pytest.mark.parametrize("is_document", [False, True])
@torch.no_grad()
def test_step_by_step_says_what_all_at_once_says(is_document: bool) -> None:
    network, batch = _network(is_document), _batch()
    chord, duration = network(batch)
    step = AttentionStepModule(network)
    states = step.begin(len(PIECES))
    for t in range(batch.chords.shape[1]):
        column = [part[:, t : t + 1] for part in (batch.chords, batch.durations)]
        column += [part[:, t : t + 1] for part in (batch.phases, batch.bars)]
        chord_now, duration_now, *after = step(*column, *states)
        states = tuple(after)
        torch.testing.assert_close(chord_now, chord[:, t], atol=1e-5, rtol=0.0)
        torch.testing.assert_close(duration_now, duration[:, t], atol=1e-5, rtol=0.0)


@torch.no_grad()
def test_attention_is_a_softmax_over_the_past() -> None:
    network, batch = _network(is_document=True), _batch()
    inputs = network.read(batch.chords, batch.durations, batch.phases, batch.bars)
    hidden, _ = network.lstm(inputs)
    at = 7
    weights = network.score(hidden[:, : at + 1]).tanh().softmax(dim=1)
    context = (weights * hidden[:, : at + 1]).sum(dim=1)
    expected = network.next_chord(context)
    torch.testing.assert_close(network(batch)[0][:, at], expected, atol=1e-5, rtol=0.0)


@torch.no_grad()
def test_the_future_does_not_change_what_is_said_before_it() -> None:
    network, batch = _network(), _batch()
    changed = batch.chords.clone()
    changed[:, 9:] = changed[:, 9:].flip(1)
    chord, _ = network(batch)
    other, _ = network(replace(batch, chords=changed))
    assert torch.equal(chord[:, :9], other[:, :9])
    assert not torch.equal(chord[:, 9:], other[:, 9:])


@torch.no_grad()
def test_padding_costs_nothing() -> None:
    network = _network()
    short = line_of(Phrase.of([Note(0.0, 60, 1.0), Note(1.0, 62, 1.0)]), LEXICON)
    alone = whole_pieces([short])
    padded = whole_pieces([short, line_of(PIECES[0].phrase(), LEXICON)])
    torch.testing.assert_close(nats_at(network, padded)[0][:1, :2], nats_at(network, alone)[0])
    assert (nats_at(network, padded)[0][0, 2:] == 0.0).all()
    chord, _ = losses(network, alone)
    torch.testing.assert_close(chord, nats_at(network, alone)[0].mean())


def test_a_network_that_knows_nothing_costs_the_logarithm_of_the_choices() -> None:
    learner = AttentionLearner(TINY, scales(), CPU)
    for parameter in learner.network.parameters():
        torch.nn.init.zeros_(parameter)
    nats, notes = learner.nll(scales().split("test"))
    choices = np.log(len(LEXICON.chords)) + np.log(len(LEXICON.durations))
    np.testing.assert_allclose(nats / notes, choices, rtol=1e-5)


def test_the_first_bars_are_heard_and_not_counted() -> None:
    learner = AttentionLearner(TINY, scales(), CPU)
    pieces = scales().split("test")
    found = learner.prompted_nll(pieces, prompt_bars=2.0)
    prompted, alone = found["prompted"], found["unprompted"]
    np.testing.assert_array_equal(prompted["notes"], [8.0] * 4)
    tails = [line_of(p.phrase().between(8.0, 16.0), learner.lexicon) for p in pieces]
    expected = learner._measure(tails, [0] * 4)
    np.testing.assert_allclose(alone["pitch"], expected[:, 0])
    whole = learner._measure([line_of(p.phrase(), learner.lexicon) for p in pieces], [0] * 4)
    assert (prompted["pitch"] < whole[:, 0]).all()
    nothing = learner.prompted_nll(pieces, prompt_bars=0.0)
    np.testing.assert_allclose(nothing["prompted"]["pitch"], whole[:, 0])
    np.testing.assert_allclose(nothing["unprompted"]["pitch"], whole[:, 0])


def test_a_tiny_network_learns_a_short_piece_by_heart() -> None:
    pieces = [scale_piece(f"{n}", "train", 60) for n in range(4)]
    pieces.append(scale_piece("held out", "valid", 60))
    corpus = make_corpus("one scale", "formulas", "Public domain.", pieces)
    torch.manual_seed(1)
    config = replace(TINY, units=48, dropout=0.0, learning_rate=0.02)
    learner = AttentionLearner(config, corpus, CPU)
    learner.lexicon.transposition[:] = np.arange(len(learner.lexicon.chords))  # one key
    for step in range(100):
        learner.step(_moment(step + 100))
    assert learner.validate()["loss"] < 0.1
    prompt = pieces[0].phrase().between(0.0, 4.0)
    (phrase,) = learner.generate(1, 1, prompt, length_beats=12.0, temperature=0.0)
    assert [note.pitch for note in phrase.notes] == [
        note.pitch for note in pieces[0].phrase().notes
    ]


@pytest.mark.parametrize("recipe", ["tiny", "document"])
def test_a_step_changes_every_weight(recipe: str) -> None:
    config = replace(SYSTEM.recipes[recipe], units=16, rare=1)
    learner = AttentionLearner(config, scales(per_split=12), CPU)
    before = {name: value.clone() for name, value in learner.network.named_parameters()}
    for step in range(3):
        learner.step(_moment(step))
    unused = {"phase.weight", "bar.weight"} if config.is_document else set()
    same = {n for n, value in learner.network.named_parameters() if torch.equal(value, before[n])}
    assert same == unused


def test_phrases_continue_the_prompt_and_end_on_time() -> None:
    learner = AttentionLearner(TINY, scales(), CPU)
    prompt = scale_piece("one", "test", 60).phrase().between(0.0, 8.0)
    once, again = (learner.generate(2, 5, prompt, length_beats=16.0) for _ in range(2))
    assert once == again
    for phrase in once:
        assert phrase.length_beats == 24.0
        assert phrase.between(0.0, 8.0).notes == prompt.notes
        assert phrase.between(8.0, 24.0).notes


def test_a_prompt_that_ends_in_silence_is_continued_at_its_end() -> None:
    learner = AttentionLearner(TINY, scales(), CPU)
    prompt = Phrase.of([Note(0.0, 60, 1.0), Note(1.0, 62, 1.0)], 4.0)
    (phrase,) = learner.generate(1, 5, prompt, length_beats=4.0)
    assert phrase.length_beats == 8.0
    assert phrase.between(0.0, 2.0).notes == prompt.notes


def test_training_goes_on_to_the_bit() -> None:
    torch.manual_seed(1)
    whole = AttentionLearner(TINY, scales(), CPU)
    torch.manual_seed(1)
    halves = AttentionLearner(TINY, scales(), CPU)
    for step in range(6):
        if step == 3:
            halves = copied(halves, AttentionLearner(TINY, scales(), CPU))
        for learner in (whole, halves):
            torch.manual_seed(step)
            learner.step(_moment(step))
    for ours, theirs in zip(whole.network.parameters(), halves.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
