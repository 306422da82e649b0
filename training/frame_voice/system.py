"""The frame voice in training: crops of tones against crops of recordings.

In: a tone set. Out: a voice that plays the instruments of the set and everything between them; its
running mean is what is measured and exported. Critics may join late (`adversarial_from`).
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import torch
from torch import Tensor, nn

from training.audio.format import HOP_FRAMES, SAMPLE_RATE_HZ
from training.audio.spectral_loss import SpectralLoss, Spectrum
from training.data.audio.tone_set import TEST, VALIDATE, ToneSet, open_notes
from training.frame_voice.config import RECIPES, VoiceRecipe
from training.frame_voice.crops import Crops, CropSource, Prefetch
from training.frame_voice.discriminators import AdversarialStage
from training.frame_voice.graphs import render_hops
from training.frame_voice.model import FrameVoice, tempered_hz
from training.frame_voice.network import HOP_SECONDS
from training.frame_voice.render import play_like
from training.frame_voice.run import SavedInstruments
from training.pictures.samples import NoteSamples
from training.trainer.average import WeightAverage
from training.trainer.checkpoint import FRAME_VOICE
from training.trainer.descent import descend
from training.trainer.system import RunPosition, System, rate

_CHECK_CROPS = 48


class FrameVoiceLearner:
    """A frame voice in training.

    Parameters
    ----------
    config
        Sizes and options.
    tones
        Learns from its "train" tones, is compared with hidden pitches.
    device
        Where to run.
    """

    def __init__(self, config: VoiceRecipe, tones: ToneSet, device: torch.device) -> None:
        self.config, self.tones, self.device = config.training, tones, device
        learned = tones.trained_instruments
        self.voice = FrameVoice(config.voice, learned, tones.tuning).to(device)
        self.average = WeightAverage(self.voice, self.config.ema_decay, early=(2, 11))
        self.networks: dict[str, nn.Module] = {
            "voice": self.voice,
            "average": self.average,
            "instruments": SavedInstruments(learned),
        }
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "voice": torch.optim.AdamW(
                self.voice.parameters(),
                lr=self.config.learning_rate,
                betas=(0.9, 0.99),
                weight_decay=self.config.weight_decay,
                fused=True,
            )
        }
        self.critics: AdversarialStage | None = None
        if self.config.adversarial_from < 1.0:
            self.critics = AdversarialStage(self.config.adversarial_rate, device)
            self.networks["critics"] = self.critics.adversary
            self.optimizers["critics"] = self.critics.optimiser
        self.loss = SpectralLoss(self.config.windows, self.config.floor_db).to(device)
        self.crops = CropSource(tones, self.config, config.voice.latent_size)
        self._batches = Prefetch(lambda random: self._with_spectra(self.crops.batch(random)))
        self._held_out = self._with_spectra(self.crops.onsets(self._hidden_rows(_CHECK_CROPS)))

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Learn from one batch; the critics, if they have joined, learn before the voice."""
        config = self.config
        critics = self.critics if at.fraction >= config.adversarial_from else None
        speed = config.adversarial_rate if critics else config.learning_rate * rate(at)
        self.optimizers["voice"].param_groups[0]["lr"] = speed
        crops, targets = self._batches.at(at)
        latent = self.voice.latent_of[crops.instrument]
        aside = self.config.pitch_noise * torch.randn(crops.pitch.shape, device=self.device)
        audio = self.render(self.voice, crops, latent, aside, with_motion=critics is not None)
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
        norm = descend(self.optimizers["voice"], total, most_norm=self.config.gradient_norm)
        self.average.update_parameters(self.voice)
        terms |= {"loss": total, "gradient_norm": norm}
        return {name: term.detach() for name, term in terms.items()}

    def render(
        self,
        voice: FrameVoice,
        crops: Crops,
        latent: Tensor,
        aside: Tensor | None = None,
        with_motion: bool = False,
    ) -> Tensor:
        """Render crops, float32, shape (n, frames).

        Without motion for the reconstruction loss, which would only see it as error; critics
        compare kinds of sound, so they hear it. `aside`, (n,), is how many semitones away the keys
        are whose levels the crops' frequencies get.
        """
        n, hops = crops.pitch.shape[0], crops.noise.shape[1] - 1
        latent = latent + self.config.latent_noise * crops.latent_noise
        instruments = len(self.tones.trained_instruments)
        share = torch.nn.functional.one_hot(crops.instrument, instruments).float()
        hop = crops.first_hop[:, None] + torch.arange(hops + 1, device=self.device)
        since_onset = hop * HOP_SECONDS
        audio = render_hops(
            voice,
            share,
            latent,
            crops.pitch if aside is None else crops.pitch + aside,
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

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the mean's log-magnitude distance on the beginnings of tones at hidden pitches.

        It is a loss, which says what checkpoint is the best, where a set has keys for that alone
        and no critics sharpen what this distance would rather have blurred.
        """
        crops, targets = self._held_out
        voice = self.average.module
        audio = self.render(voice, crops, voice.latent_of[crops.instrument])
        distance = float(self.loss(audio, targets)[0])
        decides = self.critics is None and bool((self.tones.split == VALIDATE).any())
        return {"distance": distance} | ({"loss": distance} if decides else {})

    def samples(self) -> NoteSamples:
        """Play a few tones at hidden pitches, each after its recording."""
        sounds = {}
        for row in self._hidden_rows(4):
            title = f"{self.tones.instruments[self.tones.instrument[row]].name} "
            title += str(self.tones.pitch[row])
            sounds[f"{title} recorded"] = self.tones.audio(int(row))
            sounds[title] = play_like(self.average.module, self.tones, int(row))
        return NoteSamples(sounds, SAMPLE_RATE_HZ)

    def _motion_loss(self, crops: Crops, latent: Tensor) -> Tensor:
        """Compare the motion that the network gives with the motion measured."""
        tone = self.voice.network.tone(latent, crops.pitch)
        known = torch.isfinite(crops.wobble_db)
        if not bool(known.any()):
            return torch.zeros((), device=self.device)
        depth = (tone.wobble_db - crops.wobble_db.clamp(max=6.0))[known].abs().mean()
        rate = (tone.wobble_hz.log() - crops.wobble_hz.clamp(0.5, 9.0).log())[known].abs().mean()
        return depth + rate

    @torch.no_grad()
    def _with_spectra(self, crops: Crops) -> tuple[Crops, list[Spectrum]]:
        """Bring crops to the device, with their target spectra."""
        there = Crops(**{f.name: getattr(crops, f.name).to(self.device) for f in fields(crops)})
        return there, self.loss.spectra(there.audio)

    def _hidden_rows(self, count: int) -> np.ndarray:
        """Choose tones at pitches that are not learned, the same in every run."""
        split = VALIDATE if (self.tones.split == VALIDATE).any() else TEST
        rows = np.flatnonzero(self.tones.split == split)
        if rows.size == 0:
            rows = np.arange(self.tones.pitch.size)
        chosen = np.random.default_rng(0).choice(rows, min(count, rows.size), replace=False)
        return np.sort(chosen)


SYSTEM = System(
    name=FRAME_VOICE,
    what="The frame voice: an instrument's sound as a function of pitch, time and velocity.",
    config=VoiceRecipe,
    recipes=RECIPES,
    data=("notes",),
    open_data=open_notes,
    open=FrameVoiceLearner,
    usual_steps=lambda recipe: recipe.training.steps,
    gpu_recipe="frame_voice_gpu",
)
