"""Play the simplified C-RNN-GAN: phrases of a hundred pitches, each half a beat long.

In: a bundle of kind "crnngan_simple" (training/crnngan/simple.py trains it). Out: a composer that
writes from nothing. It hears nobody: there is no way into its dense layers but random numbers.
"""

from __future__ import annotations

import math

import numpy as np

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.composers.continuer import BAR_BEATS
from instrument.errors import SettingError, check_whole
from instrument.music.constraints import MOST_BARS, Constraints
from instrument.music.note import Note, Phrase
from instrument.music.sampling import NoteRandom

_HALF_BEAT = 0.5


class SimpleCRNNGAN:
    """The composer; belongs to one thread.

    Parameters
    ----------
    bundle
        Of kind "crnngan_simple".
    runtime
        Where it runs.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        self.name = bundle.music.name
        self._session = bundle.open_graph("phrase", runtime)
        self._pitches = np.array(bundle.music.tables["pitches"]).astype(np.int64)

    def continue_phrase(
        self,
        phrase: Phrase,  # noqa: ARG002
        length_beats: float,  # noqa: ARG002
        controls: Constraints,  # noqa: ARG002
        seed: int,  # noqa: ARG002
    ) -> Phrase:
        """Refuse: it cannot hear; see `Continuer.continue_phrase`."""
        raise SettingError(
            f"{self.name} cannot hear what was played", "Continue with another model, or compose."
        )

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        """Write bars from nothing; see `BarGenerator.generate`."""
        check_whole("bars", bars, 1, MOST_BARS)
        if condition is not None or previous is not None:
            return self.continue_phrase(condition or Phrase((), 0.0), 0.0, controls, seed)
        length = bars * BAR_BEATS
        count = math.ceil(length / _HALF_BEAT)
        pitches: list[int] = []
        while len(pitches) < count:
            pitches += self._phrase(seed, len(pitches), controls)
        notes = (
            Note(index * _HALF_BEAT, pitch, _HALF_BEAT, controls.velocity or 80)
            for index, pitch in enumerate(pitches[:count])
            if pitch >= 0
        )
        return Phrase.of(notes, length)

    def _phrase(self, seed: int, index: int, controls: Constraints) -> list[int]:
        """Return a hundred pitches, -1 for rests; the temperature widens the random numbers."""
        _, shape = self._session.inputs["latent"]
        latent = NoteRandom(seed).at(index).standard_normal(shape) * controls.temperature
        values = self._session.run({"latent": latent.astype(np.float32)})["values"][0]
        ranks = np.rint((values + 1.0) / 2.0 * (len(self._pitches) - 1)).astype(np.int64)
        return [int(pitch) for pitch in self._pitches[ranks]]


def open_crnngan_simple(bundle: Bundle, runtime: Runtime) -> SimpleCRNNGAN:
    """Open a bundle as a composer."""
    return SimpleCRNNGAN(bundle, runtime)
