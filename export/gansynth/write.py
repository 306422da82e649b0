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
from export.bundle.sound_sample import sample_wav
from export.bundle.summary import CENTS, DISTANCE
from export.frame_voice.card import list_files
from export.gansynth.card import Origin, describe_notes, heard_latents, with_note_tests
from export.gansynth.onnx import export_notes
from export.gansynth.parity import check_notes
from export.gansynth.plan import GRAPH_NAMES
from export.gansynth.rounding import rounding_change, with_half_weights
from instrument.bundle.bundle import Bundle
from instrument.rendering.open_renderer import open_renderer, self_test
from training.gansynth.tones import GansynthTones


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
        See `export.gansynth.onnx.export_notes`.

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
        report(f"exporting {len(graph_names)} graphs")
        export_notes(model, graph_names, built.parent, workers)
        files = graph_files(built.parent, graph_names)
        files["LICENSE"] = origin.licence_text
        names = {"name": built.name, "version": version}
        card = describe_notes(model, origin, files, graph_names=graph_names, **names)
        fill(built, card, files)
        report("comparing with torch")
        parity = check_notes(model, Bundle.load(built)) | rounding
        latents = heard_latents(card.latents, card.latent_size, 3)
        renderer = open_renderer(Bundle.load(built), device="cpu")
        files["sample.wav"] = sample_wav(latents, renderer)
        card = dataclasses.replace(with_note_tests(card, renderer), parity=parity)
        fill(built, dataclasses.replace(card, files=list_files(files)), files)
        bundle = Bundle.load(built)
        self_test(bundle, open_renderer(bundle, device="cpu"))
    return Bundle.load(target)
