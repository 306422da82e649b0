"""What a model that was made at 16 kHz cannot have: the octave above 8 kHz, as recordings have it.

In: tones at 16 kHz and their pitches. Out: the same tones at 48 kHz, with air. Its substance is the
tone's own: 3.6 to 7.6 kHz moved up by whole multiples of the pitch, so that partials stay on
partials and noise stays noise (spectral band replication; Dietz et al., 2002). How loud it is tells
the highest band that is known, by what recordings have above theirs
(`training.metrics.audio.air`). Each moment depends on what was before it and on 8 ms after it.
"""

from __future__ import annotations

import dataclasses
import math
from functools import cache, lru_cache

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from instrument.music.pitch import pitch_to_hz
from instrument.rendering.renderer import Audio, RendererInfo, ToneRenderer

Floats = NDArray[np.float64]

MODEL_HZ, RATE_HZ = 16_000, 48_000
FRAMES, HOP = 256, 128
"""Of the short spectra: 5.3 ms."""
KNOWN_HZ = (6750.0, 7500.0)
"""The highest band that a model has in full: its level tells those above it."""
AIR_EDGES_HZ = (
    *(7500.0, 8250.0, 9000.0, 9750.0, 10_500.0, 11_250.0, 12_000.0),
    *(13_125.0, 14_250.0, 15_375.0, 16_500.0, 18_000.0),
)
"""Of the bands of air."""
AIR_DB = (-3.6, -4.7, -6.6, -8.7, -10.3, -11.4, -9.8, -10.9, -12.9, -14.7, -15.8)
"""How much fainter than the known one each band is, in the mean over recorded instruments."""
FLOOR_DB = -120.0
"""Below it a band has no level."""

_MOVED_HZ = (3600.0, 7600.0)
_AIR_FROM_HZ = 7600.0
_MOST_DB = 20.0  # that a moved band is lifted: beyond, it is rounding that would be heard
_TAPS = 385  # of the filter that takes out what is moved
_SMOOTH = 8  # short spectra that a level is the mean power of
_RESAMPLER_TAIL = 384  # frames at 48 kHz; see `instrument.rendering.sustained_tones`
_TAIL = _RESAMPLER_TAIL + _TAPS // 2 + FRAMES


class AiredRenderer:
    """Another renderer's tones, at 48 kHz and with air. Belongs to the other's thread.

    Parameters
    ----------
    renderer
        Renders at 16 kHz.
    amount
        Factor of the air's amplitude; 1 = as recordings have it.
    """

    def __init__(self, renderer: ToneRenderer, amount: float) -> None:
        self._renderer, self._amount = renderer, amount

    @property
    def info(self) -> RendererInfo:
        """What it is: as the other, but three times as many frames a second."""
        info, times = self._renderer.info, RATE_HZ // MODEL_HZ
        return dataclasses.replace(
            info,
            sample_rate_hz=RATE_HZ,
            attack_frames=times * info.attack_frames - _TAIL,
            longest_frames=times * info.longest_frames,
        )

    def open(self, frames: int) -> None:
        """Open what attacks and tones of `frames` frames need."""
        self._renderer.open(self._own(frames))

    def keep_awake(self) -> None:
        """Keep a GPU's clocks up."""
        self._renderer.keep_awake()

    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        """Render held tones; see `ToneRenderer.render`."""
        wanted = self.info.longest_frames if frames is None else frames
        tones = self._renderer.render(pitches, latents, velocities, self._own(wanted))
        return with_air(tones, np.asarray(pitches), self._amount)[:, :wanted]

    def _own(self, frames: int) -> int:
        """Return how many of the other's frames that many need, or all that there are."""
        longest = self._renderer.info.longest_frames
        return min(math.ceil((frames + _TAIL) * MODEL_HZ / RATE_HZ), longest)


def with_air(tones: Audio, pitches: NDArray[np.int64], amount: float = 1.0) -> Audio:
    """Return tones at 48 kHz with air.

    Parameters
    ----------
    tones
        float32, shape (n, frames), at 16 kHz.
    pitches
        Shape (n,): MIDI numbers.
    amount
        Factor of the air's amplitude.

    Returns
    -------
    ndarray
        float32, shape (n, 3 * frames).
    """
    plain = np.asarray(soxr.resample(tones.T, MODEL_HZ, RATE_HZ).T, np.float32)
    for tone, pitch in zip(plain, pitches, strict=True):
        moved = _spectra(_moved(tone, float(pitch_to_hz(pitch))), _window())
        gains = amount * _gains(
            level_db(short_spectra(tone), KNOWN_HZ), level_db(moved, AIR_EDGES_HZ)
        )
        tone += _sound(moved * gains, len(tone))
    return plain


def short_spectra(audio: Audio) -> NDArray[np.complex128]:
    """Return the spectra of a sound at 48 kHz by Hann's window, (windows, FRAMES / 2 + 1).

    Parameters
    ----------
    audio
        float32, shape (frames,); the first window ends one hop after its beginning.
    """
    return _spectra(audio, _window() ** 2 / np.sqrt(0.75))


def level_db(spectra: NDArray[np.complex128], edges_hz: tuple[float, ...]) -> Floats:
    """Return the levels of bands, float64, shape (windows, bands): of a few windows up to each.

    Parameters
    ----------
    spectra
        Shape (windows, FRAMES / 2 + 1), see `short_spectra`.
    edges_hz
        Where bands begin and end.
    """
    edges = np.searchsorted(_bins_hz(), edges_hz)
    power = np.add.reduceat(np.abs(spectra) ** 2, edges, axis=1)[:, :-1] / FRAMES
    padded = np.concatenate([np.zeros((_SMOOTH - 1, power.shape[1])), power])
    mean = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTH, axis=0).mean(axis=-1)
    return np.asarray(10.0 * np.log10(np.maximum(mean, 10.0 ** (FLOOR_DB / 10.0))))


def _moved(tone: Audio, pitch_hz: float) -> Audio:
    """Return what lies between 3.6 and 7.6 kHz, moved above it once, twice and a third time."""
    step_hz = round((_MOVED_HZ[1] - _MOVED_HZ[0]) / pitch_hz) * pitch_hz
    turns = np.arange(len(tone)) * (step_hz / RATE_HZ)
    angle = (2.0 * np.pi * (turns % 1.0)).astype(np.float32)
    once = np.cos(angle) + 1j * np.sin(angle)
    moved = _one_sided(tone) * once * (1.0 + once * (1.0 + once))
    return np.asarray(moved.real, np.float32)


def _one_sided(tone: Audio) -> NDArray[np.complex64]:
    """Filter a band, positive frequencies alone; nothing is late."""
    size = 1 << (len(tone) + _TAPS - 1).bit_length()
    spectrum = np.fft.rfft(tone, size)
    band = np.zeros(size, np.complex64)
    band[: len(spectrum)] = spectrum * _band_response(size)
    return np.asarray(np.fft.ifft(band)[_TAPS // 2 :][: len(tone)], np.complex64)


@lru_cache(maxsize=4)
def _band_response(size: int) -> NDArray[np.complex64]:
    return np.fft.fft(_band_taps(), size)[: size // 2 + 1].astype(np.complex64)


@cache
def _band_taps() -> NDArray[np.complex128]:
    low, high = _MOVED_HZ
    at = np.arange(_TAPS) - _TAPS // 2
    low_pass = (
        (high - low) / RATE_HZ * np.sinc((high - low) / RATE_HZ * at) * np.kaiser(_TAPS, 10.0)
    )
    return np.asarray(2.0 * low_pass * np.exp(1j * np.pi * (low + high) / RATE_HZ * at))


def _gains(known_db: Floats, moved_db: Floats) -> Floats:
    """Return what each bin of the moved sound is multiplied by, (windows, FRAMES / 2 + 1)."""
    lift = np.minimum(known_db + AIR_DB - moved_db, _MOST_DB)
    lift[moved_db <= FLOOR_DB] = FLOOR_DB
    edges, hz = np.asarray(AIR_EDGES_HZ), _bins_hz()
    between = np.interp(hz, (edges[:-1] + edges[1:]) / 2.0, np.arange(len(edges) - 1))
    below = np.minimum(between.astype(int), len(edges) - 3)
    share = between - below
    gains = 10.0 ** ((lift[:, below] * (1.0 - share) + lift[:, below + 1] * share) / 20.0)
    gains[:, (hz < _AIR_FROM_HZ) | (hz >= edges[-1])] = 0.0
    return np.asarray(gains)


def _spectra(audio: Audio, window: Floats) -> NDArray[np.complex128]:
    count = math.ceil(len(audio) / HOP) + 1
    padded = np.zeros(FRAMES + (count - 1) * HOP)
    padded[HOP : HOP + len(audio)] = audio
    windows = np.lib.stride_tricks.sliding_window_view(padded, FRAMES)[::HOP]
    return np.fft.rfft(windows * window)


def _sound(spectra: NDArray[np.complex128], frames: int) -> Audio:
    """Return what spectra sound like, added where they overlap; the opposite of `_spectra`."""
    parts = np.fft.irfft(spectra, FRAMES) * _window()
    sound = np.zeros(FRAMES + (len(parts) - 1) * HOP)
    for half in (0, 1):
        there = sound[half * HOP : half * HOP + len(parts) * HOP]
        there += parts[:, half * HOP : (half + 1) * HOP].reshape(-1)[: len(there)]
    return np.asarray(sound[HOP : HOP + frames], np.float32)


@cache
def _window() -> Floats:
    """Return the root of Hann's window: used twice, it adds up to one where windows overlap."""
    return np.asarray(np.sin(np.pi * (np.arange(FRAMES) + 0.5) / FRAMES))


@cache
def _bins_hz() -> Floats:
    return np.asarray(np.fft.rfftfreq(FRAMES, 1.0 / RATE_HZ), np.float64)
