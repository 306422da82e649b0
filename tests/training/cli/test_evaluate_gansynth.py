"""``latentkeys evaluate gansynth`` and ``pitch-classifier``, as a person types them."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from instrument.cli.main import latentkeys as command_line
from instrument.errors import LatentkeysError
from tests.helpers.sounds.tone_waves import tone_waves
from training.data.audio.wave_writer import RecordedTone, write_waves
from training.data.audio.waves import SPLITS

pytestmark = pytest.mark.slow


def latentkeys(*arguments: object) -> Result:
    return CliRunner().invoke(command_line, [str(argument) for argument in arguments])


def done(result: Result) -> str:
    assert result.exit_code == 0, result.exception
    return " ".join(result.stdout.split())


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, tones = (
        tmp_path_factory.mktemp("waves") / "tones",
        tone_waves(range(30, 80, 5), [0] * 6 + [2]),
    )
    names = [tones.label_names[label] for label in tones.labels]
    notes = (
        RecordedTone(tones.waves[row], int(tones.pitches[row]), 100, names[row], SPLITS[split])
        for row, split in enumerate(tones.splits)
    )
    write_waves(folder, notes, name="tones", source="formulas", notice="None.")
    return folder


@pytest.fixture(scope="module")
def judge(waves: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judge")
    train = ("train", "pitch-classifier", folder / "run", "--data", waves)
    done(latentkeys(*train, "--recipe", "tiny", "--steps", 2))
    evaluate = ("evaluate", "pitch-classifier", folder / "run", "--data", waves)
    said = done(latentkeys(*evaluate, "--out", folder / "judge.npz"))
    assert "of 10 test notes are named right" in said
    return folder / "judge.npz"


def test_a_run_is_measured_beside_its_data(waves: Path, judge: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train = ("train", "gansynth", run, "--device", "cpu", "--data", waves)
    done(latentkeys(*train, "--recipe", "tiny", "--images", 2))
    evaluate = ("evaluate", "gansynth", run, "--data", waves, "--classifier", judge)
    pictures = tmp_path / "pictures"
    said = done(latentkeys(*evaluate, "--notes", 6 * 61, "--pictures", pictures))
    assert "pitch accuracy" in said
    assert len(list(pictures.glob("*.png"))) == 2
    report = json.loads((run / "evaluation.json").read_text())
    assert report["count"] == 10
    figures = {figure["name"]: figure["values"] for figure in report["figures"]}
    assert figures["unpitched %"]["data"]["value"] == 0.0
    assert np.abs(figures["cents, p95"]["data"]["value"]) < 0.5
    assert figures["unpitched %"]["random latents"]["value"] > 50.0  # barely trained


def test_a_run_of_another_system_is_refused(waves: Path, tmp_path: Path) -> None:
    train = ("train", "pitch-classifier", tmp_path, "--data", waves)
    done(latentkeys(*train, "--recipe", "tiny", "--steps", 1))
    refused = latentkeys("evaluate", "gansynth", tmp_path)
    assert isinstance(refused.exception, LatentkeysError)
    assert "is a run of pitch-classifier, not of gansynth" in str(refused.exception)
