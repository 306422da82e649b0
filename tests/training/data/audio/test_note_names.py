"""Pitch and instrument in the names that people and sample libraries give their files."""

import pytest

from training.data.audio.note_names import parse_note_name


@pytest.mark.parametrize(
    ("stem", "pitch", "label"),
    [
        ("C4", 60, ""),
        ("A#3", 58, ""),
        ("Bb2", 46, ""),
        ("Cb4", 59, ""),
        ("b3", 59, ""),
        ("bb3", 58, ""),
        ("Fs4", 66, ""),
        ("G♯5", 80, ""),
        ("C-1", 0, ""),
        ("G9", 127, ""),
        ("violin_A4", 69, "violin"),
        ("violin-A4", 69, "violin"),
        ("Piano.ff.Gb5", 78, "Piano.ff"),
        ("cello Eb3 arco", 51, "cello  arco"),
        ("A0v12", 21, "v12"),
        ("Violin A4 C5", 72, "Violin A4"),
        ("trumpet-ff-fis3", 54, "trumpet-ff"),  # German names
        ("Ais3", 58, ""),
        ("Es4", 63, ""),
        ("Des4", 61, ""),
        ("060", 60, ""),
        ("60", 60, ""),
        ("harp_045_soft", 45, "harp__soft"),
    ],
)
def test_pitches_are_read_from_names(stem: str, pitch: int, label: str) -> None:
    named = parse_note_name(stem)
    assert named is not None
    assert (named.pitch, named.velocity, named.label) == (pitch, 100, label)


def test_nsynths_names_have_a_velocity() -> None:
    named = parse_note_name("bass_synthetic_033-022-050")
    assert named is not None
    assert (named.pitch, named.velocity, named.label) == (22, 50, "bass_synthetic_033")


@pytest.mark.parametrize(
    "stem",
    [
        "violin",
        "Gong",
        "DRUM4",  # no word's last letter is a note
        "take 2",
        "Bach Cello Suite",
        "A",
        "A10",
        "H4",
        "G#9",  # beyond MIDI
        "Cb-1",
        "200",
        "1999",
        "001_or_002",
        "flute-200-100",
        "flute-060-128",
        "",
    ],
)
def test_names_without_a_pitch_have_none(stem: str) -> None:
    assert parse_note_name(stem) is None
