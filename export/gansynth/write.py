"""Write a GANSynth bundle: the folder appears whole, checked and playable, or not at all.

In: a model, from a training run or from Magenta's checkpoint. Out: a folder with the graphs, their
weights, the card, the licence, and ``sample.wav``. Everything is made in a folder beside it, opened
as a player's machine would open it, compared with torch, and renamed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from export.bundle.folder import fill, graph_files, new_bundle
from export.bundle.onnx_export import export_graphs
from export.bundle.proof import finish_voice
from export.bundle.summary import CENTS, DISTANCE
from export.gansynth.card import Origin, describe_notes, heard_latents
from export.gansynth.parity import LEAST_DB, check_notes
from export.gansynth.plan import GRAPH_NAMES, ToneGraph
from export.gansynth.rounding import rounding_change, with_half_weights
from instrument.bundle.bundle import Bundle
from training.gansynth.tones import GansynthTones

SELF_TEST_TOLERANCE = 5e-3
"""Phase is a running sum, in which another processor's rounding grows."""


def write_notes(
    model: GansynthTones,
    origin: Origin,
    target: Path,
    *,
    version: str = "1",
    may_round: bool = True,
    graph_names: tuple[str, ...] = GRAPH_NAMES,
    report: Callable[[str], None] = lambda _: None,
    workers: int = 2,
    least_db: float = LEAST_DB,
) -> Bundle:
    """Write a model as a bundle.

    Parameters
    ----------
    model
        In ``eval`` mode.
    origin
        What the card says about where it comes from.
    target
        The bundle's folder; its name is the model's name. An older bundle there is replaced.
    version
        Written on the card.
    may_round
        Keep weights as float16 if that changes neither spectrum nor pitch audibly.
    graph_names
        Which graphs; tests take fewer.
    report
        Told what happens next.
    workers
        See `export.bundle.onnx_export.export_graphs`.
    least_db
        See `export.gansynth.parity.check_notes`.

    Raises
    ------
    FileError, BundleError, EngineError
        A graph differs from torch, or the folder cannot be written.
    """
    rounding: dict[str, float] = {}
    if may_round:
        report("rounding the weights")
        rounded = with_half_weights(model)
        change = rounding_change(model, rounded)
        if change.is_inaudible:
            model = rounded
            rounding = {DISTANCE: round(change.distance_db, 4), CENTS: round(change.cents, 4)}
    with new_bundle(target) as built:
        plans = {name: ToneGraph.of(model, name).plan(model) for name in graph_names}
        report(f"exporting {len(plans)} graphs")
        export_graphs(plans, built.parent, workers)
        files = graph_files(built.parent, plans)
        files["LICENSE"] = origin.licence_text
        names = {"name": built.name, "version": version}
        card = describe_notes(model, origin, plans, files, **names)
        fill(built, card, files)
        report("comparing with torch")
        parity = check_notes(model, Bundle.load(built), least_db) | rounding
        card = dataclasses.replace(card, parity=parity)
        heard = heard_latents(card.latents, card.latent_size, 3)
        finish_voice(built, card, files, heard, heard, SELF_TEST_TOLERANCE)
    return Bundle.load(target)
