"""A cheap look at generated tones while they are still being learned: curves for TensorBoard.

In: a few dozen tones and the pitches asked for. Out: figures by name, for about 20 ms a tone. Of so
few tones a Fréchet distance is far too large, but comparable from one look to the next.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from training.audio.format import LOWEST_WAVE_PITCH, WAVE_PITCH_COUNT
from training.data.audio.waves import WaveSet
from training.metrics.audio.frechet import Gaussian, frechet_distance
from training.metrics.audio.tone_samples import AT_ONCE, recorded, spread_rows
from training.metrics.audio.tuning import cents_error
from training.pitch_classifier.network import PitchClassifier
from training.pitch_classifier.scores import entropies, is_right, probabilities


class QuickLook:
    """Looks at tones, with a classifier if there is one.

    Parameters
    ----------
    waves
        What is being learned: the features of some of its validation tones are the yardstick.
    classifier
        See `training.pitch_classifier.file.read_classifier`; without one only tuning is measured.
    """

    def __init__(self, waves: WaveSet, classifier: PitchClassifier | None) -> None:
        self._classifier = classifier
        self._real: Gaussian | None = None
        rows = spread_rows(waves, "valid", 4 * WAVE_PITCH_COUNT)
        if classifier and len(rows) > 1:
            heard = [self._hear(tones)[1] for tones in recorded(waves, rows)]
            self._real = Gaussian.of(np.concatenate(heard))

    def figures(self, tones: NDArray[np.float32], pitches: NDArray[np.int64]) -> dict[str, float]:
        """Measure tones.

        Parameters
        ----------
        tones
            float32, (n, 64000).
        pitches
            int64, (n,), MIDI numbers that were asked for.

        Returns
        -------
        dict
            "cents_p95" and "unpitched"; with a classifier also "pitch_accuracy", "pitch_entropy"
            and "frechet".
        """
        cents = np.array([cents_error(n, int(p)) for n, p in zip(tones, pitches, strict=True)])
        known = np.abs(cents[np.isfinite(cents)])
        found = {"unpitched": float(np.isnan(cents).mean())}
        if len(known):
            found["cents_p95"] = float(np.percentile(known, 95.0))
        if self._classifier is None:
            return found
        parts = [self._hear(tones[i : i + AT_ONCE]) for i in range(0, len(tones), AT_ONCE)]
        chances = probabilities(np.concatenate([logits for logits, _ in parts]))
        found["pitch_accuracy"] = float(is_right(chances, pitches - LOWEST_WAVE_PITCH).mean())
        found["pitch_entropy"] = float(entropies(chances).mean())
        if self._real and len(tones) > 1:
            features = np.concatenate([hidden for _, hidden in parts])
            found["frechet"] = frechet_distance(self._real, Gaussian.of(features))
        return found

    def _hear(self, tones: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        assert self._classifier is not None
        with torch.inference_mode():
            logits, features = self._classifier(torch.from_numpy(tones))
        return logits.numpy(), features.numpy()
