"""What is measured of a frame voice, and what of it has to be kept: the gates."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class ToneFigures:
    """What was measured on one held-out tone; NaN where a figure does not apply.

    Attributes
    ----------
    instrument, pitch, is_struck
        Which tone.
    lsd, lsd_8k, convergence
        Of the voice: dB over the full band, dB up to 8 kHz, and a ratio.
    nearest_lsd, nearest_lsd_8k, nearest_convergence
        Of the nearest training pitch, resampled.
    mel_if_lsd_8k, mel_if_convergence
        Of the mel-IF round trip, at 16 kHz.
    cents
        Error of the voice's pitch.
    attack_error_seconds
        Difference of the times at which the envelope reaches half its peak.
    source_wobble_db, wobble_db
        Median over partials.
    source_common_db, common_db
        What the partials do together, rms.
    onset_error_db
        How much louder 5 to 10 kHz are in the first 45 ms than the recording's.
    """

    instrument: str
    pitch: int
    is_struck: bool
    lsd: float
    lsd_8k: float
    convergence: float
    nearest_lsd: float
    nearest_lsd_8k: float
    nearest_convergence: float
    mel_if_lsd_8k: float
    mel_if_convergence: float
    cents: float
    attack_error_seconds: float
    source_wobble_db: float
    wobble_db: float
    source_common_db: float
    common_db: float
    onset_error_db: float


@dataclass(frozen=True, slots=True)
class Gate:
    """A figure with the limit that it has to keep; `is_upper` says which side is good."""

    name: str
    value: float
    limit: float
    is_upper: bool = True

    @property
    def is_kept(self) -> bool:
        """Whether the figure is within its limit."""
        return self.value <= self.limit if self.is_upper else self.value >= self.limit


@dataclass(frozen=True, slots=True)
class VoiceReport:
    """Everything that `latentkeys evaluate` found.

    Attributes
    ----------
    date, step, motion
        When, after how many steps, and with how much motion the voice played.
    tones
        One row per held-out tone.
    dips_db, centroid_backward
        Of every path between two instruments.
    drift_db
        Level at 19 s against 2 s of a 20-s tone, by instrument whose recording stays level.
    darker_when_louder
        Instruments and pitches whose centroid does not rise with velocity.
    gates
        The figures that count.
    """

    date: str
    step: int
    motion: float
    notes: tuple[ToneFigures, ...]
    dips_db: tuple[float, ...]
    centroid_backward: tuple[float, ...]
    drift_db: dict[str, float]
    darker_when_louder: tuple[str, ...]
    gates: tuple[Gate, ...]


def gates_of(
    figures: list[ToneFigures], dips: tuple[float, ...], drift: dict[str, float], darker: int
) -> tuple[Gate, ...]:
    """Compare with what a voice trained on a CPU must reach."""
    struck = [f for f in figures if f.is_struck]
    attack = [1000.0 * f.attack_error_seconds for f in struck]
    lsd, lsd_8k = _median(f.lsd for f in figures), _median(f.lsd_8k for f in figures)
    cents = np.array([abs(f.cents) for f in figures])
    wobble = _median(f.wobble_db for f in figures) / _median(f.source_wobble_db for f in figures)
    common = _median(f.common_db for f in figures) / _median(f.source_common_db for f in figures)
    onsets = _by_instrument(struck)
    worst_drift = max((abs(value) for value in drift.values()), default=float("nan"))
    nearest = _median(f.nearest_lsd for f in figures)
    return (
        Gate("LSD, full band, dB", lsd, 1.5),
        Gate("LSD up to 8 kHz, dB", lsd_8k, 2.5),
        Gate("LSD, full band, against nearest pitch, dB", lsd - nearest, 0.0),
        Gate("LSD, struck and plucked, dB", _median(f.lsd for f in struck), 1.0),
        Gate("pitch error p95, cents", float(np.nanpercentile(cents, 95)), 2.5),
        Gate("attack error, struck, median ms", _median(attack), 3.0),
        Gate("attack error, struck, p95 ms", float(np.percentile(attack or [np.nan], 95)), 15.0),
        Gate("wobble against the source", wobble, 0.5, is_upper=False),
        Gate("common motion against the source", common, 0.85, is_upper=False),
        Gate("onset 5-10 kHz, struck, median dB", _median(onsets), -1.0, is_upper=False),
        Gate(
            "onset 5-10 kHz, struck, worst dB", min(onsets, default=math.nan), -3.0, is_upper=False
        ),
        Gate("deepest interpolation dip, dB", min(dips), -6.0, is_upper=False),
        Gate("largest 20-s drift, dB", worst_drift, 1.5),
        Gate("notes that darken with velocity", float(darker), 0.0),
    )


def _by_instrument(figures: list[ToneFigures]) -> list[float]:
    """Return the median error of every instrument's onsets."""
    names = sorted({f.instrument for f in figures})
    return [_median(f.onset_error_db for f in figures if f.instrument == name) for name in names]


def _median(values: Iterable[float]) -> float:
    array = np.array(list(values), np.float64)
    return float(np.nanmedian(array)) if np.isfinite(array).any() else float("nan")
