"""GANSynth's representation of audio and back, without any network.

Log mel magnitude and instantaneous frequency (Engel et al., GANSynth, 2019, section 2.1), with the
peculiarities of the authors' code that their weights depend on. A model that makes such images can
sound no better than this round trip: it is the yardstick for theirs, at 16 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16000
NOTE_FRAMES = 64000

_MEL_BREAK_HZ, _MEL_Q = 700.0, 1127.0
_TINY = 1e-6

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MelIf:
    """The transform for one image size; GANSynth's own is 128 windows of 2048 frames.

    Attributes
    ----------
    windows, bins
        Size of the image; a window has twice as many frames as there are bins.
    hop_frames
        A quarter of a window.
    frames
        Length of the audio.
    """

    windows: int = 128
    bins: int = 1024
    frames: int = NOTE_FRAMES

    @property
    def hop_frames(self) -> int:
        """Frames between windows."""
        return self.bins // 2

    @property
    def lead_frames(self) -> int:
        """Silence put before the audio; none is put after it."""
        return self.hop_frames * (self.windows - 1) + 2 * self.bins - self.frames

    def image(self, audio: Float) -> Float:
        """Return the image of audio (frames,): float64, (windows, bins, 2)."""
        padded = np.pad(audio, (self.lead_frames, 0))
        frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * self.bins)
        spectrum = np.fft.rfft(frames[:: self.hop_frames] * self._window(), axis=1)[:, 1:]
        log_magnitude = np.log(np.abs(spectrum) + _TINY)
        matrix = linear_to_mel(self.bins)
        mel_power = np.log(np.exp(2.0 * log_magnitude) @ matrix + _TINY)
        phase = np.cumsum(instantaneous_frequency(np.angle(spectrum)) * np.pi, axis=0)
        return np.stack([mel_power, instantaneous_frequency(phase @ matrix)], axis=2)

    def audio(self, image: Float) -> Float:
        """Return the audio of an image; its last 1536 frames fade, as in the original."""
        matrix = mel_to_linear(self.bins)
        magnitude = np.sqrt(np.exp(image[..., 0]) @ matrix + _TINY)
        phase = np.cumsum(image[..., 1] * np.pi, axis=0) @ matrix
        spectrum = np.pad(magnitude * np.exp(1j * phase), ((0, 0), (1, 0)))
        frames = np.fft.irfft(spectrum, axis=1) * self._window() / 1.5
        out = np.zeros(self.lead_frames + self.frames)
        for index, frame in enumerate(frames):
            start = index * self.hop_frames
            out[start : start + frame.size] += frame
        return out[self.lead_frames :]

    def round_trip(self, audio: Float) -> Float:
        """Go there and back."""
        return self.audio(self.image(audio))

    def _window(self) -> Float:
        size = 2 * self.bins
        return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size))


def instantaneous_frequency(phase: Float) -> Float:
    """Return the phase's change from window to window over pi; the first row keeps the phase."""
    unwrapped = np.unwrap(phase, axis=0)
    return np.concatenate([phase[:1], np.diff(unwrapped, axis=0)]) / np.pi


@lru_cache
def linear_to_mel(bins: int, sample_rate_hz: float = SAMPLE_RATE_HZ) -> Float:
    """Return the warp from linear to as many mel bins, (bins, bins).

    Bands narrower than 1.5 bins are widened one after the other *in place*: the edges are views of
    one array, so widening one band moves its neighbours' edges. The published weights expect that.
    """
    nyquist = sample_rate_hz / 2.0
    edges = np.linspace(0.0, _mel(np.array(nyquist)), bins + 2)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    narrow = 1.5 * nyquist / bins
    for band in range(bins):
        low, middle, high = (_hz(edges[band + place]) for place in range(3))
        if high - low < narrow:
            ratio = 0.5 * narrow / (middle + _MEL_BREAK_HZ)
            half_width = _MEL_Q * np.log(ratio + np.sqrt(1.0 + ratio**2))
            lower[band] = centre[band] - half_width
            upper[band] = centre[band] + half_width
    low_hz, centre_hz, high_hz = _hz(lower), _hz(centre), _hz(upper)
    frequency = np.linspace(0.0, nyquist, bins)[1:, None]
    rising = (frequency - low_hz) / (centre_hz - low_hz)
    falling = (high_hz - frequency) / (high_hz - centre_hz)
    return np.pad(np.maximum(0.0, np.minimum(rising, falling)), ((1, 0), (0, 0)))


@lru_cache
def mel_to_linear(bins: int) -> Float:
    """Return the approximate inverse of `linear_to_mel`."""
    matrix = linear_to_mel(bins)
    total = (matrix @ matrix.T).sum(axis=0)
    safe = np.where(np.abs(total) > 1e-8, total, 1.0)
    return np.asarray(matrix.T * np.where(np.abs(total) > 1e-8, 1.0 / safe, total))


def _mel(hz: Float) -> Float:
    return np.asarray(_MEL_Q * np.log1p(hz / _MEL_BREAK_HZ))


def _hz(mel: Float) -> Float:
    return np.asarray(_MEL_BREAK_HZ * np.expm1(mel / _MEL_Q))
