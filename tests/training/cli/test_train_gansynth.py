"""``latentkeys train gansynth``, as a person types it, on four-second notes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from instrument.cli.main import latentkeys as command_line
from instrument.errors import LatentkeysError
from tests.helpers.models.small_gansynth import CPU, SMALL, WAVES
from training.cli.train import state_of
from training.data.audio.wave_writer import RecordedTone, write_waves
from training.data.audio.waves import SPLITS
from training.gansynth.config import CONFIGS
from training.gansynth.system import SYSTEM, load_notes, noise_waves
from training.trainer.run_card import Length, read_run
from training.trainer.trainer import new_run

pytestmark = pytest.mark.slow


def latentkeys(*arguments: object) -> Result:
    return CliRunner().invoke(command_line, [str(argument) for argument in arguments])


def refusal(result: Result) -> str:
    assert isinstance(result.exception, LatentkeysError), result.exception
    return str(result.exception)


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, noise = tmp_path_factory.mktemp("waves") / "noise", noise_waves(8)
    notes = (
        RecordedTone(noise.waves[row], int(noise.pitches[row]), 100, "noise", SPLITS[row % 2])
        for row in range(len(noise))
    )
    write_waves(folder, notes, name="noise", source="chance", notice="None.")
    return folder


def test_a_run_is_counted_in_images_goes_on_and_plays_notes(waves: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train = ("train", "gansynth", run, "--device", "cpu")
    begun = latentkeys(*train, "--recipe", "tiny", "--data", waves, "--images", 2)
    assert begun.exit_code == 0, begun.exception
    said = " ".join(begun.stdout.split())
    assert "Trained 1 steps. Next: latentkeys evaluate gansynth" in said
    assert "It is half-grown: it has learned from 2 of the recipe's 28 images." in said
    again = latentkeys(*train, "--recipe", "tiny", "--data", waves)
    assert "already has a checkpoint" in refusal(again)
    resumed = latentkeys(*train, "--resume", "--data", waves, "--images", 4)
    assert resumed.exit_code == 0, resumed.exception
    card, _ = read_run(run, "gansynth")
    assert (card.step, card.recipe, card.corpus) == (2, "tiny", "noise")
    notes = load_notes(run)
    assert notes(torch.randn(1, 256), torch.tensor([60])).shape == (1, 64000)


def test_a_recipe_may_be_called_config_as_before(waves: Path, tmp_path: Path) -> None:
    train = ("train", "pitch-classifier", tmp_path / "run", "--device", "cpu", "--data", waves)
    begun = latentkeys(*train, "--config", "tiny", "--steps", 1)
    assert begun.exit_code == 0, begun.exception
    assert read_run(tmp_path / "run")[0].recipe == "tiny"
    assert "--config" not in latentkeys(*train[:2], "--help").output


def test_two_ends_are_refused_and_a_missing_set_says_how_to_make_it(tmp_path: Path) -> None:
    train = ("train", "gansynth", tmp_path / "run", "--recipe", "tiny")
    both = latentkeys(*train, "--images", 10, "--steps", 10)
    assert "--steps and --images both say when to stop" in refusal(both)
    missing = latentkeys(*train, "--data", "nothing-there")
    assert "latentkeys data waves soundfont" in refusal(missing)


def test_configurations_are_listed() -> None:
    listed = "".join(latentkeys("train", "gansynth", "--help").stdout.split())
    for name in CONFIGS:
        assert name in listed


def test_the_line_beside_the_bar_has_images_per_second_and_the_stage(tmp_path: Path) -> None:
    system = replace(SYSTEM, recipes={"small": SMALL})
    run = new_run(system, "small", WAVES, Length(10, 0.0, 1), tmp_path, CPU)
    say = state_of(run)
    card = replace(run.card, step=6, seconds=3.0)
    assert say(card, {"loss": 1.5, "stage": 3.0}) == "step 6, 4.0 images/s, stage 3, loss 1.500"
