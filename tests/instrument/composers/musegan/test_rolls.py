"""Bars as a MuseGAN hears them: as in training, and back to notes."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from instrument.composers.musegan.rolls import (
    MuseShape,
    bars_of,
    given_rolls,
    heard_rolls,
    phrase_of_classes,
    settled,
    tracks_of,
)
from instrument.music.constraints import Constraints, Key
from instrument.music.note import Note, Phrase, Track
from training.musegan.heads import sounding_and_onsets

SHAPE = MuseShape(("S", "A"), 2, 16, 4, 24, 48, -1, 0, "categorical")


def random_classes(tracks: int = 2, bars: int = 2) -> np.ndarray:
    random = np.random.default_rng(3)
    return random.choice([0, 1, 1, 1, 5, 9, 25], (tracks, bars, 16))


def test_rolls_are_those_that_the_critic_learned_from() -> None:
    classes = random_classes()
    one_hot = F.one_hot(torch.from_numpy(classes), 26).float().flatten(1, 2)
    sounding, onsets = sounding_and_onsets(one_hot)
    wanted = torch.stack([sounding, onsets], dim=1).unflatten(2, (2, 16)).numpy()
    assert np.array_equal(heard_rolls(classes, SHAPE), wanted)


def test_notes_go_to_classes_and_back() -> None:
    high = Track((Note(0.0, 60, 1.0, 80), Note(4.0, 62, 2.5, 80)), "S")
    low = Track((Note(1.0, 50, 3.0, 80),), "A")
    phrase = Phrase((low, high), 8.0)
    order = tracks_of(phrase, SHAPE)
    assert order == [1, 0]
    classes = bars_of(phrase, SHAPE, order)
    assert classes.shape == (2, 2, 16)
    assert classes[0, 0, :5].tolist() == [2 + 12, 1, 1, 1, 0]
    back = phrase_of_classes(classes, SHAPE)
    assert [track.notes for track in back.tracks] == [high.notes, low.notes]


def test_pitches_out_of_range_come_in_by_octaves_and_missing_tracks_rest() -> None:
    phrase = Phrase.of([Note(0.0, 100, 1.0), Note(1.0, 20, 1.0)], 4.0)
    classes = bars_of(phrase, SHAPE, tracks_of(phrase, SHAPE))
    starts = classes[0][classes[0] >= 2] - 2 + 48
    assert starts.tolist() == [64, 56]
    assert not classes[1].any()


def test_what_is_held_over_the_cut_starts_anew() -> None:
    classes = np.zeros((2, 2, 4), np.int64)
    classes[0] = [[5, 1, 1, 1], [1, 1, 0, 0]]
    assert settled(classes, 1).tolist() == [[[5, 1, 0, 0]], [[0, 0, 0, 0]]]


def test_voices_choose_what_is_likeliest_in_the_key() -> None:
    logits = np.zeros((1, 1, 16, 26), np.float32)
    logits[..., 2 + 13] = 2.0  # C#
    logits[..., 2 + 12] = 1.0  # C
    random = np.random.default_rng(0)
    assert set(SHAPE.choose(logits, Constraints(), random).flat) == {15}
    in_c = Constraints(key=Key(0, "major"))
    assert set(SHAPE.choose(logits, in_c, random).flat) == {14}


def test_pitches_that_are_switched_on_become_the_highest_voice() -> None:
    shape = replace(SHAPE, head="threshold")
    logits = -np.ones((1, 1, 4, 24), np.float32)
    logits[0, 0, 0, [3, 7]] = 1.0
    logits[0, 0, 1, 7] = 1.0
    logits[0, 0, 3, 2] = 1.0
    chosen = shape.choose(logits, Constraints(), np.random.default_rng(0))
    assert chosen.tolist() == [[[9, 1, 0, 4]]]
    assert heard_rolls(chosen, shape).shape == (1, 1, 1, 4, 24)
    assert set(np.unique(heard_rolls(chosen, shape))) == {-1.0, 1.0}


def test_the_generator_hears_beginnings_twice_as_loud() -> None:
    classes = np.zeros((1, 1, 16), np.int64)
    classes[0, 0, :4] = [0, 5, 1, 0]
    rolls = given_rolls(classes, replace(SHAPE, head="threshold"))
    assert rolls[0, 0, :4, 3].tolist() == [0.0, 2.0, 1.0, 0.0]
    assert rolls.sum() == 3.0


def test_two_tracks_are_the_outer_voices() -> None:
    shape = replace(SHAPE, names=("S", "A", "T", "B"))
    low, high = Track((Note(0.0, 50, 1.0),)), Track((Note(0.0, 70, 1.0),))
    assert tracks_of(Phrase((low, high), 4.0), shape) == [1, -1, -1, 0]
    assert tracks_of(Phrase((high,), 4.0), shape) == [0, -1, -1, -1]
