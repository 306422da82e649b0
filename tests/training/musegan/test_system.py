"""MuseGAN in training: every sort, on four-part scales and on a band of five tracks."""

import dataclasses

import numpy as np
import pytest
import torch

from instrument.errors import SettingError
from instrument.music.piano_rolls import rolls_of
from tests.helpers.music.corpora import copied, scales
from training.data.symbolic.corpus import Corpus, make_corpus
from training.musegan.config import MuseConfig
from training.musegan.system import SYSTEM, MuseLearner
from training.trainer.system import RunPosition

CPU = torch.device("cpu")
TINY: MuseConfig = SYSTEM.recipes["tiny"]
SMALL = TINY.size


@pytest.fixture(scope="module")
def chorales() -> Corpus:
    return scales(voices=4, per_split=3)


@pytest.fixture(scope="module")
def band() -> Corpus:
    """Five tracks, the first of them drums, the last silent: the shape of LPD-5."""
    pieces = []
    for piece in scales(voices=4, per_split=2).pieces:
        pieces.append(dataclasses.replace(piece, programs=(0,) * 5, is_drum=(True, *[False] * 4)))
    return make_corpus("band", "formulas", "Public domain.", pieces)


def moment(step: int, fraction: float = 0.9) -> RunPosition:
    return RunPosition(step, fraction, np.random.default_rng(step), 0, 1)


def learner(corpus: Corpus, config: MuseConfig = TINY, **size: object) -> MuseLearner:
    torch.manual_seed(1)
    changed = dataclasses.replace(config, size=dataclasses.replace(config.size, **size))  # type: ignore[arg-type]
    return MuseLearner(changed, corpus, CPU)


@pytest.mark.parametrize(
    "size",
    [
        {},
        {"mode": "composer"},
        {"mode": "jamming"},
        {"given_track": 0},
        {"bars": 2, "previous_bars": 2},
        {"head": "threshold"},
        {"head": "bernoulli", "given_track": 1},
        {"head": "binary", "bars": 2, "previous_bars": 1},
    ],
)
def test_every_sort_trains_and_plays(chorales: Corpus, size: dict[str, object]) -> None:
    trained = learner(chorales, **size)  # type: ignore[arg-type]
    losses = trained.step(moment(0)) | trained.step(moment(1))
    assert all(bool(torch.isfinite(value)) for value in losses.values())
    assert {"distance", "penalty", "judgement", "loss"} <= set(losses)
    (phrase,) = trained.generate(1, seed=0)
    assert phrase.length_beats == 4.0 * (trained.size.previous_bars + trained.size.bars)
    assert len(phrase.tracks) == 4


def test_a_band_of_five_tracks_trains_and_plays(band: Corpus) -> None:
    size = dataclasses.replace(
        SMALL, head="binary", tracks=5, steps=48, pitches=84, lowest_pitch=24, bars=2
    )
    trained = MuseLearner(dataclasses.replace(TINY, size=size), band, CPU)
    trained.step(moment(0))
    (phrase,) = trained.generate(1, seed=0)
    assert len(phrase.tracks) == 5


def test_the_given_track_and_the_bars_before_are_kept(chorales: Corpus) -> None:
    source = chorales.split("test")[0].phrase()
    accompanist = learner(chorales, given_track=0)
    (played,) = accompanist.generate(1, 0, prompt=source)
    assert played.tracks[0].notes == tuple(
        dataclasses.replace(note, velocity=80) for note in source.tracks[0].notes
    )
    follower = learner(chorales, bars=2, previous_bars=2)
    (played,) = follower.generate(1, 0, prompt=source)
    before = [note.pitch for note in source.between(8.0, 16.0).tracks[1].notes]
    assert [note.pitch for note in played.between(0.0, 8.0).tracks[1].notes] == before


def test_categorical_voices_never_play_two_tones_at_once(chorales: Corpus) -> None:
    for phrase in learner(chorales).generate(4, seed=3):
        for track in phrase.tracks:
            ends = [note.start_beats + note.length_beats for note in track.notes]
            starts = [note.start_beats for note in track.notes]
            assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def test_the_same_seed_plays_the_same(chorales: Corpus) -> None:
    trained = learner(chorales)
    assert trained.generate(2, seed=5) == trained.generate(2, seed=5)
    assert trained.generate(1, seed=5) != trained.generate(1, seed=6)


def test_the_critic_steps_come_before_one_generator_step(chorales: Corpus) -> None:
    trained = learner(chorales)
    trained.step(moment(0))
    for name, count in (("generator", 1), ("critics", TINY.critic_steps)):
        state = next(iter(trained.optimizers[name].state.values()))
        assert int(state["step"]) == count


def test_resumed_training_goes_on_with_the_same_bits(chorales: Corpus) -> None:
    whole = learner(chorales)
    for step in range(2):
        torch.manual_seed(step)
        whole.step(moment(step))
    resumed = copied(whole, learner(chorales))
    for one in (whole, resumed):
        torch.manual_seed(9)
        one.step(moment(2))
    ours, theirs = (one.generator.state_dict() for one in (whole, resumed))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_autoencoder_learns_to_play_back(chorales: Corpus) -> None:
    config = dataclasses.replace(TINY, learning_rate=5e-3, divergence_weight=0.0, batch_size=3)
    trained = learner(chorales, config)
    first = float(trained.step(moment(0, 0.1))["played_back"])
    for step in range(1, 60):
        last = float(trained.step(moment(step, 0.1))["played_back"])
    assert last < 0.5 * first


def test_a_corpus_without_the_right_tracks_is_refused() -> None:
    with pytest.raises(SettingError, match="4 tracks and 4 bars of 16 steps"):
        learner(scales(voices=1))


@pytest.mark.parametrize("up", [0, 3, 7])
def test_a_prompt_is_answered_in_its_own_key(chorales: Corpus, up: int) -> None:
    source = chorales.split("test")[0].phrase()
    follower = learner(chorales, bars=2, previous_bars=2, in_one_scale=True)
    (here,) = follower.generate(1, 0, prompt=source)
    (there,) = follower.generate(1, 0, prompt=source.transposed(up))
    assert [note.start_beats for note in there.notes] == [note.start_beats for note in here.notes]
    moved = {(b.pitch - a.pitch - up) % 12 for a, b in zip(here.notes, there.notes, strict=True)}
    assert moved == {0}


def test_the_critics_choose_among_the_candidates(chorales: Corpus) -> None:
    trained = learner(chorales)
    one, eight = (trained.generate(1, 4, candidates=count)[0] for count in (1, 8))
    scores = []
    for phrase in (one, eight):
        rolls = rolls_of(phrase, 4, lowest_pitch=SMALL.lowest_pitch, pitches=SMALL.pitches)
        bars = torch.from_numpy(np.ascontiguousarray(rolls.transpose(1, 0, 2)))
        scores.append(trained.score(bars[None]).item())
    assert scores[1] > scores[0]
