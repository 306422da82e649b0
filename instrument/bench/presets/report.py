"""Say what presets measure: a table for people, a picture, JSON for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from instrument.bench.harness import Goal, Row, Verdict
from instrument.bench.presets.figures import GATES, PresetGate, PresetFigures, collection_rows
from instrument.bench.report import Report
from instrument.files import replacing_file

_INCHES_PER_ROW, _INCHES_PER_COLUMN, _MARGIN_INCHES = 0.26, 0.95, 2.6
_MET, _MISSED, _NONE = "#cfe8d5", "#f6c7bd", "#eeeeee"


ModelRows = Sequence[tuple[PresetGate, float]]


def print_figures(
    console: Console, figures: Sequence[PresetFigures], models: ModelRows = ()
) -> None:
    """Print every preset's figures, then those of the collection; what misses its goal is red.

    Parameters
    ----------
    models
        Rows of models, from `draws_rows`.
    """
    table = Table(*("preset", *(_heading(gate) for gate in GATES)))
    for entry in figures:
        cells = zip(entry.values, GATES, strict=True)
        table.add_row(entry.name, *(_coloured(value, gate) for value, gate in cells))
    console.print(table)
    summary = Table("all presets", "figure", "goal", "")
    for gate, value in [*collection_rows(figures), *models]:
        verdict = "met" if gate.is_met(value) else "missed"
        name = f"{gate.name}, {gate.statistic}"
        summary.add_row(name, f"{_text(value)} {gate.unit}", goal_text(gate), verdict)
    console.print(summary)


def write_figures(path: Path, figures: Sequence[PresetFigures], models: ModelRows = ()) -> None:
    """Write all figures as JSON.

    Parameters
    ----------
    models
        Rows of models, from `draws_rows`.

    Raises
    ------
    FileError
        The file cannot be written.
    """
    names = [gate.name for gate in GATES]
    content = {
        "presets": {
            entry.name: dict(zip(names, map(_plain, entry.values), strict=True))
            for entry in figures
        },
        "all": {
            f"{gate.name}, {gate.statistic}": {
                "figure": _plain(value),
                "goal": goal_text(gate),
                "met": gate.is_met(value),
            }
            for gate, value in [*collection_rows(figures), *models]
        },
    }
    with replacing_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def draw_figures(path: Path, figures: Sequence[PresetFigures]) -> None:
    """Draw the table as a picture, green where a goal is met. Needs matplotlib."""
    from matplotlib.figure import Figure

    rows = len(figures) + 1
    width = _MARGIN_INCHES + _INCHES_PER_COLUMN * len(GATES)
    drawing = Figure(figsize=(width, _INCHES_PER_ROW * rows + 0.9), layout="constrained")
    axes = drawing.subplots()
    axes.axis("off")
    collection = [value for _, value in collection_rows(figures)][: len(GATES)]
    cells = [*([*entry.values] for entry in figures), collection]
    table = axes.table(
        [[_text(value) for value in row] for row in cells],
        cellColours=[[_colour(v, g) for v, g in zip(row, GATES, strict=True)] for row in cells],
        rowLabels=[*(entry.name for entry in figures), "median or worst"],
        colLabels=[_heading(gate) for gate in GATES],
        loc="center",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(7)
    for (row, _), cell in table.get_celld().items():
        cell.set_height((3.2 if row == 0 else 1.0) / (rows + 4))
        cell.set_linewidth(0.3)
    with replacing_file(path) as temporary:
        drawing.savefig(temporary, format="png", dpi=110)


def bench_rows(figures: Sequence[PresetFigures], models: ModelRows) -> Report:
    """Return the collection's and the models' figures as rows of ``latentkeys bench``."""
    report = Report("presets")
    for gate, value in [*collection_rows(figures), *models]:
        verdict = Verdict.MET if gate.is_met(value) else Verdict.MISSED
        goal = Goal(gate.high, is_ratio=False) if math.isinf(gate.low) else None
        row = Row(
            f"{gate.name}, {gate.statistic}",
            gate.unit,
            value,
            goal=goal,
            verdict=verdict,
            note=f"goal {goal_text(gate)}: {verdict.value}",
            needs_quiet=False,
        )
        report.rows.append(row)
    return report


def goal_text(gate: PresetGate) -> str:
    """Say a gate's limits."""
    if np.isfinite(gate.low) and np.isfinite(gate.high):
        return f"{gate.low:g} … {gate.high:g}"
    return f"≤ {gate.high:g}" if np.isfinite(gate.high) else f"≥ {gate.low:g}"


def _heading(gate: PresetGate) -> str:
    unit = f" {gate.unit}" if gate.unit else ""
    return f"{gate.name}\n{goal_text(gate)}{unit}".replace(", ", "\n")


def _coloured(value: float, gate: PresetGate) -> str:
    text = _text(value)
    return text if math.isnan(value) or gate.is_met(value) else f"[red]{text}[/red]"


def _colour(value: float, gate: PresetGate) -> str:
    if math.isnan(value):
        return _NONE
    return _MET if gate.is_met(value) else _MISSED


def _text(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}" if abs(value) < 1 else f"{value:.1f}"


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
