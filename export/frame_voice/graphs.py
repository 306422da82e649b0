"""What a frame voice's bundle contains: its graphs, and what goes in and out of each.

In: a trained voice. Out: for every graph name a torch module, example inputs with fixed shapes,
and the meaning of every axis. The interface itself is described in `training.frame_voice.model`.
"""

from __future__ import annotations

import torch

from export.bundle.graph_plan import GraphPlan
from training.audio.format import HOP_FRAMES
from training.frame_voice.config import PARTIAL_COUNT
from training.frame_voice.graphs import FrameStep, WholeTone, seeded_inputs
from training.frame_voice.model import FrameVoice

LAYERS = 2
"""Velocities per run of a tone graph: they share the network, the phases and the noise."""
NOTE_HOPS = {"attack": 32, "note": 250, "whole": 400}
"""Lengths in hops of 10 ms: what a stand-in lasts, a preset's usual tone, the longest tone."""
STEP_VOICES = {"step_1": 1, "step_8": 8, "step_16": 16}
GRAPH_NAMES = (*NOTE_HOPS, *STEP_VOICES)


def plan(voice: FrameVoice, name: str) -> GraphPlan:
    """Prepare one of `GRAPH_NAMES` for export."""
    if name in NOTE_HOPS:
        return _note_plan(voice, NOTE_HOPS[name])
    return _step_plan(voice, STEP_VOICES[name])


def _note_plan(voice: FrameVoice, hops: int) -> GraphPlan:
    phases, noise = seeded_inputs(0, 60, hops)
    return GraphPlan(
        WholeTone(voice, hops).eval(),
        {
            "latent": voice.latent_of[:1].detach().clone(),
            "pitch": torch.tensor([60.0]),
            "velocity": torch.linspace(0.3, 0.9, LAYERS),
            "motion": torch.ones(1),
            "motion_phases": torch.from_numpy(phases)[None],
            "noise": torch.from_numpy(noise)[None],
        },
        {
            "latent": ("notes", "latent"),
            "pitch": ("notes",),
            "velocity": ("layers",),
            "motion": ("notes",),
            "motion_phases": ("notes", "motion_phases", "partials"),
            "noise": ("notes", "hop_boundaries", "complex", "bins"),
        },
        {"audio": ("layers", "frames"), "level_db": ("notes",)},
    )


def _step_plan(voice: FrameVoice, voices: int) -> GraphPlan:
    seeded = [seeded_inputs(0, 60 + index, 0) for index in range(voices)]
    index = torch.arange(voices) % len(voice.latent_of)
    return GraphPlan(
        FrameStep(voice).eval(),
        {
            "latent": voice.latent_of[index].detach().clone(),
            "pitch": 60.0 + torch.arange(voices, dtype=torch.float32),
            "velocity": torch.linspace(0.3, 0.9, voices),
            "motion": torch.ones(voices),
            "motion_phases": torch.stack([torch.from_numpy(phases) for phases, _ in seeded]),
            "noise": torch.stack([torch.from_numpy(noise[0]) for _, noise in seeded]),
            "since_onset": torch.zeros(voices),
            "since_release": -torch.ones(voices),
            "partials_in": torch.zeros(voices, 2 * PARTIAL_COUNT),
            "phases_in": torch.zeros(voices, PARTIAL_COUNT),
            "beats_in": torch.zeros(voices, 2, PARTIAL_COUNT),
            "noise_in": torch.zeros(voices, HOP_FRAMES),
        },
        {
            "latent": ("voices", "latent"),
            "pitch": ("voices",),
            "velocity": ("voices",),
            "motion": ("voices",),
            "motion_phases": ("voices", "motion_phases", "partials"),
            "noise": ("voices", "complex", "bins"),
            "since_onset": ("voices",),
            "since_release": ("voices",),
            "partials_in": ("voices", "complex_partials"),
            "phases_in": ("voices", "partials"),
            "beats_in": ("voices", "copies", "partials"),
            "noise_in": ("voices", "frames"),
        },
        {
            "audio": ("voices", "frames"),
            "partials_out": ("voices", "complex_partials"),
            "phases_out": ("voices", "partials"),
            "beats_out": ("voices", "copies", "partials"),
            "noise_out": ("voices", "frames"),
        },
    )
