"""Make a rendered tone go on for as long as its key is held.

In: one held tone of known pitch. Out: where it goes round, how it dies away while it does, and the
tone with the loop baked into its samples: from the loop's start on the tone's own dying away is
taken out (the kernel puts it back, frame by frame, for as long as the tone is held), and the end
leads over into the start. The audio thread only wraps a position and multiplies.

The loop is a whole number of periods long, so that the harmonics line up; among such lengths the
one wins at which the sound resembles itself most, which puts beating partials and slow movement
of an ensemble in step too. Cross-fades of half-alike signals keep their power when the weights
know the correlation: M. Fink, M. Holters, U. Zölzer, "Signal-matched power-complementary
cross-fading and dry-wet mixing", DAFx 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

SHORTEST_SECONDS = 0.30
"""Shorter loops sound like a machine; tones of half a second must make do with them."""
LONGEST_SECONDS = 1.20
CROSSFADE_SECONDS = 0.08
CANDIDATES = 64
"""Lengths compared, 14 ms apart: finer than any beating that an ear follows."""

SILENCE_DB = -66.0
"""A tone that has fallen this far below its loudest moment has ended and needs no loop."""
LIKE_ENOUGH = 0.04
"""Correlation that a longer loop may have less than the best one."""
FADE_OUT_SECONDS = 0.05
STEADY_DB_PER_SECOND = 0.5
"""A slope below this is ripple of the measurement, not dying away."""

_WINDOW_SECONDS = 0.05
_STEADY_FROM = 0.4  # of the tone: past the attack, and past the fast part of a struck sound's decay


@dataclass(frozen=True, slots=True)
class LoopedTone:
    """A tone that is ready for a slot.

    Attributes
    ----------
    samples
        float32, shape (frames,): what follows ``loop_end`` is what follows ``loop_start``.
    loop_start, loop_end
        Frames; ``loop_end`` 0 means that the tone dies away by itself and ends in silence.
    decay_per_frame
        Factor per frame by which it goes on dying away from ``loop_start`` on, at most 1.
    """

    samples: Samples
    loop_start: int
    loop_end: int
    decay_per_frame: float


def loop_tone(tone: Samples, rate_hz: int, pitch_hz: float) -> LoopedTone:
    """Find the best loop of a held tone and bake it.

    Parameters
    ----------
    tone
        float32, shape (frames,), full scale +-1, held to the end.
    rate_hz
        Frames per second.
    pitch_hz
        Fundamental frequency that the tone was rendered at.
    """
    sounding = _sounding_frames(tone, rate_hz)
    fade = int(CROSSFADE_SECONDS * rate_hz)
    lengths = _lengths(len(tone), fade, rate_hz, pitch_hz)
    if sounding < len(tone) or len(lengths) == 0:
        return LoopedTone(fade_out(tone[:sounding], rate_hz), 0, 0, 1.0)
    start = len(tone) - _most_alike(tone, lengths, fade)
    samples, decay = bake_loop(tone, rate_hz, start)
    return LoopedTone(samples, start, len(tone), decay)


def bake_loop(tone: Samples, rate_hz: int, loop_start: int) -> tuple[Samples, float]:
    """Bake a loop from `loop_start` to the tone's end, for a layer that follows another's loop.

    Returns
    -------
    float32, shape (frames,), and the factor per frame by which the tone itself was dying away.
    """
    decay = _decay_per_frame(tone, rate_hz)
    fade = min(int(CROSSFADE_SECONDS * rate_hz), loop_start)
    frames = np.arange(-fade, len(tone) - loop_start)
    level = (tone[loop_start - fade :] * decay**-frames).astype(np.float32)
    head, tail = level[:fade], level[-fade:]
    samples = tone.copy()
    samples[loop_start:] = level[fade:]
    samples[len(tone) - fade :] = _crossfade(tail, head)
    return samples, decay


def fade_out(tone: Samples, rate_hz: int) -> Samples:
    """End a tone that has died away at zero, without a step."""
    samples = tone.copy()
    fade = min(len(samples), int(FADE_OUT_SECONDS * rate_hz))
    if fade:
        samples[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return samples


def _levels_db(tone: Samples, rate_hz: int) -> npt.NDArray[np.float64]:
    """Level per window of `_WINDOW_SECONDS`, in dB full scale."""
    window = int(_WINDOW_SECONDS * rate_hz)
    windows = tone[: len(tone) // window * window].reshape(-1, window)
    power = np.einsum("wf,wf->w", windows, windows) / window
    return np.asarray(10 * np.log10(power + 1e-20), np.float64)


def _sounding_frames(tone: Samples, rate_hz: int) -> int:
    """Frames up to the last window that is not silent beside the loudest one."""
    levels_db = _levels_db(tone, rate_hz)
    if len(levels_db) == 0:
        return len(tone)
    loud = np.flatnonzero(levels_db > max(levels_db.max() + SILENCE_DB, -120.0))
    windows = int(loud[-1]) + 1 if len(loud) else 0
    is_sounding_to_the_end = windows == len(levels_db)
    return len(tone) if is_sounding_to_the_end else windows * int(_WINDOW_SECONDS * rate_hz)


def _decay_per_frame(tone: Samples, rate_hz: int) -> float:
    """Factor per frame from a straight line through the steady part's level in dB."""
    levels_db = _levels_db(tone, rate_hz)
    steady = levels_db[int(_STEADY_FROM * len(levels_db)) :]
    seconds = np.arange(len(steady)) * _WINDOW_SECONDS
    slope_db = float(np.polyfit(seconds, steady, 1)[0]) if len(steady) > 2 else 0.0
    return float(10 ** (slope_db / 20 / rate_hz)) if slope_db < -STEADY_DB_PER_SECOND else 1.0


def _lengths(frames: int, fade: int, rate_hz: int, pitch_hz: float) -> npt.NDArray[np.int64]:
    """Loop lengths in frames, each the nearest to a whole number of periods in its stretch."""
    longest = min(LONGEST_SECONDS, frames / rate_hz * (1 - _STEADY_FROM) - fade / rate_hz)
    shortest = max(0.0, min(SHORTEST_SECONDS, longest / 2))
    periods = np.arange(max(1, np.ceil(shortest * pitch_hz)), np.floor(longest * pitch_hz) + 1)
    if len(periods) == 0:
        return np.empty(0, np.int64)
    exact = periods * rate_hz / pitch_hz
    error = np.abs(exact - np.rint(exact))
    groups = np.array_split(np.arange(len(periods)), min(CANDIDATES, len(periods)))
    return np.rint(exact[[group[np.argmin(error[group])] for group in groups]]).astype(np.int64)


def _most_alike(tone: Samples, lengths: npt.NDArray[np.int64], fade: int) -> int:
    """Return the longest length at which the loop's two ends correlate about as well as they can.

    The ear hears a short loop's repetition long before it hears a slightly worse cross-fade.
    """
    tail = tone[-fade:]
    starts = len(tone) - lengths - fade
    heads = np.lib.stride_tricks.sliding_window_view(tone, fade)[starts]  # (lengths, fade)
    power = np.einsum("lf,lf->l", heads, heads)
    likeness = heads @ tail / np.sqrt(power + 1e-20)
    margin = LIKE_ENOUGH * max(float(np.sqrt(np.dot(tail, tail))), 1e-10)
    return int(lengths[likeness >= likeness.max() - margin].max())


def _crossfade(going: Samples, coming: Samples) -> Samples:
    """Lead one signal over into another of the same level at constant power."""
    power = np.sqrt(np.dot(going, going) * np.dot(coming, coming)) + 1e-20
    likeness = np.float32(np.clip(np.dot(going, coming) / power, 0, 1))
    weight = np.arange(1, len(going) + 1, dtype=np.float32) / np.float32(len(going) + 1)
    total = weight**2 + (1 - weight) ** 2 + 2 * weight * (1 - weight) * likeness
    mixed = ((1 - weight) * going + weight * coming) / np.sqrt(total)
    return np.asarray(mixed, np.float32)
