"""Hold a recorded note longer than its player did, without a loop.

In: a sustained note of a second or two. Out: the same note, held. Its steady stretch is brought to
one level and gone through again and again in pieces of random place and length, each joined where
its wave fits best, so that nothing comes back exactly: a model that learns it learns to hold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from instrument.rendering.held.splicing import next_piece
from training.audio.format import SAMPLE_RATE_HZ as RATE_HZ

SHORTEST_STEADY_SECONDS = 0.4

_BEGINS, _ENDS = 0.3, 0.95  # of what was held: between attack and the player's last thought
_SOONEST_SECONDS = 0.25
_LEVEL_SECONDS, _FARTHEST_DB = 0.12, 12.0
_JOIN_FRAMES = 1920
_LOOK_FRAMES = RATE_HZ // 50  # longer than a period of the lowest E of a double bass
_SHORTEST_PIECE = 0.35  # of the steady stretch

Samples = NDArray[np.float32]


def continued(audio: Samples, seconds: float, random: np.random.Generator) -> Samples:
    """Return a note that is held for a while.

    Parameters
    ----------
    audio
        float32, shape (frames,), at 48 kHz: a sustained note from its onset to where it was let go.
    seconds
        How long it is to be.
    random
        Chooses the pieces.

    Returns
    -------
    Samples
        As it was if it is as long already, or has no steady stretch.
    """
    first = round(max(_BEGINS * audio.size, _SOONEST_SECONDS * RATE_HZ))
    last, wanted = round(_ENDS * audio.size), round(seconds * RATE_HZ)
    if audio.size >= wanted or last - first < SHORTEST_STEADY_SECONDS * RATE_HZ:
        return audio
    level = _levelled(audio, first, last)
    steady = level[first:last]
    held, frames = [level[:last]], last
    while frames < wanted:
        end = held[-1][-_JOIN_FRAMES:]
        piece = next_piece(steady, end, _LOOK_FRAMES, _SHORTEST_PIECE, random)
        held[-1] = held[-1][:-_JOIN_FRAMES]
        held.append(piece)
        frames += piece.size - _JOIN_FRAMES
    return np.concatenate(held)[:wanted]


def _levelled(audio: Samples, first: int, last: int) -> Samples:
    """Bring the steady stretch to one level, slowly from where the attack ends."""
    hop = RATE_HZ // 100
    whole = np.asarray(audio[: audio.size // hop * hop], np.float64).reshape(-1, hop)
    levels = 10.0 * np.log10(np.mean(whole**2, axis=1) + 1e-12)
    smooth = gaussian_filter1d(levels, _LEVEL_SECONDS * RATE_HZ / hop, mode="nearest")
    steady = smooth[first // hop : max(last // hop, first // hop + 1)]
    away = np.clip(np.median(steady) - smooth, -_FARTHEST_DB, _FARTHEST_DB)
    fades_in = np.clip((np.arange(away.size) * hop - 0.5 * first) / (0.5 * first), 0.0, 1.0)
    decibels = np.interp(np.arange(audio.size), (np.arange(away.size) + 0.5) * hop, away * fades_in)
    return np.asarray(audio * 10.0 ** (decibels / 20.0), np.float32)
