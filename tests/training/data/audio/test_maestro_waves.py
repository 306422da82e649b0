"""MAESTRO in the layout of its version 3, with its list as table and as JSON."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from instrument.errors import FileError
from tests.helpers.sounds.heard import heard_pitch, show
from tests.helpers.sounds.tones import sine
from training.data.audio.maestro_waves import read_maestro_tiles

RECORDINGS = (
    ("2004/a.wav", "train", 60),
    ("2006/b.wav", "validation", 64),
    ("2008/c.wav", "test", 67),
)


def row(file: str, split: str) -> dict[str, str]:
    return {
        "canonical_composer": "Alban Berg",
        "canonical_title": "Sonata Op. 1",
        "split": split,
        "year": file[:4],
        "midi_filename": file.replace(".wav", ".midi"),
        "audio_filename": file,
        "duration": "698.661160312",
    }


def write_maestro(folder: Path, kind: str) -> Path:
    rows = [row(file, split) for file, split, _ in RECORDINGS]
    for file, _, pitch in RECORDINGS:
        (folder / file).parent.mkdir(parents=True)
        wave = sine(pitch, 9 * 44100, 44100)
        soundfile.write(folder / file, np.stack([wave, wave], axis=1), 44100)
    if kind == "csv":
        with (folder / "maestro-v3.0.0.csv").open("w", newline="") as file_:
            writer = csv.DictWriter(file_, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        table = {key: {str(i): r[key] for i, r in enumerate(rows)} for key in rows[0]}
        (folder / "maestro-v3.0.0.json").write_text(json.dumps(table))
    return folder


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_tiles_are_in_the_splits_of_the_list(tmp_path: Path, kind: str) -> None:
    folder = write_maestro(tmp_path / "maestro", kind)
    waves = read_maestro_tiles(folder, tmp_path / "set", "maestro", show).waves
    assert waves.splits.tolist() == [0, 0, 1, 1, 2, 2]
    assert waves.label_names == tuple(file for file, _, _ in RECORDINGS)
    heard = [heard_pitch(wave) for wave in waves.audio(np.arange(6))]
    np.testing.assert_allclose(heard, [60, 60, 64, 64, 67, 67], atol=0.01)
    assert "CC BY-NC-SA 4.0" in waves.notice


def test_fewer_recordings_can_be_read(tmp_path: Path) -> None:
    folder = write_maestro(tmp_path / "maestro", "csv")
    waves = read_maestro_tiles(folder, tmp_path / "set", "maestro", show, most=2).waves
    assert waves.label_names == ("2004/a.wav", "2008/c.wav")


def test_missing_recordings_are_named(tmp_path: Path) -> None:
    folder = write_maestro(tmp_path / "maestro", "csv")
    (folder / "2004/a.wav").unlink()
    collected = read_maestro_tiles(folder, tmp_path / "set", "maestro", show)
    ((name, reason),) = collected.skipped
    assert name == "2004/a.wav"
    assert "No such file" in reason
    (folder / "2006/b.wav").unlink()
    with pytest.raises(FileError, match=r"2 of 4 items cannot be read: 2004/a\.wav"):
        read_maestro_tiles(folder, tmp_path / "set", "maestro", show)


def test_a_list_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="has no maestro-v"):
        read_maestro_tiles(tmp_path, tmp_path / "set", "maestro", show)
    (tmp_path / "maestro-v3.0.0.csv").write_text("midi_filename,split\na.midi,train\n")
    with pytest.raises(FileError, match="is not MAESTRO's list: KeyError"):
        read_maestro_tiles(tmp_path, tmp_path / "set", "maestro", show)
    (tmp_path / "maestro-v3.0.0.csv").write_text("audio_filename,split\n../a.wav,train\n")
    with pytest.raises(FileError, match="outside its folder"):
        read_maestro_tiles(tmp_path, tmp_path / "set", "maestro", show)
