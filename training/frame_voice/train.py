"""Train the frame voice: one loop for every machine.

In: a tone set and a run folder. Out: a checkpoint each minute, TensorBoard logs, and the same
result to the bit whether or not the run was interrupted (with a fixed number of steps, on the same
machine and number of threads).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from instrument.errors import SettingError
from training.audio.format import HOP_FRAMES, SAMPLE_RATE_HZ
from training.audio.spectral_loss import SpectralLoss, Spectrum
from training.data.audio.tone_set import TEST, ToneSet
from training.frame_voice.config import FrameVoiceConfig, TrainingConfig
from training.frame_voice.crops import Crops, CropSource, Prefetch
from training.frame_voice.discriminators import AdversarialStage
from training.frame_voice.model import FrameVoice, render_hops, tempered_hz
from training.frame_voice.network import HOP_SECONDS
from training.frame_voice.render import play_like
from training.frame_voice.run import (
    RunSummary,
    load_checkpoint,
    save_checkpoint,
    summarise,
)
from training.pictures.spectrograms import compare_spectrograms
from training.trainer.hardware import describe_hardware, keep_memory

_CHECKPOINT_SECONDS = 60.0
_LOG_STEPS, _CHECK_STEPS, _PICTURE_STEPS = 20, 250, 2500
_WARM_UP_STEPS = 200
_LOWEST_RATE = 0.01
_CHECK_CROPS = 48


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `fraction` goes from 0 to 1."""

    step: int
    fraction: float
    seconds: float
    loss: float
    held_out: float


class Trainer:
    """A run that can stop after any step and go on from its checkpoint.

    Parameters
    ----------
    tones
        What to learn.
    folder
        The run folder.
    voice_config, config
        Sizes and options; ignored in favour of the checkpoint's when resuming.
    device
        Where to run.
    resume
        Go on from the folder's checkpoint instead of starting.
    """

    def __init__(
        self,
        tones: ToneSet,
        folder: Path,
        voice_config: FrameVoiceConfig,
        config: TrainingConfig,
        device: torch.device,
        resume: bool,
    ) -> None:
        keep_memory()
        self.tones, self.folder, self.device = tones, folder, device
        state: dict[str, Any] | None = None
        self.step, self.seconds, self.held_out = 0, 0.0, math.nan
        if resume:
            summary, state = load_checkpoint(folder)
            _check_same_notes(summary, tones)
            voice_config, config = summary.voice, summary.training
            self.step, self.seconds = summary.step, summary.seconds
        self.voice_config, self.config = voice_config, config
        torch.manual_seed(config.seed)
        self.voice = FrameVoice(voice_config, tones.trained_instruments, tones.tuning).to(device)
        self.loss = SpectralLoss(config.windows, config.floor_db).to(device)
        self.parameters = list(self.voice.parameters())
        self.average = [p.detach().clone() for p in self.parameters]
        self.optimiser = torch.optim.AdamW(
            self.parameters,
            lr=config.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.critics = (
            AdversarialStage(config.adversarial_rate, device)
            if config.adversarial_from < 1.0
            else None
        )
        if state is not None:
            self._restore(state)
        self.crops = CropSource(tones, config, voice_config.latent_size)
        self._check = self._held_out_crops()

    @property
    def fraction(self) -> float:
        """How much of the run is done: by the clock if it has a time limit, else by steps."""
        if self.config.minutes:
            return min(self.seconds / (60.0 * self.config.minutes), 1.0)
        return min(self.step / self.config.steps, 1.0)

    def change_length(self, steps: int, minutes: float) -> None:
        """Give a resumed run another end; its learning rate follows."""
        self.config = replace(self.config, steps=steps, minutes=minutes)

    def run(self, report: Callable[[Progress], None], should_stop: Callable[[], bool]) -> bool:
        """Train until done or told to stop; save; return whether the run is complete."""
        saved = time.monotonic()
        prefetch = Prefetch(self._prepare, self.step)
        writer = SummaryWriter(self.folder / "tensorboard", purge_step=self.step)
        try:
            while self.fraction < 1.0 and not should_stop():
                started = time.monotonic()
                terms = self.train_step(*prefetch.next())
                if self.step % _CHECK_STEPS == 0:
                    self.held_out = self.check()
                    writer.add_scalar("distance/held_out_pitches", self.held_out, self.step)
                if self.step % _LOG_STEPS == 0:
                    self._log(writer, terms)
                if self.step % _PICTURE_STEPS == 0:
                    self._log_notes(writer)
                self.seconds += time.monotonic() - started
                if self.step % _LOG_STEPS == 0:
                    total = float(terms["total"])
                    report(Progress(self.step, self.fraction, self.seconds, total, self.held_out))
                if time.monotonic() - saved > _CHECKPOINT_SECONDS:
                    self.save()
                    saved = time.monotonic()
        finally:
            prefetch.close()
            writer.close()
        self.save()
        return self.fraction >= 1.0

    def train_step(self, crops: Crops, targets: list[Spectrum]) -> dict[str, Tensor]:
        """Take one optimiser step; return the loss's terms, detached."""
        config = self.config
        critics = self.critics if self.fraction >= config.adversarial_from else None
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        latent = self.voice.latent_of[crops.instrument]
        audio = self.render(crops, latent, with_motion=critics is not None)
        distance, convergence = self.loss(audio, targets)
        motion = self._motion_loss(crops, latent)
        terms = {"distance": distance, "convergence": convergence, "motion": motion}
        total = (
            self.loss.total(distance, convergence)
            + config.motion_weight * motion
            + config.latent_penalty * (latent**2).sum(dim=1).mean()
        )
        if critics:
            terms["critics"] = critics.learn(crops.audio, audio, crops.pitch)
            terms["adversarial"], terms["features"] = critics.judge(crops.audio, audio, crops.pitch)
            total = total + config.adversarial_weight * terms["adversarial"]
            total = total + config.feature_weight * terms["features"]
        self.optimiser.zero_grad()
        torch.autograd.backward(total)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, config.gradient_norm)
        if not torch.isfinite(norm):
            raise SettingError(
                f"training has diverged: the gradient at step {self.step} is not finite",
                f"{self.folder} still has a good checkpoint; go on from it with --resume.",
            )
        self.optimiser.step()
        self.step += 1
        decay = min(config.ema_decay, (1.0 + self.step) / (10.0 + self.step))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1.0 - decay)
        terms |= {"total": total, "gradient_norm": norm}
        return {name: term.detach() for name, term in terms.items()}

    def render(self, crops: Crops, latent: Tensor, with_motion: bool = False) -> Tensor:
        """Render crops, float32, shape (n, frames).

        Without motion for the reconstruction loss, which would only see it as error; critics
        compare kinds of sound, so they hear it.
        """
        n, hops = crops.pitch.shape[0], crops.noise.shape[1] - 1
        latent = latent + self.config.latent_noise * crops.latent_noise
        instruments = len(self.tones.trained_instruments)
        share = torch.nn.functional.one_hot(crops.instrument, instruments).float()
        hop = crops.first_hop[:, None] + torch.arange(hops + 1, device=self.device)
        since_onset = hop * HOP_SECONDS
        audio = render_hops(
            self.voice,
            share,
            latent,
            crops.pitch,
            velocity=torch.ones(n, device=self.device),
            motion=torch.full((n,), float(with_motion), device=self.device),
            motion_phases=crops.motion_phases,
            noise=crops.noise,
            since_onset=since_onset,
            since_release=since_onset - crops.hold_seconds[:, None],
            f0_hz=tempered_hz(crops.pitch) * 2.0 ** (crops.cents.double() / 1200.0),
        )
        after_onset = (hop[:, :-1] >= 0).to(audio.dtype)
        return audio * after_onset.repeat_interleave(HOP_FRAMES, dim=1)

    def check(self) -> float:
        """Return the averaged weights' log-magnitude distance on fixed held-out crops."""
        with torch.no_grad(), self._averaged():
            crops, targets = self._check
            latent = self.voice.latent_of[crops.instrument]
            return float(self.loss(self.render(crops, latent), targets)[0])

    def save(self) -> None:
        """Write the checkpoint."""
        names = [name for name, _ in self.voice.named_parameters()]
        state = {
            "voice": self.voice.state_dict(),
            "average": dict(zip(names, self.average, strict=True)),
            "optimiser": self.optimiser.state_dict(),
            "torch_random": torch.get_rng_state(),
        }
        if self.critics:
            state["critics"] = self.critics.state_dict()
        save_checkpoint(self.folder, self.summary(), state)

    def summary(self) -> RunSummary:
        """Describe the run so far."""
        hardware = describe_hardware(self.device)
        return summarise(
            self.voice_config, self.config, self.tones, self.step, self.seconds, hardware
        )

    def _learning_rate(self) -> float:
        if self.fraction >= self.config.adversarial_from:
            return self.config.adversarial_rate
        return self.config.learning_rate * _schedule(self.step, self.fraction)

    def _restore(self, state: dict[str, Any]) -> None:
        self.voice.load_state_dict(state["voice"])
        self.optimiser.load_state_dict(state["optimiser"])
        for mine, saved in zip(self.average, state["average"].values(), strict=True):
            mine.copy_(saved)
        if self.critics:
            self.critics.load_state_dict(state["critics"])
        torch.set_rng_state(state["torch_random"])

    def _prepare(self, step: int) -> tuple[Crops, list[Spectrum]]:
        """Make a step's batch and its target spectra; runs in the prefetch thread."""
        crops = _to_device(self.crops.batch(step), self.device)
        with torch.no_grad():
            return crops, self.loss.spectra(crops.audio)

    def _motion_loss(self, crops: Crops, latent: Tensor) -> Tensor:
        """Compare the motion that the network gives with the motion measured."""
        tone = self.voice.network.tone(latent, crops.pitch)
        known = torch.isfinite(crops.wobble_db)
        if not bool(known.any()):
            return torch.zeros((), device=self.device)
        depth = (tone.wobble_db - crops.wobble_db.clamp(max=6.0))[known].abs().mean()
        rate = (tone.wobble_hz.log() - crops.wobble_hz.clamp(0.5, 9.0).log())[known].abs().mean()
        return depth + rate

    def _averaged(self) -> _Swap:
        return _Swap(self.parameters, self.average)

    def _held_out_crops(self) -> tuple[Crops, list[Spectrum]]:
        """Choose onset crops of tones at hidden pitches, the same in every run."""
        rows = np.flatnonzero(self.tones.split == TEST)
        if rows.size == 0:
            rows = np.arange(self.tones.pitch.size)
        rows = np.random.default_rng(0).choice(rows, min(_CHECK_CROPS, rows.size), replace=False)
        crops = _to_device(self.crops.onsets(np.sort(rows)), self.device)
        with torch.no_grad():
            return crops, self.loss.spectra(crops.audio)

    def _log(self, writer: SummaryWriter, terms: dict[str, Tensor]) -> None:
        for name, term in terms.items():
            writer.add_scalar(f"train/{name}", float(term), self.step)
        writer.add_scalar("train/learning_rate", self.optimiser.param_groups[0]["lr"], self.step)

    def _log_notes(self, writer: SummaryWriter) -> None:
        """Write a few held-out tones as audio and pictures."""
        rows = np.flatnonzero(self.tones.split == TEST)[:: max(len(self.tones.pitch) // 800, 1)][
            :60:12
        ]
        pairs = []
        for row in rows:
            name = self.tones.instruments[self.tones.instrument[row]].name
            title = f"{name} {self.tones.pitch[row]}"
            with self._averaged():
                ours = play_like(self.voice, self.tones, int(row))
            pairs.append((title, self.tones.audio(int(row)), ours))
            writer.add_audio(title, ours[None, :], self.step, SAMPLE_RATE_HZ)
        if pairs:
            writer.add_figure("held-out notes", compare_spectrograms(pairs), self.step)


class _Swap:
    """Puts the averaged weights in place for the length of a ``with`` block."""

    def __init__(self, parameters: list[torch.nn.Parameter], average: list[Tensor]) -> None:
        self._parameters, self._average = parameters, average

    def __enter__(self) -> None:
        self._exchange()

    def __exit__(self, *_: object) -> None:
        self._exchange()

    def _exchange(self) -> None:
        for parameter, average in zip(self._parameters, self._average, strict=True):
            current = parameter.data.clone()
            parameter.data.copy_(average)
            average.copy_(current)


def _schedule(step: int, fraction: float) -> float:
    """Return the learning rate's factor: a short warm-up, then a cosine down to a hundredth."""
    cosine = 0.5 * (1.0 + math.cos(math.pi * fraction))
    return min(1.0, (step + 1) / _WARM_UP_STEPS) * (_LOWEST_RATE + (1.0 - _LOWEST_RATE) * cosine)


def _to_device(crops: Crops, device: torch.device) -> Crops:
    return Crops(**{f.name: getattr(crops, f.name).to(device) for f in fields(crops)})


def _check_same_notes(summary: RunSummary, tones: ToneSet) -> None:
    if summary.instruments != tones.trained_instruments:
        raise SettingError(
            f"the run was trained on {len(summary.instruments)} other instruments than "
            f"{tones.path} has ({len(tones.trained_instruments)})",
            f"Give the note set that it began with: --data {summary.notes_folder}",
        )
