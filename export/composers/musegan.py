"""The graphs of a MuseGAN: the phrase, what it is conditioned on, and the critics' verdict."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from export.bundle.graph_plan import GraphPlan
from export.composers.plan import ComposerPlan
from instrument.music.chorale_frames import VOICES
from training.musegan.network import MuseGenerator
from training.musegan.size import MuseSize
from training.musegan.system import MuseLearner

_STEPS_PER_BEAT = 4
_LEAST = -60.0  # a sure network's logits reach -150, where float32 has no four digits left
_BAND = ("Bass", "Drums", "Guitar", "Piano", "Strings")


class PlayPhrase(nn.Module):
    """One phrase from standard normal latents and from what the conditions' graphs returned."""

    factor: Tensor

    def __init__(self, generator: MuseGenerator) -> None:
        super().__init__()
        self.generator = generator
        self.names = tuple(generator.size.latents)
        self.register_buffer("factor", generator.prior.factor().half().float())

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return logits (1, played tracks, bars, steps, classes); of voices logarithmic chances."""
        size, count = self.generator.size, len(self.names)
        noise, more = dict(zip(self.names, inputs, strict=False)), list(inputs[count:])
        latents = self.generator.prior(noise, self.factor)
        context = more.pop() if size.previous_bars else None
        logits: Tensor = self.generator(latents, more or None, context)
        if size.head != "categorical":
            return logits
        return logits.log_softmax(dim=-1).clamp_min(_LEAST)


class HearTrack(nn.Module):
    """Describe the given track's bars at every level of the generator."""

    def __init__(self, generator: MuseGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, roll: Tensor) -> tuple[Tensor, ...]:
        """Return features of a roll (1, bars, steps, pitches)."""
        return tuple(self.generator.encode_given(roll))


class HearBars(nn.Module):
    """Describe the bars before."""

    def __init__(self, generator: MuseGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, rolls: Tensor) -> Tensor:
        """Return the context of rolls (1, tracks, bars, steps, pitches)."""
        return self.generator.encode_before(rolls)


class Judge(nn.Module):
    """All critics together: each judges its own share of the tracks."""

    def __init__(self, critics: Sequence[nn.Module]) -> None:
        super().__init__()
        self.critics = nn.ModuleList(critics)

    def forward(self, rolls: Tensor) -> Tensor:
        """Return the score (1,) of rolls (1, channels, bars, steps, pitches)."""
        shares = rolls.chunk(len(self.critics), dim=1)
        scores = [critic(own) for critic, own in zip(self.critics, shares, strict=True)]
        return torch.stack(scores).sum(dim=0)


def plan_musegan(learner: MuseLearner) -> ComposerPlan:
    """Plan two to four graphs, by what the generator is conditioned on."""
    size = learner.size
    generator, critics = learner.phrase_modules()
    graphs = _conditions(generator)
    graphs["generate"] = _generate(generator, graphs)
    graphs["critic"] = _critic(size, list(critics))
    asks = (["track"] if size.given_track >= 0 else []) + (
        ["previous"] if size.previous_bars else []
    )
    names = VOICES if size.tracks == len(VOICES) else _BAND[: size.tracks]
    return ComposerPlan(
        kind="musegan",
        description=_description(size),
        networks=(generator, critics),
        graphs=graphs,
        pitch_range=(size.lowest_pitch, size.lowest_pitch + size.pitches - 1),
        steps_per_beat=_STEPS_PER_BEAT,
        voices=names,
        bars=size.bars,
        conditions=(*asks, "key", "register"),
        constants={
            "steps": size.steps,
            "pitches": size.pitches,
            "lowest_pitch": size.lowest_pitch,
            "given_track": size.given_track,
            "previous_bars": size.previous_bars,
            "in_one_scale": int(size.in_one_scale),
        },
        vocabulary={"mode": (size.mode,), "head": (size.head,)},
    )


def _conditions(generator: MuseGenerator) -> dict[str, GraphPlan]:
    size, graphs = generator.size, {}
    if size.given_track >= 0:
        module = HearTrack(generator).eval()
        roll = torch.zeros(1, size.bars, size.steps, size.pitches)
        with torch.no_grad():
            features = module(roll)
        axes = ("bars", "steps", "pitches", "channels")
        graphs["hear_track"] = GraphPlan(
            module,
            {"roll": roll},
            {"roll": ("batch", "bars", "steps", "pitches")},
            {f"given_{level}": axes for level in range(len(features))},
            {"roll": (0.0, 1.0)},
        )
    if size.previous_bars:
        rolls = torch.zeros(1, size.tracks, size.previous_bars, size.steps, size.pitches)
        graphs["hear_bars"] = GraphPlan(
            HearBars(generator).eval(),
            {"rolls": rolls},
            {"rolls": ("batch", "tracks", "bars", "steps", "pitches")},
            {"context": ("batch", "context")},
            {"rolls": (0.0, 1.0)},
        )
    return graphs


def _generate(generator: MuseGenerator, conditions: dict[str, GraphPlan]) -> GraphPlan:
    size = generator.size
    inputs = {name: torch.zeros(1, *shape) for name, shape in size.latents.items()}
    axes: dict[str, tuple[str, ...]] = {
        name: ("batch", "latent") if len(shape) == 1 else ("batch", "tracks", "latent")
        for name, shape in size.latents.items()
    }
    for graph in conditions.values():
        inputs |= graph.run()
        axes |= graph.output_axes
    logits = ("batch", "tracks", "bars", "steps", "classes")
    choices = ("logits",) if size.head == "categorical" else ()
    module = PlayPhrase(generator).eval()
    limits = {"context": (-1.0, 1.0)} if "context" in inputs else {}  # it comes out of a tanh
    return GraphPlan(module, inputs, axes, {"logits": logits}, limits, choices)


def _critic(size: MuseSize, critics: list[nn.Module]) -> GraphPlan:
    channels = size.tracks * (2 if size.head == "categorical" else 1)
    bars = size.previous_bars + size.bars
    return GraphPlan(
        Judge(critics).eval(),
        {"rolls": torch.zeros(1, channels, bars, size.steps, size.pitches)},
        {"rolls": ("batch", "channels", "bars", "steps", "pitches")},
        {"score": ("batch",)},
        {"rolls": (0.0, 1.0)},
    )


def _description(size: MuseSize) -> str:
    what = f"A MuseGAN ({size.mode}): {size.bars} bars of {size.tracks} tracks"
    if size.given_track >= 0:
        return f"{what}, beside a given track."
    return f"{what}, going on from {size.previous_bars}." if size.previous_bars else f"{what}."
