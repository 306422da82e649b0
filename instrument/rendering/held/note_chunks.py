"""A half second of a held note at the device's rate, whatever voice it has."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from instrument.realtime.memory.constants import CHUNK_SECONDS
from instrument.rendering.held.partials import HOP_FRAMES, RATE_HZ
from instrument.rendering.held.spliced_voice import SplicedVoice
from instrument.rendering.held.voice import CHUNK_HOPS, HeldVoice, SlidVoice

AnyVoice = HeldVoice | SlidVoice | SplicedVoice

MARGIN_HOPS = 4
"""So much a resampler hears before and after a chunk."""

assert CHUNK_HOPS * HOP_FRAMES == CHUNK_SECONDS * RATE_HZ


def chunk_of(voice: AnyVoice, chunk: int, rate_hz: int) -> NDArray[np.float32]:
    """Return a half second of a note; nothing but its number decides it: float32, (frames,)."""
    if isinstance(voice, SplicedVoice):
        return voice.chunk(chunk)
    first = chunk * CHUNK_HOPS
    if rate_hz == RATE_HZ:
        return voice.render(first, CHUNK_HOPS)
    before = min(MARGIN_HOPS, first)
    audio = voice.render(first - before, before + CHUNK_HOPS + MARGIN_HOPS)
    resampled: NDArray[np.float32] = soxr.resample(audio, RATE_HZ, rate_hz)
    start = before * HOP_FRAMES * rate_hz // RATE_HZ
    return resampled[start : start + round(CHUNK_SECONDS * rate_hz)]
