"""Render tones with the small convolutional GAN: a tile of levels, made audible, tuned to a key.

In: a bundle whose graph makes tiles (`training.convgan.system`). Out: tones. The network knows
neither keys nor velocities: a tile is two seconds of something. Its pitch is looked for (YIN), and
it is played faster or slower until a key has its own; without a clear one it counts as middle C. A
tile has no phases: the fast Griffin-Lim algorithm (Perraudin et al., 2013) finds some, as
`training.audio.tiles` does in torch.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from instrument.bundle.bundle import FETCH_AGAIN, Bundle, GraphHost
from instrument.bundle.open_graph import RunnableGraph
from instrument.errors import BundleError
from instrument.music.pitch import mel_bands
from instrument.music.yin import estimate_pitch
from instrument.rendering.loudness import LEVEL, strongest_rms
from instrument.rendering.renderer import Audio, RendererInfo, checked_tones

GRAPH, INPUT, OUTPUT = "tile_1", "z", "levels"
PITCH_RANGE = (48, 72)
"""An octave up and down from the middle; other keys are these, resampled once more."""
MIDDLE_PITCH = 60
RATE_HZ = 16_000
"""Of tiles; pitches are estimated at it."""
FLOOR_DB = -80.0
"""Everything quieter counts as silence; 0 dB is a sine at full scale."""
ITERATIONS, MOMENTUM = 32, 0.99
UNMIXING_ROUNDS = 40
FADE_FRAMES = 128
"""A tile begins anywhere in a sound."""
MOST_GAIN = 30.0
_OCTAVE, _LARGEST_SHIFT = 12, 6.0
_ONSET_SHARE = 0.05
_KEPT_TILES = 4

Levels = NDArray[np.float64]
Spectrum = NDArray[np.complex128]


class ConvganRenderer:
    """Tones from tiles; velocities change nothing. Belongs to one thread.

    A tile whose pitch lies more than half an octave from the middle sounds octaves off its key:
    further resampling would leave nothing to hold.

    Parameters
    ----------
    bundle
        A bundle of kind "convgan".
    runtime
        Where the graph runs.

    Raises
    ------
    BundleError
        The graph makes no tiles, or a constant of the card is out of range.
    """

    def __init__(self, bundle: Bundle, runtime: GraphHost[RunnableGraph]) -> None:
        self._bundle = bundle
        self._graph = bundle.open_graph(GRAPH, runtime)
        shape = self._graph.outputs.get(OUTPUT, ("", ()))[1]
        card = bundle.sound
        is_tile = len(shape) == 3 and shape[0] == 1 and min(shape) > 0
        if not is_tile or set(self._graph.inputs) != {INPUT} or card.sample_rate_hz != RATE_HZ:
            raise BundleError(f"{bundle.what}: its graph makes no tiles", FETCH_AGAIN)
        window = int(bundle.constant("window_frames", 2048, (64, 8192)))
        self._tiles = TileSound(shape[1], shape[2], window, window // 4)
        self._heard: dict[bytes, tuple[Audio, float]] = {}
        highest = PITCH_RANGE[1] - MIDDLE_PITCH + _LARGEST_SHIFT
        frames = int(self._tiles.frames / 2.0 ** (highest / _OCTAVE))
        self.info = RendererInfo(
            sample_rate_hz=RATE_HZ,
            pitch_range=PITCH_RANGE,
            latent_size=card.latent_size,
            attack_frames=frames,
            longest_frames=frames,
            hears_velocity=False,
            keeps_levels=False,
            provider=self._graph.provider,
            notice=runtime.notice,
        )

    def open(self, frames: int) -> None:
        """There is one graph, and it is open."""

    def keep_awake(self) -> None:
        """Run the graph, so that a GPU does not lower its clocks; a CPU needs no such."""
        if self.info.provider == "cuda":
            self._graph.warm_up()

    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        """Render held tones; see `ToneRenderer.render`.

        Raises
        ------
        ValueError
            More frames than a tile has at the highest key, pitches out of range, or wrong shapes.
        BundleError
            The latent is so far out that the network gives no numbers.
        """
        pitch, latent, _ = checked_tones(self.info, pitches, latents, velocities)
        wanted = self.info.longest_frames if frames is None else frames
        if wanted > self.info.longest_frames:
            raise ValueError(f"a note has at most {self.info.longest_frames} frames, not {wanted}")
        tones = np.empty((len(pitch), wanted), np.float32)
        for row, key in enumerate(pitch.tolist()):
            tones[row] = self._tone(key, latent[row])[:wanted]
        return tones

    def _tone(self, key: int, latent: NDArray[np.float32]) -> Audio:
        """Return a key's tone at full length."""
        sound, pitch = self._tile(latent)
        speed = 2.0 ** ((key - pitch) / _OCTAVE)
        tuned = np.asarray(soxr.resample(sound, RATE_HZ * speed, RATE_HZ), np.float32)
        tone = _from_onset(tuned, self.info.longest_frames)
        rms = float(strongest_rms(tone[None], RATE_HZ)[0])
        return tone * np.float32(min(LEVEL / max(rms, 1e-9), MOST_GAIN))

    def _tile(self, latent: NDArray[np.float32]) -> tuple[Audio, float]:
        """Return a tile's sound, and its pitch brought within half an octave of the middle."""
        key = latent.tobytes()
        if key not in self._heard:
            levels = self._graph.run({INPUT: latent[None]})[OUTPUT][0]
            if not np.isfinite(levels).all():
                raise BundleError(f"{self._bundle.what}: gives no finite sound for this latent")
            sound = self._tiles.audio(levels.astype(np.float64)).astype(np.float32)
            while len(self._heard) >= _KEPT_TILES:
                del self._heard[next(iter(self._heard))]
            heard = _from_onset(sound, self.info.longest_frames)  # at the middle key, about
            self._heard[key] = sound, _near_middle(heard)
        return self._heard[key]


@dataclasses.dataclass(frozen=True, slots=True)
class TileSound:
    """The way from a tile to sound.

    Attributes
    ----------
    windows, bands
        Size of a tile; mel bands from 0 Hz to half the rate.
    window_frames, hop_frames
        Of the Fourier transforms.
    """

    windows: int
    bands: int
    window_frames: int
    hop_frames: int

    @property
    def frames(self) -> int:
        """Length of a tile's sound."""
        return self.hop_frames * (self.windows - 1)

    def audio(self, levels: Levels, seed: int = 0) -> NDArray[np.float64]:
        """Play a tile.

        Parameters
        ----------
        levels
            float64, shape (windows, bands), dB.
        seed
            Of the phases that the search begins with.

        Returns
        -------
        ndarray
            float64, shape (frames,), full scale ±1, faded in and out.
        """
        magnitudes = self._magnitudes(levels)
        turns = np.random.default_rng(seed).random(magnitudes.T.shape, np.float32).T
        spectrum = magnitudes * np.exp(2j * np.pi * turns)
        before = np.zeros_like(spectrum)
        for _ in range(ITERATIONS):
            possible = self._spectrum(self._sound(spectrum))
            ahead = possible + MOMENTUM * (possible - before)
            spectrum, before = magnitudes * np.exp(1j * np.angle(ahead)), possible
        sound = self._sound(spectrum)
        fade = np.linspace(0.0, 1.0, FADE_FRAMES)
        sound[:FADE_FRAMES] *= fade
        sound[-FADE_FRAMES:] *= fade[::-1]
        return sound

    def _magnitudes(self, levels: Levels) -> NDArray[np.float64]:
        """Share bands out to the transform's bins: (windows, bands) to (windows, bins).

        Of all powers that could have made these bands: those nearest in the sense of Kullback and
        Leibler (Lee and Seung, 2001, theorem 2), from where every band is flat.
        """
        bands = _bands(self.window_frames, self.bands)
        target = np.where(levels > FLOOR_DB + 1.0, 10.0 ** (levels / 10.0), 0.0)
        share = (bands / np.maximum(bands.sum(axis=1, keepdims=True), 1e-9)).T
        power = (target / bands.sum(axis=0)) @ share
        for _ in range(UNMIXING_ROUNDS):
            power = power * ((target / np.maximum(power @ bands, 1e-12)) @ share)
        return np.asarray(np.sqrt(power))

    def _spectrum(self, sound: NDArray[np.float64]) -> Spectrum:
        """Transform sound, mirrored at its ends: (frames,) to (windows, bins)."""
        padded = np.pad(sound, self.window_frames // 2, "reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.window_frames)
        heard = windows[:: self.hop_frames] * _window(self.window_frames)
        return np.asarray(np.fft.rfft(heard) * (4.0 / self.window_frames))

    def _sound(self, spectrum: Spectrum) -> NDArray[np.float64]:
        """Undo `_spectrum`, by the mean of what windows say where they overlap."""
        window = _window(self.window_frames)
        parts = np.fft.irfft(spectrum * (self.window_frames / 4.0)) * window
        total = np.zeros(self.frames + self.window_frames)
        weight = np.zeros_like(total)
        for number, part in enumerate(parts):
            place = slice(number * self.hop_frames, number * self.hop_frames + self.window_frames)
            total[place] += part
            weight[place] += window**2
        margin = self.window_frames // 2
        return np.asarray((total / np.maximum(weight, 1e-11))[margin : margin + self.frames])


def _from_onset(sound: Audio, frames: int) -> Audio:
    """Cut a sound from where it is first heard, or later if too little would be left of it."""
    sound = np.pad(sound, (0, max(frames - len(sound), 0)))  # resampling rounds lengths
    loudness = np.abs(sound)
    onset = int((loudness >= _ONSET_SHARE * loudness.max()).argmax())
    onset = min(onset, len(sound) - frames)
    return sound[onset : onset + frames]


def _near_middle(sound: Audio) -> float:
    """Estimate a sound's pitch, in the octave around the middle one; the middle if it has none."""
    try:
        pitch = estimate_pitch(sound)
    except ValueError:
        return float(MIDDLE_PITCH)
    return pitch - _OCTAVE * round((pitch - MIDDLE_PITCH) / _OCTAVE)


@lru_cache
def _bands(window_frames: int, bands: int) -> NDArray[np.float64]:
    """Return mel bands, (bins, bands), peaks of 1."""
    return np.asarray(mel_bands(window_frames, RATE_HZ, bands))


@lru_cache
def _window(frames: int) -> NDArray[np.float64]:
    """Return a periodic Hann window."""
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(frames) / frames))
