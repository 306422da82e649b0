"""What ``latentkeys evaluate`` leaves beside a run; the export puts it on the card."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import msgspec

from instrument.files import cannot_write, replacing_file

EVALUATION = "evaluation.json"


def write_evaluation(path: Path, step: int, figures: Any) -> None:
    """Write figures as JSON, with the date and the run's step; what is unknown is null.

    Parameters
    ----------
    path
        The file.
    step
        How far the run was.
    figures
        A dictionary or a dataclass.

    Raises
    ------
    FileError
        It cannot be written.
    """
    report = {"date": datetime.date.today().isoformat(), "step": step}
    report |= msgspec.to_builtins(figures, str_keys=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise cannot_write(path, reason) from reason
    with replacing_file(path) as partial:
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
