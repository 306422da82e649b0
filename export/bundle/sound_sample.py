"""Play a bundle's ``sample.wav``.

In: a renderer and latents. Out: an arpeggio that wanders from the first latent to the last.
"""

from __future__ import annotations

import io

import numpy as np
import soundfile
from numpy.typing import ArrayLike

from instrument.rendering.renderer import ToneRenderer

_PITCHES = (48, 55, 60, 64, 67, 72)
_NOTE_SECONDS = 0.5
_PEAK = 0.7


def sample_wav(latents: ArrayLike, renderer: ToneRenderer) -> bytes:
    """Return the content of a 16-bit WAV file of a few seconds.

    Parameters
    ----------
    latents
        float, shape (n, latent_size), n at least 1.
    """
    corners = np.asarray(latents)
    way = np.linspace(0, len(corners) - 1, len(_PITCHES)).round().astype(int)
    step = round(_NOTE_SECONDS * renderer.info.sample_rate_hz)
    audio = np.zeros(step * (len(_PITCHES) + 1), np.float32)
    frames = min(2 * step, renderer.info.longest_frames)
    fade = np.linspace(1.0, 0.0, frames, dtype=np.float32) ** 2
    for place, (pitch, corner) in enumerate(zip(_PITCHES, way, strict=True)):
        note = renderer.render([pitch], [corners[corner]], [100], frames)[0] * fade
        audio[place * step : place * step + frames] += note
    audio *= _PEAK / max(1e-9, float(np.abs(audio).max()))
    content = io.BytesIO()
    soundfile.write(content, audio, renderer.info.sample_rate_hz, format="WAV", subtype="PCM_16")
    return content.getvalue()
