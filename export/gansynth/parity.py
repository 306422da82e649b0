"""Prove that a GANSynth bundle computes what torch computes, and how exactly.

In: the model in torch, and the bundle's graphs as a player's machine opens them. Out: figures for
the card. Tones are not bound to ±1, so differences are told as shares of a tone's peak.
"""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from numpy.typing import NDArray

from export.bundle.proof import run_twice
from export.bundle.summary import CROP, FLOAT64, TORCH_FLOAT64
from export.gansynth.plan import ToneGraph, pitch_range
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import OpenGraph, Runtime
from instrument.errors import BundleError
from training.gansynth.tones import GansynthTones

LEAST_DB = 50.0
LARGEST_CROP_DIFFERENCE = 1e-6
_TORCH_DB = 40.0
_TRIALS, _AT_A_TIME = 4, 8

Waves = NDArray[np.floating]


def check_notes(model: GansynthTones, bundle: Bundle) -> dict[str, float]:
    """Compare every graph of a bundle with torch, and a tone with a chain in float64.

    Parameters
    ----------
    model
        In the form that training uses, with the weights that were exported.

    Returns
    -------
    dict
        Largest difference to torch by graph name, and the named figures of this module.

    Raises
    ------
    BundleError
        A graph computes something else, or two runs of it differ.

    Notes
    -----
    A network of full size is 79 dB exact. Few channels, or few blocks yet, make one less exact, in
    torch too: pixel norms then amplify rounding, and it adds up from window to window.
    """
    runtime = Runtime(threads=1, device="cpu")
    figures = {}
    for name in bundle.card.graphs:
        graph = ToneGraph.of(model, name)
        session = bundle.open_graph(name, runtime)
        figures[name] = _compare(model, graph, session, f"{bundle.what}, graph {name}")
        if name == "note_1":
            figures |= _precision(model, session, bundle.what)
        if name == "attack_1" and "note_1" in bundle.card.graphs:
            whole = bundle.open_graph("note_1", runtime)
            figures[CROP] = _crop_difference(session, whole, graph, model, bundle.what)
    return figures


def decibels(found: Waves, wanted: Waves) -> float:
    """Return signal over difference, in dB; capped at 200 for equal arrays."""
    wanted = wanted.astype(np.float64)
    difference = float(np.square(found.astype(np.float64) - wanted).sum())
    signal = float(np.square(wanted).sum())
    return 10.0 * math.log10(signal / max(difference, 1e-20 * signal, 1e-300))


def _compare(model: GansynthTones, graph: ToneGraph, session: OpenGraph, where: str) -> float:
    """Run a graph once on tones all over the keyboard; return the largest share of a peak."""
    inputs = graph.inputs(model, seed=1)
    found = session.run({name: tensor.numpy() for name, tensor in inputs.items()})["waveform"]
    largest = 0.0
    for start in range(0, graph.tones, _AT_A_TIME):
        part = slice(start, start + _AT_A_TIME)
        with torch.no_grad():
            wanted = model(inputs["z"][part], inputs["pitch"][part])[:, : graph.frames].numpy()
        if not decibels(found[part], wanted) > _TORCH_DB:
            raise BundleError(
                f"{where}: differs from torch by {decibels(found[part], wanted):.0f} dB, "
                f"must be {_TORCH_DB:.0f} dB below it"
            )
        largest = max(largest, _share_of_peak(found[part], wanted))
    return largest


def _precision(model: GansynthTones, session: OpenGraph, where: str) -> dict[str, float]:
    """Compare a few tones with the same chain in float64."""
    exact = copy.deepcopy(model).double()
    graph = ToneGraph.of(model, "note_1")
    found, torch_found, wanted = [], [], []
    lowest, highest = pitch_range(model)
    for trial in range(_TRIALS):
        inputs = graph.inputs(model, seed=trial)
        inputs["pitch"] += trial * (highest - lowest) // max(1, _TRIALS - 1)
        found.append(_waves(session, inputs, where))
        with torch.no_grad():
            torch_found.append(model(**inputs).numpy())
            wanted.append(exact(inputs["z"].double(), inputs["pitch"]).numpy())
    ours = decibels(np.concatenate(found), np.concatenate(wanted))
    theirs = decibels(np.concatenate(torch_found), np.concatenate(wanted))
    if not ours >= LEAST_DB:
        raise BundleError(
            f"{where}: notes are {ours:.1f} dB exact, torch's {theirs:.1f} dB; "
            f"must be {LEAST_DB:.0f} dB"
        )
    return {FLOAT64: round(ours, 1), TORCH_FLOAT64: round(theirs, 1)}


def _crop_difference(
    attack: OpenGraph, whole: OpenGraph, graph: ToneGraph, model: GansynthTones, where: str
) -> float:
    largest = 0.0
    for trial in range(_TRIALS):
        inputs = graph.inputs(model, seed=trial)
        tone = _waves(whole, inputs, where)
        start = _waves(attack, inputs, where) - tone[:, : graph.frames]
        largest = max(largest, float(np.abs(start).max() / np.abs(tone).max()))
    if not largest <= LARGEST_CROP_DIFFERENCE:
        raise BundleError(
            f"{where}: an attack differs from its note by {largest:.1e} of the note's peak, "
            f"may differ by {LARGEST_CROP_DIFFERENCE:.0e}"
        )
    return largest


def _waves(session: OpenGraph, inputs: dict[str, torch.Tensor], where: str) -> Waves:
    tensors = {name: tensor.numpy() for name, tensor in inputs.items()}
    waves: Waves = run_twice(session, tensors, where)["waveform"]
    return waves


def _share_of_peak(found: Waves, wanted: Waves) -> float:
    peaks = np.maximum(np.abs(wanted).max(axis=1), 1e-12)
    return float((np.abs(found - wanted).max(axis=1) / peaks).max())
