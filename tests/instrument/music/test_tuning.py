"""Tuning: concert pitch, transposition, keys to stay in, and Scala's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from instrument.errors import FileError, SettingError
from instrument.music.tuning import KeyTuning, read_scale
from instrument.realtime.memory.constants import SILENT_KEY

EQUAL = np.arange(128.0)
MEANTONE = """! meanquar.scl
!
1/4-comma meantone scale. Pietro Aaron's temperament (1523)
 12
!
 76.04900
 193.15686
 310.26471
 5/4
 503.42157
 579.47057
 696.57843
 25/16
 889.73529
 1006.84314
 1082.89214
 2/1
"""
BOHLEN_PIERCE = "\n".join(["", "13", *(f"{1901.955 * step / 13:.5f}" for step in range(1, 14))])
WHITE_KEYS = "! map\n12\n0\n127\n60\n69\n432.0\n7\n0\nx\n1\nx\n2\n3\nx\n4\nx\n5\nx\n6\n"
SEVEN = "7 equal\n7\n" + "\n".join(f"{1200 * step / 7:.6f}  ! step" for step in range(1, 8))


def file_of(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="latin-1")
    return path


def test_nothing_asked_for_is_equal_temperament_to_the_bit() -> None:
    assert np.array_equal(KeyTuning().key_semitones(), EQUAL)


def test_concert_pitch_and_transposition() -> None:
    assert KeyTuning(a4_hz=432.0).key_semitones()[69] == pytest.approx(69 - 0.31767, abs=1e-5)
    assert np.array_equal(KeyTuning(transpose=-12).key_semitones(), EQUAL - 12)


def test_keys_outside_play_their_lower_neighbour() -> None:
    in_c = KeyTuning(stay_in="C").key_semitones()
    assert in_c[60:73].tolist() == [60, 60, 62, 62, 64, 65, 65, 67, 67, 69, 69, 71, 72]
    assert KeyTuning(stay_in="C", transpose=2).key_semitones()[61] == 62.0
    with pytest.raises(SettingError, match="must be a key"):
        KeyTuning(stay_in="H").key_semitones()


def test_a_scale_of_cents_and_ratios(tmp_path: Path) -> None:
    keys = KeyTuning(scale=file_of(tmp_path, "meanquar.scl", MEANTONE)).key_semitones()
    assert keys[60] == pytest.approx(60.0, abs=1e-9) and keys[48] == pytest.approx(48.0, abs=1e-9)
    assert keys[64] - keys[60] == pytest.approx(12 * np.log2(5 / 4), abs=1e-9)
    assert keys[67] - keys[60] == pytest.approx(6.9657843, abs=1e-9)
    assert keys[59] - keys[60] == pytest.approx(10.8289214 - 12, abs=1e-9)


def test_a_scale_without_octaves(tmp_path: Path) -> None:
    keys = KeyTuning(scale=file_of(tmp_path, "bp.scl", BOHLEN_PIERCE)).key_semitones()
    assert keys[73] - keys[60] == pytest.approx(19.01955, abs=1e-6)
    assert np.diff(keys) == pytest.approx(np.full(127, 19.01955 / 13), abs=1e-5)


def test_a_keyboard_map_leaves_keys_out_and_has_its_own_pitch(tmp_path: Path) -> None:
    scale = file_of(tmp_path, "seven.scl", SEVEN)
    keys = KeyTuning(
        scale=scale, keyboard_map=file_of(tmp_path, "w.kbm", WHITE_KEYS)
    ).key_semitones()
    assert keys[61] == SILENT_KEY and keys[66] == SILENT_KEY
    assert keys[69] == pytest.approx(69 + 12 * np.log2(432 / 440), abs=1e-9)
    assert keys[71] - keys[69] == pytest.approx(12 / 7, abs=1e-6)
    assert keys[81] - keys[69] == pytest.approx(12.0, abs=1e-6)
    moved = KeyTuning(scale=scale, keyboard_map=tmp_path / "w.kbm", transpose=2).key_semitones()
    assert moved[60] == keys[62]


BAD_SCALES = {
    "": "ends before its number of notes",
    "\nwords\n": "number of notes must be a whole number",
    "\n0\n": "whole number in 1..10000, got '0'",
    "\n99999999999999999999999\n": "whole number",
    "\n3\n100.0\n200.0\n": "announces 3 notes and has 2",
    "\n1\nnan.\n": "must be a number",
    "\n1\n1e999.\n": "must be a number",
    "\n1\n1/0\n": "got '0'",
    "\n1\n-3/2\n": "got '-3'",
    "\n1\n\n": "got ''",
    "\n1\n0.0\n": "must be above its first",
    "\n1\n9999999.0\n": "too wide",
    "\x00\xff" * 50: "ends before",
}


@pytest.mark.parametrize("text", BAD_SCALES)
def test_nonsense_is_told_in_one_message(text: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r'Scala scale "bad\.scl"') as told:
        read_scale(file_of(tmp_path, "bad.scl", text))
    assert BAD_SCALES[text] in str(told.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12\n0\n127\n60\n", "needs 7 numbers and has 4"),
        ("1\n0\n200\n60\n69\n440\n12\n0\n", "last key must be a whole number in 0..127"),
        ("1\n0\n127\n60\n69\n0\n12\n0\n", "reference frequency must be in 1..40000"),
        ("2\n0\n127\n60\n61\n440\n7\n0\nx\n", "reference key 61 plays nothing"),
        ("1\n0\n127\n60\n69\n440\n7\nabc\n", "degree must be a whole number"),
    ],
)
def test_a_wrong_keyboard_map_is_told(text: str, words: str, tmp_path: Path) -> None:
    scale = file_of(tmp_path, "seven.scl", SEVEN)
    with pytest.raises(FileError, match=words):
        KeyTuning(scale=scale, keyboard_map=file_of(tmp_path, "m.kbm", text)).key_semitones()


def test_what_excludes_or_needs_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="belongs to --tuning"):
        KeyTuning(keyboard_map=tmp_path / "m.kbm").key_semitones()
    with pytest.raises(SettingError, match="its own concert pitch"):
        KeyTuning(
            scale=tmp_path / "s.scl", keyboard_map=tmp_path / "m.kbm", a4_hz=442
        ).key_semitones()
    with pytest.raises(FileError, match="cannot be read"):
        KeyTuning(scale=tmp_path / "missing.scl").key_semitones()
