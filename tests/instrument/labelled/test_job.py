"""Labelled notes: the same bytes however often a run is killed, readable as NSynth is read."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import soundfile

from instrument.bundle.bundle import Bundle
from instrument.bundle.installed import installed_bundle
from instrument.cli.main import run
from instrument.errors import SettingError
from instrument.labelled.job import is_whole, make_notes
from instrument.labelled.plan import FORMAT, NotePlan, notes_of
from instrument.labelled.sounds import family_of, mix_of
from instrument.labelled.tfrecord import QUALITIES
from instrument.latents.latent import blend
from instrument.music.yin import estimate_pitch
from instrument.preset.preset import find_preset
from tests.helpers.places import ROOT
from tests.helpers.sounds.heard import show
from training.data.audio.nsynth import read_nsynth
from training.data.audio.tfrecord import read_example, read_records

COMMAND = ["generate", "notes", "--count", "48", "--seed", "3", "--seconds", "0.4"]
COMMAND += ["--held", "0.2", "--pitches", "48-72", "--workers", "2", "--out"]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return installed_bundle("frame_voice")


def plan(bundle: Bundle, **changes: object) -> NotePlan:
    usual = NotePlan(
        format=FORMAT,
        model=bundle.card.name,
        version=bundle.card.version,
        weights_sha256=bundle.weights_sha256,
        presets=(),
        count=48,
        seed=3,
        notes_per_sound=8,
        pitches=(48, 72),
        velocities=(40, 127),
        seconds=0.5,
        held_seconds=0.3,
        rate_hz=16_000,
        channels=1,
        file_type="wav",
        truncation=1.0,
        sharpness=0.0,
        splits=(0.6, 0.2, 0.2),
        layout="nsynth",
        notes_per_part=10,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def make(
    asked: NotePlan, bundle: Bundle, folder: Path, workers: int = 1, presets: tuple[Path, ...] = ()
) -> int:
    return make_notes(asked, bundle, folder, workers, lambda *_: None, presets=presets)


def test_a_plan_has_each_note_once_and_each_sound_in_one_split(bundle: Bundle) -> None:
    asked = plan(bundle, count=3999)
    notes = [note for part in range(asked.parts) for note in notes_of(asked, part)]
    assert [note.number for note in notes] == list(range(3999))
    assert len({(note.sound, note.pitch, note.velocity) for note in notes}) == 3999
    splits: dict[int, set[str]] = {}
    for note in notes:
        splits.setdefault(note.sound, set()).add(note.split)
        assert 48 <= note.pitch <= 72
    assert all(len(found) == 1 for found in splits.values())
    share = np.mean([found == {"train"} for found in splits.values()])
    assert share == pytest.approx(0.6, abs=0.08)


@pytest.mark.slow
def test_our_reader_of_nsynth_reads_the_set_back(bundle: Bundle, tmp_path: Path) -> None:
    assert make(plan(bundle), bundle, tmp_path / "notes") == 48
    lists = sorted((tmp_path / "notes").glob("*/examples.json"))
    entries = {key: entry for path in lists for key, entry in json.loads(path.read_text()).items()}
    assert sorted(entry["note"] for entry in entries.values()) == list(range(48))
    for key, entry in entries.items():
        assert key == entry["note_str"]
        assert key.endswith(f"-{entry['pitch']:03d}-{entry['velocity']:03d}")
        assert sum(entry["mix"].values()) == pytest.approx(1.0, abs=1e-3)
        assert entry["licence"] == bundle.card.licence.weights
    sounds = [
        json.loads(line) for line in (tmp_path / "notes" / "sounds.jsonl").read_text().splitlines()
    ]
    assert [sound["instrument"] for sound in sounds] == list(range(6))
    assert {len(sound["latent"]) for sound in sounds} == {bundle.sound.latent_size}
    read = read_nsynth(tmp_path / "notes", tmp_path / "set", "mine", "all", show)
    assert len(read.waves) == 48
    assert not read.skipped
    assert sorted(read.waves.pitches) == sorted(entry["pitch"] for entry in entries.values())


def test_notes_have_the_pitch_and_the_length_that_they_say(bundle: Bundle, tmp_path: Path) -> None:
    preset = find_preset("felt_grand")
    asked = plan(
        bundle,
        presets=((preset.stem, ""),),
        count=4,
        notes_per_sound=4,
        seconds=1.0,
        held_seconds=0.8,
        channels=2,
        file_type="flac",
    )
    make(asked, bundle, tmp_path / "notes", workers=2, presets=(preset,))
    files = sorted((tmp_path / "notes").rglob("*.flac"))
    assert len(files) == 4
    for file in files:
        sound, rate_hz = soundfile.read(file, dtype="float32")
        assert (rate_hz, sound.shape) == (16_000, (16_000, 2))
        pitch = int(file.stem.split("-")[1])
        assert estimate_pitch(sound.mean(axis=1)) == pytest.approx(pitch, abs=0.35)


@pytest.mark.slow
def test_shards_hold_the_same_notes(bundle: Bundle, tmp_path: Path) -> None:
    make(plan(bundle, count=20), bundle, tmp_path / "files")
    make(plan(bundle, count=20, layout="webdataset"), bundle, tmp_path / "shards", workers=2)
    found = {}
    for shard in (tmp_path / "shards").glob("*/*.tar"):
        with tarfile.open(shard) as archive:
            for member in archive:
                content = archive.extractfile(member)
                assert content is not None
                found[member.name] = content.read()
    waves = {path.name: path.read_bytes() for path in (tmp_path / "files").rglob("*.wav")}
    assert waves == {name: data for name, data in found.items() if name.endswith(".wav")}
    entry = json.loads(found[next(name for name in found if name.endswith(".json"))])
    assert len(entry["latent"]) == bundle.sound.latent_size
    assert soundfile.info(io.BytesIO(next(iter(waves.values())))).frames == 8000


def test_tfrecords_hold_the_same_notes(bundle: Bundle, tmp_path: Path) -> None:
    make(plan(bundle, count=20), bundle, tmp_path / "files")
    make(plan(bundle, count=20, layout="tfrecord"), bundle, tmp_path / "records", workers=2)
    waves = {path.stem: soundfile.read(path)[0] for path in (tmp_path / "files").rglob("*.wav")}
    splits = set()
    for file in (tmp_path / "records").glob("*/*.tfrecord"):
        splits.add(file.parent.name)
        listed = json.loads((file.parent / "examples.json").read_text())
        for record in read_records(file):
            assert record is not None, "a checksum is wrong"
            example = read_example(record)
            name = cast(bytes, example["id"][0]).decode()
            entry = listed[name]
            labels = json.loads(cast(bytes, example["labels"][0]))
            assert len(labels.pop("latent")) == bundle.sound.latent_size
            assert labels == entry
            for key, said in (
                ("pitch", "pitch"),
                ("velocity", "velocity"),
                ("sample_rate", "sample_rate"),
                ("instrument/label", "instrument"),
                ("instrument/family", "instrument_family"),
                ("instrument/source", "instrument_source"),
            ):
                assert example[key][0] == entry[said]
            assert not any(example[f"qualities/{name}"][0] for name in QUALITIES)
            np.testing.assert_allclose(
                np.asarray(example["audio"]), waves.pop(name), atol=1 / 32000
            )
    assert not waves and splits == {path.name for path in (tmp_path / "records").glob("t*")}
    read = read_nsynth(tmp_path / "records", tmp_path / "set", "mine", "all", show)
    assert len(read.waves) == 20 and not read.skipped


def test_tfrecords_have_one_channel(bundle: Bundle, tmp_path: Path) -> None:
    for changes in ({"channels": 2}, {"file_type": "flac"}):
        with pytest.raises(SettingError, match="one channel"):
            make(plan(bundle, layout="tfrecord", **changes), bundle, tmp_path / "notes")


def test_what_was_begun_otherwise_is_not_mixed(bundle: Bundle, tmp_path: Path) -> None:
    make(plan(bundle, count=4), bundle, tmp_path / "notes")
    with pytest.raises(SettingError, match=r"notes of other settings \(count, seed\)"):
        make(plan(bundle, count=5, seed=4), bundle, tmp_path / "notes")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("mine")
    with pytest.raises(SettingError, match="is not empty"):
        make(plan(bundle), bundle, tmp_path / "full")
    with pytest.raises(SettingError, match="one sound has 50 different notes"):
        make(plan(bundle, notes_per_sound=51), bundle, tmp_path / "many")


def begin(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "instrument", *COMMAND, str(folder)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """SIGKILL for all its processes while notes are written, twice; then the command again."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert begin(whole).wait(120) == 0
    for seen in (3, 20):
        run = begin(killed)
        deadline = time.monotonic() + 120
        while len(list(killed.rglob("*.wav"))) < seen:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait(10)
    assert begin(killed).wait(120) == 0
    assert is_whole(killed)
    assert digests(killed) == digests(whole)
    assert begin(killed).wait(120) == 0  # there is nothing left to do
    assert digests(killed) == digests(whole)


def test_a_mix_says_what_a_latent_is_made_of() -> None:
    card = installed_bundle("gansynth_small").sound
    mix = mix_of(card, blend(card, {"clarinet": 3.0, "marimba": 1.0}))
    assert list(mix) == ["clarinet", "marimba"]
    angle = np.pi / 8  # a quarter of the way round from the one to the other
    assert mix["clarinet"] == pytest.approx(np.cos(angle) ** 2, abs=0.01)
    assert family_of(card, mix) == "reed"
    assert family_of(card, {}) == "synth_lead"


def test_a_set_does_not_tell_where_its_maker_keeps_presets(tmp_path: Path) -> None:
    mine = tmp_path / "somebodys_home" / "mine.toml"
    mine.parent.mkdir()
    mine.write_bytes(find_preset("felt_grand").read_bytes())
    command = ["generate", "notes", "--preset", str(mine), "--count", "2", "--seconds", "0.3"]
    assert run([*command, "--held", "0.2", "--out", str(tmp_path / "notes")]) == 0
    for path in (tmp_path / "notes").rglob("*"):
        assert path.is_dir() or b"somebodys_home" not in path.read_bytes(), path
