"""What is remembered of four voices, and moves there and back."""

from collections.abc import Sequence

import numpy as np
import pytest

from instrument.composers.chorale_lstm.state import (
    FALL_SILENT,
    HOLD,
    STAY,
    Past,
    advance,
    begin,
    move_of,
    pitch_of,
    possible_moves,
)

FRAMES = [(72, 67, 64, 48), (72, 67, 64, 48), (74, 67, -1, 43), (74, 65, 62, 43)]


def past_of(frames: Sequence[tuple[int, ...]]) -> Past:
    past = begin(4.0, 1.0)
    for frame in frames:
        past = advance(past, frame)
    return past


def test_the_past_tells_pitches_ages_and_former_values() -> None:
    past = past_of(FRAMES)
    assert past.last == (74, 65, 62, 43)
    assert past.ages == (2, 1, 1, 2)
    assert past.turns[0] == (72, -1, -1, -1)
    assert past.spans[0] == (2, 0, 0, 0)
    assert past.turns[2] == (-1, 64, -1, -1)
    assert past.anchor == 0


def test_a_past_stays_as_it_was_when_the_piece_goes_on() -> None:
    past = past_of(FRAMES)
    frames, chroma, habits = past.frames.copy(), past.chroma.copy(), past.habits.copy()
    advance(past, (60, 60, 60, 60))
    np.testing.assert_array_equal(past.frames, frames)
    np.testing.assert_array_equal(past.chroma, chroma)
    np.testing.assert_array_equal(past.habits, habits)


def test_runs_count_equal_frames_up_to_each_earlier_frame() -> None:
    random = np.random.default_rng(0)
    frames = [tuple(row) for row in random.integers(60, 62, (40, 4)).repeat(2, axis=0).tolist()]
    past = past_of(frames)
    now = len(frames) - 1
    for runs, voices in ((past.runs, (0, 1, 2, 3)), (past.echoes, (0,))):
        for then in range(now):
            length = 0
            while then - length >= 0 and all(
                frames[then - length][v] == frames[now - length][v] for v in voices
            ):
                length += 1
            assert runs[then] == length
        assert runs[now] == 0


def test_chroma_fades_by_a_fifth_a_frame_at_its_fastest() -> None:
    past = past_of([(60, 60, 60, 60)])
    silent = advance(past, (-1, -1, -1, -1))
    assert past.chroma[0, 0] == pytest.approx(4 * 0.2)
    assert silent.chroma[0, 0] == pytest.approx(4 * 0.2 * 0.8)
    assert past.chroma[:, 1:].sum() == 0.0


@pytest.mark.parametrize("last", [60, -1])
@pytest.mark.parametrize("heard", [60, 120, 5])
def test_possible_moves_reach_every_pitch_within_two_octaves_once(last: int, heard: int) -> None:
    past = past_of([(heard, 60, 60, 60), (heard if last >= 0 else -1, 60, 60, 60)])
    moves = np.flatnonzero(possible_moves(past, 0)).tolist()
    reached = [pitch_of(past, 0, move) for move in moves]
    assert sorted(reached) == [-1, *range(max(0, heard - 24), min(127, heard + 24) + 1)]
    assert [move_of(past, 0, pitch) for pitch in reached] == moves


def test_moves_are_named_by_what_happens() -> None:
    past = past_of(FRAMES[:3])
    assert move_of(past, 0, 74) == HOLD
    assert move_of(past, 0, -1) == FALL_SILENT
    assert move_of(past, 2, -1) == HOLD
    assert move_of(past, 2, 64) == STAY
    assert move_of(past, 0, 77) == STAY + 3
    assert move_of(past, 0, 99) == -1
