"""Write a bundle of the small convolutional GAN: it appears whole, proven and playable, or not.

In: a run of ``latentkeys train convgan``. Out: a folder with the generator's graph, from random
numbers to a tile of levels in dB. The way to sound is the player's own, in
`instrument.rendering.convgan`; it is compared with torch's here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from export.bundle.card_file import WEIGHTS_NAME, list_files, today
from export.bundle.evaluation import read_evaluation
from export.bundle.folder import fill, graph_files, new_bundle
from export.bundle.graph_plan import GraphPlan
from export.bundle.onnx_export import export_graphs
from export.bundle.proof import check_difference, finish_voice, run_twice
from export.bundle.terms import terms_of, training_of
from export.gansynth.blocks import enlarged
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import FORMAT, VoiceCard
from instrument.bundle.inference import Runtime
from instrument.rendering.convgan import FLOOR_DB, GRAPH, INPUT, OUTPUT, PITCH_RANGE, TileSound
from training.convgan.network import DocumentGenerator
from training.convgan.system import TileSounds, load_sounds
from training.trainer.run_card import RunCard

LARGEST_DB = 0.05
"""Of what is heard of a tile, beside torch's; few channels amplify rounding."""
LARGEST_APART_DB = 1.0
"""Of a tile's sound, drawn again: the search for phases ends near torch's, not at it."""
SELF_TEST_TOLERANCE = 5e-2
"""The search for phases is long, and another processor's rounding grows in it."""
SOUND = "sound_apart_db"
"""On the card: how far the player's sound is from torch's, in dB of the tile drawn again."""
_TRIALS = 4


class PlainTiles(nn.Module):
    """A generator and its range as one graph: z (n, latent) to levels (n, windows, bands), dB."""

    def __init__(self, sounds: TileSounds) -> None:
        super().__init__()
        self.generator, self.range = sounds.generator, sounds.range

    def forward(self, z: Tensor) -> Tensor:
        """Generate."""
        if isinstance(self.generator, DocumentGenerator):
            tiles = _as_plain_operations(self.generator, z)
        else:
            tiles = self.generator(z)
        return self.range.restore(tiles)[:, 0]


def export_convgan(
    run: Path,
    target: Path,
    *,
    version: str = "1",
    report: Callable[[str], None] = lambda _: None,
    workers: int = 1,
) -> Bundle:
    """Write a run as a bundle.

    Parameters
    ----------
    target
        The bundle's folder; its name is the model's name. An older bundle there is replaced.
    version
        Written on the card.
    report
        Told what happens next.
    workers
        See `export.bundle.onnx_export.export_graphs`.

    Raises
    ------
    FileError, BundleError, EngineError
        The run is none, the graph or its sound differ from torch, or the folder cannot be written.
    """
    run_card, sounds = load_sounds(run)
    heard = np.random.default_rng(0).standard_normal((3, sounds.config.latent)).round(4)
    with new_bundle(target) as built:
        plan = _plan(sounds)
        report("exporting the graph")
        export_graphs({GRAPH: plan}, built.parent, workers)
        files = graph_files(built.parent, [GRAPH])
        files["LICENSE"] = terms_of(run_card).text
        card = _card(run, run_card, sounds, plan, files, name=built.name, version=version)
        fill(built, card, files)
        report("comparing with torch")
        card = dataclasses.replace(card, parity=_check(sounds, plan, Bundle.load(built)))
        fill(built, card, files)
        finish_voice(built, card, files, heard, heard, SELF_TEST_TOLERANCE)
    return Bundle.load(target)


def _plan(sounds: TileSounds) -> GraphPlan:
    return GraphPlan(
        PlainTiles(sounds).eval().requires_grad_(False),
        {INPUT: _latents(sounds, 1)},
        {INPUT: ("notes", "latent")},
        {OUTPUT: ("notes", "windows", "bands")},
    )


def _card(
    run: Path,
    card: RunCard,
    sounds: TileSounds,
    plan: GraphPlan,
    files: dict[str, bytes],
    *,
    name: str,
    version: str,
) -> VoiceCard:
    tiles, terms = sounds.config.tiles, terms_of(card)
    seconds = tiles.frames / tiles.rate_hz
    return VoiceCard(
        format=FORMAT,
        kind="convgan",
        name=name,
        version=version,
        description=(
            f"A small convolutional GAN ({card.recipe}) of {seconds:.0f} s of anything in "
            f"{terms.learned_from}, after {card.step} steps. It knows no keys and no velocity: a "
            "sound begins anywhere, is tuned by an estimate of its pitch, and is resampled for "
            "each key. Phases are guessed. For textures, not for instruments."
        ),
        licence=terms.licence,
        sample_rate_hz=tiles.rate_hz,
        pitch_range=PITCH_RANGE,
        latent_size=sounds.config.latent,
        weights=WEIGHTS_NAME,
        files=list_files(files),
        graphs={GRAPH: plan.on_card(f"{GRAPH}.onnx")},
        latents={},
        self_test=(),
        constants={"window_frames": tiles.window_frames},
        training={**training_of(card), "exported": today()},
        metrics=read_evaluation(run, card),
    )


def _check(sounds: TileSounds, plan: GraphPlan, bundle: Bundle) -> dict[str, float]:
    """Compare tiles with torch's, and what the player makes of them with what torch makes."""
    session = bundle.open_graph(GRAPH, Runtime(threads=1, device="cpu"))
    tiles = sounds.config.tiles
    player = TileSound(tiles.windows, tiles.bands, tiles.window_frames, tiles.hop_frames)
    worst = apart = 0.0
    for z in _latents(sounds, _TRIALS).split(1):
        wanted = plan.run({INPUT: z})[OUTPUT]
        found = run_twice(session, {INPUT: z.numpy()}, f"{bundle.what}, {GRAPH}")[OUTPUT]
        heard = (found > FLOOR_DB) & (wanted.numpy() > FLOOR_DB)  # rounding may silence a cell
        worst = max(worst, float(np.abs(found - wanted.numpy())[heard].max(initial=0.0)))
        there = tiles.audio(wanted[:, None])
        here = torch.from_numpy(player.audio(found[0].astype(np.float64))).float()[None]
        margin = (tiles.margin_frames, tiles.margin_frames)
        drawn, expected = (tiles.levels(F.pad(sound, margin)) for sound in (here, there))
        apart = max(apart, float((drawn - expected).abs().mean()))
    check_difference(f"{bundle.what}, {GRAPH}", worst, LARGEST_DB)
    check_difference(f"{bundle.what}, the sound of {GRAPH}", apart, LARGEST_APART_DB)
    return {GRAPH: worst, SOUND: round(apart, 4)}


def _as_plain_operations(generator: DocumentGenerator, z: Tensor) -> Tensor:
    """Do what the document's generator does; its enlargements are no operation that is let in."""
    slope = 0.2
    x = F.leaky_relu(generator.first(z), slope).view(-1, 8, 4, 4)
    x = F.leaky_relu(generator.second(enlarged(x, 4)), slope)
    return torch.tanh(generator.third(enlarged(x, 4)))


def _latents(sounds: TileSounds, count: int) -> Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randn(count, sounds.config.latent, generator=random)
