"""Teach a trained frame voice one more instrument, from a handful of notes.

In: a voice, and a tone set of one instrument. Out: the voice with that instrument as its last, and
all others as they were. First only a latent is sought, from the nearest instrument on; then the
network's matrices get low-rank changes (Hu et al., LoRA, 2021), while it is held to what it said of
the other instruments (Li and Hoiem, Learning without Forgetting, 2016). Notes are short: beyond the
end of its recording a tone goes on as the instrument that it began with would.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from training.audio.format import HIGHEST_PITCH, HOP_FRAMES, LOWEST_PITCH
from training.audio.spectral_loss import SpectralLoss
from training.data.audio.tone_set import (
    TEST,
    TRAIN,
    ToneSet,
    TuningTables,
)
from training.frame_voice.config import TrainingConfig
from training.frame_voice.crops import Crops, CropSource
from training.frame_voice.graphs import render_hops
from training.frame_voice.model import FrameVoice, tempered_hz
from training.frame_voice.network import HOP_SECONDS

RANK = 8
LONGEST_SECONDS = 12.0
FARTHEST_LATENT = 2.5
"""Nearer than this to another instrument a latent would borrow its tuning, see `FrameVoice`."""

_LATENT_SHARE = 0.15  # of the time
_LATENT_RATE, _MATRIX_RATE = 3e-2, 2e-3
_KEEP_WEIGHT, _BEYOND_WEIGHT, _NEAR_WEIGHT = 0.3, 0.1, 0.05
_KEPT_TONES, _KEPT_TIMES = 12, 24
_QUIETEST = -7.0  # log level against the loudest: what lies below is not heard, and not kept
_CHECK_SECONDS = 6.0
_LEAST_STEPS = 20

Report = Callable[[float, str], None]
Group = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Adapted:
    """What came out.

    Attributes
    ----------
    began_as
        The name of the instrument that it began with.
    steps
        Optimiser steps taken.
    latent_distance, distance
        Log-magnitude distance in nepers to the notes to judge by, with the latent alone and at the
        end.
    """

    began_as: str
    steps: int
    latent_distance: float
    distance: float


def grown(voice: FrameVoice, tones: ToneSet) -> FrameVoice:
    """Return a voice with room for one more instrument; its latent is yet to be found."""
    tuning = TuningTables(
        *(
            np.concatenate([before.numpy(), getattr(tones.tuning, name)[:1]])
            for name, before in (
                ("log2_inharmonicity", voice.log2_inharmonicity),
                ("mode_ratios", voice.mode_ratios),
                ("mode_gates", voice.mode_gates),
                ("level_db", voice.level_table),
            )
        )
    )
    larger = FrameVoice(voice.config, (*voice.instruments, tones.instruments[0]), tuning)
    larger.network.load_state_dict(voice.network.state_dict())
    with torch.no_grad():
        larger.latent_of[:-1] = voice.latent_of
        larger.start_turns.copy_(voice.start_turns)
    return larger


class _LowRank(nn.Module):
    """A matrix with a change of low rank; it begins as no change."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        rows, columns = matrix.shape
        self.left = nn.Parameter(torch.zeros(rows, RANK))
        self.right = nn.Parameter(torch.randn(RANK, columns) / math.sqrt(columns))

    def forward(self, matrix: Tensor) -> Tensor:
        return matrix + self.left @ self.right


class Adaptation:
    """One voice that learns one instrument; it can be asked to learn on.

    Parameters
    ----------
    voice
        What is known already; it is not changed.
    tones
        Its `TRAIN` tones are learned from; its `TEST` tones choose what is kept, if there are any.
    seed
        Of everything random.
    """

    def __init__(self, voice: FrameVoice, tones: ToneSet, seed: int = 1) -> None:
        torch.manual_seed(seed)
        self._before = copy.deepcopy(voice).eval().requires_grad_(False)
        self._voice = grown(voice, tones).requires_grad_(False)
        self._seed, self._step = seed, 0
        self._take(tones)
        self._began = self._nearest()
        self._latent = nn.Parameter(self._before.latent_of[self._began].clone())

    @property
    def voice(self) -> FrameVoice:
        """The voice as it is now, in ``eval`` mode; the new instrument's latent is its last."""
        with torch.no_grad():
            self._voice.latent_of[-1] = self._latent
        return self._voice.eval()

    def learn(self, seconds: float, report: Report) -> Adapted:
        """Seek the latent, then change the network; keep the best that was seen.

        Parameters
        ----------
        seconds
            How long.
        report
            Told how much is done, 0 to 1, and what is going on.
        """
        name = self._before.instruments[self._began].name
        report(0.0, f"nearest known sound: {name}")
        self._learn([{"params": [self._latent], "lr": _LATENT_RATE}], seconds * _LATENT_SHARE)
        with_latent = self._distance()
        rest = 1.0 - _LATENT_SHARE
        distance = self._change_network(
            seconds * rest, lambda done, said: report(_LATENT_SHARE + rest * done, said)
        )
        return Adapted(name, self._step, with_latent, distance)

    def learn_on(self, tones: ToneSet, seconds: float, report: Report) -> None:
        """Go on with another set of the same instrument, such as one that hides no key."""
        self._take(tones)
        self._change_network(seconds, report)

    def _take(self, tones: ToneSet) -> None:
        """Take a set to learn from and to judge by."""
        self._tones = tones
        shortest = int(tones.frames[tones.split == TRAIN].min()) // HOP_FRAMES
        config = TrainingConfig(batch_size=12, crop_hops=min(48, max(shortest, 24)))
        self._loss = SpectralLoss(config.windows, config.floor_db)
        self._crops = CropSource(tones, config, self._before.config.latent_size)
        rows = np.flatnonzero(tones.split == TEST)
        self._judged = self._crops.onsets(rows if rows.size else np.arange(tones.pitch.size))

    def _change_network(self, seconds: float, report: Report) -> float:
        """Learn low-rank changes and fold them in; return the distance that they reach."""
        matrices = [m for m in self._voice.network.modules() if isinstance(m, nn.Linear)]
        for matrix in matrices:
            parametrize.register_parametrization(matrix, "weight", _LowRank(matrix.weight))
        changes = [p for n, p in self._voice.named_parameters() if n.endswith(("left", "right"))]
        groups: list[Group] = [
            {"params": changes, "lr": _MATRIX_RATE},
            {"params": [self._latent], "lr": _LATENT_RATE / 5},
        ]
        best, distance = self._learn_and_check(groups, seconds, report)
        with torch.no_grad():
            for parameter, value in zip([*changes, self._latent], best, strict=True):
                parameter.copy_(value)
        for matrix in matrices:
            parametrize.remove_parametrizations(matrix, "weight", leave_parametrized=True)
        self._voice.requires_grad_(False)
        return distance

    def _learn(self, groups: list[Group], seconds: float) -> None:
        optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99))
        started, first = time.monotonic(), self._step
        while time.monotonic() - started < seconds or self._step < first + _LEAST_STEPS:
            self._train_step(optimiser, (time.monotonic() - started) / max(seconds, 1e-6))

    def _learn_and_check(
        self, groups: list[Group], seconds: float, report: Report
    ) -> tuple[list[Tensor], float]:
        """Learn on; return the parameters that were best on the notes to judge by."""
        optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99))
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        best, distance = [p.detach().clone() for p in parameters], self._distance()
        started, first, checked = time.monotonic(), self._step, time.monotonic()
        while (gone := time.monotonic() - started) < seconds or self._step < first + _LEAST_STEPS:
            self._train_step(optimiser, gone / max(seconds, 1e-6))
            if time.monotonic() - checked > min(_CHECK_SECONDS, seconds / 10):
                checked = time.monotonic()
                if (now := self._distance()) < distance:
                    best, distance = [p.detach().clone() for p in parameters], now
                report(
                    min(gone / seconds, 1.0),
                    f"step {self._step}, {distance * 8.686:.2f} dB from the notes",
                )
        if (now := self._distance()) < distance:
            best, distance = [p.detach().clone() for p in parameters], now
        return best, distance

    def _train_step(self, optimiser: torch.optim.Optimizer, fraction: float) -> None:
        crops = self._crops.batch(np.random.default_rng((self._seed, self._step)))
        factor = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * min(fraction, 1.0)))
        for group in optimiser.param_groups:
            group.setdefault("highest", group["lr"])
            group["lr"] = group["highest"] * factor
        latent = self._latent.expand(len(crops.pitch), -1)
        audio = self._render(self._voice, crops, latent + 0.05 * crops.latent_noise, -1)
        total = self._loss.total(*self._loss(audio, self._loss.spectra(crops.audio)))
        total = total + 0.02 * self._motion(crops, latent) + _NEAR_WEIGHT * self._too_near()
        if len(optimiser.param_groups) > 1:
            total = total + _KEEP_WEIGHT * self._forgotten() + _BEYOND_WEIGHT * self._beyond()
        optimiser.zero_grad()
        torch.autograd.backward(total)
        held = [p for group in optimiser.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(held, 1.0)
        optimiser.step()
        self._step += 1

    def _render(self, voice: FrameVoice, crops: Crops, latent: Tensor, instrument: int) -> Tensor:
        """Render crops without motion, float32, shape (n, frames)."""
        n, hops = len(crops.pitch), crops.noise.shape[1] - 1
        share = torch.zeros(n, len(voice.latent_of))
        share[:, instrument] = 1.0
        hop = crops.first_hop[:, None] + torch.arange(hops + 1)
        audio = render_hops(
            voice,
            share,
            latent,
            crops.pitch,
            velocity=crops.velocity,
            motion=torch.zeros(n),
            motion_phases=crops.motion_phases,
            noise=crops.noise,
            since_onset=hop * HOP_SECONDS,
            since_release=torch.full_like(hop, -1.0),
            f0_hz=tempered_hz(crops.pitch) * 2.0 ** (crops.cents.double() / 1200.0),
        )
        return audio * (hop[:, :-1] >= 0).float().repeat_interleave(HOP_FRAMES, dim=1)

    def _nearest(self) -> int:
        """Return the known instrument whose sound is nearest to the notes."""
        rows = np.flatnonzero(self._tones.split == TRAIN)
        some = rows[np.linspace(0, rows.size - 1, min(rows.size, 8)).round().astype(int)]
        crops = self._crops.onsets(some)
        targets = self._loss.spectra(crops.audio)
        distances = []
        with torch.no_grad():
            for index, latent in enumerate(self._before.latent_of):
                audio = self._render(self._before, crops, latent.expand(len(some), -1), index)
                distances.append(float(self._loss.total(*self._loss(audio, targets))))
        return int(np.argmin(distances))

    def _distance(self) -> float:
        """Return the log-magnitude distance to the notes to judge by."""
        with torch.no_grad():
            latent = self._latent.expand(len(self._judged.pitch), -1)
            audio = self._render(self._voice, self._judged, latent, -1)
            return float(self._loss(audio, self._loss.spectra(self._judged.audio))[0])

    def _motion(self, crops: Crops, latent: Tensor) -> Tensor:
        tone = self._voice.network.tone(latent, crops.pitch)
        known = torch.isfinite(crops.wobble_db)
        if not bool(known.any()):
            return torch.zeros(())
        depth = (tone.wobble_db - crops.wobble_db.clamp(max=6.0))[known].abs().mean()
        rate = (tone.wobble_hz.log() - crops.wobble_hz.clamp(0.5, 9.0).log())[known].abs().mean()
        return depth + rate

    def _too_near(self) -> Tensor:
        distance = (self._latent - self._before.latent_of).square().sum(dim=1).add(1e-6).sqrt()
        return torch.relu(FARTHEST_LATENT - distance).square().sum()

    def _forgotten(self) -> Tensor:
        """Return how far levels of known instruments have moved, where they can be heard."""
        random = torch.Generator().manual_seed(self._step)
        rows = torch.randint(len(self._before.latent_of), (_KEPT_TONES,), generator=random)
        pitch = torch.empty(_KEPT_TONES).uniform_(LOWEST_PITCH, HIGHEST_PITCH, generator=random)
        times = torch.rand(_KEPT_TONES, _KEPT_TIMES, generator=random) ** 3 * LONGEST_SECONDS
        let_go = torch.rand(_KEPT_TONES, 1, generator=random) * 2.0 * LONGEST_SECONDS
        release = torch.where(times > let_go, times - let_go, torch.full_like(times, -1.0))
        latent = self._before.latent_of[rows]
        with torch.no_grad():
            was = self._before.network.levels(
                self._before.network.tone(latent, pitch), times, release
            )
        now = self._voice.network.levels(self._voice.network.tone(latent, pitch), times, release)
        heard = was > was.amax(dim=(1, 2), keepdim=True) + _QUIETEST
        moved: Tensor = (now - was)[heard].abs().mean()
        return moved

    def _beyond(self) -> Tensor:
        """Return how far tones, after their recordings' ends, leave the way of their beginning."""
        random = torch.Generator().manual_seed(self._step)
        learned = np.flatnonzero(self._tones.split == TRAIN)
        rows = learned[torch.randint(len(learned), (_KEPT_TONES,), generator=random).numpy()]
        pitch = torch.from_numpy(self._tones.pitch[rows].astype(np.float32))
        seconds = self._tones.frames[rows] * (HOP_SECONDS / HOP_FRAMES)
        ends = torch.from_numpy(np.maximum(seconds - 0.1, 0.05).astype(np.float32))
        later = torch.rand(_KEPT_TONES, _KEPT_TIMES, generator=random) * LONGEST_SECONDS
        times = torch.cat([ends[:, None], torch.maximum(later, ends[:, None])], dim=1)
        held = torch.full_like(times, -1.0)
        with torch.no_grad():
            start = self._before.latent_of[self._began].expand(_KEPT_TONES, -1)
            way = self._before.network.levels(self._before.network.tone(start, pitch), times, held)
        latent = self._latent.expand(_KEPT_TONES, -1)
        ours = self._voice.network.levels(self._voice.network.tone(latent, pitch), times, held)
        fall = (ours[:, 1:] - ours[:, :1].detach()) - (way[:, 1:] - way[:, :1])
        return fall.abs().mean()


def all_to_learn_from(tones: ToneSet) -> ToneSet:
    """Return a tone set none of whose tones are kept back."""
    return replace(tones, split=np.full_like(tones.split, TRAIN))
