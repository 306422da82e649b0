"""Wave sets: what was written is what is read, and nothing else is taken for one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from instrument.errors import FileError
from training.audio.format import WAVE_FRAMES
from training.data.audio.wave_writer import RecordedTone, split_by_name, write_waves
from training.data.audio.waves import WaveSet, WaveSplit, open_waves
from training.data.symbolic.reading import Skipped

SAID: dict[str, Any] = {"name": "mine", "source": "formulas", "notice": "free"}


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.7, 0.7, WAVE_FRAMES).astype(np.float32)


def five_notes() -> Iterator[RecordedTone]:
    splits: tuple[WaveSplit, ...] = ("train", "test", "train", "valid", "train")
    for number, split in enumerate(splits):
        yield RecordedTone(noise(number), 60 + number, 100 - number, f"label {number % 2}", split)


@pytest.fixture
def waves(tmp_path: Path) -> WaveSet:
    return write_waves(tmp_path / "mine", five_notes(), **SAID).waves


def test_a_set_holds_the_notes_that_were_written(waves: WaveSet, tmp_path: Path) -> None:
    again = open_waves(tmp_path / "mine")
    assert (again.name, again.source, again.notice) == ("mine", "formulas", "free")
    assert again.pitches.tolist() == [60, 61, 62, 63, 64]
    assert again.velocities.tolist() == [100, 99, 98, 97, 96]
    assert again.label_names == ("label 0", "label 1")
    assert again.labels.tolist() == [0, 1, 0, 1, 0]
    audio = again.audio(np.array([4, 1]))
    assert audio.dtype == np.float32
    half_a_step = 0.5 / 32767.0 + 1e-7  # of 16 bits
    np.testing.assert_allclose(audio, [noise(4), noise(1)], atol=half_a_step)
    assert again.sha256 == waves.sha256


def test_splits_name_their_rows(waves: WaveSet) -> None:
    assert waves.rows("train").tolist() == [0, 2, 4]
    assert waves.rows("valid").tolist() == [3]
    assert waves.rows("test").tolist() == [1]


def test_the_waves_stay_on_disk_and_cannot_be_changed(waves: WaveSet) -> None:
    assert isinstance(waves.waves, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        waves.waves[0, 0] = 1


def test_the_checksum_is_of_sound_and_words(waves: WaveSet, tmp_path: Path) -> None:
    same = write_waves(tmp_path / "same", five_notes(), **SAID).waves
    assert same.sha256 == waves.sha256
    other_words = write_waves(tmp_path / "a", five_notes(), **SAID | {"notice": "not free"}).waves
    first, *others = five_notes()
    louder = [RecordedTone(first.wave * 1.01, 60, 100, "label 0", "train"), *others]
    other_sound = write_waves(tmp_path / "b", louder, **SAID).waves
    assert len({waves.sha256, other_words.sha256, other_sound.sha256}) == 3


def test_what_is_too_loud_is_clipped_not_wrapped(tmp_path: Path) -> None:
    loud = np.linspace(-2.0, 2.0, WAVE_FRAMES, dtype=np.float32)
    waves = write_waves(tmp_path / "a", [RecordedTone(loud, 60, 1, "a", "train")], **SAID).waves
    assert waves.waves.min() == -32767
    assert waves.waves.max() == 32767
    assert (np.diff(waves.waves[0].astype(int)) >= 0).all()


def test_a_missing_set_names_the_command_that_makes_it() -> None:
    with pytest.raises(FileError, match="latentkeys data waves soundfont"):
        open_waves("there-is-none-of-this-name")


def cut_waves(folder: Path) -> None:
    content = (folder / "waves.i16").read_bytes()
    (folder / "waves.i16").write_bytes(content[:-2])


def cut_table(folder: Path) -> None:
    content = (folder / "table.npz").read_bytes()
    (folder / "table.npz").write_bytes(content[: len(content) // 2])


def other_words(folder: Path, **words: object) -> None:
    said = json.loads((folder / "waves.json").read_text())
    (folder / "waves.json").write_text(json.dumps(said | words))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_waves, "must have 640000 bytes, got 639998"),
        (cut_table, "is no readable wave set"),
        (lambda folder: (folder / "waves.i16").unlink(), "No such file"),
        (lambda folder: other_words(folder, format=99), "its format must be 1"),
        (lambda folder: other_words(folder, count=4), "does not have 4 rows"),
        (lambda folder: other_words(folder, label_names=["one"]), "labels without names"),
        (lambda folder: (folder / "waves.json").write_text("{"), "is no readable wave set"),
    ],
)
def test_a_damaged_set_is_refused(
    waves: WaveSet, tmp_path: Path, damage: object, words: str
) -> None:
    damage(tmp_path / "mine")  # type: ignore[operator]
    with pytest.raises(FileError, match=words):
        open_waves(tmp_path / "mine")


def test_a_set_is_replaced_only_by_a_whole_one(waves: WaveSet, tmp_path: Path) -> None:
    def interrupted() -> Iterator[RecordedTone]:
        yield next(five_notes())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_waves(tmp_path / "mine", interrupted(), **SAID)
    assert open_waves(tmp_path / "mine").sha256 == waves.sha256
    write_waves(tmp_path / "mine", list(five_notes())[:2], **SAID)
    assert len(open_waves(tmp_path / "mine")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_more_than_one_in_a_hundred_skipped_is_fatal(waves: WaveSet, tmp_path: Path) -> None:
    skipped: list[Skipped] = [("a.wav", "it is cut off"), ("b.wav", "it is empty")]
    with pytest.raises(FileError, match=r"2 of 7 items cannot be read: a\.wav: it is cut off"):
        write_waves(tmp_path / "mine", [*five_notes(), *skipped], **SAID)
    assert open_waves(tmp_path / "mine").sha256 == waves.sha256
    one = write_waves(tmp_path / "mine", [*five_notes(), skipped[0], None], **SAID)
    assert one.skipped == (("a.wav", "it is cut off"),)
    assert one.left_out == 1
    assert len(one.waves) == 5


def test_nothing_to_learn_from_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no notes in it; a: it is empty; 1 were not wanted"):
        write_waves(tmp_path / "mine", [None, ("a", "it is empty")], **SAID)
    assert not (tmp_path / "mine").exists()


def test_a_full_disk_or_a_forbidden_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match="cannot write the wave set"):
        write_waves(tmp_path / "file" / "mine", five_notes(), **SAID)


def test_names_are_split_eighty_to_twenty_and_always_the_same() -> None:
    names = [f"guitar_acoustic_{i:03}-{p:03}-100" for i in range(100) for p in range(24, 85)]
    splits = np.array([split_by_name(name) for name in names])
    shares = [float(np.mean(splits == split)) for split in ("train", "valid", "test")]
    np.testing.assert_allclose(shares, [0.80, 0.05, 0.15], atol=0.015)  # 3 sigma of 6100
    assert split_by_name("guitar_acoustic_000-060-100") == split_by_name(
        "guitar_acoustic_000-060-100"
    )
