"""The smallest GANSynth that has everything: three blocks, images of 8x16, notes of 80 frames."""

from dataclasses import replace

import numpy as np
import torch

from training.gansynth.config import CONFIGS, GansynthConfig
from training.gansynth.learner import GansynthLearner
from training.gansynth.network import NetworkSize
from training.gansynth.system import noise_waves
from training.gansynth.wavegan_network import WaveganSize
from training.trainer.system import RunPosition
from training.trainer.trainer import Run

CPU = torch.device("cpu")
SIZE = NetworkSize(start=(2, 4), blocks=3, feature_base=16, feature_limit=4, latent_size=6)
SMALL = replace(
    CONFIGS["tiny"], size=SIZE, frames=80, batch=2, stage_images=4, images=40, average_decay=0.9
)
LEAN = replace(SMALL, trainer="lean", penalty_every=2)
WAVE = replace(
    SMALL,
    scale="wave",
    wave=WaveganSize(channels=2, layers=2, start=8, kernel=9, latent_size=6),
    normalizer="none",
    stage_images=0,
    critic_steps=2,
)
WAVES = noise_waves()


def small_learner(config: GansynthConfig = SMALL, seed: int = 0) -> GansynthLearner:
    """A learner with weights of its own seed."""
    torch.manual_seed(seed)
    return GansynthLearner(config, WAVES, CPU)


def moment(step: int, process: int = 0, processes: int = 1) -> RunPosition:
    """A moment whose shared chance is a function of the step."""
    return RunPosition(step, 0.0, np.random.default_rng(step), process, processes, step)


def weights(run: Run) -> dict[str, torch.Tensor]:
    """All weights and averages of a run, and both optimisers' memory."""
    learner = run.learner
    found = {
        f"{name}.{key}": value
        for name, network in learner.networks.items()
        for key, value in network.state_dict().items()
    }
    for name, optimizer in learner.optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            found |= {f"{name} {index} {key}": value for key, value in state.items()}
    return found
