"""What a bench says: the machine, the rows, a table for people and JSON for machines."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from instrument.bench.harness import Canary, Row, Verdict, judge
from instrument.files import replacing_file

REPORT_FORMAT = 1
_PACKAGES = ("latentkeys", "numpy", "numba", "onnxruntime", "sounddevice", "pyo", "torch")
_COLOURS = {
    Verdict.MET: "green",
    Verdict.MISSED: "red",
    Verdict.NOT_JUDGED: "yellow",
    Verdict.NOT_MEASURED: "yellow",
    Verdict.REPORTED: "dim",
}


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when the figures were taken."""

    cpu: str
    cores: int
    system: str
    python: str
    versions: dict[str, str]
    date: str
    load_average: float

    @classmethod
    def describe(cls) -> Machine:
        """Describe this machine now."""
        return cls(
            cpu=_cpu_model(),
            cores=os.cpu_count() or 1,
            system=platform.platform(terse=True),
            python=platform.python_version(),
            versions=_versions(),
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            load_average=_load_average(),
        )


@dataclass(slots=True)
class Report:
    """The rows of one bench and the canary that watched it; judged when read."""

    bench: str
    machine: Machine = field(default_factory=Machine.describe)
    canary: Canary = field(default_factory=Canary)
    rows: list[Row] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    def judged(self) -> list[Row]:
        """Return the rows with their verdicts."""
        return [dataclasses.replace(row, verdict=judge(row, self.canary)) for row in self.rows]

    def as_json(self) -> dict[str, object]:
        """Return everything as plain values."""
        rows = []
        for row in self.judged():
            plain = dataclasses.asdict(row)
            plain["goal"] = str(row.goal) if row.goal else None
            rows.append(plain)
        return {
            "bench": self.bench,
            "machine": dataclasses.asdict(self.machine),
            "load_average_after": _load_average(),
            "canary_variation": self.canary.variation,
            "canary_seconds": self.canary.seconds,
            "facts": self.facts,
            "rows": rows,
        }


def show(report: Report, console: Console) -> None:
    """Print a report as a table with the machine above and the canary below it."""
    machine = report.machine
    table = Table(title=f"bench {report.bench}", title_justify="left", box=box.SIMPLE)
    for heading in ("what", "ours", "beside", "ratio", "min/min", "goal", "verdict"):
        is_number = heading in ("ours", "ratio", "min/min", "goal")
        table.add_column(heading, justify="right" if is_number else "left")
    above = ""
    for row in report.judged():
        table.add_row(*_cells(row, above))
        above = row.name
    where = f"{machine.cpu}, {machine.cores} cores, {machine.system}"
    console.print(f"{where}, Python {machine.python}")
    console.print(", ".join(f"{name} {version}" for name, version in machine.versions.items()))
    for name, value in report.facts.items():
        console.print(f"{name}: {value}")
    console.print(table)
    _print_notes(report, console)
    console.print(
        f"{machine.date}, load average {machine.load_average:.2f} before and {_load_average():.2f}"
        f" after, canary {_canary_text(report.canary)}"
    )


def write_json(reports: Iterable[Report], path: Path) -> None:
    """Write reports to `path`, whole or not at all.

    Raises
    ------
    FileError
        The file cannot be written.
    """
    document = {"format": REPORT_FORMAT, "reports": [report.as_json() for report in reports]}
    with replacing_file(path) as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _cells(row: Row, above: str) -> list[str]:
    spread = "" if row.spread is None else f" ±{100 * row.spread:.0f} %"
    return [
        "" if row.name == above else row.name,
        "" if row.ours is None else f"{_number(row.ours)} {row.unit}",
        f"{row.peer_name} {_number(row.peer)}",
        f"{_number(row.ratio)}{spread}",
        _number(row.best_ratio),
        str(row.goal) if row.goal else "",
        f"[{_COLOURS[row.verdict]}]{row.verdict}[/]",
    ]


def _print_notes(report: Report, console: Console) -> None:
    for row in report.judged():
        if row.note:
            console.print(f"  {row.name}, {row.peer_name}: {row.note}".replace(", :", ":"))


def _canary_text(canary: Canary) -> str:
    text = f"varied {100 * canary.variation:.0f} %"
    return (
        text if canary.is_steady else f"{text}: too unsteady to judge, run again when it is quiet"
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _load_average() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "absent"
    return found
