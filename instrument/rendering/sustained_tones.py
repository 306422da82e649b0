"""Held tones for the slots of a table: at the device's rate, each key at its pitch, looped, level.

In: pitches and latents, and a `ToneRenderer`. Out: attacks as samples, whole tones as `Tone`,
on the steps that the cache keeps. A key outside the model's range is the nearest pitch that the
model has, played faster or slower; it is so much shorter or longer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import soxr

from instrument.music.pitch import pitch_to_hz
from instrument.realtime.memory.constants import LOUD, LOUD_VELOCITY, SOFT, SOFT_VELOCITY
from instrument.rendering.k_weighting import strongest_lufs
from instrument.rendering.loop_points import bake_loop, fade_out, loop_tone
from instrument.rendering.renderer import ToneRenderer, checked_audio
from instrument.rendering.tone_cache import Tone, on_the_grid

Samples = npt.NDArray[np.float32]

RESAMPLER_TAIL_FRAMES = 256
"""Frames at an attack's end that soxr's filter has not heard the future of; they are left out.
It hears 120 frames ahead at the lower of the two rates (measured), so more than doubling the rate
takes more."""
LOUDNESS_LUFS = -23.5
"""Of a key's strongest 400 ms, K-weighted, one channel: what an RMS of 0.1 had in the median."""
MOST_DB = 14.0
"""A key is lifted or lowered by no more."""
DYING_DB_PER_SECOND = 4.0
"""Of 104 programs of a General MIDI sound font at middle C, pianos, mallets, bells, harps and nylon
strings die away faster, all winds, bows, organs and voices slower; guitars and basses lie about."""

_HEARD_SECONDS = 2.5


def layers_of(renderer: ToneRenderer) -> tuple[int, ...]:
    """Return the velocity layers worth rendering, the loud one last: it announces a key."""
    return (SOFT, LOUD) if renderer.info.hears_velocity else (LOUD,)


def nearest_pitch(renderer: ToneRenderer, pitch: int) -> int:
    """Return the pitch that the model has for a key."""
    lowest, highest = renderer.info.pitch_range
    return min(max(pitch, lowest), highest)


def held_frames(renderer: ToneRenderer, rate_hz: int, frames: int) -> int:
    """Return how many frames at `rate_hz` a tone has that shall have `frames`."""
    info = renderer.info
    return min(frames, math.ceil(info.longest_frames * rate_hz / info.sample_rate_hz))


def attacks(
    renderer: ToneRenderer, pitches: Sequence[int], latents: Samples, *, rate_hz: int, frames: int
) -> list[Samples]:
    """Render the beginnings of tones in one call; see `whole_tones`.

    Returns
    -------
    list of ndarray
        float32, shape (layers, frames of the attack), for each pitch.
    """
    own = [renderer.info.attack_frames] * len(pitches)
    rendered = _render(renderer, pitches, latents, own)
    return [
        on_the_grid(_resampled(renderer, pitch, layers, rate_hz, is_cut=True)[:, :frames])
        for pitch, layers in zip(pitches, rendered, strict=True)
    ]


def whole_tones(
    renderer: ToneRenderer,
    pitches: Sequence[int],
    latents: Samples,
    *,
    rate_hz: int,
    frames: int,
    goes_on_evenly: bool,
) -> list[tuple[Tone, ...]]:
    """Render tones in one call and make them go on for as long as their keys are held.

    Parameters
    ----------
    pitches
        MIDI numbers, inside the model's range or not.
    latents
        float32, shape (len(pitches), points, latent_size): one point for all velocities, or the
        soft one and the loud one.
    rate_hz
        Rate of what comes out.
    frames
        Length of a tone at that rate, before its loop; shorter where the model's tones are.
    goes_on_evenly
        Whether a held tone keeps its level or goes on dying away as it did.

    Returns
    -------
    list of tuple of Tone
        For each pitch its layers, the loud one last; it is the only one if the model does not hear
        velocities.
    """
    faster = [_speed(renderer, pitch) for pitch in pitches]
    own_hz = renderer.info.sample_rate_hz
    own = [
        min(math.ceil(frames * own_hz * speed / rate_hz), renderer.info.longest_frames)
        for speed in faster
    ]
    rendered = _render(renderer, pitches, latents, own)
    tones = []
    for pitch, layers in zip(pitches, rendered, strict=True):
        audio = on_the_grid(_resampled(renderer, pitch, layers, rate_hz, is_cut=False)[:, :frames])
        looped = _looped(pitch, layers_of(renderer), audio, rate_hz, goes_on_evenly)
        tones.append(looped if renderer.info.keeps_levels else _levelled(looped, rate_hz))
    return tones


def dies_away(renderer: ToneRenderer, latent: Samples) -> bool:
    """Tell a struck or plucked sound from one that goes on, by its middle key.

    Parameters
    ----------
    latent
        float32, shape (latent_size,).
    """
    own_hz = renderer.info.sample_rate_hz
    (layers,) = whole_tones(
        renderer,
        [sum(renderer.info.pitch_range) // 2],
        np.asarray(latent, np.float32)[None, None],
        rate_hz=own_hz,
        frames=round(_HEARD_SECONDS * own_hz),
        goes_on_evenly=False,
    )
    tone = layers[-1]
    slope_db = 20.0 * math.log10(tone.loop_decay_per_frame) * own_hz
    return tone.loop_end == 0 or slope_db < -DYING_DB_PER_SECOND


def _speed(renderer: ToneRenderer, pitch: int) -> float:
    """Return how much faster than rendered a key's tone is played."""
    return float(2.0 ** ((pitch - nearest_pitch(renderer, pitch)) / 12))


def _render(
    renderer: ToneRenderer, pitches: Sequence[int], latents: Samples, frames: Sequence[int]
) -> list[Samples]:
    """Render every different tone once: float32, shape (layers, own frames), for each pitch."""
    rows: dict[tuple[int, bytes], int] = {}
    row_of = [
        rows.setdefault((nearest_pitch(renderer, pitch), latent.tobytes()), len(rows))
        for pitch, latent in zip(pitches, latents, strict=True)
    ]
    first = [row_of.index(row) for row in range(len(rows))]
    points, velocities = _by_layer(layers_of(renderer), latents[first])
    many = len(rows) * len(velocities)
    made = renderer.render(
        np.repeat([pitch for pitch, _ in rows], len(velocities)),
        points.reshape(many, -1),
        np.tile(velocities, len(rows)),
        max(frames),
    )
    tones = checked_audio(made, many, max(frames)).reshape(len(rows), len(velocities), -1)
    return [tones[row, :, :count] for row, count in zip(row_of, frames, strict=True)]


def _by_layer(layers: tuple[int, ...], latents: Samples) -> tuple[Samples, list[int]]:
    """Return what is rendered: latents (n, layers, latent_size), and the velocity of each layer.

    A soft point of its own has learned what soft notes are like: nothing is taken from it.
    """
    velocity = {SOFT: SOFT_VELOCITY, LOUD: LOUD_VELOCITY}
    if latents.shape[1] == len(layers) > 1:
        return latents, [LOUD_VELOCITY] * len(layers)
    return np.repeat(latents[:, -1:], len(layers), axis=1), [velocity[layer] for layer in layers]


def _resampled(
    renderer: ToneRenderer, pitch: int, layers: Samples, rate_hz: int, *, is_cut: bool
) -> Samples:
    """Bring layers to the device's rate; what was cut in the middle loses its unsure end."""
    own_hz = renderer.info.sample_rate_hz * _speed(renderer, pitch)
    if own_hz == rate_hz:
        return layers
    resampled: Samples = soxr.resample(layers.T, own_hz, rate_hz).T
    tail = max(RESAMPLER_TAIL_FRAMES, math.ceil(RESAMPLER_TAIL_FRAMES / 2 * rate_hz / own_hz))
    return resampled[:, :-tail] if is_cut else resampled


def _looped(
    pitch: int, layers: tuple[int, ...], audio: Samples, rate_hz: int, goes_on_evenly: bool
) -> tuple[Tone, ...]:
    """Find the loud layer's loop; the soft one follows it, as both are read at one position."""
    looped = loop_tone(audio[-1], rate_hz, pitch_to_hz(pitch))
    start, end = looped.loop_start, looped.loop_end
    decay = 1.0 if goes_on_evenly else looped.decay_per_frame
    tones = []
    for layer, samples in zip(layers, audio, strict=True):
        if layer == LOUD:
            samples = looped.samples
        elif end:
            samples, _ = bake_loop(samples, rate_hz, start)
        else:
            samples = fade_out(samples[: len(looped.samples)], rate_hz)
        tones.append(Tone(layer, pitch, on_the_grid(samples), start, end, decay))
    return tuple(tones)


def _levelled(tones: tuple[Tone, ...], rate_hz: int) -> tuple[Tone, ...]:
    """Bring a key to the common level by its slot's gain; what was published of it stays as it is.

    A voice keeps the gain that it started with, so nothing jumps when a whole tone follows its
    attack.
    """
    gain = even_gain(tones[-1].samples, rate_hz)
    return tuple(replace(tone, gain=gain) for tone in tones)


def even_gain(samples: Samples, rate_hz: int) -> float:
    """Return the factor that makes a key as loud as every other one, as the ear weighs it.

    Parameters
    ----------
    samples
        float32, shape (frames,): the loud layer, or its attack.
    """
    wanted_db = LOUDNESS_LUFS - strongest_lufs(samples[:rate_hz, None], rate_hz)
    return float(10.0 ** (min(max(wanted_db, -MOST_DB), MOST_DB) / 20.0))
