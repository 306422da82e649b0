"""Interleaved rounds, paired ratios and honest verdicts.

What comes in: contestants (functions that run some work and say how long it took) and goals.
What goes out: rows for the report.

Times on a shared machine mean little by themselves: clocks, neighbours and caches move by the
minute. So every contestant runs once in every round, ratios are taken within a round, and a
*canary* (a fixed amount of integer work) says how steady the machine was meanwhile.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

CANARY_LIMIT = 0.30
"""Above this variation of the canary no verdict is given."""

_CANARY_BYTES = bytes(16 << 20)


class Verdict(StrEnum):
    """What a row says about its goal."""

    MET = "met"
    MISSED = "missed"
    NOT_JUDGED = "not judged"
    NOT_MEASURED = "not measured"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Goal:
    """An upper limit on the ratio ours / peer, or on ours itself."""

    limit: float
    is_ratio: bool = True

    def __str__(self) -> str:
        return f"≤ {self.limit:g} ×" if self.is_ratio else f"≤ {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report: what was compared, what came out, what was hoped for.

    ``ratio`` is the median of the paired ratios ours / peer, ``spread`` half their
    interquartile range over the median, ``best_ratio`` the ratio of the two minima. Bytes, counts
    and frames do not depend on the machine's speed: for them ``needs_quiet`` is False.
    """

    name: str
    unit: str
    ours: float | None = None
    peer_name: str = ""
    peer: float | None = None
    ratio: float | None = None
    spread: float | None = None
    best_ratio: float | None = None
    goal: Goal | None = None
    verdict: Verdict = Verdict.REPORTED
    note: str = ""
    needs_quiet: bool = True


@dataclass(slots=True)
class Canary:
    """Watches how fast the machine does the same integer work (SHA-256 of 16 MiB) over time.

    A song takes about 10 ms: longer than a scheduler's turn, so that neighbours are heard.
    """

    seconds: list[float] = field(default_factory=list)

    def sing(self) -> None:
        """Do the work once and keep how long it took."""
        start = time.perf_counter()
        hashlib.sha256(_CANARY_BYTES).digest()
        self.seconds.append(time.perf_counter() - start)

    def listen(self) -> None:
        """Sing for half a second: before and after something whose own load would disturb it."""
        for _ in range(10):
            self.sing()
            time.sleep(0.05)

    @property
    def variation(self) -> float:
        """Distance of the 10th and 90th percentile over the median, 0 = perfectly steady.

        Medians of rounds survive one interruption, so one may not silence a whole run either.
        """
        if len(self.seconds) < 2:
            return 0.0
        tenths = statistics.quantiles(self.seconds, n=10, method="inclusive")
        return (tenths[-1] - tenths[0]) / statistics.median(self.seconds)

    @property
    def is_steady(self) -> bool:
        """Say whether verdicts may be given."""
        return self.variation <= CANARY_LIMIT


def interleave(
    contestants: Mapping[str, Callable[[], float]], rounds: int, canary: Canary
) -> dict[str, list[float]]:
    """Run every contestant once per round; return each one's results in round order.

    The order turns round by round, so that nobody always runs after the same neighbour and
    inherits its caches.
    """
    names = list(contestants)
    results: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        canary.sing()
        first = turn % max(1, len(names))
        for name in names[first:] + names[:first]:
            results[name].append(contestants[name]())
    canary.sing()
    return results


def compare(
    name: str,
    unit: str,
    ours: Sequence[float],
    peer_name: str,
    peer: Sequence[float],
    goal: Goal | None = None,
    note: str = "",
) -> Row:
    """Make the row of two contestants that ran in the same rounds; judged by `judge` later."""
    ratios = sorted(a / b for a, b in zip(ours, peer, strict=True))
    ratio = statistics.median(ratios)
    return Row(
        name=name,
        unit=unit,
        ours=statistics.median(ours),
        peer_name=peer_name,
        peer=statistics.median(peer),
        ratio=ratio,
        spread=_half_quartile_range(ratios) / ratio if ratio else 0.0,
        best_ratio=min(ours) / min(peer),
        goal=goal,
        note=note,
    )


def not_measured(
    name: str, unit: str, reason: str, peer_name: str = "", goal: Goal | None = None
) -> Row:
    """Make the row of something that could not be measured here, which is never a pass."""
    return Row(
        name, unit, peer_name=peer_name, goal=goal, verdict=Verdict.NOT_MEASURED, note=reason
    )


def judge(row: Row, canary: Canary) -> Verdict:
    """Decide a row's verdict: missing figures and an unsteady machine never pass."""
    value = row.ratio if row.goal and row.goal.is_ratio else row.ours
    if row.verdict in (Verdict.NOT_MEASURED, Verdict.NOT_JUDGED):
        return row.verdict
    if row.goal is None:
        return Verdict.REPORTED
    if value is None:
        return Verdict.NOT_MEASURED
    if row.needs_quiet and not canary.is_steady:
        return Verdict.NOT_JUDGED
    return Verdict.MET if value <= row.goal.limit else Verdict.MISSED


def _half_quartile_range(ordered: Sequence[float]) -> float:
    if len(ordered) < 2:
        return 0.0
    quartiles = statistics.quantiles(ordered, n=4, method="inclusive")
    return (quartiles[2] - quartiles[0]) / 2
