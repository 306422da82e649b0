"""C-RNN-GAN: its networks, its game and its losses, against what is computed by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from instrument.errors import SettingError
from instrument.music.note import Note, Phrase
from tests.helpers.music.corpora import copied, scale_piece, scales
from training.crnngan.config import CRNNGANConfig
from training.crnngan.losses import critic_loss_of, energy_score, feature_matching, who_learns
from training.crnngan.network import (
    FIRST_NOTE,
    Discriminator,
    GeneratorStep,
    NoteEncoder,
    NoteGenerator,
)
from training.crnngan.system import SYSTEM, CRNNGANLearner
from training.crnngan.tone_scale import ToneScale, ToneValues, beats_since, softly_rounded
from training.data.symbolic.corpus import make_corpus
from training.trainer.system import RunPosition

CPU = torch.device("cpu")
TINY, PAPER = SYSTEM.recipes["tiny"], SYSTEM.recipes["paper"]
VALUES = ToneValues(lengths=(0.25, 0.5, 1.0), advances=(0.0, 0.25, 0.5, 1.0), bar_beats=4.0)


def _moment(step: int, fraction: float = 0.9) -> RunPosition:
    return RunPosition(step, fraction, np.random.default_rng(step), 0, 1)


def _generator(tones_per_cell: int = 1, hears_more: bool = True) -> NoteGenerator:
    torch.manual_seed(1)
    return NoteGenerator(VALUES, 12, tones_per_cell, 3, hears_more).eval()


def _notes(count: int, cells: int, tones_per_cell: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(2)
    shape = (count, cells, tones_per_cell)
    columns = [
        torch.tensor(VALUES.lengths)[torch.randint(0, 3, shape, generator=draw)],
        torch.randint(48, 84, shape, generator=draw).float(),
        torch.full(shape, 80.0),
        torch.tensor(VALUES.advances)[torch.randint(0, 4, shape, generator=draw)],
    ]
    return torch.stack(columns, dim=-1)


def test_tones_survive_scaling_and_rounding() -> None:
    scale, notes = ToneScale(VALUES, True), _notes(3, 5, 2)
    scaled = scale.scaled(notes)
    torch.testing.assert_close(scale.notes(scaled), notes)
    is_white = ~torch.isin(notes[..., 1] % 12, torch.tensor([1.0, 3.0, 6.0, 8.0, 10.0]))
    assert is_white.any()
    torch.testing.assert_close(scale.notes(scaled + 0.03)[is_white], notes[is_white])
    torch.testing.assert_close(beats_since(scaled), notes[..., 3], atol=1e-5, rtol=0.0)


def test_the_first_tone_is_nothing_to_the_networks() -> None:
    assert (ToneScale(VALUES, True).scaled(torch.tensor(FIRST_NOTE)) == 0.0).all()


def test_the_staff_of_c_major_has_seven_whole_steps_to_the_octave() -> None:
    octave = torch.stack([torch.tensor([1.0, float(pitch), 80.0, 0.5]) for pitch in range(72, 85)])
    steps = 3.5 * ToneScale(VALUES, True).scaled(octave)[:, 1]
    expected = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0]
    torch.testing.assert_close(steps, torch.tensor(expected))
    semitones = 6.0 * ToneScale(VALUES, False).scaled(octave)[:, 1]
    torch.testing.assert_close(semitones, torch.arange(13.0))


def test_notes_outside_the_scale_are_chosen_with_reluctance() -> None:
    steps = torch.tensor([0.26, 0.45, 0.5, 0.55, 0.74])  # between C and D
    scaled = torch.zeros(5, 4)
    scaled[:, 1] = steps / 3.5
    assert ToneScale(VALUES, True).notes(scaled)[:, 1].tolist() == [72, 72, 73, 74, 74]
    scaled[:, 1] = torch.tensor([0.4, 0.6, 1.4]).repeat(2)[:5] / 6.0
    assert ToneScale(VALUES, False).notes(scaled)[:3, 1].tolist() == [72, 73, 73]


def test_soft_rounding_draws_to_whole_steps_and_keeps_the_order() -> None:
    steps = torch.linspace(-3.0, 3.0, 601)
    drawn = 3.5 * softly_rounded(steps / 3.5)
    whole = steps.round()
    assert ((drawn - whole).abs() <= (steps - whole).abs() + 1e-5).all()
    assert (drawn.diff() > 0.0).all()
    torch.testing.assert_close(drawn[::50], steps[::50], atol=1e-5, rtol=0.0)


def test_hearing_repeats_every_octave_and_every_bar() -> None:
    hearing = NoteEncoder(4.0, hears_more=True)
    note = ToneScale(VALUES, True).scaled(torch.tensor([[[[1.0, 60.0, 80.0, 0.5]]]]))
    octave = ToneScale(VALUES, True).scaled(torch.tensor([[[[1.0, 72.0, 80.0, 0.5]]]]))
    one = hearing(note, torch.tensor([[[1.5]]]))[..., 4:]
    same = hearing(octave, torch.tensor([[[9.5]]]))[..., 4:]
    torch.testing.assert_close(one, same, atol=1e-4, rtol=0.0)
    assert (hearing(note, torch.tensor([[[2.0]]]))[..., 4:] - one).abs().max() > 0.5


@pytest.mark.parametrize("tones_per_cell", [1, 3])
@torch.no_grad()
def test_step_by_step_makes_what_all_at_once_predicts(tones_per_cell: int) -> None:
    generator = _generator(tones_per_cell)
    real, noise = _notes(2, 6, tones_per_cell), generator.draw_noise(2, 6)
    scaled = generator.scale.scaled(real)
    predicted = generator.predict(noise, scaled)
    step = GeneratorStep(generator)
    _, beats, hidden, cell = generator.begin(2)
    previous = torch.tensor(FIRST_NOTE).expand(2, tones_per_cell, 4)
    for t in range(6):
        after, _, _ = generator.cell(
            noise[:, t], generator.scale.scaled(previous), beats, hidden, cell
        )
        torch.testing.assert_close(after, predicted[:, t], atol=1e-5, rtol=0.0)
        notes, _, hidden, cell = step(noise[:, t], previous, beats, hidden, cell)
        torch.testing.assert_close(notes, generator.scale.notes(predicted[:, t]))
        previous = real[:, t]
        beats = beats + previous[..., 3].sum(dim=1)


@torch.no_grad()
def test_the_game_is_played_on_what_the_generator_hears_of_itself() -> None:
    generator = _generator()
    noise = generator.draw_noise(2, 5)
    made = generator(noise)
    torch.testing.assert_close(generator.predict(noise, made), made, atol=1e-5, rtol=0.0)


@torch.no_grad()
def test_a_real_future_does_not_change_earlier_predictions() -> None:
    generator = _generator()
    noise, real = generator.draw_noise(1, 6), generator.scale.scaled(_notes(1, 6, 1))
    changed = real.clone()
    changed[:, 3:] += 1.0
    before, after = (generator.predict(noise, notes) for notes in (real, changed))
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.equal(before[:, 4:], after[:, 4:])


def test_the_papers_networks_have_the_parameters_of_their_layers() -> None:
    generator = NoteGenerator(VALUES, 350, 1, 4, hears_more=False)
    critic = Discriminator(VALUES, 350, 1, hears_more=False)

    def lstm(inputs: int) -> int:
        return 4 * 350 * (inputs + 350 + 2)  # torch has two biases a gate

    assert sum(p.numel() for p in generator.parameters()) == lstm(8) + lstm(350) + 351 * 4
    both_ways = 2 * (lstm(4) + lstm(700))
    assert sum(p.numel() for p in critic.parameters()) == both_ways + 701


@torch.no_grad()
def test_the_verdict_is_the_mean_over_time() -> None:
    torch.manual_seed(1)
    critic = Discriminator(VALUES, 8, 2, hears_more=True).eval()
    score, features = critic(ToneScale(VALUES, True).scaled(_notes(3, 5, 2)))
    assert features.shape == (3, 5, 16)
    torch.testing.assert_close(score, critic.score(features).mean(dim=1)[:, 0])


def test_a_critic_that_cannot_tell_loses_ln_2() -> None:
    zeros = torch.zeros(4)
    assert float(critic_loss_of(zeros, zeros)) == pytest.approx(np.log(2.0))
    sure = float(critic_loss_of(torch.full((4,), 3.0), torch.full((4,), -3.0)))
    assert sure == pytest.approx(np.log(1.0 + np.exp(-3.0)))


@pytest.mark.parametrize(
    ("critic_loss", "generator_loss", "expected"),
    [
        (0.69, 0.69, (True, True)),
        (0.48, 0.69, (False, True)),  # 0.7 * 0.69 = 0.483
        (0.49, 0.69, (True, True)),
        (0.69, 0.48, (True, False)),
    ],
)
def test_the_one_that_is_far_ahead_rests(
    critic_loss: float, generator_loss: float, expected: tuple[bool, bool]
) -> None:
    assert who_learns(critic_loss, generator_loss) == expected


def test_feature_matching_is_what_it_is_by_hand() -> None:
    fake = torch.tensor([[[0.0], [2.0]], [[4.0], [6.0]]])  # mean 3, variance 20/3
    real = torch.tensor([[[1.0], [1.0]], [[1.0], [1.0]]])
    paired = (1.0 + 1.0 + 9.0 + 25.0) / 4.0
    assert float(feature_matching(fake, real, with_deviation=False)) == pytest.approx(paired)
    ours = 2.0**2 + 20.0 / 3.0
    assert float(feature_matching(fake, real, with_deviation=True)) == pytest.approx(ours)


def test_the_energy_score_is_what_it_is_by_hand() -> None:
    real = torch.tensor([[[0.0, 0.0]]])
    one, other = torch.tensor([[[3.0, 4.0]]]), torch.tensor([[[0.0, 4.0]]])
    expected = 0.5 * (5.0 + 4.0 - 3.0)
    assert float(energy_score((real,), (one,), (other,))) == pytest.approx(expected, abs=1e-3)


def test_the_energy_score_prefers_the_datas_spread_to_its_mean() -> None:
    draw = torch.Generator().manual_seed(1)

    def signs() -> torch.Tensor:
        return torch.randint(0, 2, (1, 4000, 1), generator=draw) * 2.0 - 1.0

    alike = energy_score((signs(),), (signs(),), (signs(),))
    mean = energy_score((signs(),), (0.0 * signs(),), (0.0 * signs(),))
    assert float(alike) == pytest.approx(0.5, abs=0.05)
    assert float(mean) == pytest.approx(1.0, abs=0.05)


def test_a_tiny_generator_learns_a_phrase_by_heart() -> None:
    pieces = [scale_piece(split, split, 60) for split in ("train", "valid")]
    corpus = make_corpus("one scale", "formulas", "Public domain.", pieces)
    torch.manual_seed(1)
    config = replace(TINY, hidden=32, cells=16, learning_rate=0.01)
    learner = CRNNGANLearner(config, corpus, CPU)
    for step in range(200):
        learner.step(_moment(step + 200, fraction=0.0))
    notes = torch.from_numpy(learner._train.at(np.zeros(1, np.int64)))[:, :, None]
    generator = learner.generator.eval()
    with torch.no_grad():
        made = generator.predict(generator.draw_noise(1, 16), generator.scale.scaled(notes))
    distance = (generator.scale.notes(made) - notes)[..., 1].abs().mean()
    assert float(distance) < 0.5  # semitones; a scale's steps are 1 or 2


@pytest.mark.parametrize("tones_per_cell", [1, 3])
@pytest.mark.parametrize("is_paper", [False, True])
def test_a_game_moves_both_networks(is_paper: bool, tones_per_cell: int) -> None:
    paper = replace(PAPER, hidden=12, critic_hidden=12, cells=4, batch=4)
    config = replace(paper if is_paper else replace(TINY, cells=4), tones_per_cell=tones_per_cell)
    learner = CRNNGANLearner(config, scales(voices=tones_per_cell), CPU)
    before = [p.clone() for net in learner.networks.values() for p in net.parameters()]
    losses = learner.step(_moment(300))
    after = [p for net in learner.networks.values() for p in net.parameters()]
    assert not all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert {"loss", "adversarial", "matching", "critic"} <= losses.keys()
    assert all(bool(torch.isfinite(value)) for value in losses.values())


def test_phrases_keep_the_prompt_and_end_on_time() -> None:
    learner = CRNNGANLearner(TINY, scales(), CPU)
    prompt = scale_piece("one", "test", 60).phrase().between(0.0, 8.0)
    once, again = (learner.generate(2, 5, prompt, length_beats=8.0) for _ in range(2))
    assert once == again
    for phrase in once:
        assert phrase.length_beats == 16.0
        assert [note.pitch for note in phrase.notes[:8]] == [note.pitch for note in prompt.notes]


def test_what_is_said_does_not_begin_before_the_prompt_ends() -> None:
    learner = CRNNGANLearner(TINY, scales(), CPU)
    prompt = Phrase.of([Note(0.0, 60, 1.0)], 8.0)
    (phrase,) = learner.generate(1, 5, prompt, length_beats=8.0)
    assert all(note.start_beats >= 8.0 for note in phrase.notes[1:])


def test_a_corpus_without_phrases_of_that_length_is_refused() -> None:
    with pytest.raises(SettingError, match="no phrase of 100 notes"):
        CRNNGANLearner(PAPER, scales(), CPU)


def _both(config: CRNNGANConfig) -> list[CRNNGANLearner]:
    learners = []
    for _ in range(2):
        torch.manual_seed(1)
        learners.append(CRNNGANLearner(config, scales(), CPU))
    return learners


def test_training_goes_on_to_the_bit() -> None:
    whole, halves = _both(TINY)
    for step in range(6):
        if step == 4:
            halves = copied(halves, CRNNGANLearner(TINY, scales(), CPU))
        for learner in (whole, halves):
            torch.manual_seed(step)
            learner.step(_moment(step, step / 6))
    for name, network in whole.networks.items():
        ours = network.parameters()
        theirs = halves.networks[name].parameters()
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True)), name
