"""Play a trained voice from Python: one of its tones again, or any latents at a pitch."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from training.audio.format import HOP_FRAMES, SAMPLE_RATE_HZ
from training.data.audio.tone_set import HELD, ToneSet
from training.frame_voice.graphs import WholeTone, render_hops, seeded_inputs
from training.frame_voice.model import FrameVoice, tempered_hz
from training.frame_voice.network import HOP_SECONDS


def play_like(
    voice: FrameVoice, tones: ToneSet, row: int, motion: float = 1.0, seed: int = 0
) -> NDArray[np.float32]:
    """Play a tone of the set with the voice: same instrument, f0, length and release.

    Returns
    -------
    NDArray
        float32, shape (frames,), as long as the recording.
    """
    frames = int(tones.frames[row])
    hops = -(-frames // HOP_FRAMES)
    pitch = int(tones.pitch[row])
    phases, noise = seeded_inputs(seed, pitch, hops)
    hold = int(tones.hold_frames[row])
    device = voice.latent_of.device
    with torch.no_grad(), device:
        since_onset = torch.arange(hops + 1, dtype=torch.float32)[None] * HOP_SECONDS
        since_release = since_onset - (math.inf if hold == HELD else hold / SAMPLE_RATE_HZ)
        index = torch.tensor([tones.instrument[row]])
        audio = render_hops(
            voice,
            torch.nn.functional.one_hot(index, len(voice.latent_of)).float(),
            voice.latent_of[index],
            torch.tensor([float(pitch)]),
            velocity=torch.ones(1),
            motion=torch.tensor([motion]),
            motion_phases=torch.from_numpy(phases)[None].to(device),
            noise=torch.from_numpy(noise)[None].to(device),
            since_onset=since_onset,
            since_release=since_release,
            f0_hz=tempered_hz(torch.tensor([pitch + float(tones.cents[row]) / 100.0])),
        )
    result: NDArray[np.float32] = audio[0, :frames].cpu().numpy()
    return result


def play(
    voice: FrameVoice,
    latents: torch.Tensor,
    pitch: int,
    velocity: float | NDArray[np.float64],
    seconds: float,
    seed: int = 0,
    motion: float = 1.0,
) -> NDArray[np.float32]:
    """Play one pitch with several latents, all with the same motion and noise.

    Returns
    -------
    NDArray
        float32, shape (latents, frames).
    """
    count, hops = latents.shape[0], int(seconds * 100)
    phases, noise = seeded_inputs(seed, pitch, hops)
    velocities = np.broadcast_to(np.asarray(velocity, np.float32), (count,)).copy()
    with torch.no_grad():
        audio, _ = WholeTone(voice, hops)(
            latents,
            torch.full((count,), float(pitch)),
            torch.from_numpy(velocities),
            torch.full((count,), motion),
            torch.from_numpy(phases).expand(count, -1, -1),
            torch.from_numpy(noise).expand(count, -1, -1, -1),
        )
    result: NDArray[np.float32] = audio.numpy()
    return result
