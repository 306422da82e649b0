"""NSynth as a folder, an archive and TFRecord files: the same notes, whatever the form."""

import gzip
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from instrument.errors import FileError
from tests.helpers.sounds.heard import heard_pitch, show
from tests.helpers.sounds.nsynth_files import (
    NOTES,
    WANTED,
    dataset_record,
    entry,
    note_record,
    samples,
    write_archive,
    write_folder,
    write_record_file,
)
from training.data.audio import nsynth
from training.data.audio.nsynth import crop_or_pad, read_nsynth
from training.data.audio.wave_writer import CollectedWaves, split_by_name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("published") / "nsynth-test")


def read(path: Path, tmp_path: Path, sources: str = "acoustic") -> CollectedWaves:
    return read_nsynth(path, tmp_path / "set", "nsynth", sources, show)  # type: ignore[arg-type]


def floats(key: str) -> np.ndarray:
    return (samples(key) / 32768.0).astype(np.float32)


def all_forms(folder: Path, tmp_path: Path) -> dict[str, Path]:
    datasets = tmp_path / "datasets"
    datasets.mkdir()
    keys = list(NOTES)
    for number, some in enumerate((keys[:3], keys[3:])):
        name = f"nsynth-train.tfrecord-0000{number}-of-00002"
        write_record_file(datasets / name, [dataset_record(key, floats(key)) for key in some])
    magenta = [note_record(key, floats(key)) for key in keys]
    return {
        "folder": folder,
        "folder of folders": folder.parent,
        "archive, list first": write_archive(tmp_path / "a.tar.gz", folder, True),
        "archive, list last": write_archive(tmp_path / "b.tar.gz", folder, False),
        "records": write_record_file(tmp_path / "nsynth-test.tfrecord", magenta),
        "records of datasets": datasets,
    }


def test_every_form_gives_the_acoustic_notes_in_gansynths_range(
    folder: Path, tmp_path: Path
) -> None:
    for form, path in all_forms(folder, tmp_path).items():
        collected = read(path, tmp_path)
        waves = collected.waves
        assert waves.pitches.tolist() == [69, 81, 40], form
        assert waves.velocities.tolist() == [100, 25, 127], form
        names = [waves.label_names[label] for label in waves.labels]
        assert names == ["flute_acoustic_002"] * 2 + ["guitar_acoustic_010"], form
        assert not collected.skipped
        assert collected.left_out == 4
        for row, key in enumerate(WANTED):
            # Of 65536 steps; NSynth's floats are 1/32768 of its integers, ours 1/32767.
            np.testing.assert_allclose(waves.waves[row], samples(key), atol=1, err_msg=form)
            assert heard_pitch(waves.audio(np.array([row]))[0]) == pytest.approx(
                NOTES[key], abs=0.01
            )
            assert waves.splits[row] == ("train", "valid", "test").index(split_by_name(key))


def test_all_sources_have_electronic_and_synthetic_notes_too(folder: Path, tmp_path: Path) -> None:
    collected = read(folder, tmp_path, "all")
    assert sorted(collected.waves.pitches.tolist()) == [40, 45, 69, 81, 84]
    assert "CC BY 4.0" in collected.waves.notice


def test_crop_or_pad_centres_what_is_short_and_crops_the_end() -> None:
    ones = crop_or_pad(np.ones(63001, np.float32))
    assert ones.size == 64000
    assert np.flatnonzero(ones)[[0, -1]].tolist() == [500, 500 + 63000]  # 999 missing: 500 and 499
    ramp = np.arange(70000, dtype=np.float32)
    np.testing.assert_array_equal(crop_or_pad(ramp), ramp[:64000])


def copy_of(folder: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "copied"
    (copied / "audio").mkdir(parents=True)
    for file in [folder / "examples.json", *(folder / "audio").iterdir()]:
        (copied / file.relative_to(folder)).write_bytes(file.read_bytes())
    return copied


def test_one_missing_note_is_named_and_two_are_fatal(folder: Path, tmp_path: Path) -> None:
    copied = copy_of(folder, tmp_path)
    (copied / "audio" / f"{WANTED[0]}.wav").unlink()
    collected = read(copied, tmp_path)
    assert [name for name, _ in collected.skipped] == [WANTED[0]]
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(copied, "nsynth-test")
    assert read(archive, tmp_path).skipped == ((WANTED[0], "it is not in the archive"),)
    damaged = copied / "audio" / f"{WANTED[1]}.wav"
    damaged.write_bytes(damaged.read_bytes()[:9000])
    with pytest.raises(FileError, match=r"cannot be read: .*No such file.*it is cut off: 9000 of"):
        read(copied, tmp_path)


def test_what_is_not_nsynth_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"has no examples\.json and no \*\.tfrecord"):
        read(tmp_path, tmp_path)
    (tmp_path / "examples.json").write_text('{"a": {"pitch": 60}}')
    with pytest.raises(FileError, match="is not NSynth's"):
        read(tmp_path, tmp_path)
    (tmp_path / "examples.json").write_text(json.dumps({"a": entry(WANTED[0]) | {"pitch": 300}}))
    with pytest.raises(FileError, match="is not NSynth's"):
        read(tmp_path, tmp_path)
    (tmp_path / "text.tar.gz").write_text("no archive")
    with pytest.raises(FileError, match="is no archive"):
        read(tmp_path / "text.tar.gz", tmp_path)
    with pytest.raises(FileError, match="is no archive"):
        read(tmp_path / "missing.tar.gz", tmp_path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_an_archive_that_is_cut_off_is_refused(folder: Path, tmp_path: Path, share: float) -> None:
    content = write_archive(tmp_path / "a.tar.gz", folder, True).read_bytes()
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FileError, match="damaged or cut off"):
        read(cut, tmp_path)
    assert not (tmp_path / "set").exists()


def test_no_name_in_a_list_leads_out_of_its_folder(folder: Path, tmp_path: Path) -> None:
    for key in ("../secret", "/etc/secret", "deeper/secret"):
        listed = tmp_path / "examples.json"
        listed.write_text(json.dumps({key: entry(WANTED[0])}))
        with pytest.raises(FileError, match="names a file outside its folder"):
            read(tmp_path, tmp_path)


def test_an_archive_writes_nothing_and_its_giants_are_skipped(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "evil.tar.gz"
    with gzip.open(path, "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(folder / "examples.json", "nsynth-test/examples.json")
        for key in WANTED[:2]:
            archive.add(folder / "audio" / f"{key}.wav", f"../../{tmp_path.name}/audio/{key}.wav")
        giant = tarfile.TarInfo(f"nsynth-test/audio/{WANTED[2]}.wav")
        giant.size = 5 << 20
        archive.addfile(giant, io.BytesIO(bytes(giant.size)))
    collected = read(path, tmp_path)
    assert len(collected.waves) == 2
    assert collected.skipped == ((WANTED[2], "it has 5242880 bytes, more than any note"),)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["evil.tar.gz", "set"]


def test_records_that_are_no_notes_are_named(folder: Path, tmp_path: Path) -> None:
    good = [note_record(key, floats(key)) for key in WANTED]
    path = tmp_path / "a.tfrecord"
    for bad, words in (
        (b"\xff\xff\xff", "it is no tf.train.Example"),
        (note_record(WANTED[0], np.full(64000, np.nan, np.float32)), "no numbers"),
        (b"", "note_str is missing"),
    ):
        collected = read(write_record_file(path, [*good, bad]), tmp_path)
        assert len(collected.waves) == 3
        ((where, reason),) = collected.skipped
        assert where == "a.tfrecord, record 3"
        assert words in reason


def test_a_record_that_does_not_fit_its_checksum_is_named(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    write_record_file(path, [note_record(key, floats(key)) for key in WANTED])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # one bit within the second note's audio
    path.write_bytes(content)
    collected = read(path, tmp_path)
    assert collected.skipped == (("a.tfrecord, record 1", "its checksum is wrong"),)
    assert collected.waves.pitches.tolist() == [69, 40]


def packed(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with gzip.open(path, "wb") as file, tarfile.open(fileobj=file, mode="w|") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_a_list_of_endless_depth_is_refused(tmp_path: Path) -> None:
    deep = b'{"a": {"pitch": ' + b"[" * 400_000
    archive = packed(tmp_path / "deep.tar.gz", (tarfile.TarInfo("n/examples.json"), deep))
    with pytest.raises(FileError, match=r"examples\.json is not NSynth's"):
        read(archive, tmp_path)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_a_header_of_endless_length_is_refused_before_it_is_read(
    kind: bytes, tmp_path: Path
) -> None:
    header = tarfile.TarInfo("long")
    header.type, header.size = kind, 3_000_000_000
    with gzip.open(tmp_path / "long.tar.gz", "wb") as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT) + bytes(2**20))
    with pytest.raises(FileError, match="a member's header has 3000000000 bytes"):
        read(tmp_path / "long.tar.gz", tmp_path)


def test_what_unpacks_to_more_than_sound_would_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nsynth, "_LARGEST_LIST", 10_000)
    silence = (tarfile.TarInfo("n/audio/silence.bin"), bytes(4_000_000))
    with pytest.raises(FileError, match="unpacks to far more than sound would"):
        read(packed(tmp_path / "bomb.tar.gz", silence), tmp_path)


def test_an_archive_of_endless_members_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nsynth, "_MOST_MEMBERS", 50)
    members = [(tarfile.TarInfo(f"n/{number}"), b"") for number in range(60)]
    with pytest.raises(FileError, match="more than 50 members"):
        read(packed(tmp_path / "many.tar.gz", *members), tmp_path)
