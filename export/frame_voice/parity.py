"""Prove that a bundle computes what torch computes.

In: the voice in torch, and the bundle's graphs as a player's machine opens them. Out: the largest
absolute difference per graph, on random notes; a graph that differs more than it may is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.bundle.proof import check_difference, run_twice
from export.frame_voice.graphs import NOTE_HOPS, STEP_VOICES, plan
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.open_graph import OpenGraph, Tensors
from training.audio.format import HOP_FRAMES
from training.frame_voice.config import PARTIAL_COUNT
from training.frame_voice.graphs import WholeTone, seeded_inputs
from training.frame_voice.model import HOP_SECONDS, FrameVoice

LARGEST_DIFFERENCE = 1e-4
"""Of full scale: -80 dB, below every note's own noise."""
TRIALS = 3
ROLLOUT_HOPS = 64


@dataclass(frozen=True, slots=True)
class _RandomTones:
    """Notes with blends of two instruments each."""

    latent: Tensor  # (n, 24)
    pitch: Tensor  # (n,)
    velocity: Tensor  # (n,)

    @staticmethod
    def draw(voice: FrameVoice, count: int, random: np.random.Generator) -> _RandomTones:
        learned = voice.latent_of.detach()
        pairs = torch.from_numpy(random.integers(0, len(learned), (count, 2)))
        share = torch.from_numpy(random.choice([0.0, 0.3, 0.5], (count, 1))).float()
        latent = (1 - share) * learned[pairs[:, 0]] + share * learned[pairs[:, 1]]
        return _RandomTones(
            latent,
            torch.from_numpy(random.integers(21, 109, count)).float(),
            torch.from_numpy(random.uniform(0.1, 1.0, count)).float(),
        )


def check_parity(voice: FrameVoice, bundle: Bundle) -> dict[str, float]:
    """Compare every graph of a bundle with torch.

    Parameters
    ----------
    voice
        With the same rounded matrices that were exported.

    Returns
    -------
    dict
        Largest absolute difference by graph name, full scale 1.

    Raises
    ------
    BundleError
        A graph differs by more than `LARGEST_DIFFERENCE`, or two runs of it differ at all.
    """
    runtime = Runtime(threads=1, device="cpu")
    differences = {}
    for name in bundle.card.graphs:
        session = bundle.open_graph(name, runtime)
        random = np.random.default_rng(len(name))
        if name in NOTE_HOPS:
            trials = [tone_difference(voice, session, name, random) for _ in range(TRIALS)]
        else:
            trials = [_rollout_difference(voice, session, STEP_VOICES[name], random)]
        differences[name] = max(trials)
        check_difference(f"{bundle.what}, graph {name}", differences[name], LARGEST_DIFFERENCE)
    return differences


def tone_difference(
    voice: FrameVoice, session: OpenGraph, name: str, random: np.random.Generator
) -> float:
    """Compare one random note, both velocity layers, and its level."""
    graph = plan(voice, name)
    note = _RandomTones.draw(voice, 1, random)
    phases, noise = seeded_inputs(int(random.integers(1000)), int(note.pitch), NOTE_HOPS[name])
    inputs = graph.inputs | {
        "latent": note.latent,
        "pitch": note.pitch,
        "velocity": torch.tensor([float(note.velocity), 1.0]),
        "motion_phases": torch.from_numpy(phases)[None],
        "noise": torch.from_numpy(noise)[None],
    }
    wanted = graph.run(inputs)
    found = run_twice(session, {key: value.numpy() for key, value in inputs.items()}, name)
    return max(_largest(found[output], wanted[output]) for output in wanted)


def _rollout_difference(
    voice: FrameVoice, session: OpenGraph, voices: int, random: np.random.Generator
) -> float:
    """Stream notes hop by hop through ONNX and compare them with whole notes from torch."""
    notes = _RandomTones.draw(voice, voices, random)
    seeded = [seeded_inputs(1, int(pitch), ROLLOUT_HOPS) for pitch in notes.pitch]
    phases = torch.stack([torch.from_numpy(one) for one, _ in seeded])
    noise = torch.stack([torch.from_numpy(one) for _, one in seeded])
    motion = torch.ones(voices)
    with torch.no_grad():
        whole, _ = WholeTone(voice, ROLLOUT_HOPS).eval()(
            notes.latent, notes.pitch, notes.velocity, motion, phases, noise
        )
    tensors: Tensors = {
        "latent": notes.latent.numpy(),
        "pitch": notes.pitch.numpy(),
        "velocity": notes.velocity.numpy(),
        "motion": motion.numpy(),
        "motion_phases": phases.numpy(),
        "since_release": -np.ones(voices, np.float32),
        "partials_in": np.full((voices, 2 * PARTIAL_COUNT), 9, np.float32),  # a note before it
        "phases_in": np.zeros((voices, PARTIAL_COUNT), np.float32),
        "beats_in": np.zeros((voices, 2, PARTIAL_COUNT), np.float32),
        "noise_in": np.full((voices, HOP_FRAMES), 9, np.float32),
    }
    largest = 0.0
    for hop in range(ROLLOUT_HOPS + 1):
        tensors["noise"] = noise[:, hop].numpy()
        tensors["since_onset"] = np.full(voices, hop * HOP_SECONDS, np.float32)
        found = run_twice(session, tensors, "a streaming graph")
        due = whole[:, (hop - 1) * HOP_FRAMES : hop * HOP_FRAMES] if hop else whole[:, :480] * 0
        largest = max(largest, _largest(found["audio"], due))
        for state in ("partials", "phases", "beats", "noise"):
            tensors[f"{state}_in"] = found[f"{state}_out"]
    return largest


def _largest(found: NDArray[np.float32], wanted: Tensor) -> float:
    return float(np.max(np.abs(found - wanted.numpy())))
