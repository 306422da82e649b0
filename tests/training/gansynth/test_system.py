"""GANSynth in training: stages, averages, labels, resuming, several processes, half precision."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from instrument.errors import FileError, SettingError
from tests.helpers.models.small_gansynth import (
    CPU,
    LEAN,
    SMALL,
    WAVE,
    WAVES,
    moment,
    small_learner,
    weights,
)
from tests.helpers.places import ROOT
from training.audio.format import LOWEST_WAVE_PITCH, WAVE_RATE_HZ
from training.gansynth.config import GansynthConfig
from training.gansynth.images import MARGIN, ToneImages
from training.gansynth.lean import compile_blocks, in_single_precision
from training.gansynth.learner import GansynthLearner
from training.gansynth.losses import CriticInputs, PaperRules
from training.gansynth.network import Critic, Generator, NetworkSize, blend_real
from training.gansynth.system import SYSTEM, load_notes, training_speed
from training.gansynth.tones import Normalizer
from training.pictures.samples import NoteSamples
from training.trainer.run_card import Length
from training.trainer.trainer import Run, new_run, resumed_run

SYSTEMS = {
    "paper": SMALL,
    "lean": LEAN,
    "if": replace(SMALL, scale="if", normalizer="measured"),
    "phase": replace(SMALL, scale="phase", normalizer="measured"),
    "wave": WAVE,
}


def begin(folder: Path, config: GansynthConfig = SMALL, steps: int = 11) -> Run:
    system = replace(SYSTEM, recipes={"small": config})
    return new_run(system, "small", WAVES, Length(steps, 0.0, 1), folder, CPU)


def train(run: Run, until: float = 1.0) -> Run:
    run.run(lambda *_: None, lambda: run.fraction >= until)
    return run


class Reticent(GansynthLearner):
    """Shows nothing on the way, which takes longer than learning at this size."""

    def validate(self) -> dict[str, float]:
        return {}

    def samples(self) -> NoteSamples:
        return NoteSamples({}, WAVE_RATE_HZ)


def critic_of(learner: GansynthLearner) -> Critic:
    assert isinstance(learner.critic, Critic)
    return learner.critic


def parameters(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_kind_trains_shows_itself_and_is_opened_again(name: str, tmp_path: Path) -> None:
    run = train(begin(tmp_path, SYSTEMS[name], steps=1))
    learner = run.learner
    assert set(run.card.validation) >= {"held_out_score", "fake_pitch_right"}
    assert len(list((tmp_path / "samples").glob("*.wav"))) == 4
    notes = load_notes(tmp_path)
    z, pitch = torch.randn(2, 6), torch.tensor([24, 84])
    image = learner.networks["average"](z, pitch - LOWEST_WAVE_PITCH, notes.position)
    restored = notes.normalizer.restore(image)
    torch.testing.assert_close(notes(z, pitch), notes.spectrogram.audio(restored, pitch))
    assert notes(z, pitch).shape == (2, 80)


@pytest.mark.parametrize("stop", [0.3, 0.72])
def test_a_run_interrupted_before_or_after_a_stage_begins_ends_with_the_same_bits(
    tmp_path: Path, stop: float
) -> None:
    system = replace(SYSTEM, recipes={"small": LEAN}, open=Reticent)
    length = Length(11, 0.0, 1)
    whole = train(new_run(system, "small", WAVES, length, tmp_path / "whole", CPU))
    halved = train(new_run(system, "small", WAVES, length, tmp_path / "halved", CPU), until=stop)
    assert 0 < halved.card.step < whole.card.step
    resumed = train(resumed_run(system, WAVES, tmp_path / "halved", CPU, None))
    expected, found = weights(whole), weights(resumed)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_blocks_that_are_not_there_yet_stay_as_they_began() -> None:
    learner = small_learner()
    before = [parameters(block) for block in critic_of(learner).blocks]
    for step in range(4):
        learner.step(moment(step))
    changed = [
        not torch.equal(old, parameters(block))
        for old, block in zip(before, critic_of(learner).blocks, strict=True)
    ]
    assert changed == [True, True, False]
    assert not learner.optimizers["critic"].state_dict()["state"].keys() & {
        index
        for index, parameter in enumerate(learner.critic.parameters())
        if any(parameter is own for own in critic_of(learner).blocks[2].parameters())
    }


def test_optimisers_forget_when_a_stage_begins() -> None:
    learner = small_learner()
    counts = []
    for step in range(5):
        learner.step(moment(step))
        state = next(iter(learner.optimizers["generator"].state.values()))
        counts.append(int(state["step"]))
    assert counts == [1, 2, 1, 2, 1]


def test_the_average_follows_the_generator_as_an_exponential_average_does() -> None:
    learner = small_learner()
    learner.step(moment(0))
    expected = parameters(learner.generator)
    for step in range(1, 6):
        learner.step(moment(step))
        expected = 0.9 * expected + 0.1 * parameters(learner.generator)
    torch.testing.assert_close(parameters(learner.average), expected)


def test_fakes_have_pitches_as_often_as_notes_have_them() -> None:
    images = ToneImages(WAVES, SMALL, CPU)
    own = WAVES.pitches[WAVES.rows("train")].astype(int)
    drawn = images.pitches(np.random.default_rng(0), 8000) + LOWEST_WAVE_PITCH
    assert set(drawn) == set(own)
    shares = [(drawn == pitch).mean() for pitch in own]
    assert shares == pytest.approx([1.0 / len(own)] * len(own), abs=0.02)


def test_measured_constants_bring_training_notes_just_within_the_margin() -> None:
    images = ToneImages(WAVES, SYSTEMS["phase"], CPU)
    image, _ = images.of(images.rows)
    normal = images.measure().normalise(image)
    for extreme, wanted in ((normal.amin((0, 2, 3)), -MARGIN), (normal.amax((0, 2, 3)), MARGIN)):
        torch.testing.assert_close(extreme, torch.full((2,), wanted), atol=1e-5, rtol=0.0)


def test_the_critic_compares_notes_as_coarse_as_generated_ones() -> None:
    learner = small_learner()
    real, _ = learner._real(learner.images.rows[:2])
    image, _ = learner.images.of(learner.images.rows[:2])
    torch.testing.assert_close(real, torch.nn.functional.avg_pool2d(image, 4))


@pytest.mark.parametrize("position", [0.0, 0.7, 1.0])
def test_small_images_have_the_losses_of_enlarged_ones(position: float) -> None:
    torch.manual_seed(0)
    generator, critic = Generator(SMALL.size), Critic(SMALL.size)
    normalizer, rules = Normalizer(), PaperRules(10.0, 10.0, 0.001)
    real, pitch = ToneImages(WAVES, SMALL, CPU).of(np.arange(4))
    z, share, top = torch.randn(4, 6), torch.rand(4), int(np.ceil(position))

    def losses(is_enlarged: bool) -> torch.Tensor:
        shrunk = 1 if is_enlarged else 2 ** (2 - top)
        grown = 3 if is_enlarged else top + 1
        seen = CriticInputs(
            blend_real(torch.nn.functional.avg_pool2d(real, shrunk), position, grown),
            pitch,
            normalizer.restore(generator(z, pitch, position, is_enlarged)).detach(),
            share,
            step=0,
            shrunk=shrunk,
        )
        loss, figures = rules.critic_loss(
            lambda image: critic(normalizer.normalise(image), position), seen
        )
        slopes = torch.autograd.grad(
            loss, list(critic.get_submodule("blocks.0.conv0").parameters())
        )
        return torch.cat([figures["penalty"][None], loss[None], *(s.flatten() for s in slopes)])

    small, enlarged = losses(is_enlarged=False).detach(), losses(is_enlarged=True).detach()
    torch.testing.assert_close(small, enlarged, rtol=1e-4, atol=1e-4)


def test_notes_without_a_pitch_on_the_keyboard_are_left_out() -> None:
    nowhere = replace(WAVES, pitches=np.full(len(WAVES), 100, np.uint8))
    with pytest.raises(SettingError, match="no training notes of pitches 24 to 84"):
        ToneImages(nowhere, SMALL, CPU)


def test_a_folder_that_is_no_run_is_explained(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is not a training run"):
        load_notes(tmp_path)


def test_bfloat16_inside_leaves_images_and_scores_nearly_as_they_are() -> None:
    torch.manual_seed(0)
    size = NetworkSize(start=(2, 4), blocks=3, feature_base=64, feature_limit=16, latent_size=6)
    generator, critic = Generator(size), Critic(size)
    z, pitch = torch.randn(4, 6), torch.arange(4)
    image, (score, _) = generator(z, pitch), critic(generator(z, pitch))
    generator.precision = critic.precision = torch.bfloat16
    rough, (rough_score, _) = generator(z, pitch), critic(image)
    assert rough.dtype == rough_score.dtype == torch.float32
    assert 0.0 < (rough - image).abs().mean() < 0.02
    torch.testing.assert_close(rough_score, score, atol=0.03, rtol=0.03)
    with in_single_precision(critic):
        torch.testing.assert_close(critic(image)[0], score)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute")  # read by the compiler itself
def test_compiled_blocks_learn_the_same_and_step_aside_for_second_derivatives() -> None:
    config = replace(LEAN, stage_images=0, size=replace(LEAN.size, blocks=2), frames=36)
    plain, compiled = small_learner(config), small_learner(config)
    for network in (compiled.generator, compiled.critic):
        assert isinstance(network, Generator | Critic)
        compile_blocks(network, backend="aot_eager")
    losses, ours = plain.step(moment(0)), compiled.step(moment(0))
    assert "penalty" in losses
    torch.testing.assert_close(ours, losses, atol=1e-4, rtol=1e-4)


def test_speed_is_measured_in_images_per_second() -> None:
    assert training_speed(LEAN, 2, 2, CPU) > 1.0


@pytest.mark.slow
def test_two_processes_learn_as_one_with_the_doubled_batch(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(
        "import atexit, os, torch\n"
        "threads = lambda: len(os.listdir('/proc/self/task'))\n"
        f"last = lambda: open('{tmp_path}/threads' + str(rank), 'w').write(str(threads()))\n"
        "atexit.register(last)\n"  # what is registered first is called last
        "from tests.helpers.models.small_gansynth import SMALL, moment, small_learner\n"
        "from training.trainer.distributed import processes\n"
        "torch.set_num_threads(1)\n"
        "rank = processes().process_index\n"
        "learner = small_learner(SMALL)\n"
        "losses = [learner.step(moment(step, rank, 2)) for step in range(3)]\n"
        "weights = [p.detach() for p in learner.critic.parameters()]\n"
        f"torch.save((losses, weights), '{tmp_path}/' + str(rank))\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env=environment
    )
    assert run.returncode == 0, run.stderr
    # A thread of the group that outlives the interpreter now and then aborts the process.
    assert [(tmp_path / f"threads{rank}").read_text() for rank in (0, 1)] == ["1", "1"]
    learner = small_learner(replace(SMALL, batch=2 * SMALL.batch))
    expected = [learner.step(moment(step)) for step in range(3)]
    (first, own), (second, others) = (torch.load(tmp_path / str(rank)) for rank in (0, 1))
    for whole, a, b in zip(expected, first, second, strict=True):
        for name in ("generator", "critic", "penalty", "real_pitch"):
            torch.testing.assert_close(0.5 * (a[name] + b[name]), whole[name], rtol=1e-4, atol=1e-5)
    for weight, one, other in zip(learner.critic.parameters(), own, others, strict=True):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, weight.detach(), rtol=1e-3, atol=1e-4)
