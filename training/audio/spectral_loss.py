"""The reconstruction loss: log-magnitude distance and spectral convergence at three resolutions.

After Yamamoto et al. (Parallel WaveGAN, 2020), with two departures. Spectral convergence is
normalised over the batch: per crop it explodes on a crop that is nearly silent. And the lower half
of the spectrum weighs more, because there are as many bins above 12 kHz, where most tones are
silent, as below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from training.audio.format import REFERENCE_RMS, SAMPLE_RATE_HZ

_CONVERGENCE_WEIGHT = 0.5
_EVEN_WEIGHT_BELOW_HZ = 6000.0


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Magnitudes above the floor, and their logarithms; both (n, windows, bins)."""

    magnitude: Tensor
    log: Tensor


class SpectralLoss(nn.Module):
    """Compare audio with prepared target spectra.

    Parameters
    ----------
    windows
        STFT lengths in frames; each hops by three eighths of itself.
    floor_db
        Level of the floor against a full-scale partial at the reference loudness.
    """

    def __init__(self, windows: tuple[int, ...], floor_db: float) -> None:
        super().__init__()
        self.windows = windows
        self.floor = 2.0 * REFERENCE_RMS * 10.0 ** (floor_db / 20.0)
        for size in windows:
            window = torch.hann_window(size)
            weight = 1.0 / (
                1.0 + torch.linspace(0, SAMPLE_RATE_HZ / 2, size // 2 + 1) / _EVEN_WEIGHT_BELOW_HZ
            )
            self.register_buffer(f"_window_{size}", window * (2.0 / window.sum()), persistent=False)
            self.register_buffer(f"_weight_{size}", weight / weight.mean(), persistent=False)

    def spectra(self, audio: Tensor) -> list[Spectrum]:
        """Return one spectrum per window; audio float32, shape (n, frames)."""
        spectra = []
        for size in self.windows:
            frames = audio.unfold(1, size, _hop(size)) * self.get_buffer(f"_window_{size}")
            power = _power(torch.fft.rfft(frames), self.floor)
            spectra.append(Spectrum(power.sqrt(), 0.5 * power.log()))
        return spectra

    def forward(self, audio: Tensor, targets: list[Spectrum]) -> tuple[Tensor, Tensor]:
        """Return log-magnitude distance (nepers) and spectral convergence, both of shape ().

        The longest window, which resolves partials, counts as much as the others together.
        """
        pairs = []
        for size, target in zip(self.windows, targets, strict=True):
            window, weight = self.get_buffer(f"_window_{size}"), self.get_buffer(f"_weight_{size}")
            compare: Callable[..., tuple[Tensor, Tensor]] = _Compare.apply
            pair = compare(audio, target.magnitude, target.log, window, weight, self.floor)
            pairs.append(torch.stack(pair))
        others = max(len(pairs) - 1, 1)
        total = torch.stack(pairs[:1] * others + pairs[1:]).mean(dim=0)
        distance, convergence = total.unbind()
        return distance, convergence

    @staticmethod
    def total(distance: Tensor, convergence: Tensor) -> Tensor:
        """Return what is minimised, shape ()."""
        return distance + _CONVERGENCE_WEIGHT * convergence


class _Compare(torch.autograd.Function):
    """STFT, both distances, and their gradient, in one step.

    Autograd's own backward of `rfft` is a complex FFT of twice the size, and it keeps every
    intermediate array; written out, the loss costs a third.
    """

    @staticmethod
    def forward(
        ctx: Any,
        audio: Tensor,
        magnitude: Tensor,
        log: Tensor,
        window: Tensor,
        weight: Tensor,
        floor: float,
    ) -> tuple[Tensor, Tensor]:
        size = window.numel()
        bins = torch.fft.rfft(audio.unfold(1, size, _hop(size)) * window)
        power = _power(bins, floor)
        ours = power.sqrt()
        log_difference = power.log_().mul_(0.5).sub_(log)
        difference = ours - magnitude
        error, scale = torch.linalg.vector_norm(difference), torch.linalg.vector_norm(magnitude)
        ctx.save_for_backward(bins, ours, log_difference, difference, error, scale, window, weight)
        ctx.frames = audio.shape[1]
        return (log_difference.abs() * weight).mean(), error / scale

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        bins, ours, log_difference, difference, error, scale, window, weight = ctx.saved_tensors
        size = window.numel()
        # d/d|X| of both terms, over |X|: the gradient of |X| along the bin is X / |X|.
        slope = torch.sign(log_difference).mul_(weight).mul_(gradients[0] / ours.numel()).div_(ours)
        slope.add_(difference * (gradients[1] / (error * scale).clamp(min=1e-12))).div_(ours)
        adjoint = bins * slope
        adjoint[..., 1:-1] *= 0.5  # irfft counts every bin but the first and last twice
        frames = torch.fft.irfft(adjoint, size).mul_(size * window)
        shape = (bins.shape[0], ctx.frames)
        audio = torch.ops.aten.unfold_backward(frames, shape, 1, size, _hop(size))
        return audio, None, None, None, None, None


def _hop(size: int) -> int:
    return size * 3 // 8


def _power(bins: Tensor, floor: float) -> Tensor:
    parts = torch.view_as_real(bins)
    return parts[..., 0] ** 2 + parts[..., 1] ** 2 + floor**2
