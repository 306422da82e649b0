"""Measure generated tones beside recorded ones that nobody learned from.

In: something that makes tones of latents and pitches, and a wave set. Out: an
`GansynthEvaluation`: the figures of Engel et al. (2019, section 4; table 1) for the generated
tones and, as many and at the same pitches, for held-out recordings. Distances are to the training
tones. The classifier is ours, so no figure compares with the paper's table, only with others of
ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from instrument.errors import SettingError
from instrument.latents.latent import sharpened
from training.audio.format import HIGHEST_WAVE_PITCH, LOWEST_WAVE_PITCH
from training.data.audio.waves import WaveSet
from training.gansynth.tones import GansynthTones
from training.metrics.audio.frechet import Gaussian, frechet_distance
from training.metrics.audio.log_spectra import distance_db
from training.metrics.audio.ndb import BINS, Bins
from training.metrics.audio.tone_samples import (
    AT_ONCE,
    Batches,
    Show,
    ToneSamples,
    hear,
    recorded,
    spread_rows,
)
from training.metrics.bootstrap import Mean, mean_of, statistic_of
from training.pitch_classifier import scores as pitch_scores
from training.pitch_classifier.network import PitchClassifier

FORMAT = 1
NOTES = 488
"""Eight of each pitch."""
SHARPENED = "sharpened latents"
_TIMES = 5  # as many training tones, for they stand for the whole distribution
_DRAWS = 200

Play = Callable[[Tensor, Tensor], Tensor]
"""Makes tones, float32, (n, 64000), of latents (n, size) and MIDI pitches, int64, (n,)."""


@dataclass(frozen=True, slots=True)
class Known:
    """The instruments that a model has latents for.

    Attributes
    ----------
    names
        As in the wave set's `label_names`.
    latents
        float32, (instruments, latent_size).
    """

    names: tuple[str, ...]
    latents: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure by whose tones it is: "random latents", `SHARPENED`, "known latents", "data".

    Attributes
    ----------
    name
        With its unit.
    values
        An interval is left out where fewer different tones, as in drawing them again, would shift
        the value.
    """

    name: str
    values: dict[str, Mean]


@dataclass(frozen=True, slots=True)
class GansynthEvaluation:
    """Everything that was measured.

    Attributes
    ----------
    format
        Of the JSON.
    waves, count, seed
        From which set how many recordings, hence generated tones; of the latents.
    figures
        Over the whole keyboard.
    registers
        Accuracy and tuning by the octave that begins at a MIDI pitch.
    """

    format: int
    waves: str
    count: int
    seed: int
    figures: tuple[Figure, ...]
    registers: dict[int, tuple[Figure, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reference:
    """Training tones: the Gaussian of their features, and the clusters of their spectra."""

    features: Gaussian
    bins: Bins

    @staticmethod
    def of(training: ToneSamples) -> Reference:
        """Fit both."""
        return Reference(Gaussian.of(training.features), Bins(training.spectra))


def evaluate_notes(
    tones: GansynthTones,
    waves: WaveSet,
    classifier: PitchClassifier,
    count: int = NOTES,
    seed: int = 0,
    known: Known | None = None,
    show: Show = lambda *_: None,
    sharpness: float = 0.0,
) -> GansynthEvaluation:
    """Measure a model that training or an import has made; see `evaluate_player`."""
    size = tones.generator.size.latent_size
    return evaluate_player(tones, size, waves, classifier, count, seed, known, show, sharpness)


def evaluate_player(
    play: Play,
    latent_size: int,
    waves: WaveSet,
    classifier: PitchClassifier,
    count: int = NOTES,
    seed: int = 0,
    known: Known | None = None,
    show: Show = lambda *_: None,
    sharpness: float = 0.0,
) -> GansynthEvaluation:
    """Measure anything that makes tones.

    Parameters
    ----------
    play, latent_size
        What makes them.
    waves
        What it learned from, with a test split.
    classifier
        See `training.pitch_classifier.file.read_classifier`.
    count
        How many tones, about.
    seed
        Of the latents, which are standard normal.
    known
        Latents of instruments: then only those are compared with, and they too are played, each at
        the pitches of its own held-out recordings.
    show
        Told what is being done, how many tones are done, and of how many.
    sharpness
        Known latents only: the same random ones are also played drawn towards those so far, see
        `instrument.latents.latent.sharpened`.

    Raises
    ------
    SettingError
        The set has too few tones.
    """
    names = known.names if known else ()
    rows = spread_rows(waves, "test", count, names)
    pitches = waves.pitches[rows].astype(np.int64)
    training = spread_rows(waves, "train", _TIMES * count, names)
    if not len(rows):
        raise SettingError(f"the wave set {waves.name} has no test notes to compare with")
    if len(training) < BINS:
        raise SettingError(
            f"the wave set {waves.name} has {len(training)} training notes to compare with",
            f"Distances to them need at least {BINS} training notes.",
        )

    def listen(what: str, batches: Batches, asked: NDArray[np.int64]) -> ToneSamples:
        return hear(batches, asked, classifier, lambda done: show(what, done, len(asked)))

    random = np.random.default_rng(seed).standard_normal((len(rows), latent_size), np.float32)
    heard = {"random latents": listen("generating", _played(play, random, pitches), pitches)}
    if known and sharpness:
        drawn = sharpened(known.latents, random, sharpness).astype(np.float32)
        heard[SHARPENED] = listen("generating sharpened", _played(play, drawn, pitches), pitches)
    if known:
        places = np.array([known.names.index(waves.label_names[i]) for i in waves.labels[rows]])
        own = _played(play, known.latents[places], pitches)
        heard["known latents"] = listen("playing known latents", own, pitches)
    heard["data"] = listen("held-out notes", recorded(waves, rows), pitches)
    show("training notes", 0, len(training))
    asked = waves.pitches[training].astype(np.int64)
    reference = Reference.of(listen("training notes", recorded(waves, training), asked))
    return GansynthEvaluation(
        FORMAT, waves.name, len(rows), seed, _figures(heard, reference), _by(heard)
    )


def _played(play: Play, z: NDArray[np.float32], pitches: NDArray[np.int64]) -> Batches:
    for start in range(0, len(z), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        with torch.inference_mode():
            made = play(torch.from_numpy(z[some]), torch.from_numpy(pitches[some]))
        yield made.float().numpy()


def _figures(heard: dict[str, ToneSamples], reference: Reference) -> tuple[Figure, ...]:
    measures: dict[str, Callable[[ToneSamples], Mean]] = {
        "pitch accuracy %": _accuracy,
        "pitch entropy, nats": lambda tones: mean_of(pitch_scores.entropies(tones.chances)),
        "Inception score": lambda tones: _alone(pitch_scores.inception_score(tones.chances), tones),
        "Fréchet distance": lambda tones: _alone(
            frechet_distance(reference.features, Gaussian.of(tones.features)), tones
        ),
        f"NDB of {BINS}": lambda tones: _alone(reference.bins.different(tones.spectra), tones),
        "diversity, dB": lambda tones: mean_of(diversity(tones)),
        "cents, median": lambda tones: _cents(tones, 50.0),
        "cents, p95": lambda tones: _cents(tones, 95.0),
        "unpitched %": _unpitched,
    }
    figures = [Figure(name, _each(heard, measure)) for name, measure in measures.items()]
    if "known latents" in heard:
        apart = [
            distance_db(*pair)
            for pair in zip(
                heard["known latents"].spectra, heard["data"].spectra[:, None], strict=True
            )
        ]
        distance = {"known latents": mean_of(np.concatenate(apart))}
        figures.append(Figure("distance to the recording, dB", distance))
    return tuple(figures)


def _by(heard: dict[str, ToneSamples]) -> dict[int, tuple[Figure, ...]]:
    found: dict[int, tuple[Figure, ...]] = {}
    for lowest in range(LOWEST_WAVE_PITCH, HIGHEST_WAVE_PITCH, 12):
        # The highest key belongs to the octave below it.
        highest = lowest + 11 if lowest + 12 < HIGHEST_WAVE_PITCH else HIGHEST_WAVE_PITCH
        some = {
            whose: tones.chosen((tones.pitches >= lowest) & (tones.pitches <= highest))
            for whose, tones in heard.items()
        }
        found[lowest] = (
            Figure("pitch accuracy %", _each(some, _accuracy)),
            Figure("cents, p95", _each(some, lambda tones: _cents(tones, 95.0))),
            Figure("unpitched %", _each(some, _unpitched)),
        )
    return found


def diversity(tones: ToneSamples) -> NDArray[np.float64]:
    """Return the mean distance between tones of one pitch in dB, for every pitch with two or more.

    A generator that has collapsed makes the same tone of every latent: then it is near 0.
    """
    found = []
    for pitch in np.unique(tones.pitches):
        spectra = tones.spectra[tones.pitches == pitch]
        apart = [distance_db(one, spectra[i + 1 :]) for i, one in enumerate(spectra[:-1])]
        if apart:
            found.append(float(np.concatenate(apart).mean()))
    return np.array(found)


def _each(heard: dict[str, ToneSamples], measure: Callable[[ToneSamples], Mean]) -> dict[str, Mean]:
    return {whose: measure(tones) for whose, tones in heard.items()}


def _accuracy(tones: ToneSamples) -> Mean:
    right = pitch_scores.is_right(tones.chances, tones.pitches - LOWEST_WAVE_PITCH)
    return mean_of(100.0 * right)


def _cents(tones: ToneSamples, percent: float) -> Mean:
    errors = np.abs(tones.cents[np.isfinite(tones.cents)])
    return statistic_of(errors, lambda drawn: float(np.percentile(drawn, percent)), _DRAWS)


def _unpitched(tones: ToneSamples) -> Mean:
    return mean_of(100.0 * np.isnan(tones.cents))


def _alone(value: float, tones: ToneSamples) -> Mean:
    return Mean(float(value), np.nan, np.nan, len(tones.pitches))
