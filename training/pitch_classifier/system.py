"""Train the pitch classifier that GANSynth's notes are judged by.

In: a wave set. Out: a run; `training.pitch_classifier.file` keeps what evaluations need of it.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from training.audio.format import HIGHEST_WAVE_PITCH, LOWEST_WAVE_PITCH
from training.data.audio.waves import WaveSet, WaveSplit, open_waves
from training.pictures.samples import NoteSamples
from training.pitch_classifier.network import (
    NARROW,
    PAPER,
    TINY,
    ClassifierConfig,
    PitchClassifier,
)
from training.trainer.system import RunPosition, System, rate

_MOST_VALIDATION = 512
_AT_ONCE = 32
_WARM_UP_STEPS = 20


class PitchLearner:
    """A pitch classifier in training: a `training.trainer.system.Learner`."""

    def __init__(self, config: ClassifierConfig, waves: WaveSet, device: torch.device) -> None:
        self.config, self.waves, self.device = config, waves, device
        self.network = PitchClassifier(config).to(device)
        # A third quicker on a processor; torch's annotations do not know the argument.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.learning_rate,
            betas=(config.beta1, 0.999),
            weight_decay=config.weight_decay,
        )
        self.networks: dict[str, nn.Module] = {"network": self.network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"network": self.optimizer}
        self._train = self.rows("train")

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Learn from one batch."""
        rows = np.sort(at.random.choice(self._train, self.config.batch))
        audio = torch.from_numpy(self.waves.audio(rows)).to(self.device)
        self.network.train()
        image = self.network.image(_with_noise(audio, self.config.noise_db))
        logits = self.network.pitch(self.network.features(_tilted(image, self.config.tilt_db)))
        loss = F.cross_entropy(logits, self._pitches(rows))
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * rate(at, _WARM_UP_STEPS)
        self.optimizer.step()
        accuracy = (logits.argmax(dim=1) == self._pitches(rows)).float().mean()
        return {"loss": loss.detach(), "accuracy": accuracy}

    def validate(self) -> dict[str, float]:
        """Return the loss and accuracy on up to 512 validation notes, evenly spread."""
        rows = self.rows("valid")
        if not rows.size:
            return {}
        rows = rows[:: -(-len(rows) // _MOST_VALIDATION)]
        logits, truth = self._logits(rows), self._pitches(rows)
        return {
            "loss": float(F.cross_entropy(logits, truth)),
            "accuracy": float((logits.argmax(dim=1) == truth).float().mean()),
        }

    def named(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the pitch that each of some notes is taken for, shape (n,), as the rows."""
        heard: NDArray[np.int64] = self._logits(rows).argmax(dim=1).cpu().numpy()
        return heard + LOWEST_WAVE_PITCH

    def rows(self, split: WaveSplit) -> NDArray[np.int64]:
        """Return a split's rows, shape (n,), of GANSynth's pitches and instruments not left out."""
        rows, waves = self.waves.rows(split), self.waves
        pitches = waves.pitches[rows]
        is_left_out = np.array([name in self.config.left_out for name in waves.label_names])
        inside = (pitches >= LOWEST_WAVE_PITCH) & (pitches <= HIGHEST_WAVE_PITCH)
        chosen: NDArray[np.int64] = rows[inside & ~is_left_out[waves.labels[rows]]]
        return chosen

    @torch.no_grad()
    def _logits(self, rows: NDArray[np.int64]) -> Tensor:
        self.network.eval()
        parts = [
            self.network(torch.from_numpy(self.waves.audio(some)).to(self.device))[0]
            for some in np.array_split(rows, -(-len(rows) // _AT_ONCE))
        ]
        return torch.cat(parts)

    def samples(self) -> NoteSamples:
        """Return nothing: it listens."""
        return NoteSamples({}, self.waves.rate_hz)

    def _pitches(self, rows: NDArray[np.int64]) -> Tensor:
        numbers = self.waves.pitches[rows].astype(np.int64) - LOWEST_WAVE_PITCH
        return torch.from_numpy(numbers).to(self.device)


def _with_noise(audio: Tensor, loudest_db: float) -> Tensor:
    """Add white noise to each note, from 40 dB below the loudest up to it."""
    decibels = loudest_db - 40.0 * torch.rand(audio.shape[0], 1, device=audio.device)
    peak = audio.abs().amax(dim=1, keepdim=True)
    return audio + peak * 10.0 ** (decibels / 20.0) * torch.randn_like(audio)


def _tilted(image: Tensor, most_db: float) -> Tensor:
    """Brighten or darken each note by up to so many dB per octave around the middle bin's."""
    octaves = torch.arange(1, image.shape[2] + 1, device=image.device).log2()
    octaves = octaves - octaves.mean()
    slope = (2.0 * torch.rand(image.shape[0], 1, 1, 1, device=image.device) - 1.0) * most_db
    return (image + slope * octaves[:, None] / 40.0).clamp(-1.0, 1.0)


SYSTEM = System(
    name="pitch-classifier",
    what="The pitch classifier that judges GANSynth's notes.",
    config=ClassifierConfig,
    recipes={"narrow": NARROW, "paper": PAPER, "tiny": TINY},
    data=("soundfont",),
    open_data=open_waves,
    open=PitchLearner,
)
