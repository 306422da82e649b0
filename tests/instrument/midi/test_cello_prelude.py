"""The example piece: Bach's notes, as they stand in the score."""

import numpy as np
import pytest

from instrument.midi.phrases import read_phrase
from instrument.music.note import Note
from tests.helpers.places import ROOT

PIECE = ROOT / "presets" / "pieces" / "cello_prelude.mid"

# BWV 1007, Prélude, bars 1 to 18: sixteen semiquavers each. Every group of eight is written once;
# "=" repeats it, as Bach mostly does.
BARS = """
G2 D3 B3 A3 B3 D3 B3 D3 =
G2 E3 C4 B3 C4 E3 C4 E3 =
G2 F#3 C4 B3 C4 F#3 C4 F#3 =
G2 G3 B3 A3 B3 G3 B3 G3 G2 G3 B3 A3 B3 G3 B3 F#3
G2 E3 B3 A3 B3 G3 F#3 G3 E3 G3 F#3 G3 B2 D3 C#3 B2
C#3 G3 A3 G3 A3 G3 A3 G3 =
F#3 A3 D4 C#4 D4 A3 G3 A3 F#3 A3 G3 A3 D3 F#3 E3 D3
E2 B2 G3 F#3 G3 B2 G3 B2 =
E2 C#3 D3 E3 D3 C#3 B2 A2 G3 F#3 E3 D4 C#4 B3 A3 G3
F#3 E3 D3 D4 A3 D4 F#3 A3 D3 E3 F#3 A3 G3 F#3 E3 D3
G#3 D3 F3 E3 F3 D3 G#3 D3 B3 D3 F3 E3 F3 D3 G#3 D3
C3 E3 A3 B3 C4 A3 E3 D3 C3 E3 A3 B3 C4 A3 F#3 E3
D#3 F#3 D#3 F#3 A3 F#3 A3 F#3 =
G3 F#3 E3 G3 F#3 G3 A3 F#3 G3 F#3 E3 D3 C3 B2 A2 G2
F#2 C3 D3 C3 D3 C3 D3 C3 =
G2 B2 F3 E3 F3 B2 F3 B2 =
G2 C3 E3 D3 E3 C3 E3 C3 =
G2 F#3 C4 B3 C4 F#3 C4 F#3 =
"""
CLOSE = ("G2", "D3", "B3")  # the first notes of bar 19, held
LOWEST_STRING, HIGHEST_HERE = "C2", "D4"


def pitch(name: str) -> int:
    steps = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    return 12 * (int(name[-1]) + 1) + steps[name[0]] + name.count("#")


@pytest.fixture(scope="module")
def notes() -> tuple[Note, ...]:
    phrase = read_phrase(PIECE)
    assert len(phrase.tracks) == 1
    return phrase.tracks[0].notes


def test_the_file_holds_the_scores_notes_in_their_order(notes: tuple[Note, ...]) -> None:
    wanted = []
    for line in BARS.strip().splitlines():
        names = line.split()
        bar = names[:8] * 2 if names[-1] == "=" else names
        assert len(bar) == 16
        wanted += [pitch(name) for name in bar]
    assert [note.pitch for note in notes] == [*wanted, *map(pitch, CLOSE)]
    assert [note.start_beats for note in notes] == [0.25 * n for n in range(len(wanted) + 3)]


def test_a_cello_can_play_it(notes: tuple[Note, ...]) -> None:
    pitches = [note.pitch for note in notes]
    assert pitch(LOWEST_STRING) <= min(pitches)
    assert max(pitches) == pitch(HIGHEST_HERE)


@pytest.mark.parametrize(
    ("bar", "chord"),
    [
        (1, "G B D"),
        (2, "G C E"),
        (3, "G F# A C"),
        (6, "C# E G A"),
        (8, "E G B"),
        (11, "G# B D F"),
        (13, "D# F# A C"),
        (16, "G B D F"),
        (17, "C E G"),
    ],
)
def test_the_bars_harmonies_are_bachs(notes: tuple[Note, ...], bar: int, chord: str) -> None:
    """Most of a bar's notes belong to its chord; the rest are neighbours of them."""
    inside = {pitch(f"{name}4") % 12 for name in chord.split()}
    classes = np.array([note.pitch % 12 for note in notes[16 * (bar - 1) : 16 * bar]])
    assert np.isin(classes, list(inside)).mean() >= 0.75


def test_loudness_moves_and_the_piece_lasts_a_minute(notes: tuple[Note, ...]) -> None:
    velocities = [note.velocity for note in notes]
    assert min(velocities) >= 50
    assert max(velocities) <= 100
    assert max(velocities) - min(velocities) >= 20
