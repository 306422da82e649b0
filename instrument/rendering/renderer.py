"""Renderers: whatever turns pitches and latents into tones.

In: pitches, latents, velocities. Out: float32 audio of held tones, one row per tone, full scale ±1,
at the renderer's own rate. The models process calls them, ahead of the hands; the audio thread
never does. A shorter rendering is, to the bit of one graph and to 1e-6 between graphs, the
beginning of a longer one; two velocities of a pitch have the same phases and the same noise, so
that they can be blended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from instrument.errors import SettingError
from instrument.music.pitch import pitch_to_hz

Audio = NDArray[np.float32]
FULL_VELOCITY = 127


@dataclass(frozen=True, slots=True)
class RendererInfo:
    """What a renderer is.

    Attributes
    ----------
    sample_rate_hz
        Rate of the audio that comes out.
    pitch_range
        Lowest and highest MIDI pitch.
    latent_size
        How many numbers a latent has.
    attack_frames
        The length of a beginning that is much cheaper than a whole tone.
    longest_frames
        The length of the longest tone.
    hears_velocity
        Whether velocities differ in more than level; otherwise one of them is enough.
    keeps_levels
        Whether keys are as loud as they shall be; otherwise tones must be brought to a level.
    tones_at_once
        How many tones take about as long as one: 1 on a CPU.
    provider
        Where the tones are really rendered: "cpu", "cuda" or "remote".
    notice
        Why tones are not rendered where one would expect; empty if they are.
    """

    sample_rate_hz: int
    pitch_range: tuple[int, int]
    latent_size: int
    attack_frames: int
    longest_frames: int
    hears_velocity: bool = True
    keeps_levels: bool = True
    tones_at_once: int = 1
    provider: str = "cpu"
    notice: str = ""


class ToneRenderer(Protocol):
    """What the tone tables are filled by."""

    @property
    def info(self) -> RendererInfo:
        """What it is; provider and notice may change when graphs are opened, nothing else."""
        ...

    def open(self, frames: int) -> None:
        """Open what attacks and tones of `frames` frames need, so that no key waits for it."""
        ...

    def keep_awake(self) -> None:
        """Keep a GPU's clocks up while there is nothing to render."""
        ...

    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        """Render held tones from their first frame.

        Parameters
        ----------
        pitches
            int64, shape (n,): MIDI numbers.
        latents
            float32, shape (n, latent_size).
        velocities
            int64, shape (n,), 1 to 127: brightness, not level; all 127 when not given. Equal
            pitches and latents that follow one another share most of the work.
        frames
            Length; the longest there is when not given.

        Returns
        -------
        ndarray
            float32, shape (n, frames). The strongest 50 ms (of the attack, where the renderer does
            not keep levels) have an RMS near 0.1, less the level that this key has against the
            others.
        """
        ...


@runtime_checkable
class MovingRenderer(Protocol):
    """A renderer whose partials beat, more or less."""

    def moving(self, share: float) -> ToneRenderer:
        """Return it with so much motion, 1 = as instruments have it, less on high keys."""
        ...

    def as_recorded(self) -> ToneRenderer:
        """Return it with all the motion that the model has learned, on every key."""
        ...


class SineRenderer:
    """Plain tones without any model: for tests, and when nothing else is there.

    Each latent number raises one overtone: ``[]`` is a sine, ``[1, 0.5]`` adds partials 2 and 3.
    """

    def __init__(
        self, sample_rate_hz: int = 48_000, latent_size: int = 2, seconds: float = 4.0
    ) -> None:
        self.info = RendererInfo(
            sample_rate_hz=sample_rate_hz,
            pitch_range=(0, 127),
            latent_size=latent_size,
            attack_frames=round(0.32 * sample_rate_hz),
            longest_frames=round(seconds * sample_rate_hz),
        )

    def open(self, frames: int) -> None:
        """There is nothing to open."""

    def keep_awake(self) -> None:
        """There is no GPU."""

    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        """Render held tones; see `ToneRenderer.render`."""
        pitch, latent, velocity = checked_tones(self.info, pitches, latents, velocities)
        rate_hz = self.info.sample_rate_hz
        seconds = np.arange(self.info.longest_frames if frames is None else frames) / rate_hz
        tones = np.zeros((len(pitch), len(seconds)))
        for number in range(1, self.info.latent_size + 2):
            hz = number * pitch_to_hz(pitch)
            overtone = latent[:, number - 2] * velocity / FULL_VELOCITY if number > 1 else 1.0
            level = np.where(hz < rate_hz / 2, overtone, 0.0)
            tones += level[:, None] * np.sin(2 * np.pi * hz[:, None] * seconds)
        rise = np.minimum(1.0, seconds / 0.005)
        return np.asarray(0.1 * np.sqrt(2) * rise * tones, np.float32)


def checked_tones(
    info: RendererInfo,
    pitches: ArrayLike,
    latents: ArrayLike,
    velocities: ArrayLike | None,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Return what a renderer is asked for as arrays.

    Raises
    ------
    ValueError
        The shapes do not fit one another, or a pitch is out of range.
    """
    pitch = np.asarray(pitches, np.int64)
    latent = np.asarray(latents, np.float32)
    full = np.full(pitch.shape, FULL_VELOCITY)
    velocity = full if velocities is None else np.asarray(velocities, np.int64)
    size = info.latent_size
    if pitch.ndim != 1 or latent.shape != (len(pitch), size) or velocity.shape != pitch.shape:
        raise ValueError(
            f"pitches must be (n,), latents (n, {size}) and velocities (n,), got "
            f"{pitch.shape}, {latent.shape} and {velocity.shape}"
        )
    lowest, highest = info.pitch_range
    if np.any((pitch < lowest) | (pitch > highest)):
        raise ValueError(f"pitches must be in {lowest}..{highest}, got {pitch.tolist()}")
    return pitch, latent, velocity


def checked_audio(tones: object, count: int, frames: int) -> Audio:
    """Return what a renderer has made; one's own may have made anything.

    Raises
    ------
    ValueError
        It is not what `ToneRenderer.render` promises.
    """
    audio = np.asarray(tones)
    if audio.shape != (count, frames) or audio.dtype.kind != "f" or not np.isfinite(audio).all():
        has_gaps = audio.dtype.kind == "f" and not np.isfinite(audio).all()
        raise ValueError(
            f"a renderer must make {count} tones of {frames} frames as float32, got {audio.dtype} "
            f"of the shape {audio.shape}{' with NaN or infinity' if has_gaps else ''}"
        )
    return audio.astype(np.float32, copy=False)


def check_renderer(renderer: ToneRenderer | None) -> None:
    """Refuse an object of one's own that is no renderer at all.

    Raises
    ------
    SettingError
        It has no description, or is the class instead of one of it.
    """
    if renderer is None or isinstance(getattr(renderer, "info", None), RendererInfo):
        return
    raise SettingError(
        f"a renderer must have an info of the kind RendererInfo, got {renderer!r}",
        "docs/api-python.md has a short one.",
    )
