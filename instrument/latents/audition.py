"""Listen to random sounds before anybody is asked to: some are not worth keeping.

In: a renderer and latents. Out: why a sound is turned down: it is silent, out of tune, or sounds
like the last one that was kept. For ``generate random`` and for whatever makes notes in numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from instrument.latents.latent import Latent
from instrument.latents.timbre_distance import Fingerprint, Likeness
from instrument.music.yin import RATE_HZ as ESTIMATE_HZ
from instrument.music.yin import estimate_pitch
from instrument.rendering.loudness import LEVEL, strongest_rms
from instrument.rendering.renderer import ToneRenderer

PITCHES = (48, 60, 72)
SECONDS = 1.0
ALIKE_DB = 4.0
"""Two draws that are nearly one instrument are nearer; see docs/gansynth.md."""

_SILENT = LEVEL / 10.0
_OFF_SEMITONES = 0.35


class Audition:
    """Hears sounds one after the other and remembers the last one that passed.

    Parameters
    ----------
    renderer
        Renders a few notes of each sound, a second each.
    pitches
        Which.
    """

    def __init__(self, renderer: ToneRenderer, pitches: Sequence[int] = PITCHES) -> None:
        self._renderer = renderer
        self._frames = min(
            round(SECONDS * renderer.info.sample_rate_hz), renderer.info.longest_frames
        )
        self._likeness = Likeness(renderer.info.sample_rate_hz, self._frames)
        lowest, highest = renderer.info.pitch_range
        self._pitches = np.array([min(max(pitch, lowest), highest) for pitch in pitches])
        self._last: list[Fingerprint] = []

    def fault(self, latent: Latent) -> str | None:
        """Say why a latent, shape (latent_size,), is not worth keeping; None if it is.

        It may be "silent", "out of tune" or "like the last".
        """
        latents = np.repeat(latent[None].astype(np.float32), len(self._pitches), axis=0)
        notes = self._renderer.render(self._pitches, latents, frames=self._frames)
        if strongest_rms(notes, self._renderer.info.sample_rate_hz).max() < _SILENT:
            return "silent"
        if 2 * sum(map(self._is_off, notes, self._pitches.tolist())) > len(notes):
            return "out of tune"
        heard = [self._likeness.fingerprint(note) for note in notes]
        if self._last and self.apart_db(heard, self._last) < ALIKE_DB:
            return "like the last"
        self._last = heard
        return None

    @staticmethod
    def apart_db(one: list[Fingerprint], other: list[Fingerprint]) -> float:
        """Return how far two sounds are apart, as their notes are on average."""
        pairs = zip(one, other, strict=True)
        return float(np.mean([Likeness.distance_db(a, b) for a, b in pairs]))

    def _is_off(self, note: NDArray[np.float32], pitch: int) -> bool:
        """Tell whether a note is beside its key, in any octave; a bell without a pitch is not."""
        slow = soxr.resample(note, self._renderer.info.sample_rate_hz, ESTIMATE_HZ)
        try:
            off = estimate_pitch(np.asarray(slow, np.float32)) - pitch
        except ValueError:
            return False
        return abs(off - 12.0 * round(off / 12.0)) > _OFF_SEMITONES
