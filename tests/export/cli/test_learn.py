"""From a folder of notes to a preset of one's own, as a user types it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from export.cli.learn import learn_command
from export.frame_voice import learn
from export.frame_voice.write import write_voice
from instrument.bundle.bundle import Bundle
from instrument.preset.preset import load_preset
from instrument.rendering.open_renderer import open_renderer
from tests.helpers.models.tiny_model import GRAPHS, INSTRUMENTS, tiny_bundle
from tests.helpers.sounds.played_notes import folder_of, pluck

PITCHES = (48, 52, 55, 60, 64)
pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]  # six graphs are exported


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Learn a sound once, with a tiny voice and a few seconds."""
    place = tmp_path_factory.mktemp("learn")
    shutil.copytree(tiny_bundle(), place / "data" / "latentkeys" / "models" / "tiny")
    folder_of(place / "notes", {f"{pitch:03d}.wav": pluck(pitch) for pitch in PITCHES})
    (place / "notes" / "cover.wav").write_bytes(b"no sound")
    done = latentkeys(place, "learn", "notes", "--name", "My Pluck", *ENOUGH)
    assert done.returncode == 0, done.stderr
    (place / "said.txt").write_text(done.stdout)
    return place


ENOUGH = ("--model", "tiny", "--minutes", "0.1")


def latentkeys(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "XDG_DATA_HOME": str(place / "data"),
        "XDG_CACHE_HOME": str(place / "cache"),
        "OMP_NUM_THREADS": "1",  # in a tiny voice several threads only wait for each other
    }
    command = [sys.executable, "-m", "instrument", *words]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)


def test_the_preset_plays_the_new_instrument(home: Path) -> None:
    preset = load_preset(home / "data" / "latentkeys" / "presets" / "my_pluck.toml")
    bundle = Bundle.load(home / "data" / "latentkeys" / "models" / "my_pluck")
    assert list(bundle.sound.latents) == [*(i.name for i in INSTRUMENTS), "my_pluck"]
    assert preset.sound.latent == pytest.approx(bundle.sound.latents["my_pluck"].latent, abs=1e-3)
    assert preset.sound.sustain == "decay" and preset.model == bundle.reference
    tone = open_renderer(bundle).render([55], [preset.sound.latent], [127])[0]
    spectrum = np.abs(np.fft.rfft(tone[4800:52800] * np.hanning(48000)))
    assert 80 + int(spectrum[80:2000].argmax()) in (196, 392, 588, 784)  # a G3's partials


def test_the_others_sound_as_before(home: Path) -> None:
    before = Bundle.load(tiny_bundle())
    after = Bundle.load(home / "data" / "latentkeys" / "models" / "my_pluck")
    for name in (i.name for i in INSTRUMENTS):
        latent = before.sound.latents[name].latent
        assert after.sound.latents[name].latent == pytest.approx(latent, abs=1e-5)
        was, now = (open_renderer(b).render([60], [latent], [127])[0] for b in (before, after))
        change = np.sqrt(np.mean((now - was) ** 2) / np.mean(was**2))
        assert change < 0.8, name  # a tiny voice, seconds of learning: kept, not equal


def test_figures_and_reasons_are_printed(home: Path) -> None:
    said = (home / "said.txt").read_text()
    assert "5 notes on 5 keys from 48 to 64, struck or plucked" in said
    assert "left out: cover.wav: it cannot be read" in said
    assert "hidden while it learned" in said and "it began" in said
    assert "latentkeys play --preset my_pluck" in said


def test_recordings_and_voice_can_be_heard_in_turn(home: Path) -> None:
    audio, rate_hz = soundfile.read(home / "my_pluck_compared.wav")
    assert rate_hz == 48_000
    assert len(audio) / rate_hz == pytest.approx(len(PITCHES) * (2 * 2.0 + 3 * 0.25), abs=0.1)


def test_the_notices_of_both_are_in_the_licence(home: Path) -> None:
    bundle = Bundle.load(home / "data" / "latentkeys" / "models" / "my_pluck")
    text = bundle.read("LICENSE").decode()
    assert "the files of notes" in text and "Public domain." in text


def test_a_second_try_replaces_nothing_unasked(home: Path) -> None:
    again = latentkeys(home, "learn", "notes", "--name", "My Pluck", *ENOUGH)
    assert again.returncode == 2 and "is there already" in again.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("nowhere", "--name", "x"), "is not a folder"),
        (("notes", "--name", "x", "--model", "none"), "there is no model"),
        (("notes", "--name", "??"), "needs a letter or digit"),
    ],
)
def test_a_wrong_word_is_told_before_anything_is_learned(
    home: Path, words: tuple[str, ...], reason: str
) -> None:
    done = latentkeys(home, "learn", *words)
    assert done.returncode == 2 and reason in done.stderr


def test_one_recording_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be hidden then, so nothing is compared with a neighbour; it is learned."""
    shutil.copytree(tiny_bundle(), tmp_path / "data" / "latentkeys" / "models" / "tiny")
    folder_of(tmp_path / "notes", {"A3.wav": pluck(57)})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    few = partial(write_voice, graph_names=GRAPHS)  # all six are in ``home``
    monkeypatch.setattr(learn, "write_voice", few)
    done = CliRunner().invoke(
        learn_command, ["notes", "--name", "Alone", *ENOUGH], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    assert "1 notes on 1 keys from 57 to 57" in done.stdout
    assert "hidden" not in done.stdout and "All keys learned" in done.stdout
    assert load_preset(tmp_path / "data" / "latentkeys" / "presets" / "alone.toml").program
