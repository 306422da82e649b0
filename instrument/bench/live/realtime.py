"""``latentkeys bench realtime``: under-runs, latency and jitter on a private JACK server."""

from __future__ import annotations

from instrument.bench.live.callbacks import callback_rows
from instrument.bench.live.latency import latency_rows
from instrument.bench.live.whole_instrument import underrun_rows
from instrument.bench.report import Report


def bench_realtime(seconds: float = 60.0, preset: str | None = None) -> Report:
    """Measure callbacks beside busy Python, then the whole instrument for `seconds`."""
    report = Report("realtime")
    arguments = ["--audio", "jack", *(["--preset", preset] if preset else [])]
    report.rows += callback_rows(report)
    report.rows += latency_rows(report, arguments)
    report.rows += underrun_rows(report, preset, seconds)
    return report
