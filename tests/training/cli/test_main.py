"""The verbs data, train and evaluate, as a person types them."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from instrument.cli.main import latentkeys as command_line
from instrument.errors import LatentkeysError
from training.trainer.run_card import read_run

pytestmark = pytest.mark.slow


def latentkeys(*arguments: object) -> Result:
    return CliRunner().invoke(command_line, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "tones"
    result = latentkeys("data", "tones", folder)
    assert result.exit_code == 0, result.exception
    return folder


@pytest.fixture(scope="module")
def run(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    result = latentkeys(
        "train", "frame-voice", folder, "--data", tones, "--recipe", "tiny", "--steps", 20
    )
    assert result.exit_code == 0, result.exception
    return folder


def test_a_run_can_be_evaluated(run: Path, tmp_path: Path) -> None:
    path, pictures = tmp_path / "figures.json", tmp_path / "pictures"
    result = latentkeys("evaluate", "frame-voice", run, "--json", path, "--pictures", pictures)
    assert result.exit_code == 0, result.exception
    assert "nearest pitch" in " ".join(result.stdout.split())
    report = json.loads(path.read_text())
    assert len(report["notes"]) == 3
    assert {note["pitch"] for note in report["notes"]} == {57}
    assert all(note["nearest_lsd"] < note["lsd"] for note in report["notes"])  # barely trained
    assert max(abs(note["cents"]) for note in report["notes"]) < 0.5


def test_a_run_is_not_overwritten_but_resumed(run: Path, tones: Path) -> None:
    again = latentkeys("train", "frame-voice", run, "--data", tones)
    assert isinstance(again.exception, LatentkeysError)
    assert "already has a checkpoint" in again.exception.message
    resumed = latentkeys("train", "frame-voice", run, "--resume", "--steps", 25)
    assert resumed.exit_code == 0, resumed.exception
    assert read_run(run)[0].step == 25


def test_ctrl_c_saves_and_says_how_to_go_on(tones: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "instrument",
        "train",
        "frame-voice",
        str(tmp_path / "run"),
        "--data",
        str(tones),
    ]
    process = subprocess.Popen(
        [*command, "--recipe", "tiny", "--steps", "1000000"], stdout=subprocess.PIPE, text=True
    )
    while not list((tmp_path / "run").glob("tensorboard/*")):
        assert process.poll() is None
        time.sleep(0.1)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "--resume" in output
    assert read_run(tmp_path / "run")[0].step > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "frame-voice", "new", "--data", "nowhere"], "there is no note set 'nowhere'"),
        (["train", "frame-voice", "new", "--resume"], "is not a training run"),
        (["train", "frame-voice", "new", "--steps", 5, "--minutes", 1], "say when to stop"),
        (["evaluate", "frame-voice", "new"], "is not a training run"),
        (["data", "soundfont", "--programs", "0,x"], "must be numbers"),
        (["data", "soundfont", "--programs", "55"], "cannot be used"),
        (["data", "soundfont", "--font", "missing.sf3"], "does not exist"),
    ],
)
def test_mistakes_are_errors_that_a_person_can_act_on(
    arguments: list[object], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = latentkeys(*arguments)
    assert isinstance(result.exception, LatentkeysError)
    assert message in result.exception.message
    assert not (tmp_path / "new").exists()
