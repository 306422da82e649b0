"""The composers that come with the project prove themselves on this machine."""

from pathlib import Path

import pytest

from export.composers.parity import LARGEST_DIFFERENCE
from export.composers.samples import melody
from export.release.composers import check_size, prove
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import CARD_NAME, ComposerCard
from instrument.bundle.inference import Runtime
from instrument.bundle.installed import shipped_models_folder
from instrument.bundle.self_test import check_graphs
from instrument.composers.registry import composer_of
from instrument.midi.phrases import read_phrase
from instrument.music.constraints import Constraints
from tests.helpers.places import ROOT

FOLDERS = sorted(
    path.parent
    for path in shipped_models_folder().glob(f"*/{CARD_NAME}")
    if isinstance(Bundle.load(path.parent).card, ComposerCard)
)


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def bundle(request: pytest.FixtureRequest) -> Bundle:
    return Bundle.load(request.param)


def test_every_promised_composer_is_there() -> None:
    names = {folder.name for folder in FOLDERS}
    assert {"note_lstm_tunes", "note_lstm_chorale", "chorale_lstm", "attention_lstm"} <= names
    assert {"crnngan", "musegan", "musegan_accompany", "musegan_continue"} <= names


def test_together_they_are_small() -> None:
    check_size(shipped_models_folder())


def test_each_computes_what_torch_computed_where_it_was_made(bundle: Bundle) -> None:
    assert max(bundle.card.parity[graph] for graph in bundle.card.graphs) <= LARGEST_DIFFERENCE
    assert check_graphs(bundle, Runtime(threads=1, device="cpu")) < 1e-3


def test_each_answers_a_seed_always_alike(bundle: Bundle) -> None:
    assert prove(bundle).notes > 4


def test_each_says_what_it_learned_and_what_may_be_done_with_it(bundle: Bundle) -> None:
    assert bundle.card.licence.weights == "MIT, see LICENSE"
    assert "public domain" in (bundle.path / "LICENSE").read_text(encoding="utf-8")
    assert bundle.card.training["steps"] > 100
    assert bundle.card.metrics
    assert read_phrase(bundle.path / "sample.mid").notes


def test_nothing_of_the_machine_that_made_it_is_in_it(bundle: Bundle) -> None:
    private = [
        b"/home/",
        b"/Users/",
        b"/root/",
        *(f"{place}/".encode() for place in (Path.home(), ROOT)),
    ]
    for path in bundle.path.iterdir():
        content = path.read_bytes()
        assert not [word for word in private if word in content], path.name


def test_a_harmonised_melody_mostly_agrees_with_its_chords() -> None:
    """Bach's accompanying voices are rarely a semitone from the soprano's pitch class."""
    composer = composer_of(Bundle.load(shipped_models_folder() / "chorale_lstm"))
    heard = melody()
    made = composer.generate(8, 1, Constraints(temperature=0.7), condition=heard)
    clashes = total = 0
    for beat in range(int(heard.length_beats)):
        top = [n.pitch for n in heard.notes if n.start_beats <= beat < n.end_beats]
        below = [n.pitch for n in made.notes if n.start_beats <= beat < n.end_beats]
        total += len(below)
        clashes += sum((pitch - top[0]) % 12 in (1, 11) for pitch in below if top)
    assert total > 60
    assert clashes < 0.1 * total
