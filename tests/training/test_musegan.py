"""MuseGAN in all its modes, on four-part scales and on a band of five tracks."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from instrument.errors import SettingError
from instrument.piano_rolls import FIRST_PITCH, HOLD, REST, rolls_of
from tests.training.corpora import copied, scales
from training.data.corpus import Corpus, Piece, make_corpus
from training.learning import Moment
from training.musegan import SYSTEM, MuseLearner
from training.musegan_config import MuseConfig
from training.musegan_critic import DocumentCritic, MuseCritic, gradient_penalty
from training.musegan_data import bar_windows
from training.musegan_heads import choose_classes, choose_pitches, sounding_and_onsets
from training.musegan_network import LatentPrior, MuseGenerator, MuseSize

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


def moment(step: int, fraction: float = 0.9) -> Moment:
    return Moment(step, fraction, np.random.default_rng(step), 0, 1)


def learner(corpus: Corpus, config: MuseConfig = TINY, **size: object) -> MuseLearner:
    torch.manual_seed(1)
    changed = dataclasses.replace(config, size=dataclasses.replace(config.size, **size))  # type: ignore[arg-type]
    return MuseLearner(changed, corpus, CPU)


def latents(size: MuseSize, count: int = 2) -> dict[str, Tensor]:
    return {name: torch.randn(count, *shape) for name, shape in size.latents.items()}


@pytest.mark.parametrize("mode", ["jamming", "composer", "hybrid"])
@pytest.mark.parametrize(
    ("tracks", "bars", "steps", "pitches"),
    [(4, 2, 16, 48), (4, 4, 16, 48), (4, 1, 16, 48), (5, 4, 48, 84), (5, 2, 96, 84)],
)
def test_every_mode_plays_every_shape(
    mode: str, tracks: int, bars: int, steps: int, pitches: int
) -> None:
    size = dataclasses.replace(
        SMALL, mode=mode, tracks=tracks, bars=bars, steps=steps, pitches=pitches
    )
    logits = MuseGenerator(size)(latents(size))
    assert logits.shape == (2, tracks, bars, steps, pitches + 2)


def test_the_documents_generator_has_6_32_million_weights() -> None:
    generator = MuseGenerator(SYSTEM.recipes["document"].size)
    count = sum(p.numel() for p in generator.parameters())
    assert round(count / 1e6, 2) == 6.32
    roll = generator.eval()(latents(generator.size))
    assert roll.shape == (2, 4, 2, 16, 84)
    assert DocumentCritic(4, 2)(roll).shape == (2,)


def test_modes_use_the_latents_that_the_paper_gives_them() -> None:
    used = {
        mode: set(dataclasses.replace(SMALL, mode=mode).latents)
        for mode in ("jamming", "composer", "hybrid")
    }
    shared, own = {"z_song", "z_time"}, {"z_track", "z_track_time"}
    assert used == {"jamming": own, "composer": shared, "hybrid": shared | own}


def test_a_tracks_own_latent_moves_that_track_alone() -> None:
    generator = MuseGenerator(SMALL).eval()
    z = latents(SMALL, 1)
    other = dict(z, z_track=z["z_track"].clone())
    other["z_track"][:, 2] += 1.0
    moved = (generator(z) - generator(other)).abs().amax(dim=(0, 2, 3, 4))
    assert moved[2] > 1e-3
    assert moved[[0, 1, 3]].max() == 0.0


def test_the_song_latent_moves_every_track_and_bar() -> None:
    generator = MuseGenerator(SMALL).eval()
    z = latents(SMALL, 1)
    other = dict(z, z_song=z["z_song"] + 1.0)
    moved = (generator(z) - generator(other)).abs().amax(dim=(0, 3, 4))
    assert moved.min() > 1e-4


def test_time_latents_make_bars_differ() -> None:
    generator = MuseGenerator(SMALL).eval()
    logits = generator(latents(SMALL, 1))
    assert (logits[:, :, 0] - logits[:, :, 1]).abs().max() > 1e-3


def test_skips_reach_the_accompaniment_bar_by_bar() -> None:
    size = dataclasses.replace(SMALL, given_track=0)
    generator = MuseGenerator(size).eval()
    roll = torch.zeros(1, size.bars, size.steps, size.pitches)
    other = roll.clone()
    other[:, 1, :, 20] = 1.0
    z = latents(size, 1)
    moved = generator(z, generator.encode_given(roll)) - generator(z, generator.encode_given(other))
    by_bar = moved.abs().amax(dim=(0, 1, 3, 4))
    assert by_bar[1] > 1e-4
    assert by_bar[[0, 2, 3]].max() == 0.0


def test_every_skip_level_matters() -> None:
    size = dataclasses.replace(SMALL, given_track=0)
    generator = MuseGenerator(size).eval()
    z = latents(size, 1)
    given = generator.encode_given(torch.rand(1, size.bars, size.steps, size.pitches))
    plain = generator(z, given)
    for level in range(len(given)):
        changed = [g + (1.0 if i == level else 0.0) for i, g in enumerate(given)]
        assert (generator(z, changed) - plain).abs().max() > 1e-5


def test_going_on_depends_on_the_bars_before() -> None:
    size = dataclasses.replace(SMALL, bars=2, previous_bars=2)
    generator = MuseGenerator(size).eval()
    z = latents(size, 1)
    rolls = torch.rand(1, size.tracks, 2, size.steps, size.pitches)
    contexts = [generator.encode_before(part) for part in (rolls, 1.0 - rolls)]
    moved = generator(z, None, contexts[0]) - generator(z, None, contexts[1])
    assert moved.abs().max() > 1e-6


def test_the_gradient_penalty_of_a_linear_critic_is_known() -> None:
    weight = torch.randn(3, 2, 4, 5)

    class Linear(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x * weight).flatten(1).sum(dim=1)

    real, fake = torch.randn(6, 3, 2, 4, 5), torch.randn(6, 3, 2, 4, 5)
    expected = (weight.norm() - 1.0).square()
    torch.testing.assert_close(gradient_penalty(Linear(), real, fake), expected)


def test_the_penalty_counts_every_axis() -> None:
    # Were the norm taken per track, two tracks with slope 1 each would cost nothing.
    class TwoTracks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, 0, 0] + x[:, 1, 0]

    penalty = gradient_penalty(TwoTracks(), torch.randn(4, 2, 3), torch.randn(4, 2, 3))
    torch.testing.assert_close(penalty, torch.tensor((2.0**0.5 - 1.0) ** 2))


def test_a_critic_looks_at_one_example_at_a_time() -> None:
    critic = MuseCritic(SMALL, 8, 4, 8)
    rolls = torch.rand(3, 8, 4, 16, 48)
    torch.testing.assert_close(critic(rolls)[1], critic(rolls[1:2])[0])


def test_choices_are_hard_and_let_gradients_through() -> None:
    logits = torch.randn(2, 3, 5, requires_grad=True)
    chosen = choose_classes(logits)
    torch.testing.assert_close(chosen.detach(), F.one_hot(logits.argmax(-1), 5).float())
    weight = torch.randn(2, 3, 5)
    (chosen * weight).sum().backward()
    expected = torch.autograd.grad((logits.softmax(-1) * weight).sum(), logits)[0]
    torch.testing.assert_close(logits.grad, expected)


@pytest.mark.parametrize("head", ["bernoulli", "binary"])
def test_binary_neurons_have_the_sigmoids_gradient(head: str) -> None:
    logits = torch.randn(100, requires_grad=True)
    chosen = choose_pitches(logits, head, slope=2.0)
    assert set(chosen.detach().round(decimals=5).tolist()) <= {0.0, 1.0}
    chosen.sum().backward()
    soft = torch.sigmoid(2.0 * logits.detach())
    torch.testing.assert_close(logits.grad, 2.0 * soft * (1.0 - soft))


def test_bernoulli_neurons_fire_as_often_as_they_say() -> None:
    torch.manual_seed(0)
    chosen = choose_pitches(torch.full((20000,), 1.0), "bernoulli")
    assert float(chosen.mean()) == pytest.approx(1 / (1 + np.exp(-1.0)), abs=0.01)


def test_holds_sound_as_the_step_before() -> None:
    line = torch.tensor([3, HOLD, REST, HOLD, 2, HOLD])
    sounding, onsets = sounding_and_onsets(F.one_hot(line, 4).float())
    assert sounding.tolist() == [[0, 1], [0, 1], [0, 0], [0, 0], [1, 0], [1, 0]]
    assert onsets.tolist() == [[0, 1], [0, 0], [0, 0], [0, 0], [1, 0], [0, 0]]


def test_windows_begin_with_what_sounds_and_keep_their_intervals(chorales: Corpus) -> None:
    windows = bar_windows(chorales.split("train"), SMALL)
    assert windows.bars.shape == (3, 4, 4, 16)
    plain = windows.bars[0]
    drawn = windows.draw(64, np.random.default_rng(0), reach=6)
    starts = plain >= 2
    for window in drawn:
        shifts = {int(shift) for shift in (window - plain)[starts]}
        if len(shifts) == 1:  # the same piece in another key
            assert np.array_equal(window[~starts], plain[~starts])
    assert len({int(w[0, 0, 0]) for w in drawn}) > 6


def held_over() -> Piece:
    piece = scales(voices=4, per_split=1).split("train")[0]
    first = piece.start_beats < 4.0
    return dataclasses.replace(
        piece,
        start_beats=piece.start_beats[~first] - 2.0,
        length_beats=piece.length_beats[~first],
        pitch=piece.pitch[~first],
        velocity=piece.velocity[~first],
        voice=piece.voice[~first],
        bar_beats=4.0,
        length=16.0,
    )


def test_a_note_held_into_a_window_starts_there() -> None:
    piece = held_over()
    long = np.where(piece.start_beats == 3.0, 1.0, piece.length_beats)
    long[piece.start_beats == 3.0] = 2.0  # over the bar line; the note at 4 is left out
    keep = piece.start_beats != 4.0
    piece = dataclasses.replace(
        piece,
        start_beats=piece.start_beats[keep],
        length_beats=long[keep],
        pitch=piece.pitch[keep],
        velocity=piece.velocity[keep],
        voice=piece.voice[keep],
    )
    windows = bar_windows([piece], dataclasses.replace(SMALL, bars=2))
    rolls = rolls_of(piece.phrase(), 4, lowest_pitch=36, pitches=48)
    assert (rolls[1, :, 0] == HOLD).all()
    assert (windows.bars[1][:, 0, 0] == rolls[0, :, 12]).all()


def test_drums_are_never_transposed(band: Corpus) -> None:
    config = SYSTEM.recipes["band"]
    windows = bar_windows(band.split("train"), config.size)
    drawn = windows.draw(32, np.random.default_rng(0), reach=6)
    assert len({tuple(np.flatnonzero(w[0].any(axis=(0, 1)))) for w in drawn}) <= 2
    assert len({tuple(np.flatnonzero(w[1].any(axis=(0, 1)))) for w in drawn}) > 4


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
    trained = learner(chorales, **size)
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


def test_categorical_voices_never_play_two_notes_at_once(chorales: Corpus) -> None:
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


def test_the_prior_learns_the_mean_and_covariance_of_what_is_found() -> None:
    size = dataclasses.replace(SMALL, mode="composer", latent_size=2)
    prior = LatentPrior(size)
    mixing = torch.tensor(
        [[1.0, 0.5, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.3, 0.0, 0.5, 0.0], [0.0, 0.0, 0.2, 2.0]]
    )
    torch.manual_seed(0)
    for _ in range(2000):
        flat = torch.randn(64, 4) @ mixing.T + 1.0
        prior.learn({"z_song": flat[:, :2], "z_time": flat[:, 2:]})
    torch.testing.assert_close(prior.mean, torch.ones(4), atol=0.05, rtol=0.0)
    torch.testing.assert_close(prior.covariance, mixing @ mixing.T, atol=0.15, rtol=0.0)
    noise = {"z_song": torch.randn(20000, 2), "z_time": torch.randn(20000, 2)}
    drawn = torch.cat([*prior(noise).values()], dim=1)
    torch.testing.assert_close(torch.cov(drawn.T), prior.covariance, atol=0.15, rtol=0.0)


def test_the_song_comes_from_its_own_noise_alone() -> None:
    prior = LatentPrior(SMALL)
    count = len(prior.mean)
    mixing = torch.eye(count) + 0.1 * torch.ones(count, count)
    prior.covariance.copy_(mixing @ mixing.T)
    z = latents(SMALL, 1)
    moved = prior(dict(z, z_time=z["z_time"] + 1.0))
    torch.testing.assert_close(moved["z_song"], prior(z)["z_song"])
    torch.testing.assert_close(moved["z_track"], prior(z)["z_track"])
    assert (moved["z_track_time"] - prior(z)["z_track_time"]).abs().max() > 1e-3


def test_latents_are_standard_normal_until_an_encoder_finds_others() -> None:
    z = latents(SMALL, 3)
    for name, latent in LatentPrior(SMALL)(z).items():
        torch.testing.assert_close(latent, z[name], atol=2e-3, rtol=1e-3)


def test_random_latents_are_drawn_wider_than_found_ones() -> None:
    wide = LatentPrior(dataclasses.replace(SMALL, spread=1.5))
    z = latents(SMALL, 3)
    plain = LatentPrior(SMALL)(z)
    for name, latent in wide(z).items():
        torch.testing.assert_close(latent, 1.5 * plain[name])


def test_pieces_in_one_scale_forget_the_key_they_were_in(chorales: Corpus) -> None:
    size = dataclasses.replace(SMALL, in_one_scale=True)
    pieces = chorales.split("train")
    higher = [dataclasses.replace(piece, pitch=piece.pitch + 3) for piece in pieces]
    here, there = (bar_windows(some, size).bars for some in (pieces, higher))
    starts = here >= FIRST_PITCH
    assert np.array_equal(here[~starts], there[~starts])
    assert set(((here - there)[starts] % 12).tolist()) == {0}
    plain = bar_windows(pieces, SMALL).bars
    for moved, before in zip(here, plain, strict=True):
        assert len(set((moved - before)[before >= FIRST_PITCH])) == 1
