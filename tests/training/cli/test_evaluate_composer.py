"""``latentkeys train`` and ``evaluate`` for composers, as a person types them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from instrument.cli.main import latentkeys as command_line
from instrument.errors import LatentkeysError
from instrument.midi.phrases import read_phrase
from tests.helpers.music.corpora import scales
from training.data.symbolic.corpus import write_corpus
from training.systems import SYSTEMS, find_composer
from training.trainer.run_card import read_run

pytestmark = pytest.mark.slow

SMALL = ("--recipe", "tiny", "--steps", 8, "--device", "cpu")


def latentkeys(*arguments: object) -> Result:
    return CliRunner().invoke(command_line, [str(argument) for argument in arguments])


def refusal(result: Result) -> str:
    assert isinstance(result.exception, LatentkeysError), result.exception
    return str(result.exception)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "scales"
    write_corpus(scales(voices=4), folder)
    return folder


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    result = latentkeys("train", "musegan", folder, "--data", corpus, *SMALL)
    assert result.exit_code == 0, result.exception
    assert "Trained 8 steps. Next: latentkeys evaluate musegan" in " ".join(result.stdout.split())
    return folder


def test_a_run_is_measured_beside_the_data_and_the_n_gram(
    run: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    figures, pictures = tmp_path / "figures.json", tmp_path / "pictures"
    options = ("--data", corpus, "--phrases", 4, "--json", figures, "--pictures", pictures)
    result = latentkeys("evaluate", "musegan", run, *options)
    assert result.exit_code == 0, result.exception
    assert "n-gram" in result.stdout
    report = json.loads(figures.read_text())
    assert report["step"] == 8
    assert report["comparison"]["rows"]
    assert (pictures / "samples.png").stat().st_size > 1000
    assert read_phrase(next(pictures.glob("*.mid"))).tracks


def test_a_run_is_not_overwritten_but_resumed(run: Path, corpus: Path) -> None:
    again = latentkeys("train", "musegan", run, "--data", corpus, *SMALL)
    assert "already has a checkpoint" in refusal(again)
    resumed = latentkeys("train", "musegan", run, "--resume", "--data", corpus, "--steps", 10)
    assert resumed.exit_code == 0, resumed.exception
    assert read_run(run)[0].step == 10


def test_a_run_of_another_system_is_named(run: Path) -> None:
    assert "is a run of musegan, not of crnngan" in refusal(latentkeys("evaluate", "crnngan", run))


def test_wrong_lengths_and_missing_corpora_are_explained(tmp_path: Path) -> None:
    both = latentkeys("train", "note-lstm", tmp_path / "r", "--steps", 1, "--minutes", 1)
    assert "both say when to stop" in refusal(both)
    missing = latentkeys("train", "note-lstm", tmp_path / "r", "--data", "nothing-there")
    assert "there is no corpus 'nothing-there'" in refusal(missing)
    assert "latentkeys data music21" in refusal(missing)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_has_help_and_a_tiny_recipe(name: str) -> None:
    assert "tiny" in SYSTEMS[name].recipes
    for verb in ("train", "evaluate"):
        assert latentkeys(verb, name, "--help").exit_code == 0


def test_an_unknown_system_gets_a_hint() -> None:
    with pytest.raises(LatentkeysError, match="Did you mean 'musegan'"):
        find_composer("musgan")
