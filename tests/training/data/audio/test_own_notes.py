"""A folder of somebody's recordings, as they really are: named oddly, detuned, one broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from instrument.errors import FileError
from tests.helpers.sounds.played_notes import RATE_HZ, bow, folder_of, pluck
from training.data.audio.own_notes import OwnNotes, hidden_pitches, read_own_notes, write_own_notes
from training.data.audio.recorded.note import heard_pitch
from training.data.audio.tone_set import TEST


def read(path: Path) -> OwnNotes:
    return read_own_notes(path, lambda file, done, total: None)


def test_names_say_the_pitch(tmp_path: Path) -> None:
    sounds = {"rhodes_C4.wav": pluck(60), "067.wav": pluck(67), "bass Bb2.wav": pluck(46)}
    assert read(folder_of(tmp_path, sounds)).pitches == (46, 60, 67)


def test_without_names_the_pitch_is_heard(tmp_path: Path) -> None:
    found = read(folder_of(tmp_path, {"one.wav": pluck(57.02), "two.wav": pluck(64)}))
    assert found.pitches == (57, 64)
    assert "estimated" in found.notes[0].remark


def test_a_recording_that_is_off_its_name_is_brought_to_it(tmp_path: Path) -> None:
    """A 44.1/48 kHz mix-up: 147 cents."""
    found = read(folder_of(tmp_path, {"C4.wav": pluck(61.47), "E4.wav": pluck(64)}))
    assert found.notes[0].pitch == 60 and "+147 cents" in found.notes[0].remark
    assert heard_pitch(found.notes[0].audio) == pytest.approx(60.0, abs=0.03)
    tones = write_own_notes(found, tmp_path / "set", "own", "test")
    assert abs(float(tones.cents[0])) < 3.0


def test_a_wrong_name_costs_only_its_file(tmp_path: Path) -> None:
    found = read(folder_of(tmp_path, {"C4.wav": pluck(66), "E4.wav": pluck(64)}))
    assert found.pitches == (64,)
    assert found.skipped[0][0] == "C4.wav" and "name says 60" in found.skipped[0][1]


def test_names_an_octave_lower_are_moved_together(tmp_path: Path) -> None:
    """Some makers call middle C C3."""
    sounds = {
        f"{name}3.wav": pluck(pitch + 12)
        for name, pitch in zip("CDEF", (48, 50, 52, 53), strict=True)
    }
    found = read(folder_of(tmp_path, sounds))
    assert found.pitches == (60, 62, 64, 65)
    assert "1 octave off" in found.notes[0].remark


@pytest.mark.parametrize(
    ("names", "velocities"),
    [
        (("a_C4_v40.wav", "a_C4_v120.wav"), (40 / 127, 120 / 127)),
        (("C4_pp.wav", "C4_ff.wav"), (33 / 127, 112 / 127)),
        (("C4 1.wav", "C4 2.wav"), (0.625, 1.0)),
        (("soft/C4.wav", "loud/C4.wav"), (0.625, 1.0)),
    ],
)
def test_layers_get_velocities(
    tmp_path: Path, names: tuple[str, str], velocities: tuple[float, float]
) -> None:
    sounds = {names[0]: pluck(60, level=0.1, dull=2.0), names[1]: pluck(60, level=0.6)}
    found = read(folder_of(tmp_path, sounds))
    by_level = sorted(found.notes, key=lambda note: note.level_db)
    assert [note.velocity for note in by_level] == pytest.approx(velocities)


def test_soft_notes_that_are_duller_make_a_touch_that_is_heard(tmp_path: Path) -> None:
    same = {"C4_pp.wav": pluck(60, level=0.1), "C4_ff.wav": pluck(60)}
    duller = {"C4_pp.wav": pluck(60, level=0.1, dull=2.5), "C4_ff.wav": pluck(60)}
    tilts = []
    for name, sounds in (("same", same), ("duller", duller)):
        found = read(folder_of(tmp_path / name, sounds))
        tones = write_own_notes(found, tmp_path / f"{name}_set", "own", "test")
        tilts.append(tones.instruments[0].velocity_tilt)
    assert tilts[0] < 1.0 and tilts[1] > 6.0


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder_of(tmp_path, {"C4.wav": pluck(60), "D4.wav": np.zeros(RATE_HZ, np.float32)})
    folder_of(tmp_path, {"E4.wav": pluck(64, seconds=0.1)})
    (tmp_path / "F4.wav").write_bytes(b"RIFF nothing")
    found = read(tmp_path)
    assert found.pitches == (60,)
    assert [file for file, _ in found.skipped] == ["D4.wav", "E4.wav", "F4.wav"]


def test_a_folder_of_nothing_usable_says_what_to_do(tmp_path: Path) -> None:
    folder_of(tmp_path, {"D4.wav": np.zeros(RATE_HZ, np.float32)})
    with pytest.raises(FileError, match=r"D4.wav: it is silent") as problem:
        read(tmp_path)
    assert "rhodes_C4.wav" in problem.value.remedy


def test_sides_that_cancel_are_not_added(tmp_path: Path) -> None:
    left = pluck(60)
    sound = np.stack([left, -0.9 * left], axis=1)
    level_db = read(folder_of(tmp_path, {"C4.wav": sound})).notes[0].level_db
    assert level_db > -25.0


def test_a_held_note_ends_where_its_player_let_go(tmp_path: Path) -> None:
    found = read(folder_of(tmp_path, {"C4.wav": bow(60), "E4.wav": bow(64)}))
    assert not found.dies_away
    assert found.notes[0].audio.size / 48_000 == pytest.approx(1.5, abs=0.08)
    assert read(folder_of(tmp_path / "struck", {"C4.wav": pluck(60)})).dies_away


def test_hidden_keys_lie_between_others() -> None:
    assert hidden_pitches((40, 45, 50)) == ()
    assert hidden_pitches((40, 45, 50, 55)) == (50,)
    pitches = tuple(range(40, 66, 2))
    hidden = hidden_pitches(pitches)
    assert len(hidden) == 3 and not {pitches[0], pitches[-1]} & set(hidden)


def test_hidden_keys_are_in_the_set_but_not_learned(tmp_path: Path) -> None:
    sounds = {f"{pitch:03d}.wav": pluck(pitch) for pitch in (50, 55, 60, 65, 70)}
    tones = write_own_notes(read(folder_of(tmp_path, sounds)), tmp_path / "set", "own", "test")
    assert tones.pitch[tones.split == TEST].tolist() == [60]
    assert tones.velocity.tolist() == [1.0] * 5
