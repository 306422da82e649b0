"""``latentkeys bench plugin``: how soon an instance sounds, what many take, what a block costs.

The plug-in is opened in hosts of our own, each in a process of its own, with a cache, a service and
folders of their own.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from instrument.bench.harness import Goal, Row, compare, interleave, not_measured
from instrument.bench.peers.child import ChildPeer, PeerMissing
from instrument.bench.peers.fluidsynth import FluidSynth
from instrument.bench.peers.plugin_host import MANY, RATE_HZ, Busy
from instrument.bench.report import Report
from instrument.plugin.places import BINARIES, Binary, this_target

CHILD = "instrument.bench.peers.plugin_host"
FIRST_SOUND = Goal(50.0, is_ratio=False)
TONE_AT_ONCE = Goal(5.0, is_ratio=False)
OWN_SOUND = Goal(60.0, is_ratio=False)
MANY_OPEN = Goal(1.0, is_ratio=False)
MANY_MEGABYTES = Goal(300.0, is_ratio=False)
CPU = Goal(1.0)
BLOCKS = 400


def bench_plugin(rounds: int = 9, binaries: Path = BINARIES) -> Report:
    """Measure the plug-in as built for this machine."""
    report = Report("plugin")
    clap = binaries / Binary(this_target(), "clap").file
    if not clap.is_file():
        reason = f'no plug-in in "{binaries}": make plugin'
        report.rows.append(not_measured("everything", "", reason))
        return report
    try:
        _measure(report, clap, rounds)
    except PeerMissing as reason:
        report.rows.append(not_measured("the rest", "", str(reason)))
    return report


def _measure(report: Report, clap: Path, rounds: int) -> None:
    report.rows += _cold_rows(report, clap, max(2, rounds // 4))
    with _home() as home:
        _ask(clap, "many", home)  # fills the cache
        _wait_for_table(Path(home["XDG_CACHE_HOME"], "latentkeys", "tables"))
        report.rows += _warm_rows(report, clap, home, rounds)
        report.rows += _many_rows(report, clap, home)
        report.rows += _cpu_rows(report, clap, home, rounds)


def _wait_for_table(folder: Path) -> None:
    """Wait until a table that is whole is on the disk, under its own name."""
    end = time.monotonic() + 30.0
    while not list(folder.glob("*.table")) and time.monotonic() < end:
        time.sleep(0.1)


@contextmanager
def _home() -> Iterator[Mapping[str, str]]:
    """Make a user's folders, empty, with a way to start the service; end the service after."""
    with tempfile.TemporaryDirectory(prefix="latentkeys-") as folder:
        launch = Path(folder, "config", "latentkeys", "plugin-launch")
        launch.parent.mkdir(parents=True)
        launch.write_text(f"{sys.executable}\n-m\ninstrument.plugin.service\n", encoding="utf-8")
        cache = Path(folder, "cache")
        try:
            yield {"XDG_CACHE_HOME": str(cache), "XDG_CONFIG_HOME": str(launch.parent.parent)}
        finally:
            with suppress(OSError, ValueError, IndexError):
                number = (cache / "latentkeys" / "plugin" / "service").read_text().split("\n")[2]
                os.kill(int(number), 9)


def _ask(clap: Path, role: str, home: Mapping[str, str]) -> dict[str, float]:
    with ChildPeer(CHILD, str(clap), role, environment=home) as child:
        return child.ask()


def _cold_rows(report: Report, clap: Path, rounds: int) -> list[Row]:
    kinds = {"cold": "no cache, no service", "chosen": "another preset, rendered when chosen"}
    rows = []
    for role, kind in kinds.items():
        found = []
        for _ in range(rounds):
            report.canary.listen()
            with _home() as home:
                found.append(_ask(clap, role, home))
        rows.append(_row(f"a key's plain tone, {kind}", "ms", found, "tone", TONE_AT_ONCE))
        rows.append(_row(f"a key's own sound, {kind}", "ms", found, "own", OWN_SOUND))
    return rows


def _row(name: str, unit: str, found: list[dict[str, float]], key: str, goal: Goal) -> Row:
    values = [1000.0 * answer[key] for answer in found]
    note = f"{min(values):.1f} to {max(values):.1f} ms in {len(values)} starts"
    return Row(name, unit, ours=statistics.median(values), goal=goal, note=note)


def _warm_rows(report: Report, clap: Path, home: Mapping[str, str], rounds: int) -> list[Row]:
    found = []
    for _ in range(rounds):
        report.canary.sing()
        found.append(_ask(clap, "warm", home))
    return [
        _row("instance to first sound, tones in the cache", "ms", found, "seconds", FIRST_SOUND)
    ]


def _many_rows(report: Report, clap: Path, home: Mapping[str, str]) -> list[Row]:
    report.canary.listen()
    answer = _ask(clap, "many", home)
    note = "with the one table that they share"
    return [
        Row(f"{MANY} instances open and sound", "s", answer["seconds"], goal=MANY_OPEN),
        Row(
            f"{MANY} instances of one preset, resident",
            "MB",
            answer["resident"],
            goal=MANY_MEGABYTES,
            note=note,
            needs_quiet=False,
        ),
    ]


def _cpu_rows(report: Report, clap: Path, home: Mapping[str, str], rounds: int) -> list[Row]:
    name = f"a block of an instance, {Busy.VOICES} voices × {Busy.FRAMES} frames"
    with ExitStack() as stack:
        child = stack.enter_context(ChildPeer(CHILD, str(clap), "busy", environment=home))
        contestants = {"ours": lambda: child.measure(BLOCKS)}
        peer = "FluidSynth + effects"
        try:
            synth = FluidSynth(Busy.VOICES, Busy.FRAMES, RATE_HZ, has_effects=True)
            stack.enter_context(synth)
            contestants[peer] = lambda: synth.measure(BLOCKS)
        except PeerMissing as missing:
            return [not_measured(name, "µs", str(missing), peer, CPU)]
        seconds = interleave(contestants, rounds, report.canary)
    micro = {who: [1e6 * value for value in values] for who, values in seconds.items()}
    share = 100 * statistics.median(seconds["ours"]) * RATE_HZ / Busy.FRAMES
    return [
        compare(name, "µs", micro["ours"], peer, micro[peer], CPU),
        Row("  of the block's time", "%", share),
    ]
