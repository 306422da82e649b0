"""A frame voice's tones as graphs, which export writes: a whole tone, an attack, one hop.

In: a `FrameVoice`. Out: modules with plain inputs and outputs, and the random numbers to feed them.

Graph interface
---------------
All arrays are float32. ``n`` tones, ``V`` voices, ``T`` hops of 480 frames.

`WholeTone` and, with T = 32, the attack. The key stays down; release is the host's envelope.

=============  ==================  ==============================================================
input          shape               meaning
=============  ==================  ==============================================================
latent         (n, 24)             timbre; the checkpoint lists one per instrument
pitch          (n,)                MIDI number, may be fractional
velocity       (n,)                brightness, 0 to 1 (MIDI velocity / 127)
motion         (n,)                depth of the motion, 1 = as recorded
motion_phases  (n, 4, 140)         uniform in 0..1
noise          (n, T + 1, 2, 480)  standard normal
=============  ==================  ==============================================================

=============  ==================  ==============================================================
output         shape               meaning
=============  ==================  ==============================================================
audio          (n, 480 T)          the strongest 50 ms of a tone have an RMS near 0.1 at velocity 1
level_db       (n,)                loudness of this key against the instrument's median key
=============  ==================  ==============================================================

Seeds: for a pair (seed, pitch) with an integer pitch, ``numpy.random.Generator(Philox(key=[seed,
pitch]))``; draw ``motion_phases = random((4, 140), float32)`` first, then
``noise = standard_normal((T + 1, 2, 480), float32)``. A shorter draw is the beginning of a longer
one, and neither depends on velocity or latent: so attacks are prefixes and velocity layers blend
coherently.

`FrameStep` gives one hop of V voices. A call with ``since_onset = 0`` starts a voice: it needs no
valid state and its audio is silence; the next call, with ``since_onset = 0.01``, gives the first
hop, and so on. Inputs describe the *end* of the hop.

=============  ==================  ==============================================================
input          shape               meaning
=============  ==================  ==============================================================
latent         (V, 24)             may change from hop to hop: live morphing
pitch          (V,)                may change from hop to hop: bend
velocity       (V,)                as above
motion         (V,)                as above
motion_phases  (V, 4, 140)         the same at every hop of a tone
noise          (V, 2, 480)         row t of the whole tone's noise at since_onset = t / 100
since_onset    (V,)                seconds
since_release  (V,)                seconds since the key was let go, -1 while it is down
partials_in    (V, 280)            state: complex amplitudes
phases_in      (V, 140)            state: turns
beats_in       (V, 2, 140)         state: turns
noise_in       (V, 480)            state: the second half of the last noise frame
=============  ==================  ==============================================================

Outputs: ``audio`` (V, 480), ``partials_out``, ``phases_out``, ``beats_out``, ``noise_out``.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.audio.format import HOP_FRAMES, SAMPLE_RATE_HZ
from training.frame_voice import synthesis
from training.frame_voice.config import (
    NOISE_BIN_COUNT,
    PARTIAL_COUNT,
)
from training.frame_voice.model import FrameVoice, tempered_hz
from training.frame_voice.network import HOP_SECONDS as HOP_SECONDS


class WholeTone(nn.Module):
    """A held tone from its first frame; see the module's graph interface.

    Parameters
    ----------
    voice
        The trained voice.
    hops
        Length in hops of 10 ms: 400 for a whole tone, 32 for an attack.
    """

    def __init__(self, voice: FrameVoice, hops: int) -> None:
        super().__init__()
        self.voice, self.hops = voice, hops

    def forward(
        self,
        latent: Tensor,
        pitch: Tensor,
        velocity: Tensor,
        motion: Tensor,
        motion_phases: Tensor,
        noise: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return audio (n, 480 hops) and level_db (n,)."""
        voice = self.voice
        share = voice.share_of_instruments(latent)
        times = torch.arange(self.hops + 1, device=latent.device) * HOP_SECONDS
        times = times.expand(latent.shape[0], self.hops + 1)
        held = torch.full_like(times, -1.0)
        audio = render_hops(
            voice, share, latent, pitch, velocity, motion, motion_phases, noise, times, held
        )
        keys = (1.0 - (pitch[:, None] - voice.keys).abs()).clamp(min=0.0)
        level = ((share @ voice.level_table) * keys).sum(dim=1) / keys.sum(dim=1).clamp(min=1e-6)
        return audio, level


def render_hops(
    voice: FrameVoice,
    share: Tensor,
    latent: Tensor,
    pitch: Tensor,
    velocity: Tensor,
    motion: Tensor,
    motion_phases: Tensor,
    noise: Tensor,
    since_onset: Tensor,
    since_release: Tensor,
    f0_hz: Tensor | None = None,
) -> Tensor:
    """Render consecutive hops of n tones; the plain form behind training and `WholeTone`.

    Parameters
    ----------
    voice
        The voice.
    share
        (n, instruments), whose tuning to use.
    latent, pitch, velocity, motion, motion_phases
        As in the graph interface.
    noise
        (n, hops + 1, 2, 480).
    since_onset, since_release
        Seconds at the hop boundaries, (n, hops + 1).
    f0_hz
        float64, (n,): the frequency to play, if not the tempered one.

    Returns
    -------
    Tensor
        float32, shape (n, 480 hops).
    """
    f0 = tempered_hz(pitch) if f0_hz is None else f0_hz
    tone = voice.network.tone(latent, pitch)
    tuning = voice.tuning(share, pitch, f0)
    amplitudes, gains = voice.frame_controls(
        tone, share, tuning, velocity, f0.float(), since_onset, since_release
    )
    cycles = tuning.hz / SAMPLE_RATE_HZ
    hop = torch.round(since_onset[:, :, None] / HOP_SECONDS).double()
    turns = voice.start_turns + centred_phase(cycles, hop)
    beats = hop.float()[:, :, None] * voice.beat_turns_per_hop(tone, motion_phases)[:, None]
    copies = moving_partials(
        motion_phases[:, None, :2] + beats, voice.copy_depth(tone, motion)[:, None]
    )
    before = turned(amplitudes[:, :-1], copies[:, :-1], turns[:, :-1])
    after = turned(amplitudes[:, 1:], copies[:, 1:], turns[:, :-1])
    basis = synthesis.hop_basis(cycles.float())
    tonal = synthesis.partials_to_audio(before, after, basis, voice.rise)
    frames = voice.noise_frames(gains, noise)
    hiss = frames[:, :-1, HOP_FRAMES:] + frames[:, 1:, :HOP_FRAMES]
    return (tonal + hiss).flatten(1)


def centred_phase(cycles: Tensor, hop: Tensor) -> Tensor:
    """Return phases in turns at hop boundaries, float32 (n, hops, partials), from float64."""
    per_hop = synthesis.centred(cycles * HOP_FRAMES)
    return synthesis.centred(per_hop[:, None] * hop).float()


def moving_partials(beat_turns: Tensor, depth: Tensor) -> Tensor:
    """Return 1 + c e^{ia} + c e^{ib} as real and imaginary parts, stacked in dimension -2.

    Parameters
    ----------
    beat_turns
        (..., 2, 140): a and b in turns.
    depth
        (..., 140): c.
    """
    cosine, sine = synthesis.unit_circle(beat_turns)
    real = 1.0 + depth * cosine.sum(dim=-2)
    return torch.stack([real, depth * sine.sum(dim=-2)], dim=-2)


def turned(amplitudes: Tensor, motion: Tensor, turns: Tensor) -> Tensor:
    """Return amplitude times motion times phase, real parts then imaginary, (..., 280)."""
    cosine, sine = synthesis.unit_circle(turns)
    real, imaginary = motion[..., 0, :], motion[..., 1, :]
    return torch.cat(
        [
            amplitudes * (real * cosine - imaginary * sine),
            amplitudes * (real * sine + imaginary * cosine),
        ],
        dim=-1,
    )


class FrameStep(nn.Module):
    """One hop of V voices with explicit state; see the module's graph interface."""

    def __init__(self, voice: FrameVoice) -> None:
        super().__init__()
        self.voice = voice

    def forward(
        self,
        latent: Tensor,
        pitch: Tensor,
        velocity: Tensor,
        motion: Tensor,
        motion_phases: Tensor,
        noise: Tensor,
        since_onset: Tensor,
        since_release: Tensor,
        partials_in: Tensor,
        phases_in: Tensor,
        beats_in: Tensor,
        noise_in: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return audio (V, 480) and the next state."""
        voice = self.voice
        f0 = tempered_hz(pitch)
        share = voice.share_of_instruments(latent)
        tone = voice.network.tone(latent, pitch)
        tuning = voice.tuning(share, pitch, f0)
        amplitudes, gains = voice.frame_controls(
            tone, share, tuning, velocity, f0.float(), since_onset[:, None], since_release[:, None]
        )
        sounding = (since_onset > 0.5 * HOP_SECONDS)[:, None]
        cycles = tuning.hz / SAMPLE_RATE_HZ
        per_hop = synthesis.centred(cycles * HOP_FRAMES).float()
        beats = synthesis.centred(beats_in + voice.beat_turns_per_hop(tone, motion_phases))
        beats = torch.where(sounding[:, None], beats, motion_phases[:, :2])
        copies = moving_partials(beats, voice.copy_depth(tone, motion))
        after = turned(amplitudes[:, 0], copies, torch.zeros_like(per_hop))
        tonal = synthesis.single_hop(
            rotated(partials_in, phases_in),
            rotated(after, phases_in),
            cycles.float(),
            voice.rise,
        )
        frames = voice.noise_frames(gains, noise[:, None])[:, 0]
        audio = (tonal + noise_in + frames[:, :HOP_FRAMES]) * sounding.to(tonal.dtype)
        start = voice.start_turns.expand_as(per_hop)
        phases = torch.where(sounding, synthesis.centred(phases_in + per_hop), start)
        return audio, after, phases, beats, frames[:, HOP_FRAMES:]


def rotated(partials: Tensor, turns: Tensor) -> Tensor:
    """Turn complex amplitudes (V, 280) by turns (V, 140)."""
    cosine, sine = synthesis.unit_circle(turns)
    real, imaginary = partials[:, :PARTIAL_COUNT], partials[:, PARTIAL_COUNT:]
    return torch.cat([real * cosine - imaginary * sine, real * sine + imaginary * cosine], dim=-1)


def seeded_inputs(
    seed: int, pitch: int, hops: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw `motion_phases` (4, 140) and `noise` (hops + 1, 2, 480) of one tone.

    The same for every latent and velocity; a shorter draw is the beginning of a longer one.
    """
    random = np.random.Generator(np.random.Philox(key=[seed, pitch]))
    phases = random.random((4, PARTIAL_COUNT), np.float32)
    return phases, random.standard_normal((hops + 1, 2, NOISE_BIN_COUNT), np.float32)
