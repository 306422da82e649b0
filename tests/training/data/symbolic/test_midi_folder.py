"""Collections in the layouts that they are published in, written here file by file."""

import contextlib
import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import scipy.sparse

from instrument.errors import FileError
from training.data.symbolic.lakh import read_lpd
from training.data.symbolic.maestro import read_maestro
from training.data.symbolic.midi_folder import read_abc_folder, read_lakh, read_midi_folder

MELODY = (60, 62, 64, 65, 67, 69, 71, 72, 71, 69)


def write_midi(path: Path, transposed: int = 0, step: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    song = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    song.tracks.append(track)
    for pitch in MELODY[::step] * 2:
        track.append(mido.Message("note_on", note=pitch + transposed, velocity=90, time=0))
        track.append(mido.Message("note_off", note=pitch + transposed, time=240))
    song.save(path)


def show(*_: object) -> None:
    pass


def test_midi_files_of_all_subfolders_are_read(tmp_path: Path) -> None:
    write_midi(tmp_path / "one.mid")
    write_midi(tmp_path / "deeper" / "two.MIDI", step=3)
    corpus = read_midi_folder(tmp_path, "mine", show).corpus
    assert [piece.name for piece in corpus.pieces] == ["deeper/two.MIDI", "one.mid"]
    one = corpus.pieces[1]
    assert one.pitch.tolist() == list(MELODY * 2)
    np.testing.assert_allclose(one.start_beats, np.arange(20) / 2)
    assert set(one.velocity.tolist()) == {90}


def test_transposed_copies_in_a_folder_get_the_same_split(tmp_path: Path) -> None:
    for number in range(6):
        write_midi(tmp_path / f"{number}.mid", transposed=number)
    corpus = read_midi_folder(tmp_path, "mine", show).corpus
    assert len({piece.split for piece in corpus.pieces}) == 1


def test_a_broken_file_in_two_is_fatal_and_named(tmp_path: Path) -> None:
    write_midi(tmp_path / "good.mid")
    for name in ("bad.mid", "worse.mid"):
        (tmp_path / name).write_bytes(b"not MIDI")
    with pytest.raises(FileError, match=r"2 of 3 items cannot be read: bad\.mid"):
        read_midi_folder(tmp_path, "mine", show)


def test_one_broken_file_among_many_is_skipped(tmp_path: Path) -> None:
    for number in range(4):
        write_midi(tmp_path / f"{number}.mid", step=number % 3 + 1)
    (tmp_path / "bad.mid").write_bytes(b"not MIDI")
    collected = read_midi_folder(tmp_path, "mine", show)
    assert len(collected.corpus.pieces) == 4
    assert [name for name, _ in collected.skipped] == ["bad.mid"]


def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no MIDI files \(\.mid, \.midi\)"):
        read_midi_folder(tmp_path, "mine", show)


ROWS = (
    ("2004/a.midi", "train"),
    ("2004/b.midi", "validation"),
    ("2006/c.midi", "test"),
)


def write_maestro_list(folder: Path, layout: str, rows: tuple[tuple[str, str], ...] = ROWS) -> None:
    """Write the list as version 2 or 3 has it, with all its columns."""
    records = [
        {
            "canonical_composer": "Alban Berg",
            "canonical_title": "Sonata Op. 1, in one movement",
            "split": split,
            "year": 2004,
            "midi_filename": file,
            "audio_filename": file.replace(".midi", ".wav"),
            "duration": 698.66116031,
        }
        for file, split in rows
    ]
    if layout == "csv":
        with (folder / "maestro-v3.0.0.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
    elif layout == "json 2":
        (folder / "maestro-v2.0.0.json").write_text(json.dumps(records))
    else:
        columns = {
            column: {str(row): record[column] for row, record in enumerate(records)}
            for column in records[0]
        }
        (folder / "maestro-v3.0.0.json").write_text(json.dumps(columns))


@pytest.mark.parametrize("layout", ["csv", "json 2", "json 3"])
def test_maestro_keeps_its_own_splits(tmp_path: Path, layout: str) -> None:
    for name, _ in ROWS:
        write_midi(tmp_path / name)
    write_maestro_list(tmp_path, layout)
    corpus = read_maestro(tmp_path, "maestro", show).corpus
    assert {piece.name: piece.split for piece in corpus.pieces} == {
        "2004/a.midi": "train",
        "2004/b.midi": "valid",
        "2006/c.midi": "test",
    }
    assert "BY-NC-SA" in corpus.notice


def test_a_file_that_maestros_list_names_in_vain_is_skipped(tmp_path: Path) -> None:
    for name, _ in ROWS[:2]:
        write_midi(tmp_path / name)
    write_maestro_list(tmp_path, "csv")
    ((name, _),) = read_maestro(tmp_path, "maestro", show).skipped
    assert name == "2006/c.midi"


@pytest.mark.parametrize("file", ["../secret.midi", "/etc/secret.midi"])
def test_maestros_list_cannot_name_files_outside_its_folder(tmp_path: Path, file: str) -> None:
    write_maestro_list(tmp_path, "csv", ((file, "train"),))
    with pytest.raises(FileError, match="outside"):
        read_maestro(tmp_path, "maestro", show)


def test_a_folder_without_maestros_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no maestro-v\?\.0\.0\.csv or \.json"):
        read_maestro(tmp_path, "maestro", show)


def write_lpd(path: Path, rolls: list[np.ndarray], key: str = "resolution") -> None:
    """Write what pypianoroll's `save` writes: arrays, and info.json as a member of the archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    info: dict[str, object] = {"name": path.stem, key: 24}
    arrays: dict[str, Any] = {"tempo": np.full(rolls[0].shape[0], 120.0)}
    for number, roll in enumerate(rolls):
        matrix = scipy.sparse.csc_matrix(roll)
        for part in ("data", "indices", "indptr"):
            arrays[f"pianoroll_{number}_csc_{part}"] = getattr(matrix, part)
        arrays[f"pianoroll_{number}_csc_shape"] = np.array(matrix.shape)
        info[str(number)] = {"program": 32 * number, "is_drum": number == 0, "name": f"t{number}"}
    np.savez_compressed(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("info.json", json.dumps(info))


def lpd_rolls() -> list[np.ndarray]:
    drums, bass = np.zeros((96, 128), np.uint8), np.zeros((96, 128), np.uint8)
    drums[[0, 24, 48], 36] = 100
    bass[0:24, 40] = 80
    bass[24:30, 40] = 90  # struck again, louder
    bass[48:96, 43] = 70
    return [drums, bass]


@pytest.mark.parametrize("key", ["resolution", "beat_resolution"])
def test_lpd_rolls_become_notes(tmp_path: Path, key: str) -> None:
    write_lpd(tmp_path / "song.npz", lpd_rolls(), key)
    phrase = read_lpd(tmp_path / "song.npz")
    drums, bass = phrase.tracks
    assert (drums.is_drum, bass.program, phrase.length_beats) == (True, 32, 4.0)
    assert [note.start_beats for note in drums.notes] == [0.0, 1.0, 2.0]
    found = [(n.start_beats, n.pitch, n.length_beats, n.velocity) for n in bass.notes]
    assert found == [(0.0, 40, 1.0, 80), (1.0, 40, 0.25, 90), (2.0, 43, 2.0, 70)]


def test_a_lakh_folder_of_rolls_is_read(tmp_path: Path) -> None:
    write_lpd(tmp_path / "T" / "R" / "song.npz", lpd_rolls())
    (piece,) = read_lakh(tmp_path, "lakh", show).corpus.pieces
    assert piece.name == "T/R/song.npz"
    assert piece.is_drum == (True, False)


def test_a_roll_that_would_need_a_pickle_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", x=np.array([object()]))
    with pytest.raises(FileError, match="not a piano roll"):
        read_lpd(tmp_path / "bad.npz")


def test_a_roll_of_a_foreign_shape_is_refused(tmp_path: Path) -> None:
    write_lpd(tmp_path / "wide.npz", [np.zeros((10, 64), np.uint8)])
    with pytest.raises(FileError, match=r"shape \(10, 64\)"):
        read_lpd(tmp_path / "wide.npz")


@pytest.mark.parametrize("content", ["[]", "{}", '[{"split": "train"}]', "no JSON"])
def test_a_foreign_list_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "maestro-v2.0.0.json").write_text(content)
    with pytest.raises(FileError, match=r"maestro-v2\.0\.0\.json"):
        read_maestro(tmp_path, "maestro", show)


def test_the_same_files_are_chosen_every_time(tmp_path: Path) -> None:
    for number in range(8):
        write_midi(tmp_path / f"{number}.mid", transposed=number)
    chosen = [
        {piece.name for piece in read_midi_folder(tmp_path, "mine", show, most).corpus.pieces}
        for most in (3, 3, 5, None)
    ]
    assert [len(names) for names in chosen] == [3, 3, 5, 8]
    assert chosen[0] == chosen[1] < chosen[2] < chosen[3]


def test_raw_lakh_may_have_a_few_broken_files_more(tmp_path: Path) -> None:
    for number in range(60):
        write_midi(tmp_path / f"{number}.mid", transposed=number % 40)
    for name in ("bad.mid", "worse.mid"):
        (tmp_path / name).write_bytes(b"<html>")
    assert len(read_lakh(tmp_path, "lakh", show).skipped) == 2
    with pytest.raises(FileError, match="2 of 62"):
        read_midi_folder(tmp_path, "mine", show)


def test_rolls_keep_tracks_without_notes_and_say_when_they_have_no_velocities(
    tmp_path: Path,
) -> None:
    bass = lpd_rolls()[1]
    write_lpd(tmp_path / "song.npz", [np.zeros((0, 128), np.bool_), bass > 0])
    (piece,) = read_lakh(tmp_path, "lakh", show).corpus.pieces
    assert (piece.is_drum, set(piece.voice.tolist())) == ((True, False), {1})
    assert set(piece.velocity.tolist()) == {80}


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_roll_is_read_or_refused(tmp_path: Path, seed: int) -> None:
    write_lpd(tmp_path / "song.npz", lpd_rolls())
    content = bytearray((tmp_path / "song.npz").read_bytes())
    random = np.random.default_rng(seed)
    for at in random.integers(0, len(content), 4):
        content[at] = random.integers(256)
    (tmp_path / "song.npz").write_bytes(content[: random.integers(1, len(content) + 1)])
    with contextlib.suppress(FileError):
        read_lpd(tmp_path / "song.npz")


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("indices", np.full(54, 96)),
        ("indices", np.full(54, -1)),
        ("indptr", np.full(129, 54)),
        ("indptr", np.zeros(4)),
        ("shape", np.array([10**9, 128])),
        ("data", np.full(3, 80)),
    ],
)
def test_a_matrix_that_contradicts_itself_is_refused(
    tmp_path: Path, part: str, value: np.ndarray
) -> None:
    write_lpd(tmp_path / "song.npz", lpd_rolls())
    with np.load(tmp_path / "song.npz") as archive:
        arrays = {name: archive[name] for name in archive.files if name != "info.json"}
        info = archive["info.json"]
    arrays[f"pianoroll_1_csc_{part}"] = value.astype(np.int64)
    np.savez(tmp_path / "song.npz", **arrays)
    with zipfile.ZipFile(tmp_path / "song.npz", "a") as archive_file:
        archive_file.writestr("info.json", bytes(info))
    with pytest.raises(FileError, match="track 1"):
        read_lpd(tmp_path / "song.npz")


# As the collection's files are: several tunes, a comment on top, chord symbols, parts, endings.
NOTTINGHAM = """% Nottingham Music Database
X: 1
T:A Hornpipe
% Nottingham Music Database
S:made for this test
M:4/4
L:1/4
K:G
P:A
"G"GB"Em"gf|"Am"e/2d/2c/2B/2 "D7"A2|"G"BGBG|1"D7"Ad/2c/2A2:|2"D7"AF"G"G2||
P:B
|:"G"G2B2|"C"(3c/2d/2c/2B Az|"G"B>A G2:|


X: 2
T:A Jig
% Nottingham Music Database
S:made for this test
M:4/4
K:D
M:6/8
P:A
A|"D"dfa agf|"G"gbg "A7"a3|"D"dfa agf|"A7"e3 "D"d2:|
"""


def test_nottinghams_tunes_are_read_without_their_chords(tmp_path: Path) -> None:
    (tmp_path / "hpps.abc").write_text(NOTTINGHAM)
    hornpipe, jig = read_abc_folder(tmp_path, "nottingham", show).corpus.pieces
    assert (hornpipe.name, jig.name) == ("hpps.abc/0", "hpps.abc/1")
    # G B g f♯ | e d c B A: one note at a time, no chord.
    assert hornpipe.pitch[:9].tolist() == [67, 71, 79, 78, 76, 74, 72, 71, 69]
    assert hornpipe.start_beats[:9].tolist() == [0, 1, 2, 3, 4, 4.5, 5, 5.5, 6]
    ends = hornpipe.start_beats + hornpipe.length_beats
    assert np.all(hornpipe.start_beats[1:] >= ends[:-1] - 1e-9)
    assert (jig.bar_beats, jig.pickup_beats) == (3.0, 0.5)
    assert jig.pitch[:4].tolist() == [69, 74, 78, 81]


def test_a_folder_of_abc_tunes_is_read(tmp_path: Path) -> None:
    tune = "X:1\nT:One\nM:4/4\nL:1/4\nK:C\n" + "CDEF|GABc|" * 3 + "\n"
    (tmp_path / "reels.abc").write_text(tune)
    (piece,) = read_abc_folder(tmp_path, "nottingham", show).corpus.pieces
    assert piece.name == "reels.abc"
    assert piece.pitch[:4].tolist() == [60, 62, 64, 65]
