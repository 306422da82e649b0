"""Read what was measured of a run, for its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from instrument.errors import FileError
from training.trainer.evaluation import EVALUATION
from training.trainer.run_card import RunCard


def read_evaluation(folder: Path, run: RunCard) -> dict[str, Any]:
    """Read the figures that ``latentkeys evaluate`` left beside a run.

    Without any, the figures are those of the run's own validation.

    Raises
    ------
    FileError
        The file is there but is no JSON object.
    """
    validation = {name: round(value, 5) for name, value in run.validation.items()}
    path = folder / EVALUATION
    if not path.is_file():
        return {"validation": validation}
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as reason:
        raise FileError(f"{path}: is no evaluation: {reason}") from reason
    if not isinstance(report, dict):
        raise FileError(f"{path}: is no evaluation: it must be a table")
    return {"validation": validation, **_rounded(report)}


def _rounded(report: Any) -> Any:
    """Keep five digits of every figure: a card is read by people."""
    if isinstance(report, dict):
        return {name: _rounded(value) for name, value in report.items()}
    if isinstance(report, list):
        return [_rounded(value) for value in report]
    return float(f"{report:.5g}") if isinstance(report, float) else report
