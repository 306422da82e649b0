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
from export.bundle.summary import CROP, FLOAT64, LEAST, TORCH_FLOAT64
from export.gansynth.plan import ToneGraph, pitch_range
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.open_graph import OpenGraph
from instrument.errors import BundleError
from training.gansynth.tones import GansynthTones

LEAST_DB = 50.0
LARGEST_CROP_DIFFERENCE = 1e-6
_TORCH_MAY_DB = 10.0
_TRIALS, _AT_A_TIME = 4, 8

Waves = NDArray[np.floating]


def check_notes(
    model: GansynthTones, bundle: Bundle, least_db: float = LEAST_DB
) -> dict[str, float]:
    """Compare every graph of a bundle with torch, and a tone with a chain in float64.

    Parameters
    ----------
    model
        In the form that training uses, with the weights that were exported.
    least_db
        How exact notes must be, against float64; torch's own may be 10 dB nearer to that.

    Returns
    -------
    dict
        Largest difference to torch by graph name, the named figures of this module, and what they
        had to be.

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
    figures = {LEAST: least_db}
    for name in bundle.card.graphs:
        graph = ToneGraph.of(model, name)
        session = bundle.open_graph(name, runtime)
        where = f"{bundle.what}, graph {name}"
        figures[name] = _compare(model, graph, session, where, least_db - _TORCH_MAY_DB)
        if name == "note_1":
            figures |= _precision(model, session, bundle.what, least_db)
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


def _compare(
    model: GansynthTones, graph: ToneGraph, session: OpenGraph, where: str, least_db: float
) -> float:
    """Run a graph once on tones all over the keyboard; return the largest share of a peak."""
    inputs = graph.inputs(model, seed=1)
    found = session.run({name: tensor.numpy() for name, tensor in inputs.items()})["waveform"]
    largest = 0.0
    for start in range(0, graph.tones, _AT_A_TIME):
        part = slice(start, start + _AT_A_TIME)
        with torch.no_grad():
            wanted = model(inputs["z"][part], inputs["pitch"][part])[:, : graph.frames].numpy()
        if not (reached := decibels(found[part], wanted)) > least_db:
            raise BundleError(
                f"{where}: the difference to torch is {reached:.0f} dB below the notes, "
                f"must be {least_db:.0f} dB",
                _remedy(reached + _TORCH_MAY_DB),
            )
        largest = max(largest, _share_of_peak(found[part], wanted))
    return largest


def _precision(
    model: GansynthTones, session: OpenGraph, where: str, least_db: float
) -> dict[str, float]:
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
    if not ours >= least_db:
        raise BundleError(
            f"{where}: notes are {ours:.1f} dB exact, torch's {theirs:.1f} dB; "
            f"must be {least_db:.0f} dB",
            _remedy(ours),
        )
    return {FLOAT64: round(ours, 1), TORCH_FLOAT64: round(theirs, 1)}


def _remedy(reached_db: float) -> str:
    return (
        "Few channels amplify rounding. If the model sounds as it should, take it with "
        f"--accept {math.floor(reached_db)}."
    )


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
