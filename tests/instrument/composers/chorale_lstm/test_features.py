"""Vectors that are the same in every key, and know nothing of what is still to come."""

import numpy as np
import pytest

from instrument.composers.chorale_lstm.features import (
    FRAME_FEATURES,
    ORDER,
    RELATION_SIZES,
    VOICE_FEATURES,
    frame_vector,
    relations,
    voice_vector,
)
from instrument.composers.chorale_lstm.state import Past, advance, begin, pitch_of

REGISTER_NUMBERS = 4
HABITS = 32


def walk(seed: int, count: int = 60) -> list[tuple[int, ...]]:
    """Four voices that hold, step, rest and come back to where they were."""
    random = np.random.default_rng(seed)
    frames: list[tuple[int, ...]] = [(70, 66, 60, 50)]
    for _ in range(count):
        steps = random.integers(-3, 4, 4) * (random.random(4) < 0.4)
        frame = [max(p, 40) + int(s) for p, s in zip(frames[-1], steps, strict=True)]
        frame[2] = -1 if random.random() < 0.1 else frame[2]
        frames.append(tuple(frame))
    return frames + frames[: count // 2]


def pasts(frames: list[tuple[int, ...]]) -> list[Past]:
    found = [begin(3.0, 1.0)]
    for frame in frames:
        found.append(advance(found[-1], frame))
    return found


@pytest.mark.parametrize("semitones", [-7, 5])
def test_another_key_changes_nothing_but_the_numbers_of_the_register(semitones: int) -> None:
    frames = walk(1)
    moved = [tuple(p + semitones if p >= 0 else p for p in frame) for frame in frames]
    for here, there, now, then in zip(
        pasts(frames)[1:], pasts(moved)[1:], frames[1:], moved[1:], strict=False
    ):
        ours, theirs = frame_vector(here), frame_vector(there)
        shifted = np.zeros(FRAME_FEATURES, np.float32)
        shifted[-HABITS - 4 : -HABITS] = semitones / 12
        np.testing.assert_allclose(theirs - ours, shifted, atol=1e-6)
        for voice in ORDER:
            ours, theirs = voice_vector(here, voice, now), voice_vector(there, voice, then)
            same = slice(0, VOICE_FEATURES - REGISTER_NUMBERS)
            np.testing.assert_allclose(theirs[same], ours[same], atol=1e-6)
            rows = slice(0, len(RELATION_SIZES) - 1)
            np.testing.assert_array_equal(
                relations(here, voice, now)[rows], relations(there, voice, then)[rows]
            )


def test_voices_not_yet_placed_are_not_read() -> None:
    frames = walk(2)
    for past, now in zip(pasts(frames), frames, strict=False):
        for place, voice in enumerate(ORDER):
            hidden = [127] * 4
            for earlier in ORDER[:place]:
                hidden[earlier] = now[earlier]
            np.testing.assert_array_equal(
                voice_vector(past, voice, now), voice_vector(past, voice, tuple(hidden))
            )
            np.testing.assert_array_equal(
                relations(past, voice, now), relations(past, voice, tuple(hidden))
            )


def test_relations_are_the_intervals_that_a_leap_would_make() -> None:
    past = pasts([(72, 67, 64, 48), (74, 67, -1, 47)])[-1]
    rows = relations(past, 1, (76, 0, 0, 45))
    up_a_tone = 24 + 2
    assert pitch_of(past, 1, 2 + up_a_tone) == 69
    assert rows[0, up_a_tone] == 69 - 76 + 36
    assert rows[1, up_a_tone] == 73
    assert rows[2, up_a_tone] == 73
    assert rows[3, up_a_tone] == 69 - 45 + 36
    assert rows[6, up_a_tone] == 69 % 12
    assert rows[7, up_a_tone] == 69 - 34
    for row, size in zip(rows, RELATION_SIZES, strict=True):
        assert row.min() >= 0
        assert row.max() < size


def test_a_piece_that_comes_back_recalls_what_followed() -> None:
    frames = walk(3)
    half = 40
    past = pasts([*frames[:half], *frames[: half // 2]])[-1]
    following = frames[half // 2]
    soprano, again = voice_vector(past, 0, following), voice_vector(past, 0, (0, 0, 0, 0))
    np.testing.assert_array_equal(soprano, again)
    memory = soprano[-REGISTER_NUMBERS - 36 - 2 * 58 : -REGISTER_NUMBERS - 36]
    assert pitch_of(past, 0, int(memory[:51].argmax())) == following[0]
    assert memory[51:58].sum() == 6  # 20 frames agree: at least 2, 4, 6, 8, 12, 16


def test_the_first_frame_has_vectors_too() -> None:
    past = begin(4.0, 0.0)
    assert frame_vector(past).shape == (FRAME_FEATURES,)
    assert voice_vector(past, 0, (-1,) * 4).shape == (VOICE_FEATURES,)
    assert np.isfinite(voice_vector(past, 3, (60, -1, -1, -1))).all()
