"""C-RNN-GAN (Mogren, "C-RNN-GAN: continuous recurrent neural networks with adversarial training").

In: a corpus. Out: a recurrent generator of notes (length, pitch, velocity, time since the previous
start), phrases, and a step graph to export.

The recipes ``paper`` and ``paper_three_tones`` follow the paper and its code: 350 units, feature
matching as the generator's only loss, the network that is ahead rests while its loss is under 70 %
of the other's, a twentieth of the run to learn to predict the next note (its six epochs), SGD at
0.1 (discriminator half of it), dropout 0.5. What the default changes, to do with little CPU time:

- next-note prediction by squared error teaches the mean of all that could follow, one note for
  ever. By the energy score (Gneiting and Raftery, 2007, section 4.2) two predictions from different
  noise are compared with the truth and with each other, and the best generator is the one that
  draws from the data's distribution. This lasts for most of the run and goes on during the game;
- a generator of real numbers against whole semitones is found out by its decimals alone: what the
  critic judges, real or not, is blurred a little; and both networks hear chroma and the place in
  the bar (`training.crnngan.tone_scale`, `NoteEncoder`);
- all pieces are moved to C major, where pitch is a place on the staff, and phrases begin at bar
  lines (the host transposes);
- feature matching compares means and deviations over the batch (Salimans et al., 2016, section
  3.1), where the code pairs each generated phrase with some real one; the adversarial loss stays;
- Adam; the exported generator is a running average.

What the game is worth, measured on `tunes` after 21 minutes on a busy core, as `validate` measures
it: textures are 0.042 nats from the data's before the game and 0.067 after it, but 36 % of phrases
loop before and 13 % after. The best checkpoint of that run is from before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, softplus

from instrument.errors import SettingError
from instrument.music.note import Phrase
from training.crnngan.config import RECIPES, CRNNGANConfig
from training.crnngan.losses import (
    critic_loss_of,
    energy_score,
    feature_matching,
    who_learns,
)
from training.crnngan.network import (
    FEATURES,
    FIRST_NOTE,
    Discriminator,
    GeneratorStep,
    NoteEncoder,
    NoteGenerator,
)
from training.crnngan.notes import (
    NoteArray,
    Stretches,
    grid_values,
    notes_of,
    phrase_of_tones,
    semitones_to_c_major,
    texture_distance,
    transposed,
)
from training.crnngan.tone_scale import beats_since
from training.data.symbolic.corpus import Corpus, Piece, open_corpus
from training.pictures.samples import PhraseSamples
from training.trainer.average import WeightAverage
from training.trainer.descent import descend, take_step
from training.trainer.distributed import agree
from training.trainer.system import RunPosition, System, rate

_FIRST_TURNS, _TURNS_UNTIL = 0.1, 0.5
_MOST_CELLS = 2000
_MOST_NORM = 5.0


class CRNNGANLearner:
    """C-RNN-GAN in training.

    Parameters
    ----------
    config
        Its options.
    corpus
        Learns from its "train" pieces, is compared with "valid".
    device
        Where the networks are.
    """

    def __init__(self, config: CRNNGANConfig, corpus: Corpus, device: torch.device) -> None:
        self.config, self.device = config, device
        self._train = self._stretches(corpus.split("train"))
        self._valid = self._stretches(corpus.split("valid"))
        for stretches in (self._train, self._valid):
            if not len(stretches):
                raise SettingError(
                    f"{corpus.name} has no phrase of {stretches.length} notes "
                    f"in bars of {config.bar_beats:g} beats",
                    "Choose another corpus or recipe.",
                )
        values = grid_values(self._train.pieces, config.bar_beats, config.steps_per_beat)
        if not config.is_paper:
            self._train, self._valid = self._train.within(values), self._valid.within(values)
        ours = not config.is_paper
        per_cell, drop = config.tones_per_cell, config.dropout
        self.generator = NoteGenerator(
            values, config.hidden, per_cell, config.noise, ours, drop
        ).to(device)
        self.critic = Discriminator(
            values, config.critic_hidden, per_cell, ours, drop, config.bfloat16
        ).to(device)
        self.average = WeightAverage(self.generator, 0.995)
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "critic": self.critic,
            "average": self.average,
        }
        self.optimizers = {
            "generator": self._optimizer(self.generator, config.learning_rate),
            "critic": self._optimizer(self.critic, config.critic_learning_rate),
        }

    def step(self, at: RunPosition) -> dict[str, Tensor]:
        """Learn from one batch: to predict at first, then to play the game."""
        self.generator.train()
        rows = at.random.integers(0, len(self._train), size=self.config.batch)
        real = self._scaled(self._train.at(rows))
        if not self.config.is_paper:
            self._set_rates(rate(at))
        prediction = self._prediction(real, at.fraction)
        if at.fraction < self.config.pretraining:
            descend(self.optimizers["generator"], prediction, most_norm=_MOST_NORM)
            self.average.update_parameters(self.generator)
            return {"loss": prediction.detach(), "prediction": prediction.detach()}
        noise = self.generator.draw_noise(*real.shape[:2]).to(self.device)
        return self._play(real, self.generator(noise), prediction)

    def _prediction(self, real: Tensor, fraction: float) -> Tensor:
        """Return how badly the next notes are foretold, from coarse to fine as the run goes on.

        Chroma and the place in the bar weigh little at first: with their full weight they bar the
        way from a wrong semitone to the right one. At the end they keep notes on the grid.
        """
        turns = _FIRST_TURNS + (1.0 - _FIRST_TURNS) * min(1.0, fraction / _TURNS_UNTIL)
        noises = self.generator.draw_noise(2 * len(real), real.shape[1]).to(self.device)
        if self.config.is_paper:
            return mse_loss(self.generator.predict(noises[: len(real)], real), real)
        made = self.generator.predict(noises, torch.cat([real, real])).chunk(2)
        return energy_score(*(self._views(notes, real, turns) for notes in (real, *made)))

    def _views(self, notes: Tensor, real: Tensor, turns: float) -> tuple[Tensor, ...]:
        """Return what a next note is judged by, (b, cells, n) each: all, its pitch, its rhythm."""
        after = beats_since(real).flatten(1).cumsum(dim=1).view(real.shape[:3])
        starts = after - beats_since(real) + beats_since(notes)
        heard = self.generator.hearing(notes, starts)
        heard = torch.cat([heard[..., :FEATURES], turns * heard[..., FEATURES:]], dim=-1)
        pitch = heard[..., NoteEncoder.PITCH].flatten(2)
        rhythm = heard[..., NoteEncoder.RHYTHM].flatten(2)
        return heard.flatten(2), pitch, rhythm

    def _play(self, real: Tensor, fake: Tensor, prediction: Tensor) -> dict[str, Tensor]:
        """Take a step of the critic and one of the generator; the one far ahead rests."""
        real, fake = self._blurred(real), self._blurred(fake)
        scores, truth = self.critic(torch.cat([real, fake.detach()]))
        critic_loss = critic_loss_of(*scores.chunk(2))
        self.critic.requires_grad_(False)
        score, features = self.critic(fake)
        self.critic.requires_grad_(True)
        adversarial = softplus(-score).mean()
        truth = truth.chunk(2)[0].detach()
        matching = feature_matching(features, truth, with_deviation=not self.config.is_paper)
        weights = self.config.adversarial, self.config.matching
        loss = weights[0] * adversarial + weights[1] * matching
        if not self.config.is_paper:
            loss = loss + prediction
        d, g = agree((float(critic_loss.detach()), float(adversarial.detach())))
        critic_learns, generator_learns = who_learns(d, g)
        # Backwards first: a step changes the weights that the other loss was computed with.
        for name, is_learning, part in (
            ("critic", critic_learns, critic_loss),
            ("generator", generator_learns, loss),
        ):
            self.optimizers[name].zero_grad()
            if is_learning:
                torch.autograd.backward(part)
        if critic_learns:
            take_step(self.optimizers["critic"], most_norm=_MOST_NORM)
        if generator_learns:
            take_step(self.optimizers["generator"], most_norm=_MOST_NORM)
            self.average.update_parameters(self.generator)
        return {
            "loss": loss.detach(),
            "adversarial": adversarial.detach(),
            "matching": matching.detach(),
            "prediction": prediction.detach(),
            "critic": critic_loss.detach(),
            "critic_rests": torch.tensor(float(not critic_learns)),
            "generator_rests": torch.tensor(float(not generator_learns)),
        }

    def validate(self) -> dict[str, float]:
        """Return how far the texture of 64 phrases is from held-out ones'; "texture" is the mean.

        There is no "loss" that could choose a best checkpoint: it would choose one from before the
        game begins, which no critic has heard.
        """
        made = self._made_tones(64, seed=0)
        rows = np.linspace(0, len(self._valid) - 1, 256).astype(np.int64)
        distances = texture_distance(made, self._valid.at(rows), self.config.bar_beats)
        return {"texture": float(np.mean(list(distances.values()))), **distances}

    def samples(self) -> PhraseSamples:
        """Return three phrases from nothing and one that continues a held-out piece."""
        made = {f"from nothing {n}": p for n, p in enumerate(self.generate(3, seed=1))}
        prompt = phrase_of_tones(self._valid.at(np.zeros(1, np.int64))[0], 8.0, False)
        return PhraseSamples(made | {"continued": self.generate(1, 2, prompt)[0]})

    def generate(
        self, count: int, seed: int, prompt: Phrase | None = None, length_beats: float = 32.0
    ) -> list[Phrase]:
        """Return `count` phrases, each the prompt (if any) and `length_beats` after it."""
        heard = notes_of(prompt.notes) if prompt else np.zeros((0, 4), np.float32)
        key = semitones_to_c_major(heard) if prompt and not self.config.is_paper else 0
        end = length_beats + (prompt.length_beats if prompt else 0.0)
        spoken_from = prompt.length_beats if prompt else 0.0
        notes = self._made_tones(count, seed, transposed(heard, key), spoken_from, end)
        is_monophonic = self.config.tones_per_cell == 1
        back = transposed(notes, -key)
        return [phrase_of_tones(row, end, is_monophonic) for row in back]

    def step_module(self) -> GeneratorStep:
        """Return what export turns into a graph: the running average of the generator."""
        return GeneratorStep(self.average.module).eval()

    def _made_tones(
        self,
        count: int,
        seed: int,
        heard: NoteArray | None = None,
        spoken_from: float = 0.0,
        beats: float | None = None,
    ) -> NoteArray:
        """Make notes (count, n, 4) by steps: as many as in training, or `beats` long.

        What is heard comes first; what follows it starts at `spoken_from` beats at the earliest.
        """
        step, config = self.step_module(), self.config
        cells = [] if heard is None else _in_cells(heard, config.tones_per_cell)
        random = torch.Generator().manual_seed(seed)
        _, now, hidden, cell = step.generator.begin(count)
        previous = torch.tensor(FIRST_NOTE).expand(count, config.tones_per_cell, -1)
        made: list[Tensor] = []
        while len(made) < config.cells if beats is None else bool((now < beats).any()):
            noise = (2.0 * torch.rand(count, config.noise, generator=random) - 1.0).to(self.device)
            with torch.no_grad():
                heard_before = previous.to(self.device)
                previous, _, hidden, cell = step(noise, heard_before, now, hidden, cell)
            if len(made) < len(cells):
                previous = cells[len(made)].expand(count, -1, -1).to(self.device)
            elif cells:
                early = (spoken_from - now - previous[:, 0, 3]).clamp(min=0.0)
                previous[:, 0, 3] += early
            after = now + previous[..., 3].sum(dim=1)
            made.append(previous.cpu())
            now = after
            if len(made) >= _MOST_CELLS:
                break
        return torch.cat(made, dim=1).numpy()

    def _stretches(self, pieces: Sequence[Piece]) -> Stretches:
        config = self.config
        phrases = [piece.phrase() for piece in pieces]
        length = config.cells * config.tones_per_cell
        return Stretches.of(phrases, length, config.bar_beats, not config.is_paper)

    def _scaled(self, notes: NoteArray) -> Tensor:
        """Return notes (b, n, 4) as scaled cells (b, cells, notes, 4) on the device."""
        cells = torch.from_numpy(
            notes.reshape(len(notes), -1, self.config.tones_per_cell, FEATURES)
        )
        scale = self.generator.scale
        scaled: Tensor = scale.scaled(cells.to(self.device))
        return scaled

    def _blurred(self, scaled: Tensor) -> Tensor:
        """Add a little noise, which the critic cannot tell from being off the grid."""
        return scaled + self.config.blur * torch.randn_like(scaled)

    def _optimizer(self, network: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
        if self.config.is_paper:
            return torch.optim.SGD(network.parameters(), lr=learning_rate, weight_decay=1e-4)
        return torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(0.5, 0.9))

    def _set_rates(self, factor: float) -> None:
        config = self.config
        wanted = {"generator": config.learning_rate, "critic": config.critic_learning_rate}
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = wanted[name] * factor


def _in_cells(notes: NoteArray, tones_per_cell: int) -> list[Tensor]:
    """Return notes (n, 4) as cells (1, notes, 4); a last one that is not full is left out."""
    whole = len(notes) // tones_per_cell * tones_per_cell
    cells = notes[:whole].reshape(-1, tones_per_cell, 4)
    return [torch.from_numpy(cell)[None] for cell in cells]


SYSTEM = System(
    name="crnngan",
    what="C-RNN-GAN: a recurrent generator of notes, learned against a critic.",
    config=CRNNGANConfig,
    recipes=RECIPES,
    data=("tunes", "jsb"),
    open_data=open_corpus,
    open=CRNNGANLearner,
)
