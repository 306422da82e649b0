"""Keys are read as musicians write them, and their masks are the scales of a textbook."""

from typing import Any, Literal

import numpy as np
import pytest

from instrument.errors import SettingError
from instrument.music.constraints import Constraints, Key


@pytest.mark.parametrize(
    ("name", "tonic", "mode"),
    [
        ("C", 0, "major"),
        ("F#", 6, "major"),
        ("Bb minor", 10, "minor"),
        ("Am", 9, "minor"),
        ("eb maj", 3, "major"),
        ("Cb", 11, "major"),
        ("d min", 2, "minor"),
    ],
)
def test_keys_are_read_by_name(name: str, tonic: int, mode: Literal["major", "minor"]) -> None:
    assert Key.named(name) == Key(tonic, mode)


@pytest.mark.parametrize("name", ["", "H", "C##", "C dur", "7"])
def test_what_is_no_key_is_refused_with_examples(name: str) -> None:
    with pytest.raises(SettingError, match="must be a key") as refused:
        Key.named(name)
    assert "Bb" in refused.value.remedy


def test_g_major_has_one_sharp_and_a_minor_its_raised_seventh() -> None:
    assert np.flatnonzero(Key.named("G").pitch_classes).tolist() == [0, 2, 4, 6, 7, 9, 11]
    a_minor = set(np.flatnonzero(Key.named("Am").pitch_classes).tolist())
    assert a_minor == {9, 11, 0, 2, 4, 5, 6, 7, 8}  # A B C D E F F# G G#


def test_key_and_register_both_hold() -> None:
    allowed = Constraints(key=Key.named("C"), register=(60, 64)).allowed_pitches()
    assert np.flatnonzero(allowed).tolist() == [60, 62, 64]
    assert Constraints().allowed_pitches().all()
    with pytest.raises(SettingError, match="no pitch of the key"):
        Constraints(key=Key.named("C"), register=(61, 61)).allowed_pitches()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"temperature": -1.0}, "temperature must be in 0..10, got -1"),
        ({"top_p": 1.5}, "top-p must be in 0..1, got 1.5"),
        ({"density": 0.0}, "density must be in"),
        ({"register": (70, 60)}, "got 70..60"),
        ({"key": "C"}, "key must be a Key, got 'C'"),
        ({"voices": 0}, "voices must be in 1..2048, got 0"),
    ],
)
def test_impossible_constraints_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said.replace(".", r"\.")):
        Constraints(**wrong)
