"""GANSynth as something to train, to open when it is trained, and to measure.

The words after ``latentkeys train gansynth``; what a run has learned, for evaluation, export and
the tools that search latents; how many images a second a device learns from.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import torch

from training.audio.format import (
    LOWEST_WAVE_PITCH,
    WAVE_FRAMES,
    WAVE_PITCH_COUNT,
    WAVE_RATE_HZ,
)
from training.data.audio.wave_folder import open_notes
from training.data.audio.waves import FULL_SCALE, WaveSet
from training.gansynth.config import CONFIGS, GansynthConfig
from training.gansynth.images import drawing_of
from training.gansynth.learner import GansynthLearner, GrowthState, new_networks, schedule_of
from training.gansynth.small import learner as gansynth_small
from training.gansynth.tones import GansynthTones, Normalizer
from training.trainer.run_card import load_networks, read_run
from training.trainer.system import Course, RunPosition, System


def _course(config: GansynthConfig) -> Course:
    return Course(config.batch, config.images)


SYSTEM = System(
    name="gansynth",
    what="GANSynth: notes from a latent and a pitch, learned against a critic.",
    config=GansynthConfig,
    recipes=CONFIGS,
    data=("soundfont",),
    open_data=open_notes,
    open=GansynthLearner,
    course=_course,
)


def load_notes(folder: Path) -> GansynthTones:
    """Open what a run has learned, on the CPU: the averaged generator, as far as it has grown.

    Parameters
    ----------
    folder
        A folder that ``latentkeys train gansynth`` or ``gansynth-small`` made;
        `training.trainer.run_card.read_run` has its card.

    Raises
    ------
    FileError
        No readable checkpoint, or one of another system.
    """
    if read_run(folder)[0].system == gansynth_small.SYSTEM.name:
        return gansynth_small.load_notes(folder)
    card, state = read_run(folder, SYSTEM.name)
    config = msgspec.convert(card.config, GansynthConfig)
    generator, _ = new_networks(config)
    progress = GrowthState(Normalizer())
    load_networks({"average": generator, "progress": progress}, state)
    position = schedule_of(config).position(progress.images)
    tones = GansynthTones(generator, progress.normalizer, drawing_of(config), position)
    return tones.eval().requires_grad_(False)


def training_speed(config: GansynthConfig, batch: int, steps: int, device: torch.device) -> float:
    """Measure how fast full-grown networks learn.

    Parameters
    ----------
    config
        What is trained; the tones are noise.
    batch
        Images in a step.
    steps
        How many are timed; for a lean training a multiple of `penalty_every` is fair. As many
        come before, to warm up.
    device
        Where.

    Returns
    -------
    float
        Images per second.
    """
    config = replace(config, batch=batch, stage_images=0)
    torch.manual_seed(0)
    learner = GansynthLearner(config, noise_waves(), device)
    for step in range(2 * steps):
        if step == steps:
            begin = _now(device)
        learner.step(RunPosition(step, 0.0, np.random.default_rng(step), 0, 1, step))
    return batch * steps / (_now(device) - begin)


def noise_waves(count: int = 16) -> WaveSet:
    """Return tones of noise, half of them for training; their pitches go round the keyboard."""
    random = np.random.default_rng(0)
    noise = random.normal(0.0, 0.1 * FULL_SCALE, (count, WAVE_FRAMES)).astype(np.int16)
    numbers = np.arange(count)
    pitches = LOWEST_WAVE_PITCH + 7 * numbers % WAVE_PITCH_COUNT
    return WaveSet(
        name="noise",
        source="a random number generator",
        notice="",
        sha256="",
        rate_hz=WAVE_RATE_HZ,
        waves=noise,
        pitches=pitches.astype(np.uint8),
        velocities=np.full(count, 100, np.uint8),
        labels=np.zeros(count, np.int16),
        label_names=("noise",),
        splits=(numbers % 2).astype(np.uint8),
    )


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
