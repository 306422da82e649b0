"""The transformer hears the past alone; its ring says what the whole sequence says."""

from pathlib import Path

import pytest
import torch

from tests.helpers.music.corpora import scales
from training.note_lstm.batches import whole_lines
from training.note_lstm.features import piece_line
from training.note_lstm.transformer import SYSTEM, NoteTransformerLearner, rotated
from training.trainer.run_card import Length, load_learner
from training.trainer.trainer import new_run

CPU = torch.device("cpu")


def learner(voices: int = 1) -> NoteTransformerLearner:
    torch.manual_seed(0)
    return NoteTransformerLearner(SYSTEM.recipes["tiny"], scales(voices=voices), CPU)


def test_rotated_products_depend_on_the_distance_alone() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(2, 1, 8).unbind(0)

    def product(place: int, other: int) -> float:
        at = rotated(query, torch.tensor([place])), rotated(key, torch.tensor([other]))
        return float((at[0] * at[1]).sum())

    assert product(5, 2) == pytest.approx(product(905, 902), abs=1e-3)
    assert product(5, 2) != pytest.approx(product(5, 3), abs=1e-3)
    assert product(0, 0) == pytest.approx(float((query * key).sum()), abs=1e-5)


def test_what_comes_later_is_not_heard() -> None:
    network = learner(4).network.eval()
    batch = whole_lines([piece_line(scales(voices=4).pieces[0])])
    with torch.no_grad():
        before = network.past(batch)
        batch.notes[:, 20:] = 0
        after = network.past(batch)
    assert torch.equal(before[:, :20], after[:, :20])
    assert not torch.allclose(before[:, 20:], after[:, 20:])


def test_the_ring_says_what_the_whole_sequence_says() -> None:
    trained = learner(4)
    batch = whole_lines([piece_line(trained.corpus.pieces[0])])
    steps = trained.step_module()
    state = steps.begin()
    with torch.no_grad():
        whole = trained.network.eval().past(batch)[0]
        assert len(whole) > 4 * steps.window  # the ring goes round several times
        for notes, expected in zip(batch.notes[0], whole, strict=True):
            past, *after = steps.advance(notes[None], *state)
            state = tuple(after)
            assert torch.allclose(past[0], expected, atol=1e-5)


@pytest.mark.slow
def test_scales_are_learned(tmp_path: Path) -> None:
    corpus = scales(per_split=6)
    run = new_run(SYSTEM, "tiny", corpus, Length(150, 0.0, 1), tmp_path, CPU)
    run.run(lambda *_: None, lambda: False)
    _, trained = load_learner(tmp_path, SYSTEM, corpus)
    assert trained.validate()["loss"] < 2.0


def test_phrases_are_made_with_the_ring() -> None:
    trained = learner()
    assert trained.generate(1, 5, length_beats=16.0) == trained.generate(1, 5, length_beats=16.0)
    for name, told in trained.step_module().examples().items():
        getattr(trained.step_module(), name)(*told.values())
