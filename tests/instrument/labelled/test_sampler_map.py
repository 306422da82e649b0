"""A preset as an SFZ instrument: read by our own eyes, and played by sfizz."""

from __future__ import annotations

import importlib
import re
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from instrument.cli.main import run
from instrument.labelled.loop_wave import read_loop, write_loop_wave
from instrument.music.yin import estimate_pitch
from tests.helpers.sounds.tones import sine

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sfz")
    for preset in ("cloister", "felt_grand"):
        command = ["generate", "sfz", preset, "--out", str(place), "--every", "12"]
        assert run([*command, "--rate", str(RATE_HZ)]) == 0
    return place


def regions(path: Path) -> list[dict[str, str]]:
    lines = [line for line in path.read_text().splitlines() if line.startswith("<region>")]
    return [dict(re.findall(r"(\w+)=(.+?)(?= \w+=|$)", line)) for line in lines]


def test_a_loop_is_in_the_wave_and_the_wave_is_still_one(tmp_path: Path) -> None:
    path, samples = tmp_path / "a.wav", 0.5 * sine(60, 999, RATE_HZ).astype(np.float32)
    write_loop_wave(path, samples, RATE_HZ, 60, (200, 900))
    assert read_loop(path) == (60, 200, 900)
    read, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == RATE_HZ
    np.testing.assert_allclose(read, samples, atol=2.0**-22)
    write_loop_wave(path, samples, RATE_HZ, 60, None)
    assert read_loop(path) is None
    path.write_bytes(b"RIFX")
    with pytest.raises(ValueError, match="is no WAV file"):
        read_loop(path)


def test_every_key_and_velocity_has_its_samples(folder: Path) -> None:
    found = regions(folder / "felt_grand.sfz")
    turns = {region.get("seq_position", "1") for region in found}
    for key in range(24, 96):
        here = [r for r in found if int(r["lokey"]) <= key <= int(r["hikey"])]
        loud = [r for r in here if "xfin_lovel" in r]
        soft = [r for r in here if "xfout_lovel" in r]
        assert len(loud) == len(soft) == len(turns)
        assert all(r["xfin_lovel"] == s["xfout_lovel"] for r, s in zip(loud, soft, strict=True))
    assert all((folder / region["sample"]).is_file() for region in found)


@pytest.mark.parametrize("name", ["felt_grand", "cloister"])
def test_a_map_for_decentsampler_says_the_same(folder: Path, name: str) -> None:
    root = Xml.parse(folder / f"{name}.dspreset").getroot()
    assert root.tag == "DecentSampler"
    groups = root.find("groups")
    assert groups is not None and float(groups.attrib["release"]) > 0.0
    theirs, ours = (
        [element.attrib for element in root.iter("sample")],
        regions(folder / f"{name}.sfz"),
    )
    assert len(theirs) == len(ours)
    for sample, region in zip(theirs, ours, strict=True):
        assert sample["path"] == region["sample"]
        assert sample["rootNote"] == region["pitch_keycenter"]
        assert (sample["loNote"], sample["hiNote"]) == (region["lokey"], region["hikey"])
        assert sample["loopEnabled"] == str(region["loop_mode"] != "no_loop").lower()
        assert sample.get("loopEnd") == region.get("loop_end")
        assert float(sample["volume"].removesuffix("dB")) == float(region.get("volume", "0"))
        assert 100.0 * float(sample["tuning"]) == pytest.approx(
            float(region.get("tune", "0")), abs=0.01
        )
    for velocity in (1, 63, 64, 80, 127):  # one layer sounds at each
        sounding = {
            sample["path"]
            for sample in theirs
            if int(sample["loNote"]) <= 60 <= int(sample["hiNote"])
            and int(sample.get("loVel", "0")) <= velocity <= int(sample.get("hiVel", "127"))
        }
        assert len(sounding) == 1


def test_samples_have_the_pitch_and_the_loop_that_the_map_says(folder: Path) -> None:
    found = regions(folder / "cloister.sfz")
    assert {region["loop_mode"] for region in found} == {"loop_continuous"}
    for region in found[::3]:
        path, pitch = folder / region["sample"], int(region["pitch_keycenter"])
        assert read_loop(path) == (pitch, int(region["loop_start"]), int(region["loop_end"]) + 1)
        sound, _ = soundfile.read(path, dtype="float32")
        assert np.abs(sound).max() < 1.0
        assert estimate_pitch(sound) == pytest.approx(pitch, abs=0.1)


def test_what_is_struck_rings_out_without_a_loop(folder: Path) -> None:
    found = regions(folder / "felt_grand.sfz")
    assert {region["loop_mode"] for region in found} == {"no_loop"}
    sound, _ = soundfile.read(folder / found[0]["sample"], dtype="float32")
    assert len(sound) > 2.6 * RATE_HZ  # longer than what is rendered
    assert np.abs(sound[-4:]).max() < 1e-3 * np.abs(sound).max()


def test_what_is_there_is_not_replaced_unasked(folder: Path) -> None:
    assert run(["generate", "sfz", "cloister", "--out", str(folder)]) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="make setup installs sfizz on Linux")
def played(synth: Any, velocity: int) -> NDArray[np.float32]:
    """Hold middle C for 6 s; float32, shape (frames,).

    A thread of sfizz reads what follows a sample's beginning, and where it is late there is
    silence: then once more, with what has been read by now.
    """
    for _ in range(10):
        sound = np.asarray(synth.render_note(60, velocity, 6.0, 8.5))
        sound = sound.reshape(-1, sound.shape[-1]).mean(axis=0).astype(np.float32)
        if sound[RATE_HZ : 2 * RATE_HZ].any():
            break
        time.sleep(0.5)
    return np.asarray(sound)


def test_sfizz_plays_it_in_tune_held_and_let_go(folder: Path) -> None:
    synth = importlib.import_module("pysfizz").Synth(RATE_HZ, 256)
    synth.load_sfz_file(str(folder / "cloister.sfz"))
    levels = []
    for velocity in (40, 120):
        sound = played(synth, velocity)
        levels.append(20.0 * np.log10(np.sqrt(np.mean(sound[:RATE_HZ] ** 2))))
        assert estimate_pitch(sound[: 2 * RATE_HZ]) == pytest.approx(60, abs=0.15)
        held = np.sqrt(np.mean(sound[5 * RATE_HZ : 6 * RATE_HZ] ** 2))
        assert held > 0.2 * np.sqrt(np.mean(sound[RATE_HZ : 2 * RATE_HZ] ** 2))
        assert np.abs(sound[-1000:]).max() < 1e-3
    assert levels[1] - levels[0] > 6.0
