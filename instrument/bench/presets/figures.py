"""The figures of a preset, and what they ought to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from instrument.bench.presets.measures import (
    bright_share_db,
    clicks,
    correlation,
    mono_loss_db,
    pitch_cents,
    ripple_db,
    self_likeness,
    side_over_mid_db,
)
from instrument.bench.presets.takes import RATE_HZ, PresetTakes
from instrument.preset.preset import Preset, load_preset
from instrument.rendering.k_weighting import integrated_lufs, strongest_lufs

CHORD = (36, 43, 48, 52, 55, 60, 64, 67, 72, 76, 79, 84)
HELD_KEYS = (48, 60, 72)
TOUCHED_KEYS = (48, 60)
EVEN_KEYS = range(36, 85)
PIECE_SECONDS = 30.0
_KEY_SECONDS = 0.8
_HELD_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class PresetGate:
    """One figure: its unit, whose limit it has, and which presets are exempt.

    ``low`` and ``high`` are the limits of the whole collection's ``statistic`` ("median", "worst",
    "spread"); the same limits colour a single preset's figure.
    """

    name: str
    unit: str
    statistic: str
    low: float = -np.inf
    high: float = np.inf
    exempt: tuple[str, ...] = ()  #: tags

    def value(self, values: Sequence[float]) -> float:
        """Return the collection's figure."""
        known = np.array([value for value in values if np.isfinite(value)])
        if not len(known):
            return float("nan")
        if self.statistic == "median":
            return float(np.median(known))
        if self.statistic == "spread":
            return float(known.max() - known.min())
        return float(known.max() if np.isfinite(self.high) else known.min())

    def is_met(self, value: float) -> bool:
        """Tell whether a figure is within the limits."""
        return bool(self.low <= value <= self.high)


GATES = (
    PresetGate("repeats that are identical", "", "worst", high=0.0),
    PresetGate("chord side/mid", "dB", "median", -10.0, -4.0),
    PresetGate("one note, L/R likeness", "", "worst", high=0.85, exempt=("bass",)),
    PresetGate("mono sum loses", "dB", "worst", high=1.5),
    PresetGate("held note, self-likeness", "", "worst", high=0.9),
    PresetGate("level ripple", "dB", "worst", high=4.0, exempt=("ensemble",)),
    PresetGate("touch above 2.5 kHz", "dB", "worst", low=12.0, exempt=("organs",)),
    PresetGate("keys 36-84, range", "dB", "worst", high=5.0),
    PresetGate("keys 36-84, largest step", "dB", "worst", high=1.5),
    PresetGate("one piece, loudness", "LUFS", "median", -22.0, -18.0),
    PresetGate("pitch, 95 % of keys", "cents", "worst", high=2.5),
    PresetGate("clicks", "", "worst", high=0.0),
)
LOUDNESS_SPREAD = PresetGate("one piece, spread", "LU", "spread", high=3.0)
_LOUDNESS = [gate.name for gate in GATES].index("one piece, loudness")


@dataclass(frozen=True, slots=True)
class PresetFigures:
    """A preset and its figures, in the order of `GATES`; NaN where it is exempt."""

    name: str
    preset: Preset
    values: tuple[float, ...]


def collection_rows(figures: Sequence[PresetFigures]) -> list[tuple[PresetGate, float]]:
    """Return every gate with the collection's figure."""
    rows = [
        (gate, gate.value([entry.values[column] for entry in figures]))
        for column, gate in enumerate(GATES)
    ]
    loudness = [entry.values[_LOUDNESS] for entry in figures]
    return [*rows, (LOUDNESS_SPREAD, LOUDNESS_SPREAD.value(loudness))]


def measure_preset(path: Path) -> PresetFigures:
    """Play a preset and measure it: about ten seconds, and twenty if its tones are not kept.

    Raises
    ------
    LatentkeysError
        The preset or its model is wrong.
    """
    preset = load_preset(path)
    takes = PresetTakes(path)
    first, second = (takes.note(60, seconds=0.5) for _ in range(2))
    chord = takes.chord(CHORD, seconds=2.0)
    held = [takes.note(pitch, seconds=_HELD_SECONDS) for pitch in HELD_KEYS]
    steady = [audio[RATE_HZ * 2 :] for audio in held]
    late = [audio[RATE_HZ * 4 :] for audio in held if _sounds(audio[RATE_HZ * 4 :])]
    keys = {pitch: takes.note(pitch, seconds=_KEY_SECONDS) for pitch in EVEN_KEYS}
    levels = np.array([strongest_lufs(audio, RATE_HZ) for audio in keys.values()])
    cents = [abs(pitch_cents(audio, RATE_HZ, pitch)) for pitch, audio in keys.items()]
    values = (
        float(np.array_equal(first, second)),
        side_over_mid_db(chord),
        max(correlation(audio[:RATE_HZ * 2]) for audio in held),
        max(mono_loss_db(audio[:RATE_HZ * 2]) for audio in [chord, *held]),
        max((self_likeness(audio, RATE_HZ) for audio in late), default=float("nan")),
        max((ripple_db(audio, RATE_HZ) for audio in steady if _sounds(audio)), default=float("nan")),
        min(_touch_db(takes, pitch) for pitch in TOUCHED_KEYS),
        float(np.ptp(levels)),
        float(np.abs(np.diff(levels)).max()),
        integrated_lufs(takes.piece(PIECE_SECONDS), RATE_HZ),
        float(np.nanpercentile(cents, 95)),
        float(sum(clicks(audio[RATE_HZ // 10 :], RATE_HZ) for audio in held)),
    )
    exempt = [set(gate.exempt) & set(preset.tags) for gate in GATES]
    kept = [float("nan") if out else value for value, out in zip(values, exempt, strict=True)]
    return PresetFigures(path.stem, preset, tuple(kept))


def _touch_db(takes: PresetTakes, pitch: int) -> float:
    """Return how much brighter a key is struck hard than softly."""
    soft, hard = (takes.note(pitch, velocity, 1.0) for velocity in (20, 127))
    return bright_share_db(hard, RATE_HZ) - bright_share_db(soft, RATE_HZ)


def _sounds(audio: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bool:
    return bool(np.abs(audio[-RATE_HZ:]).max() > 1e-3)
