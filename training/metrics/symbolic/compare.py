"""Put generated music beside real music and the counting baseline's, figure by figure.

In: generated phrases, real ones of the same corpus that nobody learned from, and the training
music. Out: a `Comparison`, as a table for people and as JSON for machines. Real music is cut to the
length of what was generated, or the longer would look better or worse by its length alone. Every
mean has its 95 % interval over phrases (`training.metrics.bootstrap`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from instrument.music.note import Phrase, Track
from training.metrics.bootstrap import Mean, mean_of, quartiles
from training.metrics.symbolic import crnngan_measures as symbolic
from training.metrics.symbolic import musegan_measures as texture
from training.metrics.symbolic.memorisation import TrainingMusic

_MOST_TRACKS = 5
_SHUFFLE_SEED = 0

Values = NDArray[np.float64]
Metric = Callable[[Phrase], float]


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """One figure of generated music, of real music, and of the baseline's if there is one."""

    name: str
    generated: Mean
    data: Mean
    baseline: Mean | None


@dataclass(frozen=True, slots=True)
class Copies:
    """Longest runs of notes shared with the training music: their median and the longest."""

    median: float
    longest: int


@dataclass(frozen=True, slots=True)
class Seams:
    """How continuations join their prompts.

    Attributes
    ----------
    overlap, density_ratio
        See `training.metrics.symbolic.crnngan_measures.Seam`; means.
    overlap_inside, density_inside
        Shares of the seams within the middle half of real music's.
    """

    overlap: Mean
    density_ratio: Mean
    overlap_inside: float
    density_inside: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All figures.

    Attributes
    ----------
    rows
        Figures of one phrase, averaged.
    copies, seams
        By whose music it is: "generated", "data", "baseline".
    """

    rows: tuple[ComparedFigure, ...]
    copies: dict[str, Copies]
    seams: dict[str, Seams]


@dataclass(frozen=True, slots=True)
class Music:
    """Phrases to compare, and continuations with their prompts.

    Attributes
    ----------
    phrases
        Of about one length.
    continued
        (prompt, what came next) pairs; none where nothing was continued.
    """

    phrases: tuple[Phrase, ...]
    continued: tuple[tuple[Phrase, Phrase], ...] = ()


def compare(
    generated: Music, data: Music, training: TrainingMusic, baseline: Music | None = None
) -> Comparison:
    """Measure all figures of generated, real and baseline music.

    Parameters
    ----------
    generated, data, baseline
        What is compared; `data` comes from pieces that are not in `training`.
    training
        Where copies are looked for.
    """
    whose = {"generated": generated, "data": data} | ({"baseline": baseline} if baseline else {})
    figures = {name: _figures(music.phrases) for name, music in whose.items()}
    rows = tuple(
        ComparedFigure(
            name,
            mean_of(figures["generated"].get(name, np.zeros(0))),
            mean_of(values),
            mean_of(figures["baseline"].get(name, np.zeros(0))) if baseline else None,
        )
        for name, values in figures["data"].items()
        if np.isfinite(values).any()
    )
    copies = {name: _copies(music.phrases, training) for name, music in whose.items()}
    real = [symbolic.seam(*pair) for pair in data.continued]
    seams = {
        name: _seams([symbolic.seam(*pair) for pair in music.continued], real)
        for name, music in whose.items()
        if music.continued and real
    }
    return Comparison(rows, copies, seams)


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print the figures as tables."""
    table = Table(title="Means over phrases [95 % interval]")
    for name in ("figure", "generated", "data", "n-gram"):
        table.add_column(name, justify="left" if name == "figure" else "right")
    for row in comparison.rows:
        third = str(row.baseline) if row.baseline else "–"
        table.add_row(row.name, str(row.generated), str(row.data), third)
    whose = ("generated", "data", "baseline")
    table.add_section()
    for figure in ("median", "longest"):
        values = [comparison.copies.get(name) for name in whose]
        cells = [f"{getattr(copies, figure):g}" if copies else "–" for copies in values]
        table.add_row(f"copied notes, {figure}", *cells)
    if comparison.seams:
        table.add_section()
        for figure in Seams.__slots__:
            found = [comparison.seams.get(name) for name in whose]
            cells = [_cell(getattr(seams, figure)) if seams else "–" for seams in found]
            table.add_row(f"seam {figure.replace('_', ' ')}", *cells)
    console.print(table)


def stretches(
    phrases: Sequence[Phrase], length_beats: float, most: int = 200
) -> tuple[Phrase, ...]:
    """Cut the first `length_beats` after the pickup out of each phrase that is long enough."""
    return tuple(
        phrase.between(phrase.pickup_beats, phrase.pickup_beats + length_beats)
        for phrase in phrases
        if phrase.length_beats + 1e-6 >= phrase.pickup_beats + length_beats
    )[:most]


def split_at_bar(phrase: Phrase, bars: float, length_beats: float) -> tuple[Phrase, Phrase]:
    """Cut a phrase into its first bars, pickup included, and up to `length_beats` after them."""
    seam = phrase.pickup_beats + bars * phrase.bar_beats
    end = min(seam + length_beats, phrase.length_beats)
    return phrase.between(0.0, seam), phrase.between(seam, max(end, seam))


def _figures(phrases: Sequence[Phrase]) -> dict[str, Values]:
    """Measure every phrase: values of shape (phrases,) by the figure's name."""
    alone: dict[str, Metric] = {
        "EB %, tracks' mean": _over_tracks(texture.empty_bars, 100.0),
        "UPC, tracks' mean": _over_tracks(texture.used_pitch_classes),
        "QN %, tracks' mean": _over_tracks(_qualified, 100.0),
        "notes of an eighth or longer %": _over_tracks(_eighths, 100.0),
        "fragmentation %": _over_tracks(_fragments, 100.0),
        "PP %": lambda phrase: 100.0 * texture.polyphonicity(phrase),
        "DP %": _over_tracks(_drum_pattern, 100.0),
        "polyphony %": lambda phrase: 100.0 * symbolic.polyphony(phrase),
        "scale consistency %": lambda phrase: 100.0 * symbolic.scale_consistency(phrase),
        "repetitions of 3 tones %": lambda phrase: 100.0 * symbolic.repetitions(phrase),
        "tone span": symbolic.tone_span,
        "intensity span": symbolic.intensity_span,
        "loops %": lambda phrase: 100.0 * symbolic.loops(phrase),
    }
    found = {name: _values(metric, phrases) for name, metric in alone.items()}
    counts = {len(phrase.tracks) for phrase in phrases}
    if len(counts) == 1 and 2 <= (tracks := counts.pop()) <= _MOST_TRACKS:
        found |= _by_track(phrases, tracks)
    found["TD"] = texture.tonal_distances(phrases)
    found["TD, tracks shuffled"] = texture.tonal_distances(phrases, _SHUFFLE_SEED)
    return found


def _by_track(phrases: Sequence[Phrase], tracks: int) -> dict[str, Values]:
    found = {}
    for number in range(tracks):
        own = [(phrase, phrase.tracks[number]) for phrase in phrases]
        found[f"EB %, track {number + 1}"] = 100.0 * np.array(
            [texture.empty_bars(*pair) for pair in own]
        )
        found[f"UPC, track {number + 1}"] = np.array(
            [texture.used_pitch_classes(*pair) for pair in own]
        )
        found[f"QN %, track {number + 1}"] = 100.0 * np.array([_qualified(*pair) for pair in own])
    return found


def _over_tracks(metric: Callable[[Phrase, Track], float], scale: float = 1.0) -> Metric:
    """Make a metric of phrases: the mean over the tracks that have a value."""

    def of_phrase(phrase: Phrase) -> float:
        values = np.array([metric(phrase, track) for track in phrase.tracks])
        known = values[np.isfinite(values)]
        return scale * float(known.mean()) if len(known) else np.nan

    return of_phrase


def _qualified(_: Phrase, track: Track) -> float:
    return texture.qualified_notes(track)


def _eighths(_: Phrase, track: Track) -> float:
    return texture.qualified_notes(track, texture.EIGHTH)


def _fragments(_: Phrase, track: Track) -> float:
    return texture.fragmentation(track)


def _drum_pattern(_: Phrase, track: Track) -> float:
    return texture.drum_pattern(track)


def _values(metric: Metric, phrases: Sequence[Phrase]) -> Values:
    return np.array([metric(phrase) for phrase in phrases], np.float64)


def _copies(phrases: Sequence[Phrase], training: TrainingMusic) -> Copies:
    found = [training.longest_copy(phrase).notes for phrase in phrases]
    return Copies(float(np.median(found)) if found else np.nan, max(found, default=0))


def _seams(found: Sequence[symbolic.Seam], real: Sequence[symbolic.Seam]) -> Seams:
    overlap, density = (
        (np.array([getattr(s, name) for s in found]), [getattr(s, name) for s in real])
        for name in ("overlap", "density_ratio")
    )
    return Seams(mean_of(overlap[0]), mean_of(density[0]), _inside(*overlap), _inside(*density))


def _inside(values: Values, real: list[float]) -> float:
    low, high = quartiles(real)
    known = values[np.isfinite(values)]
    return float(np.mean((known >= low) & (known <= high))) if len(known) else np.nan


def _cell(value: Mean | float) -> str:
    return f"{value:.0%}" if isinstance(value, float) else str(value)
