"""A constant-Q transform: as many bins to each octave, each as wide as its pitch asks for.

In: a note, float, (frames,). Out: complex levels (bins, windows). Every bin is a Gaussian band of
the whole note's spectrum (after Velasco et al., 2011: "Constructing an invertible constant-Q
transform with non-stationary Gabor frames"), sampled at a hop by folding the band's spectrum. The
known libraries either bring a compiler with them or are no longer looked after; this is all that a
picture needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft, ifft, next_fast_len

from instrument.music.pitch import pitch_to_hz

_REACH = 5.0  # deviations after which a Gaussian is left out: 4e-6 of its peak
_SILENCE_SECONDS = 1.0  # between the note's end and its beginning, which the FFT joins


@dataclass(frozen=True, slots=True)
class ConstantQ:
    """The bins of a transform.

    Attributes
    ----------
    sample_rate_hz, hop_frames
        Of the notes, and between the windows.
    lowest_pitch, highest_pitch
        MIDI pitches of the first bin and of the last; the last must lie below half the rate.
    bins_per_semitone
        Three draw partials that are apart as such.
    width
        Standard deviation of a band over its frequency; this one is as wide as the authors' Hann
        windows (0.8 of the length that would part neighbouring bins).
    """

    sample_rate_hz: int = 16000
    hop_frames: int = 256
    lowest_pitch: int = 22
    highest_pitch: int = 118
    bins_per_semitone: int = 3
    width: float = 0.021

    @property
    def pitches(self) -> NDArray[np.float64]:
        """MIDI pitches of all bins, shape (bins,)."""
        count = (self.highest_pitch - self.lowest_pitch) * self.bins_per_semitone + 1
        return self.lowest_pitch + np.arange(count) / self.bins_per_semitone

    @property
    def frequencies_hz(self) -> NDArray[np.float64]:
        """Frequencies of all bins, shape (bins,)."""
        return pitch_to_hz(self.pitches)

    def transform(self, audio: NDArray[np.float32]) -> NDArray[np.complex128]:
        """Return levels, shape (bins, windows); a sine of amplitude 1 in a bin's middle gives 1.

        Parameters
        ----------
        audio
            float32, shape (frames,).
        """
        silence = int(_SILENCE_SECONDS * self.sample_rate_hz)
        windows = next_fast_len(-(-(audio.size + silence) // self.hop_frames))
        length = windows * self.hop_frames
        spectrum = fft(np.asarray(audio, np.float64), length)[: length // 2]
        bands = [self._band(spectrum, hz, length, windows) for hz in self.frequencies_hz]
        shown = -(-audio.size // self.hop_frames)
        return np.asarray(ifft(np.stack(bands), axis=1)[:, :shown] * (2.0 / self.hop_frames))

    def _band(
        self, spectrum: NDArray[np.complex128], hz: float, length: int, windows: int
    ) -> NDArray[np.complex128]:
        """Cut one band out and fold it to the hop's own rate."""
        middle = hz * length / self.sample_rate_hz
        spread = self.width * middle
        first = max(int(middle - _REACH * spread), 0)
        last = min(int(middle + _REACH * spread) + 1, spectrum.size)
        weight = np.exp(-0.5 * ((np.arange(first, last) - middle) / spread) ** 2)
        before, after = first % windows, -last % windows
        padded = np.pad(spectrum[first:last] * weight, (before, after))
        return np.asarray(padded.reshape(-1, windows).sum(axis=0))


def phase_turns(levels: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return how far each bin's phase turns from window to window over π, in ±1.

    This is the instantaneous frequency as GANSynth's pictures have it: folded, so a steady partial
    keeps one value and noise has none. The first window repeats the second.

    Parameters
    ----------
    levels
        complex128, shape (bins, windows), at least two windows.
    """
    turns = np.angle(levels[:, 1:] * np.conj(levels[:, :-1])) / np.pi
    return np.concatenate([turns[:, :1], turns], axis=1)
