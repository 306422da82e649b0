"""Pieces in another rhythm: the same all through, in their own key."""

import numpy as np
import pytest

from instrument.music.note import Note
from tests.helpers.music.corpora import scale_piece
from training.note_lstm.features import varied_line
from training.note_lstm.rhythms import PLAIN, Rhythm, in_rhythm, some_voices

PIECE = scale_piece("scale", "train", 60, voices=2)


def strikes(rhythm: Rhythm, voices: tuple[int, ...] = (0,)) -> list[float]:
    notes, _ = in_rhythm(PIECE, rhythm, voices)
    return [note.start_beats for note in notes]


def test_a_plain_rhythm_leaves_a_piece_as_it_is() -> None:
    notes, pickup = in_rhythm(PIECE, Rhythm(4.0, 1.0, 1.0, (PLAIN,) * 4, True), (0, 1))
    assert pickup == PIECE.pickup_beats
    assert sorted(notes, key=lambda n: (n.start_beats, n.pitch)) == sorted(
        PIECE.phrase().notes, key=lambda n: (n.start_beats, n.pitch)
    )


@pytest.mark.parametrize(
    ("beat", "middle", "bar", "expected"),
    [
        (0.5, 1.0, 4.0, [0.0, 0.5, 1.0, 1.5, 2.0]),
        (1.0, 1.5, 4.0, [0.0, 1.5, 2.0, 3.5, 4.0]),
        (1.5, 1.0, 3.0, [0.0, 1.5, 3.0, 4.5, 6.0]),  # 4/4 becomes two bars of 6/8
    ],
)
def test_beats_are_stretched_and_dotted(
    beat: float, middle: float, bar: float, expected: list[float]
) -> None:
    rhythm = Rhythm(4.0, beat, middle, (PLAIN,) * 4, True)
    assert strikes(rhythm)[:5] == expected
    assert rhythm.new_bar_beats == bar


def test_a_pickup_stays_before_the_bar_line() -> None:
    rhythm = Rhythm(4.0, 1.0, 1.5, (PLAIN,) * 4, True)
    assert rhythm.place(-1.0) == -0.5
    assert rhythm.place(3.0) == 3.5


def test_every_bar_is_divided_alike() -> None:
    rhythm = Rhythm(4.0, 1.0, 1.0, ((0.0, 0.75), PLAIN, (0.5,), PLAIN), True)
    found = np.array(strikes(rhythm))
    for bar in range(int(found.max() // 4.0)):
        within = found[(found >= 4.0 * bar) & (found < 4.0 * bar + 4.0)] - 4.0 * bar
        assert within.tolist() == [0.0, 0.75, 1.0, 2.5, 3.0]


def test_what_is_struck_leads_by_the_scale_or_repeats() -> None:
    cells = ((0.0, 0.5),) * 4
    led, _ = in_rhythm(PIECE, Rhythm(4.0, 1.0, 1.0, cells, True), (0,))
    own = {note.pitch % 12 for note in PIECE.phrase().notes}
    assert {note.pitch % 12 for note in led} <= own
    assert all(a.pitch != b.pitch for a, b in _pairs(led)[:-1])
    same, _ = in_rhythm(PIECE, Rhythm(4.0, 1.0, 1.0, cells, False), (0, 1))
    assert len(same) == 2 * len(PIECE.phrase().notes)
    lines = [same[: len(led)], same[len(led) :]]
    assert all(a.pitch == b.pitch for line in lines for a, b in _pairs(line))


def test_any_piece_can_be_varied() -> None:
    random = np.random.default_rng(5)
    lengths = {len(varied_line(PIECE, random)) for _ in range(40)}
    assert len(lengths) > 5
    heard = [tuple(some_voices(PIECE, random)) for _ in range(60)]
    assert set(heard) == {(0,), (1,), (0, 1)}


def _pairs(line: list[Note]) -> list[tuple[Note, Note]]:
    return list(zip(line[::2], line[1::2], strict=True))
