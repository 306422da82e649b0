"""The stacked LSTM: the document's size to the number, and what ours mends."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from instrument.music.note import Note, Phrase
from instrument.music.vocabulary import START, Vocabulary
from tests.helpers.music.corpora import copied, scale_piece, scales
from training.data.symbolic.corpus import make_corpus
from training.symbol_lstm.batches import Lexicon, line_of
from training.symbol_lstm.stacked_lstm import SYSTEM, StackedLearner
from training.symbol_lstm.stacked_network import StackedNetwork, StackedStepModule, Symbols
from training.trainer.system import RunPosition

CPU = torch.device("cpu")
TINY = SYSTEM.recipes["tiny"]
DOCUMENT = replace(SYSTEM.recipes["document"], longest=8, batch=2, rare=1, generated=20)


def _moment(step: int) -> RunPosition:
    return RunPosition(step, 0.0, np.random.default_rng(step), 0, 1)


def _network(embedding: int = 4) -> StackedNetwork:
    torch.manual_seed(1)
    return StackedNetwork(Vocabulary((START, "60", "62", "rest")), embedding).eval()


def test_the_documents_network_has_the_documents_parameters() -> None:
    vocabulary = Vocabulary((START, *map(str, range(55))))
    network = StackedNetwork(vocabulary, embedding=0)
    # The document's summary says 2,706,744; torch gives each LSTM gate a second bias.
    assert sum(p.numel() for p in network.parameters()) == 2_706_744 + 4 * (256 + 512 + 256)


def test_the_documents_input_is_the_id_between_zero_and_one() -> None:
    network = _network(embedding=0)
    scaled = network._read(torch.tensor([[0, 1, 3]]))
    torch.testing.assert_close(scaled, torch.tensor([[[0.0], [1 / 3], [1.0]]]))


@pytest.mark.parametrize("embedding", [0, 4])
@torch.no_grad()
def test_step_by_step_says_what_all_at_once_says(embedding: int) -> None:
    network = _network(embedding)
    symbols = torch.randint(0, 4, (1, 12), generator=torch.Generator().manual_seed(1))
    logits, _ = network(symbols)
    step = StackedStepModule(network)
    states = step.begin()
    for t in range(12):
        now, *after = step(symbols[:, t : t + 1], *states)
        states = tuple(after)
        torch.testing.assert_close(now, logits[:, t], atol=1e-5, rtol=0.0)


@torch.no_grad()
def test_the_future_does_not_change_what_is_said_before_it() -> None:
    network = _network()
    symbols = torch.tensor([[1, 2, 3, 1, 2]])
    changed = torch.tensor([[1, 2, 3, 2, 1]])
    assert torch.equal(network(symbols)[0][:, :3], network(changed)[0][:, :3])


def test_symbols_are_the_pairs_that_occur_in_all_keys() -> None:
    phrase = Phrase.of([Note(0.0, 60, 1.0), Note(1.0, 60, 0.5), Note(1.5, 64, 0.5)])
    piece = scale_piece("scale", "train", 60)
    lexicon = Lexicon.of([piece], rare=1)
    lexicon = replace(lexicon, durations=Vocabulary((START, "12", "24")))
    symbols = Symbols.of(lexicon, [line_of(phrase, lexicon)], rare=1)
    expected = {f"{60 + key}/{ticks}" for key in range(-5, 7) for ticks in (12, 24)}
    expected |= {f"{64 + key}/12" for key in range(-5, 7)}
    assert set(symbols.vocabulary.symbols) == expected | {START}
    for index, name in enumerate(symbols.vocabulary.symbols[1:], 1):
        event = symbols.event(index)
        assert f"{event.chord}/{event.duration}" == name
        pair = (lexicon.chords.id_of(event.chord), lexicon.durations.id_of(event.duration))
        assert symbols.table[pair] == index


def test_a_network_that_knows_nothing_costs_the_logarithm_of_the_choices() -> None:
    learner = StackedLearner(TINY, scales(), CPU)
    for parameter in learner.network.parameters():
        torch.nn.init.zeros_(parameter)
    nats, notes = learner.nll(scales().split("test"))
    np.testing.assert_allclose(nats / notes, np.log(len(learner.symbols.vocabulary)), rtol=1e-5)


@pytest.mark.slow
def test_a_small_network_learns_a_short_piece_by_heart() -> None:
    pieces = [scale_piece(split, split, 60) for split in ("train", "valid")]
    corpus = make_corpus("one scale", "formulas", "Public domain.", pieces)
    torch.manual_seed(1)
    learner = StackedLearner(replace(TINY, learning_rate=3e-3), corpus, CPU)
    learner.lexicon.transposition[:] = np.arange(len(learner.lexicon.chords))  # one key
    for step in range(120):
        learner.step(_moment(step + 200))
    assert learner.validate()["loss"] < 0.3
    prompt = pieces[0].phrase().between(0.0, 4.0)
    (phrase,) = learner.generate(1, 1, prompt, length_beats=12.0, temperature=0.0)
    assert [note.pitch for note in phrase.notes] == [
        note.pitch for note in pieces[0].phrase().notes
    ]


def test_the_document_generates_symbols_half_a_beat_apart() -> None:
    learner = StackedLearner(DOCUMENT, scales(), CPU)
    learner.step(_moment(0))
    (phrase,) = learner.generate(1, seed=1)
    assert phrase.length_beats == 10.0
    assert {note.start_beats % 0.5 for note in phrase.notes} <= {0.0}


def test_ours_keeps_durations_and_the_prompt() -> None:
    learner = StackedLearner(TINY, scales(), CPU)
    prompt = scale_piece("one", "test", 60).phrase().between(0.0, 4.0)
    once, again = (learner.generate(2, 3, prompt, length_beats=4.0) for _ in range(2))
    assert once == again
    for phrase in once:
        assert phrase.length_beats == 8.0
        assert phrase.between(0.0, 4.0).notes == prompt.notes


@pytest.mark.parametrize("config", [TINY, DOCUMENT])
def test_training_goes_on_to_the_bit(config: object) -> None:
    assert isinstance(config, type(TINY))
    torch.manual_seed(1)
    whole = StackedLearner(config, scales(), CPU)
    torch.manual_seed(1)
    halves = StackedLearner(config, scales(), CPU)
    for step in range(4):
        if step == 2:
            halves = copied(halves, StackedLearner(config, scales(), CPU))
        for learner in (whole, halves):
            torch.manual_seed(step)
            learner.step(_moment(step))
    for ours, theirs in zip(whole.network.parameters(), halves.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
