"""``latentkeys bench``: the measurements on the command line.

Each bench prints its table as soon as it is done. ``--json FILE`` keeps all figures. A missed goal
does not change the exit code: a figure is information, a test is a judge.
"""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType

import click
import psutil  # noqa: F401 - missing is said now, not halfway
from rich.console import Console

from instrument.bench.harness import not_measured
from instrument.bench.report import Report, show, write_json
from instrument.engine.jack_library import import_jack
from instrument.errors import DeviceError

TABLE_WIDTH = 132
_SOME_PRESETS = 8  # of `bench all`: every eighth, so that it ends in minutes

_json_option = click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write every figure to this file.",
)
_rounds_option = click.option(
    "--rounds", metavar="N", type=click.IntRange(1, 1000), default=None, help="Interleaved rounds."
)
_seconds_option = click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    help="How long the whole instrument plays in real time.",
)
_preset_option = click.option(
    "--preset", default=None, help="Preset to play instead of the default."
)


@click.group("bench")
def bench_group() -> None:
    """Measure speed beside other engines, in interleaved rounds of one run.

    Every row says ours, the peer, their ratio and its spread. A peer that this machine does not
    have is "not measured", never a pass. When the machine itself is unsteady, nothing is judged.
    """
    signal.signal(signal.SIGTERM, _interrupt)  # so that servers and children are ended by us


@bench_group.command("engine")
@_rounds_option
@_json_option
def engine_command(rounds: int | None, json_file: Path | None) -> None:
    """Microseconds per block beside FluidSynth, pyo and numpy; held notes that are rendered on."""
    _finish([_show(_engine(rounds))], json_file)


@bench_group.command("realtime")
@_seconds_option
@_preset_option
@_json_option
def realtime_command(seconds: float, preset: str | None, json_file: Path | None) -> None:
    """Under-runs, latency and jitter against a real audio server."""
    _finish([_show(_realtime(seconds, preset))], json_file)


@bench_group.command("start")
@_rounds_option
@_preset_option
@_json_option
def start_command(rounds: int | None, preset: str | None, json_file: Path | None) -> None:
    """Seconds from the command to the first sound, memory, imports."""
    _finish([_show(_start(rounds, preset))], json_file)


@bench_group.command("render", short_help="Rendering notes, presets and songs.")
@_rounds_option
@_preset_option
@_json_option
def render_command(rounds: int | None, preset: str | None, json_file: Path | None) -> None:
    """Rendering notes: one note beside torch, all keys of a preset, cold keys, whole songs."""
    _finish([_show(_render(rounds, preset))], json_file)


@bench_group.command("compose", short_help="Writing notes, beside torch.")
@_rounds_option
@_json_option
def compose_command(rounds: int | None, json_file: Path | None) -> None:
    """Writing notes: a note beside torch, phrases, candidates that a critic ranks."""
    _finish([_show(_compose(rounds))], json_file)


@bench_group.command("partner")
@_seconds_option
@click.option(
    "--notochord",
    metavar="PYTHON",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The Python of a virtual environment with Notochord: measure beside it.",
)
@_json_option
def partner_command(seconds: float, notochord: Path | None, json_file: Path | None) -> None:
    """The live partner: how soon it thinks, how exactly it plays."""
    _finish([_show(_partner(seconds, notochord))], json_file)


@bench_group.command("panel", short_help="The panel in a browser: keys, memory, cost.")
@_json_option
def panel_command(json_file: Path | None) -> None:
    """The panel in Chromium: page to first key, key to note-on, memory, what it costs unseen."""
    _finish([_show(_panel())], json_file)


@bench_group.command("plugin", short_help="The plug-in: first sound, memory, cost.")
@_rounds_option
@_json_option
def plugin_command(rounds: int | None, json_file: Path | None) -> None:
    """The plug-in in hosts of our own: how soon it sounds, many at once, a block's cost."""
    _finish([_show(_plugin(rounds))], json_file)


@bench_group.command("gansynth", short_help="GANSynth's notes, beside torch.")
@_rounds_option
@click.option("--model", metavar="NAME", help="A GANSynth model; full size when not given.")
@_json_option
def gansynth_command(rounds: int | None, model: str | None, json_file: Path | None) -> None:
    """GANSynth's notes beside torch, all keys of a sound; on a GPU where there is one."""
    _finish([_show(_gansynth(rounds, model))], json_file)


@bench_group.command("presets")
@click.option(
    "--every", metavar="N", type=click.IntRange(1), default=1, help="Only every Nth shipped preset."
)
@_json_option
def presets_command(every: int, json_file: Path | None) -> None:
    """What shipped presets sound like: width, evenness, touch, loudness, pitch, clicks."""
    _finish([_show(_presets(every))], json_file)


@bench_group.command("all")
@_seconds_option
@_preset_option
@_json_option
def all_command(seconds: float, preset: str | None, json_file: Path | None) -> None:
    """Every bench, one after the other."""
    reports: list[Report] = []
    try:
        reports.append(_show(_engine(None)))
        reports.append(_show(_start(None, preset)))
        reports.append(_show(_render(None, preset)))
        reports.append(_show(_compose(None)))
        reports.append(_show(_presets(_SOME_PRESETS)))
        reports.append(_show(_realtime(seconds, preset)))
    finally:  # what has been measured is kept, whatever stops the rest
        _finish(reports, json_file)


# Each bench is imported when it runs: the engine bench needs no JACK, the render bench no numba.


def _engine(rounds: int | None) -> Report:
    from instrument.bench.engine import bench_engine
    from instrument.bench.held_notes import held_note_rows

    report = bench_engine(rounds=rounds or 9)
    report.rows += held_note_rows(report, rounds or 9)
    return report


def _realtime(seconds: float, preset: str | None) -> Report:
    if missing := _without_jack("realtime"):
        return missing
    from instrument.bench.live.realtime import bench_realtime

    return bench_realtime(seconds=seconds, preset=preset)


def _start(rounds: int | None, preset: str | None) -> Report:
    if missing := _without_jack("start"):
        return missing
    from instrument.bench.live.start import bench_start

    return bench_start(rounds=rounds or 5, preset=preset)


def _without_jack(bench: str) -> Report | None:
    """Return a report of nothing measured where JACK's library is not installed."""
    try:
        import_jack()
    except DeviceError as missing:
        return Report(bench, rows=[not_measured("everything", "", str(missing))])
    return None


def _render(rounds: int | None, preset: str | None) -> Report:
    from instrument.bench.render import bench_render

    return bench_render(rounds=rounds or 15, preset=preset)


def _compose(rounds: int | None) -> Report:
    from instrument.bench.music.compose import bench_compose

    return bench_compose(rounds=rounds or 15)


def _presets(every: int) -> Report:
    from instrument.bench.presets.command import measure_presets, shipped_presets
    from instrument.bench.presets.draws import draws_rows
    from instrument.bench.presets.report import bench_rows

    return bench_rows(measure_presets(shipped_presets(every)), draws_rows())


def _partner(seconds: float, notochord: Path | None = None) -> Report:
    from instrument.bench.music.notochord import notochord_rows
    from instrument.bench.music.partner import bench_partner

    report = bench_partner(seconds)
    report.rows += notochord_rows(report, notochord)
    return report


def _panel() -> Report:
    from instrument.bench.panel.page import bench_panel

    return bench_panel()


def _plugin(rounds: int | None) -> Report:
    from instrument.bench.plugin import bench_plugin

    return bench_plugin(rounds or 9)


def _gansynth(rounds: int | None, model: str | None) -> Report:
    from instrument.bench.gansynth import bench_gansynth

    return bench_gansynth(rounds=rounds or 15, model=model)


def _show(report: Report) -> Report:
    console = Console()
    if not console.is_terminal:
        console.width = TABLE_WIDTH  # a log file has no width of its own
    show(report, console)
    return report


def _finish(reports: list[Report], json_file: Path | None) -> None:
    if json_file is not None:
        write_json(reports, json_file)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
