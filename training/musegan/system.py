"""Train MuseGAN: several tracks, bar by bar, from latents (Dong et al., AAAI 2018).

In: pieces whose voices are tracks. Out: a generator of phrases: from scratch, accompanying a given
track, or going on from the bars before; and the critics, which later rank candidates.

"document" is the setting of the sources: Wasserstein critics with gradient penalty, five critic
steps for one of the generator, a threshold at 0. The default is ours, for small corpora: voices
choose rest, hold or a pitch, so no note can fall into pieces; the generator first learns as the
second half of an autoencoder (`training.musegan.encoder`), and the critic joins later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from instrument.music.note import Phrase
from training.data.symbolic.corpus import Corpus, open_corpus
from training.musegan.config import RECIPES, MuseConfig
from training.musegan.critic import DocumentBarCritic, MuseCritic, gradient_penalty
from training.musegan.data import Bars, BarWindows, bar_windows, prompted_bars, scale_shift
from training.musegan.encoder import PhraseEncoder, divergence, draw_latents
from training.musegan.network import MuseGenerator
from training.musegan.rolls import (
    judged_play,
    judged_rolls,
    likeliest_phrase,
    played_part,
    rolls_of_bars,
)
from training.pictures.samples import PhraseSamples
from training.trainer.average import WeightAverage
from training.trainer.descent import descend
from training.trainer.system import RunPosition, System, rate

_EMA_DECAY = 0.998
_BETAS = (0.5, 0.9)
_PENALTY = 10.0
_REACH = 6  # semitones, where keys are drawn
_CHECK_WINDOWS = 128


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
        self.average = WeightAverage(self.generator, _EMA_DECAY, use_buffers=True)
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "encoder": self.encoder,
            "critics": self.critics,
            "average": self.average,
        }
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.Adam(self._players(), config.learning_rate, _BETAS),
            "critics": torch.optim.Adam(self.critics.parameters(), config.critic_rate, _BETAS),
        }
        self.windows = bar_windows(corpus.split("train"), self.size)
        self.held_out = bar_windows(corpus.split("valid"), self.size)

    def step(self, at: RunPosition) -> dict[str, Tensor]:
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
        bars = self._draw(self.windows, at.random)
        losses |= self._generator_step(bars, at.fraction, slope, has_critic)
        self.average.update_parameters(self.generator)
        return losses

    def validate(self) -> dict[str, float]:
        """Measure how well the averaged generator plays back held-out phrases."""
        if not self.config.likelihood_weight:
            return {}
        bars = self._to_tensor(self.held_out.draw(_CHECK_WINDOWS, np.random.default_rng(0)))
        player = self.average.module
        self.encoder.eval()
        with torch.no_grad():
            found = self._found(bars)
            means = {name: mean for name, (mean, _) in found.items()}
            error = self._error(player(means, *self._conditions(player, bars)), bars)
        self.encoder.train()
        return {"played_back": float(error), "divergence": float(divergence(found))}

    def samples(self) -> PhraseSamples:
        """Play three phrases from random latents; conditions come from held-out pieces."""
        made = enumerate(self.generate(3, seed=0))
        return PhraseSamples({f"phrase {i + 1}": p for i, p in made})

    def generate(
        self, count: int, seed: int, prompt: Phrase | None = None, candidates: int = 8
    ) -> list[Phrase]:
        """Play phrases with the averaged generator.

        Parameters
        ----------
        count
            How many.
        seed
            Of the latents, and of the held-out windows that conditions come from.
        prompt
            The given track's phrase, or the bars before; held-out windows when not given.
        candidates
            How many to play for each phrase; the critics keep the one they like best, as they do
            for players.

        Returns
        -------
        list
            Phrases; with a condition, it is part of them.
        """
        up = scale_shift(prompt, self.size) if prompt else 0
        bars = self._asked(count, seed, prompt.transposed(up) if prompt else None)
        random = torch.Generator().manual_seed(seed)
        best = [self._best(own.expand(candidates, *own.shape), random) for own in bars]
        return [phrase.transposed(-up) for phrase in best]

    def score(self, bars: Tensor) -> Tensor:
        """Let the critics score whole phrases, `Bars` in torch; return (n,)."""
        return self._judge(judged_rolls(bars, self.size))

    def phrase_modules(self) -> tuple[MuseGenerator, nn.ModuleList]:
        """Return the averaged generator and the critics, for export."""
        return self.average.module, self.critics.eval()

    def _critic_step(self, bars: Tensor, slope: float) -> dict[str, Tensor]:
        with torch.no_grad():
            fake = self._played(bars, slope)
        real = judged_rolls(bars, self.size)
        distance = self._judge(real).mean() - self._judge(fake).mean()
        penalty = torch.zeros((), device=self.device)
        shares = zip(self.critics, self._split(real), self._split(fake), strict=True)
        for critic, own_real, own_fake in shares:
            penalty = penalty + gradient_penalty(critic, own_real, own_fake)
        descend(self.optimizers["critics"], _PENALTY * penalty - distance)
        return {"distance": distance.detach(), "penalty": penalty.detach()}

    def _generator_step(
        self, bars: Tensor, fraction: float, slope: float, has_critic: bool
    ) -> dict[str, Tensor]:
        config = self.config
        losses: dict[str, Tensor] = {}
        loss = torch.zeros((), device=self.device)
        if config.likelihood_weight:
            error, spread = self._played_back(bars)
            growth = min(1.0, fraction / max(config.divergence_from, 1e-6))
            # Both are nats for each step of each track.
            elbo = error + growth * config.divergence_weight * spread / self._cells
            loss = loss + config.likelihood_weight * elbo
            losses |= {"played_back": error.detach(), "divergence": spread.detach()}
        if has_critic:
            judgement = self._judge(self._played(bars, slope)).mean()
            weight = config.critic_weight if config.likelihood_weight else 1.0
            loss = loss - weight * judgement
            losses["judgement"] = judgement.detach()
        descend(self.optimizers["generator"], loss)
        return losses | {"loss": loss.detach()}

    @property
    def _cells(self) -> int:
        return len(self.size.played) * self.size.bars * self.size.steps

    def _played_back(self, bars: Tensor) -> tuple[Tensor, Tensor]:
        """Play from the latents that the encoder finds; return the error and the divergence."""
        found = self._found(bars)
        latents = draw_latents(found)
        if self.size.mode != "jamming":  # whose tracks know nothing of each other
            self.generator.prior.learn(latents)
        logits = self.generator(latents, *self._conditions(self.generator, bars))
        return self._error(logits, bars), divergence(found)

    def _error(self, logits: Tensor, bars: Tensor) -> Tensor:
        """Return the mean surprise of what the played tracks really do, in nats per step."""
        if self.size.head == "categorical":
            return F.cross_entropy(logits.flatten(0, -2), played_part(bars, self.size).flatten())
        wanted = played_part(rolls_of_bars(bars, self.size)[0], self.size)
        return F.binary_cross_entropy_with_logits(logits, wanted) * self.size.pitches

    def _found(self, bars: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        sounding, onsets = (played_part(r, self.size) for r in rolls_of_bars(bars, self.size))
        found: dict[str, tuple[Tensor, Tensor]] = self.encoder(sounding, onsets)
        return found

    def _conditions(
        self, player: MuseGenerator, bars: Tensor
    ) -> tuple[list[Tensor] | None, Tensor | None]:
        """Encode the given track and the bars before, where there are any."""
        size = self.size
        if size.given_track < 0 and not size.previous_bars:
            return None, None
        sounding, onsets = rolls_of_bars(bars, size)
        rolls = sounding + onsets
        given = context = None
        if size.given_track >= 0:
            given = player.encode_given(rolls[:, size.given_track, size.previous_bars :])
        if size.previous_bars:
            context = player.encode_before(rolls[:, :, : size.previous_bars])
        return given, context

    @torch.no_grad()
    def _best(self, bars: Tensor, random: torch.Generator) -> Phrase:
        """Play candidates for the same given bars; return the one that the critics like best."""
        player = self.average.module
        latents = player.prior(self._noise(len(bars), random))
        logits = player(latents, *self._conditions(player, bars))
        best = int(self._judge(judged_play(logits, bars, self.size, slope=1.0)).argmax())
        return likeliest_phrase(logits[best], bars[best], self.size)

    def _played(self, bars: Tensor, slope: float) -> Tensor:
        """Play from random latents; return what the critics see."""
        latents = self.generator.prior(self._noise(len(bars)))
        logits = self.generator(latents, *self._conditions(self.generator, bars))
        return judged_play(logits, bars, self.size, slope)

    def _judge(self, rolls: Tensor) -> Tensor:
        scores = [critic(own) for critic, own in zip(self.critics, self._split(rolls), strict=True)]
        return torch.stack(scores).sum(dim=0)

    def _split(self, rolls: Tensor) -> Sequence[Tensor]:
        """Give each critic its tracks."""
        return rolls.chunk(len(self.critics), dim=1)

    def _noise(self, count: int, random: torch.Generator | None = None) -> dict[str, Tensor]:
        return {
            name: torch.randn((count, *shape), generator=random).to(self.device)
            for name, shape in self.size.latents.items()
        }

    def _draw(self, windows: BarWindows, random: np.random.Generator) -> Tensor:
        reach = 0 if self.size.in_one_scale else _REACH
        return self._to_tensor(windows.draw(self.config.batch_size, random, reach))

    def _asked(self, count: int, seed: int, prompt: Phrase | None) -> Tensor:
        """Return bars whose given parts come from a prompt or from held-out pieces."""
        if prompt is None:
            return self._to_tensor(self.held_out.draw(count, np.random.default_rng(seed)))
        return self._to_tensor(np.repeat(prompted_bars(prompt, self.size)[None], count, axis=0))

    def _to_tensor(self, bars: Bars) -> Tensor:
        return torch.from_numpy(bars).to(self.device)

    def _players(self) -> list[nn.Parameter]:
        return [*self.generator.parameters(), *self.encoder.parameters()]


def _critics(config: MuseConfig) -> Iterator[nn.Module]:
    size = config.size
    per_track = 2 if size.head == "categorical" else 1
    count = size.tracks if size.mode == "jamming" else 1
    channels, bars = per_track * size.tracks // count, size.previous_bars + size.bars
    for _ in range(count):
        if config.critic_width == 0:
            yield DocumentBarCritic(channels, bars)
        else:
            yield MuseCritic(size, channels, bars, config.critic_width)


SYSTEM = System(
    name="musegan",
    what="MuseGAN: several tracks at once, from nothing, under a given track, or continuing.",
    config=MuseConfig,
    recipes=RECIPES,
    data=("jsb", "lakh"),
    open_data=open_corpus,
    open=MuseLearner,
)
