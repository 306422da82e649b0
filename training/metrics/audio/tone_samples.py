"""What there is to measure on single tones, before any are compared.

In: tones at 16 kHz with the pitches that were asked for. Out: a `ToneSamples`, a row per tone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.audio.format import WAVE_PITCH_COUNT, WAVE_PITCHES
from training.data.audio.waves import WaveSet, WaveSplit
from training.metrics.audio.log_spectra import log_spectra
from training.metrics.audio.tuning import cents_error
from training.pitch_classifier.network import PitchClassifier
from training.pitch_classifier.scores import probabilities

AT_ONCE = 8

Show = Callable[[str, int, int], None]
Batches = Iterable[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class ToneSamples:
    """Tones as the metrics see them; n rows each.

    Attributes
    ----------
    pitches
        int64, (n,): the MIDI pitches asked for.
    chances
        float64, (n, 61): the classifier's probabilities.
    features
        float32, (n, d): the classifier's last hidden layer.
    spectra
        float32, (n, ·), see `training.metrics.audio.log_spectra`.
    cents
        float64, (n,): errors, NaN for what has no pitch near the one asked for.
    """

    pitches: NDArray[np.int64]
    chances: NDArray[np.float64]
    features: NDArray[np.float32]
    spectra: NDArray[np.float32]
    cents: NDArray[np.float64]

    def chosen(self, rows: NDArray[np.bool_]) -> ToneSamples:
        """Return some of the tones, by a mask of shape (n,)."""
        return ToneSamples(
            self.pitches[rows],
            self.chances[rows],
            self.features[rows],
            self.spectra[rows],
            self.cents[rows],
        )


def hear(
    batches: Batches,
    pitches: NDArray[np.int64],
    classifier: PitchClassifier,
    show: Callable[[int], None] = lambda _: None,
) -> ToneSamples:
    """Measure tones one batch after the other, so that none need stay in memory.

    Parameters
    ----------
    batches
        float32, (some, 64000) each, as many in all as there are pitches.
    pitches
        int64, (n,), 24 to 84.
    show
        Told how many tones are done.
    """
    chances, features, spectra, cents = [], [], [], []
    done = 0
    for tones in batches:
        with torch.inference_mode():
            logits, hidden = classifier(torch.from_numpy(tones))
        chances.append(probabilities(logits.numpy()))
        features.append(hidden.numpy())
        spectra.append(log_spectra(tones))
        asked = pitches[done : done + len(tones)]
        cents += [cents_error(tone, int(pitch)) for tone, pitch in zip(tones, asked, strict=True)]
        done += len(tones)
        show(done)
    assert done == len(pitches)
    return ToneSamples(
        pitches,
        np.concatenate(chances),
        np.concatenate(features),
        np.concatenate(spectra),
        np.array(cents),
    )


def recorded(waves: WaveSet, rows: NDArray[np.int64]) -> Batches:
    """Read tones of a wave set, by rows of shape (n,), a few at a time."""
    for start in range(0, len(rows), AT_ONCE):
        yield waves.audio(rows[start : start + AT_ONCE])


def spread_rows(
    waves: WaveSet, split: WaveSplit, count: int, names: tuple[str, ...] = ()
) -> NDArray[np.int64]:
    """Choose rows of a split, shape (n,), as many of each pitch of GANSynth's, evenly otherwise.

    Parameters
    ----------
    count
        How many in all, at most.
    names
        Instruments to choose from; all when not given.
    """
    rows = waves.rows(split)
    if names:
        known = np.array([name in names for name in waves.label_names])
        rows = rows[known[waves.labels[rows]]]
    each = max(1, round(count / WAVE_PITCH_COUNT))
    chosen = []
    for pitch in WAVE_PITCHES:
        having = rows[waves.pitches[rows] == pitch]
        places = np.linspace(0, len(having) - 1, min(each, len(having))).round().astype(np.int64)
        chosen.append(having[places])
    return np.concatenate(chosen)
