"""Parts as players type them, and what is refused."""

from __future__ import annotations

import pytest

from instrument.errors import PresetError, SettingError
from instrument.preset.parts import (
    SoundPart,
    check_parts,
    parse_keys,
    parse_part,
    part_channels,
    parts_of,
)


@pytest.mark.parametrize(
    ("text", "keys"),
    [("C4-C8", (60, 108)), ("a0-Bb3", (21, 58)), ("21-F#5", (21, 78)), ("C-1-G9", (0, 127))],
)
def test_keys(text: str, keys: tuple[int, int]) -> None:
    assert parse_keys(text) == keys


@pytest.mark.parametrize("text", ["", "C4", "C4-", "C5-C4", "H4-C5", "0-128", "1-2-3", "٣-٤"])
def test_keys_that_are_none(text: str) -> None:
    with pytest.raises(SettingError, match="lowest and the highest"):
        parse_keys(text)


def test_a_part_as_it_is_typed() -> None:
    part = parse_part("'my pad.toml' keys=C2-B3 velocity=1-90 channel=2 level=-3.5")
    assert part == SoundPart("my pad.toml", (36, 59), (1, 90), 2, -3.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no preset"),
        ("'open", "names no preset"),
        ("pad keyz=1-2", "'keyz=1-2' is not understood"),
        ("pad loud", "'loud' is not understood"),
        ("pad channel=17", r"in 1\.\.16, got '17'"),
        ("pad velocity=0-127", "in 1-127"),
        ("pad level=nan", r"in -60\.\.12 dB, got 'nan'"),
        ("pad level=13", r"in -60\.\.12 dB"),
    ],
)
def test_parts_that_are_none(text: str, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        parse_part(text)


def test_without_options_there_are_no_parts() -> None:
    assert parts_of(None, ()) == ()
    assert parts_of("C4-C8", ()) == (SoundPart(keys=(60, 108)),)
    assert parts_of(None, ("pad",)) == (SoundPart(), SoundPart("pad"))


def test_there_is_room_for_four_sounds() -> None:
    names = ("glass_choir", "slow_strings", "felt_grand", "reed_bass")
    four = (SoundPart(), *map(SoundPart, names[:3]))
    check_parts(four)
    check_parts(four[:3], others=1)
    with pytest.raises(SettingError, match="a partner with a preset are too many"):
        check_parts(four, others=1)
    with pytest.raises(SettingError, match="5 parts are too many"):
        check_parts((*four, SoundPart(names[3])))
    with pytest.raises(PresetError, match="there is no preset 'glas_choir'"):
        check_parts((SoundPart(), SoundPart("glas_choir")))


def test_channels_are_nobodys() -> None:
    assert part_channels((SoundPart(), SoundPart("a"), SoundPart("b")), taken=(0, 2)) == (1, 3, 4)
    assert 9 not in part_channels((SoundPart(),) * 16, taken=())
