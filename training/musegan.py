"""Train MuseGAN: several tracks, bar by bar, from latents (Dong et al., AAAI 2018).

In: pieces whose voices are tracks. Out: a generator of phrases: from scratch, accompanying a given
track, or going on from the bars before; and the critics, which later rank candidates.

`document` is the setting of the sources: Wasserstein critics with gradient penalty, five critic
steps for one of the generator, a threshold at 0. The default is ours, for small corpora: voices
choose rest, hold or a pitch, so no note can fall into pieces; the generator first learns as the
second half of an autoencoder (`musegan_encoder`), and the critic joins later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from instrument.note import Phrase
from instrument.piano_rolls import (
    phrase_of_pitch_rolls,
    phrase_of_rolls,
)
from training.data.corpus import Corpus
from training.learning import Moment, System, rate
from training.musegan_critic import DocumentCritic, MuseCritic, gradient_penalty
from training.musegan_data import Bars, BarWindows, bar_windows, bars_of
from training.musegan_encoder import PhraseEncoder, divergence, draw_latents
from training.musegan_heads import choose_classes, choose_pitches, sounding_and_onsets
from training.musegan_network import MuseGenerator, MuseSize
from training.parallel import average_gradients

_EMA_DECAY = 0.998
_PENALTY = 10.0
_CHECK_WINDOWS = 128
_BAR_BEATS = 4


@dataclass(frozen=True, slots=True)
class MuseConfig:
    """Options of a training.

    Attributes
    ----------
    size
        What is played, and how wide the generator is.
    critic_width
        Channels of the critic; 0 for the sources' own critic.
    batch_size, learning_rate, critic_rate
        Of each step; Adam with betas .5 and .9.
    critic_steps
        For one of the generator.
    critic_from
        Fraction of the run after which the critic joins; before, only the autoencoder learns.
    likelihood_weight
        Weight of the autoencoder's loss; 0 trains by the critic alone, as the sources do.
    divergence_weight, divergence_from
        Weight of the latents' divergence inside that loss; grows to it from nothing until this
        fraction of the run, lest the latents say nothing.
    critic_weight
        Weight of the critic's judgement.
    slope_growth
        By which the slope of binary neurons grows over the run, as a factor.
    """

    size: MuseSize = field(default_factory=MuseSize)
    critic_width: int = 32
    batch_size: int = 32
    learning_rate: float = 2e-3
    critic_rate: float = 1e-3
    critic_steps: int = 2
    critic_from: float = 0.5
    likelihood_weight: float = 1.0
    divergence_weight: float = 0.4
    divergence_from: float = 0.3
    critic_weight: float = 0.02
    slope_growth: float = 5.0


class MuseLearner:
    """Generator, encoder and critics in training.

    Parameters
    ----------
    config
        Options.
    corpus
        Pieces whose voices are the tracks.
    device
        Where to run.
    """

    def __init__(self, config: MuseConfig, corpus: Corpus, device: torch.device) -> None:
        self.config, self.size, self.device = config, config.size, device
        self.generator = MuseGenerator(self.size).to(device)
        self.encoder = PhraseEncoder(self.size).to(device)
        self.critics = nn.ModuleList(_critics(config)).to(device)
        self.average = AveragedModel(
            self.generator, multi_avg_fn=get_ema_multi_avg_fn(_EMA_DECAY), use_buffers=True
        )
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "encoder": self.encoder,
            "critics": self.critics,
            "average": self.average,
        }
        players = [*self.generator.parameters(), *self.encoder.parameters()]
        betas = (0.5, 0.9)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.Adam(players, config.learning_rate, betas),
            "critics": torch.optim.Adam(self.critics.parameters(), config.critic_rate, betas),
        }
        self.windows = bar_windows(corpus.split("train"), self.size)
        self.held_out = bar_windows(corpus.split("valid"), self.size)

    def step(self, at: Moment) -> dict[str, Tensor]:
        """Take the critics' steps, if they have joined, and one of the generator."""
        config = self.config
        for name, own in (("generator", config.learning_rate), ("critics", config.critic_rate)):
            for group in self.optimizers[name].param_groups:
                group["lr"] = own * rate(at)
        has_critic = at.fraction >= config.critic_from or not config.likelihood_weight
        slope = 1.0 + (config.slope_growth - 1.0) * at.fraction
        losses: dict[str, Tensor] = {}
        for _ in range(config.critic_steps if has_critic else 0):
            losses |= self._critic_step(self._draw(self.windows, at.random), slope)
        losses |= self._generator_step(
            self._draw(self.windows, at.random), slope, has_critic, at.fraction
        )
        self.average.update_parameters(self.generator)
        return losses

    def validate(self) -> dict[str, float]:
        """Measure how well the averaged generator plays back held-out phrases."""
        if not self.config.likelihood_weight:
            return {}
        random = np.random.default_rng(0)
        classes = self._to_tensor(self.held_out.draw(_CHECK_WINDOWS, random, reach=0))
        player = self._player().eval()
        self.encoder.eval()
        with torch.no_grad():
            found = self._found(classes)
            latents = {name: mean for name, (mean, _) in found.items()}
            logits = player(latents, *self._conditions(player, classes))
            error = self._error(logits, classes)
        self.encoder.train()
        return {"played_back": float(error), "divergence": float(divergence(found))}

    def samples(self) -> dict[str, Phrase]:
        """Play three phrases from random latents; conditions come from held-out pieces."""
        return {f"phrase {i + 1}": p for i, p in enumerate(self.generate(3, seed=0))}

    def generate(self, count: int, seed: int, prompt: Phrase | None = None) -> list[Phrase]:
        """Play phrases with the averaged generator.

        Parameters
        ----------
        count
            How many.
        seed
            Of the latents, and of the held-out windows that conditions come from.
        prompt
            The given track's phrase, or the bars before; held-out windows when not given.

        Returns
        -------
        list
            Phrases; with a condition, it is part of them.
        """
        classes = self._prompted(count, seed, prompt)
        player = self._player().eval()
        random = torch.Generator().manual_seed(seed)
        latents = self.average.module.prior(self._noise(count, random))
        with torch.no_grad():
            logits = player(latents, *self._conditions(player, classes))
        return [self._phrase(own, given) for own, given in zip(logits, classes, strict=True)]

    def score(self, classes: Tensor) -> Tensor:
        """Let the critics score whole phrases: (n, tracks, bars, steps) to (n,)."""
        return self._judge(self._real(classes))

    def phrase_modules(self) -> dict[str, nn.Module]:
        """Return the averaged generator and the critics, for export."""
        return {"generator": self._player().eval(), "critics": self.critics.eval()}

    def _critic_step(self, classes: Tensor, slope: float) -> dict[str, Tensor]:
        with torch.no_grad():
            fake = self._played(self._random_latents(len(classes)), classes, slope)
        real = self._real(classes)
        distance = self._judge(fake).mean() - self._judge(real).mean()
        penalty = torch.zeros((), device=self.device)
        for critic, own_real, own_fake in zip(
            self.critics, self._split(real), self._split(fake), strict=True
        ):
            penalty = penalty + gradient_penalty(critic, own_real, own_fake)
        self.optimizers["critics"].zero_grad()
        torch.autograd.backward(distance + _PENALTY * penalty)
        average_gradients(self.critics.parameters())
        self.optimizers["critics"].step()
        return {"distance": -distance.detach(), "penalty": penalty.detach()}

    def _generator_step(
        self, classes: Tensor, slope: float, has_critic: bool, fraction: float
    ) -> dict[str, Tensor]:
        config, losses = self.config, {}
        loss = torch.zeros((), device=self.device)
        if config.likelihood_weight:
            found = self._found(classes)
            drawn = draw_latents(found)
            if self.size.mode != "jamming":  # whose tracks know nothing of each other
                self.generator.prior.learn(drawn)
            logits = self.generator(drawn, *self._conditions(self.generator, classes))
            error, spread = self._error(logits, classes), divergence(found)
            cells = logits[0, ..., 0].numel()
            growth = min(1.0, fraction / max(config.divergence_from, 1e-6))
            elbo = error + growth * config.divergence_weight * spread / cells
            loss = loss + config.likelihood_weight * elbo
            losses |= {"played_back": error.detach(), "divergence": spread.detach()}
        if has_critic:
            latents = self._random_latents(len(classes))
            judgement = self._judge(self._played(latents, classes, slope)).mean()
            weight = config.critic_weight if config.likelihood_weight else 1.0
            loss = loss - weight * judgement
            losses["judgement"] = judgement.detach()
        self.optimizers["generator"].zero_grad()
        torch.autograd.backward(loss)
        players = [*self.generator.parameters(), *self.encoder.parameters()]
        average_gradients(players)
        self.optimizers["generator"].step()
        return losses | {"loss": loss.detach()}

    def _error(self, logits: Tensor, classes: Tensor) -> Tensor:
        """Return the mean surprise of what the played tracks really do, in nats per step."""
        target = classes[:, list(self.size.played), self.size.previous_bars :]
        if self.size.head == "categorical":
            return F.cross_entropy(logits.flatten(0, -2), target.flatten())
        sounding, _ = self._rolls(classes)
        wanted = sounding[:, list(self.size.played), self.size.previous_bars :]
        return F.binary_cross_entropy_with_logits(logits, wanted) * self.size.pitches

    def _found(self, classes: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        sounding, onsets = self._rolls(classes)
        rows = (slice(None), list(self.size.played), slice(self.size.previous_bars, None))
        found: dict[str, tuple[Tensor, Tensor]] = self.encoder(sounding[rows], onsets[rows])
        return found

    def _conditions(
        self, player: nn.Module, classes: Tensor
    ) -> tuple[list[Tensor] | None, Tensor | None]:
        """Encode the given track and the bars before, where there are any."""
        size = self.size
        inner = player.module if isinstance(player, AveragedModel) else player
        assert isinstance(inner, MuseGenerator)
        if size.given_track < 0 and not size.previous_bars:
            return None, None
        sounding, onsets = self._rolls(classes)
        rolls = sounding + onsets
        given = context = None
        if size.given_track >= 0:
            given = inner.encode_given(rolls[:, size.given_track, size.previous_bars :])
        if size.previous_bars:
            context = inner.encode_before(rolls[:, :, : size.previous_bars])
        return given, context

    def _played(self, latents: dict[str, Tensor], classes: Tensor, slope: float) -> Tensor:
        """Play, and return what the critics hear: the given bars and tracks as they are."""
        logits = self.generator(latents, *self._conditions(self.generator, classes))
        size = self.size
        is_categorical = size.head == "categorical"
        whole = F.one_hot(classes, size.classes).float() if is_categorical else self._real(classes)
        tracks = [*whole.unbind(dim=1)]
        for row, track in enumerate(size.played):
            own = logits[:, row]
            chosen = (
                choose_classes(own) if is_categorical else choose_pitches(own, size.head, slope)
            )
            tracks[track] = torch.cat([whole[:, track, : size.previous_bars], chosen], dim=1)
        played = torch.stack(tracks, dim=1)
        return self._heard(played) if is_categorical else played

    def _real(self, classes: Tensor) -> Tensor:
        if self.size.head == "categorical":
            return self._heard(F.one_hot(classes, self.size.classes).float())
        sounding, _ = self._rolls(classes)
        return sounding * 2.0 - 1.0 if self.size.head == "threshold" else sounding

    def _heard(self, whole: Tensor) -> Tensor:
        """Turn classes (n, tracks, bars, steps, classes) into rolls for the critics."""
        bars = whole.shape[2]
        sounding, onsets = sounding_and_onsets(whole.flatten(2, 3))
        rolls = torch.stack([sounding, onsets], dim=2).flatten(1, 2)
        return rolls.unflatten(2, (bars, self.size.steps))

    def _rolls(self, bars: Tensor) -> tuple[Tensor, Tensor]:
        """Return what sounds and what begins, each (n, tracks, bars, steps, pitches)."""
        if self.size.head != "categorical":
            return bars.float(), torch.zeros(()).expand(bars.shape)
        sounding, onsets = sounding_and_onsets(
            F.one_hot(bars, self.size.classes).float().flatten(2, 3)
        )
        shape = (bars.shape[2], self.size.steps)
        return sounding.unflatten(2, shape), onsets.unflatten(2, shape)

    def _judge(self, rolls: Tensor) -> Tensor:
        scores = [critic(own) for critic, own in zip(self.critics, self._split(rolls), strict=True)]
        return torch.stack(scores).sum(dim=0)

    def _split(self, rolls: Tensor) -> Sequence[Tensor]:
        """Give each critic its tracks."""
        return rolls.chunk(len(self.critics), dim=1)

    def _random_latents(self, count: int) -> dict[str, Tensor]:
        return self.generator.prior(self._noise(count))

    def _noise(self, count: int, random: torch.Generator | None = None) -> dict[str, Tensor]:
        return {
            name: torch.randn((count, *shape), generator=random).to(self.device)
            for name, shape in self.size.latents.items()
        }

    def _draw(self, windows: BarWindows, random: np.random.Generator) -> Tensor:
        reach = 0 if self.size.in_one_scale else 6
        return self._to_tensor(windows.draw(self.config.batch_size, random, reach))

    def _to_tensor(self, bars: Bars) -> Tensor:
        return torch.from_numpy(bars).to(self.device)

    def _player(self) -> nn.Module:
        return self.average

    def _prompted(self, count: int, seed: int, prompt: Phrase | None) -> Tensor:
        """Return bars whose given parts come from a prompt or from held-out pieces."""
        size, random = self.size, np.random.default_rng(seed)
        if prompt is None:
            return self._to_tensor(self.held_out.draw(count, random, reach=0))
        lines = bars_of(prompt, size)
        last = size.pitches if size.head != "categorical" else 0
        shape = (size.tracks, size.previous_bars + size.bars, size.steps, *([last] if last else []))
        whole = np.zeros(shape, np.int64)
        if size.previous_bars:
            lines = lines[: size.tracks, -size.previous_bars :]
            whole[: len(lines), size.previous_bars - lines.shape[1] : size.previous_bars] = lines
        elif size.given_track >= 0:
            given = lines[0, : size.bars]
            whole[size.given_track, : len(given)] = given
        return self._to_tensor(np.repeat(whole[None], count, axis=0))

    def _phrase(self, logits: Tensor, bars: Tensor) -> Phrase:
        size, whole = self.size, bars.clone()
        played = (list(size.played), slice(size.previous_bars, None))
        per_beat = size.steps // _BAR_BEATS
        if size.head == "categorical":
            whole[played] = logits.argmax(dim=-1)
            rolls = whole.cpu().numpy().transpose(1, 0, 2)
            return phrase_of_rolls(rolls, per_beat, lowest_pitch=size.lowest_pitch)
        whole[played] = (logits > 0.0).long()
        sounding = whole.flatten(1, 2).bool().cpu().numpy()
        return phrase_of_pitch_rolls(sounding, None, per_beat, lowest_pitch=size.lowest_pitch)


def _critics(config: MuseConfig) -> list[nn.Module]:
    size = config.size
    per_track = 2 if size.head == "categorical" else 1
    count = size.tracks if size.mode == "jamming" else 1
    channels, bars = per_track * size.tracks // count, size.previous_bars + size.bars
    if config.critic_width == 0:
        return [DocumentCritic(channels, bars) for _ in range(count)]
    return [MuseCritic(size, channels, bars, config.critic_width) for _ in range(count)]


_DOCUMENT = MuseSize(
    head="threshold",
    bars=2,
    pitches=84,
    lowest_pitch=24,
    latent_size=32,
    first_width=1024,
    widths=(512, 256, 256),
    pitch_width=256,
    temporal_width=512,
)
_BAND = MuseSize(
    head="binary",
    tracks=5,
    steps=48,
    pitches=84,
    lowest_pitch=24,
    latent_size=32,
    widths=(192, 128, 96),
    pitch_width=64,
    temporal_width=128,
)
"""Five tracks of the Lakh Pianoroll data set, in the resolution of Dong et al.'s second version."""
_SMALL = MuseSize(first_width=64, widths=(16,), pitch_width=16, temporal_width=16, latent_size=8)
_CHORALES = MuseSize(in_one_scale=True)

SYSTEM = System(
    name="musegan",
    what="MuseGAN: several tracks at once, from scratch, accompanying or going on.",
    config=MuseConfig,
    recipes={
        "musegan": MuseConfig(_CHORALES),
        "accompany": MuseConfig(replace(_CHORALES, given_track=0)),
        "continue": MuseConfig(replace(_CHORALES, bars=2, previous_bars=2)),
        "composer": MuseConfig(replace(_CHORALES, mode="composer", first_width=1024)),
        "jamming": MuseConfig(replace(_CHORALES, mode="jamming")),
        "band": MuseConfig(_BAND, learning_rate=1e-3),
        "document": MuseConfig(
            _DOCUMENT,
            critic_width=0,
            batch_size=64,
            learning_rate=1e-3,
            critic_steps=5,
            likelihood_weight=0.0,
        ),
        "tiny": MuseConfig(_SMALL, critic_width=8, batch_size=4, critic_steps=2),
    },
    corpora=("jsb", "lakh"),
    open=MuseLearner,
)
