"""Collections in the layouts that they are published in, written here file by file."""

import json
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest
import scipy.sparse

from instrument.errors import FileError
from training.data.lakh import read_lpd
from training.data.midi_folder import (
    read_abc_folder,
    read_lakh,
    read_maestro,
    read_midi_folder,
)

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
    corpus = read_midi_folder(tmp_path, "mine", show)
    assert [piece.name for piece in corpus.pieces] == ["deeper/two.MIDI", "one.mid"]
    one = corpus.pieces[1]
    assert one.pitch.tolist() == list(MELODY * 2)
    np.testing.assert_allclose(one.start_beats, np.arange(20) / 2)
    assert set(one.velocity.tolist()) == {90}


def test_transposed_copies_in_a_folder_get_the_same_split(tmp_path: Path) -> None:
    for number in range(6):
        write_midi(tmp_path / f"{number}.mid", transposed=number)
    corpus = read_midi_folder(tmp_path, "mine", show)
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
    assert len(read_midi_folder(tmp_path, "mine", show).pieces) == 4


def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no MIDI files \(\.mid, \.midi\)"):
        read_midi_folder(tmp_path, "mine", show)


def write_maestro_list(folder: Path, entries: dict[str, str]) -> None:
    """Write the columns of maestro-v3.0.0.json that matter: a table by column, keys "0", "1" …."""
    table = {
        "midi_filename": {str(row): name for row, name in enumerate(entries)},
        "split": {str(row): split for row, split in enumerate(entries.values())},
    }
    (folder / "maestro-v3.0.0.json").write_text(json.dumps(table))


def test_maestro_keeps_its_own_splits(tmp_path: Path) -> None:
    entries = {"2004/a.midi": "train", "2004/b.midi": "validation", "2006/c.midi": "test"}
    for name in entries:
        write_midi(tmp_path / name)
    write_maestro_list(tmp_path, entries)
    corpus = read_maestro(tmp_path, "maestro", show)
    assert {piece.name: piece.split for piece in corpus.pieces} == {
        "2004/a.midi": "train",
        "2004/b.midi": "valid",
        "2006/c.midi": "test",
    }
    assert "BY-NC-SA" in corpus.notice


def test_maestros_list_cannot_name_files_outside_its_folder(tmp_path: Path) -> None:
    write_maestro_list(tmp_path, {"../secret.midi": "train"})
    with pytest.raises(FileError, match="outside"):
        read_maestro(tmp_path, "maestro", show)


def test_a_folder_without_maestros_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no maestro-v\?\.0\.0\.json"):
        read_maestro(tmp_path, "maestro", show)


def write_lpd(path: Path, rolls: list[np.ndarray], key: str = "resolution") -> None:
    """Write what pypianoroll's `save` writes: arrays, and info.json as a member of the archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    info: dict[str, object] = {"name": path.stem, key: 24}
    arrays = {"tempo": np.full(rolls[0].shape[0], 120.0)}
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
    (piece,) = read_lakh(tmp_path, "lakh", show).pieces
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


def test_a_folder_of_abc_tunes_is_read(tmp_path: Path) -> None:
    tune = "X:1\nT:One\nM:4/4\nL:1/4\nK:C\n" + "CDEF|GABc|" * 3 + "\n"
    (tmp_path / "reels.abc").write_text(tune)
    (piece,) = read_abc_folder(tmp_path, "nottingham", show).pieces
    assert piece.name == "reels.abc"
    assert piece.pitch[:4].tolist() == [60, 62, 64, 65]
