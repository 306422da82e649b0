"""Turn frame controls into audio with matrix products: partials and noise.

Everything is real-valued tensor algebra with fixed shapes, so that the same code trains, exports
and streams. A *hop* is 480 frames (10 ms); controls stand at hop boundaries and go in straight
lines between them. Phases are kept in turns and reduced to a fraction *before* they are multiplied
by 2 pi: float32 radians lose the phase of a high partial within seconds.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from training.audio.format import HOP_FRAMES, SAMPLE_RATE_HZ
from training.data.audio.analysis import MOTION_BANDS
from training.frame_voice.config import (
    HARMONIC_COUNT,
    MOTION_BAND_COUNT,
    NOISE_BAND_COUNT,
    NOISE_BIN_COUNT,
    PARTIAL_COUNT,
)

_FINE = 24  # e^{iwn} with n = 24 a + b: two short tables instead of 480 sines per partial
_COARSE = HOP_FRAMES // _FINE
_NOISE_A, _NOISE_B = 24, 20  # noise bin k = 20 a + b


def centred(turns: Tensor) -> Tensor:
    """Reduce turns to -0.5..0.5."""
    return turns - torch.round(turns)


def unit_circle(turns: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of an angle in turns."""
    angle = centred(turns) * (2.0 * math.pi)
    return torch.cos(angle), torch.sin(angle)


def hop_basis(cycles: Tensor) -> Tensor:
    """Return each partial's cosine and minus sine over one hop.

    Parameters
    ----------
    cycles
        float32, shape (n, partials): frequency in cycles per frame.

    Returns
    -------
    Tensor
        float32, shape (n, 2 partials, 480).
    """
    count = cycles.shape[0]
    coarse = torch.arange(_COARSE, device=cycles.device, dtype=cycles.dtype) * _FINE
    fine = torch.arange(_FINE, device=cycles.device, dtype=cycles.dtype)
    coarse_cos, coarse_sin = unit_circle(cycles[:, :, None, None] * coarse[:, None])
    fine_cos, fine_sin = unit_circle(cycles[:, :, None, None] * fine)
    cosine = coarse_cos * fine_cos - coarse_sin * fine_sin  # (n, P, 20, 24)
    sine = coarse_sin * fine_cos + coarse_cos * fine_sin
    partials = cycles.shape[1]
    shape = (count, partials, HOP_FRAMES)
    return torch.cat([cosine.reshape(shape), -sine.reshape(shape)], dim=1)


def partials_to_audio(before: Tensor, after: Tensor, basis: Tensor, rise: Tensor) -> Tensor:
    """Add up partials whose complex amplitude goes straight from one hop boundary to the next.

    Parameters
    ----------
    before, after
        float32, shape (n, hops, 2 partials): real and imaginary parts at the start and the end of
        each hop, both turned to the phase at its start.
    basis
        float32, shape (n, 2 partials, 480), from `hop_basis`.
    rise
        float32, shape (480,): 0 to 1 over the hop.

    Returns
    -------
    Tensor
        float32, shape (n, hops, 480).
    """
    start = torch.matmul(before, basis)
    slope = torch.matmul(after - before, basis)
    return start + slope * rise


def single_hop(before: Tensor, after: Tensor, cycles: Tensor, rise: Tensor) -> Tensor:
    """Add up partials over one hop; what `partials_to_audio` does over many, without its basis.

    The basis of 16 voices is 2 million numbers, used once: most of a step's time (5.6 ms of it).
    Here the amplitudes are turned to each of the 20 coarse places first, and the fine table of 24
    is shared by all of them.

    Parameters
    ----------
    before, after
        float32, shape (n, 2 partials): as in `partials_to_audio`.
    cycles
        float32, shape (n, partials): frequency in cycles per frame.
    rise
        float32, shape (480,).

    Returns
    -------
    Tensor
        float32, shape (n, 480).
    """
    n, partials = cycles.shape
    ends = torch.stack([before, after - before], dim=1)[:, :, None]  # (n, 2, 1, 2 P)
    real, imaginary = ends[..., :partials], ends[..., partials:]
    coarse = torch.arange(_COARSE, device=cycles.device, dtype=cycles.dtype) * _FINE
    fine = torch.arange(_FINE, device=cycles.device, dtype=cycles.dtype)
    coarse_cos, coarse_sin = unit_circle(cycles[:, None, None] * coarse[:, None])  # (n, 1, 20, P)
    fine_cos, fine_sin = unit_circle(cycles[:, :, None] * fine)  # (n, P, 24)
    turned_real = real * coarse_cos - imaginary * coarse_sin  # (n, 2, 20, P)
    turned_imaginary = real * coarse_sin + imaginary * coarse_cos
    turned = torch.cat([turned_real, turned_imaginary], dim=-1).reshape(n, -1, 2 * partials)
    audio = torch.matmul(turned, torch.cat([fine_cos, -fine_sin], dim=1))  # (n, 2 x 20, 24)
    start, slope = audio.reshape(n, 2, HOP_FRAMES).unbind(dim=1)
    return start + slope * rise


def noise_to_frames(
    gains: Tensor, noise: Tensor, stages: tuple[Tensor, Tensor, Tensor, Tensor]
) -> Tensor:
    """Shape white noise in frequency: an inverse DFT of 480 bins to 960 frames in two stages.

    One dense DFT matrix would be 3.7 MB of the model file and cost more than the network; splitting
    bins as k = 20 a + b and frames as n = 48 m + r (Cooley and Tukey, 1965) is 7 times cheaper.

    Parameters
    ----------
    gains
        float32, shape (n, frames, 480): amplitude of each bin.
    noise
        float32, shape (n, frames, 2, 480): standard normal real and imaginary parts.
    stages
        The tables of `noise_stages`.

    Returns
    -------
    Tensor
        float32, shape (n, frames, 960).
    """
    first, twiddle_cos, twiddle_sin, second = stages
    n, frames = gains.shape[:2]
    shaped = noise * gains.unsqueeze(2)
    bins = shaped.reshape(n, frames, 2, _NOISE_A, _NOISE_B)
    bins = bins.permute(0, 1, 4, 2, 3).reshape(n, frames, _NOISE_B, 2 * _NOISE_A)
    inner = torch.matmul(bins, first)  # (n, T, 20, 96): real then imaginary, by r
    real, imaginary = inner[..., :48], inner[..., 48:]
    turned_real = real * twiddle_cos - imaginary * twiddle_sin
    turned_imaginary = real * twiddle_sin + imaginary * twiddle_cos
    turned = torch.cat([turned_real, turned_imaginary], dim=2)  # (n, T, 40, 48)
    return torch.matmul(second, turned).reshape(n, frames, 2 * HOP_FRAMES)  # (n, T, 20 m, 48 r)


def noise_stages() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the four small tables of the two-stage inverse DFT, windowed frames excluded."""
    a, r = np.arange(_NOISE_A)[:, None], np.arange(48)[None, :]
    angle = 2 * np.pi * a * r / 48
    first = np.block([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    twiddle = 2 * np.pi * np.arange(_NOISE_B)[:, None] * r / 960
    m, b = np.arange(20)[:, None], np.arange(_NOISE_B)[None, :]
    outer = 2 * np.pi * m * b / 20
    second = np.concatenate([np.cos(outer), -np.sin(outer)], axis=1) / np.sqrt(NOISE_BIN_COUNT)
    tables = (first, np.cos(twiddle), np.sin(twiddle), second)
    one, two, three, four = (torch.tensor(table, dtype=torch.float32) for table in tables)
    return one, two, three, four


def noise_window() -> Tensor:
    """Return the sine window of 960 frames: overlapped halves keep the power of the noise."""
    return torch.sin(torch.pi * (torch.arange(2 * HOP_FRAMES) + 0.5) / (2 * HOP_FRAMES))


def erb_centres_hz() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return 48 centres equally spaced in ERBs, 30 Hz to 22 kHz (Glasberg and Moore, 1990)."""
    low, high = (21.4 * np.log10(1 + 0.00437 * hz) for hz in (30.0, 22000.0))
    return np.asarray((10 ** (np.linspace(low, high, NOISE_BAND_COUNT) / 21.4) - 1) / 0.00437)


def bands_to_bins() -> Tensor:
    """Return the matrix that interpolates 48 band levels to 480 bins of 50 Hz.

    Returns
    -------
    Tensor
        float32, shape (48, 480); columns add up to 1.
    """
    bins = np.arange(NOISE_BIN_COUNT) * SAMPLE_RATE_HZ / (2 * NOISE_BIN_COUNT)
    identity = np.eye(NOISE_BAND_COUNT)
    rows = [np.interp(bins, erb_centres_hz(), row) for row in identity]
    return torch.tensor(np.array(rows), dtype=torch.float32)


def motion_bands_to_partials() -> Tensor:
    """Return the matrix that gives each partial its motion band; modes move like partials 4-5.

    Returns
    -------
    Tensor
        float32, shape (8, 140).
    """
    matrix = np.zeros((MOTION_BAND_COUNT, PARTIAL_COUNT))
    for band, (first, last) in enumerate(MOTION_BANDS):
        matrix[band, first - 1 : last] = 1.0
    matrix[-1, MOTION_BANDS[-1][1] : HARMONIC_COUNT] = 1.0
    matrix[3, HARMONIC_COUNT:] = 1.0
    return torch.tensor(matrix, dtype=torch.float32)
