"""The chorale baseline on formulas: normalised, blind to the key, and it learns."""

import numpy as np

from tests.helpers.music.corpora import scale_piece
from training.metrics.symbolic import chorale_ngram
from training.metrics.symbolic.chorale_ngram import (
    FULL,
    SIMPLE,
    Chorale,
    ChoraleNgram,
    cells,
    changed,
)


def chorale(tonic: int) -> Chorale:
    return Chorale.of(scale_piece(f"in {tonic}", "train", tonic, voices=4))


def test_frames_come_from_the_pieces_four_voices() -> None:
    frames = chorale(72).frames
    assert frames.shape == (64, 4)
    np.testing.assert_array_equal(frames[0], [72, 65, 58, 51])


def test_every_cell_is_placed_once_with_what_is_known_then() -> None:
    music = Chorale(np.array([[70, 60, 50, 40], [70, 62, -1, 41]]), pickup_beats=0.25)
    placed = list(cells(music, (3, 0, 1, 2)))
    assert [cell.voice for cell, _ in placed] == [3, 0, 1, 2] * 2
    alto, pitch = placed[6]
    assert pitch == 62 and (alto.phase, alto.own, alto.past[0]) == (0, 60, 60)
    assert (alto.placed, alto.placed_before, alto.unplaced) == ([41, 70], [40, 70], [50])
    assert alto.moved() == [1, 0]


def test_the_same_music_in_another_key_is_as_likely() -> None:
    model = ChoraleNgram()
    for tonic in (66, 70, 76):
        model.learn(chorale(tonic))
    low, high = (model.log_probabilities(chorale(tonic)) for tonic in (69, 72))
    # The first frame is measured from the registers' centres, and ranges differ by the edges.
    np.testing.assert_allclose(low[8:].mean(), high[8:].mean(), rtol=0.03)


def test_a_scale_is_expected_after_scales() -> None:
    untaught, taught = ChoraleNgram(SIMPLE), ChoraleNgram(FULL)
    for tonic in range(66, 78, 2):
        taught.learn(chorale(tonic))
    taught.tune([chorale(71)])
    untaught.learn(chorale(66))
    before, after = (-m.log_probabilities(chorale(73)).mean() for m in (untaught, taught))
    assert after < before and after < 0.3


def test_probabilities_of_a_voices_possible_pitches_sum_to_one() -> None:
    model = ChoraleNgram()
    model.learn(chorale(72))
    start = chorale(72).frames[:1]
    total = 0.0
    for pitch in (-1, *range(128)):
        frames = start.copy()
        frames[0, 3] = pitch  # the bass is placed first, so only its own probability counts
        chance = float(np.exp(model.log_probabilities(Chorale(frames))[0, 3]))
        total += chance if chance > 2 * chorale_ngram._LEAST else 0.0
    np.testing.assert_allclose(total, 1.0, rtol=1e-9)


def test_changed_cells_are_those_that_differ_from_the_frame_before() -> None:
    frames = np.array([[70, 60, 50, 40], [70, 62, 50, -1]])
    np.testing.assert_array_equal(changed(frames), [[True] * 4, [False, True, False, True]])
