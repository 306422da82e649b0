"""``latentkeys bench panel``: the panel in a real Chromium, on this machine.

Keys are pressed by the driver, sixteen a second, at any moment of a block. A key's time is
that of its event in the page, and the note-on's is when it is seen in the kernel's log, both on the
system's clock. So the way from the hand to the browser is not in it, and a look every 0.2 ms is.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from instrument.bench.harness import Goal, Row, not_measured
from instrument.bench.live.live_instrument import LiveInstrument, live_instrument
from instrument.bench.panel.ear import ear_rows
from instrument.bench.panel.underruns import underrun_rows
from instrument.bench.report import Report
from instrument.realtime.memory.constants import HIGHEST_PITCH, LOWEST_PITCH
from instrument.realtime.memory.event_ring import HistoryReader

ROUNDS = 5
KEYS = 500
BETWEEN_SECONDS = (0.03, 0.09)
"""From a key to the next: two fast hands."""
IDLE_SECONDS = 10.0
SETTLING_SECONDS = 1.0
"""After the last tone is whole the pages are told so, once."""
LOOK_SECONDS = 0.0002
PLAYABLE = Goal(1000.0, is_ratio=False)
MEDIAN, P99 = Goal(5.0, is_ratio=False), Goal(15.0, is_ratio=False)
MEGABYTES = Goal(80.0, is_ratio=False)
UNSEEN = Goal(1.0, is_ratio=False)
_IS_PLAYABLE = """() => document.querySelector('.key')
    && document.querySelector('#top strong').textContent.length > 2"""
_NOTE_TIMES = """() => { window.struck = []; window.addEventListener('keydown', (event) =>
    window.struck.push(performance.timeOrigin + event.timeStamp), true); }"""


def bench_panel() -> Report:
    """Measure the panel; "not measured" without Chromium or its driver."""
    report = Report("panel")
    chromium = shutil.which("chromium")
    try:
        import playwright.sync_api  # noqa: F401 - of the dev extra
    except ImportError:
        chromium = None
    if chromium is None:
        report.rows.append(not_measured("page to playable", "ms", "Chromium or playwright"))
        return report
    with live_instrument(["--audio", "null"], {"DISPLAY": ""}, panel=True) as playing:
        address = playing.wait_for(lambda: _address(playing), "the panel", 60.0)
        report.canary.listen()
        keys = range(LOWEST_PITCH, HIGHEST_PITCH + 1)
        playing.wait_for(lambda: playing.has_notes(keys, are_whole=True), "rendered notes", 60.0)
        time.sleep(SETTLING_SECONDS)
        report.rows += _unseen_rows(playing.panel())
        with _browser(chromium) as browser:
            report.rows += _page_rows(browser, address)
            report.rows += _key_rows(browser, address, playing)
            report.rows += ear_rows(_new_page(browser, address))
            memory = playing.panel().memory_full_info()
        name = "panel process, resident"
        own = f"{memory.uss / 1e6:.0f} MB its own"
        report.rows.append(Row(name, "MB", memory.rss / 1e6, goal=MEGABYTES, note=own))
        report.canary.listen()
    with ExitStack() as ends:

        def open_map(playing: LiveInstrument) -> object:
            page = ends.enter_context(_browser(chromium)).new_page()  # type: ignore[attr-defined]
            page.goto(f"{playing.wait_for(lambda: _address(playing), 'the panel', 60.0)}#Map")
            page.wait_for_function(_IS_PLAYABLE)
            return page

        report.rows += underrun_rows(open_map)
    report.canary.listen()
    return report


def _address(playing: LiveInstrument) -> str | None:
    for line in playing.said().splitlines():
        if line.startswith("Panel: "):
            return line.removeprefix("Panel: ").strip()
    return None


@contextmanager
def _browser(chromium: str) -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def _unseen_rows(process: psutil.Process) -> list[Row]:
    """What a panel costs that nobody looks at."""
    before, began = process.cpu_times(), time.monotonic()
    time.sleep(IDLE_SECONDS)
    after, passed = process.cpu_times(), time.monotonic() - began
    busy = after.user + after.system - before.user - before.system
    return [Row("unseen, of one core", "%", 100 * busy / passed, goal=UNSEEN)]


def _page_rows(browser: object, address: str) -> list[Row]:
    from playwright.sync_api import Browser

    assert isinstance(browser, Browser)
    took = []
    for _ in range(ROUNDS):
        context = browser.new_context()  # nothing is kept from the round before
        page = context.new_page()
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_function(_IS_PLAYABLE)
        took.append(1000 * (time.perf_counter() - began))
        context.close()
    return [Row("page to playable", "ms", statistics.median(took), goal=PLAYABLE)]


def _new_page(browser: Any, address: str) -> Any:
    page = browser.new_page()
    page.goto(address)
    page.wait_for_function(_IS_PLAYABLE)
    return page


def _key_rows(browser: object, address: str, playing: LiveInstrument) -> list[Row]:
    page = _new_page(browser, address)
    page.evaluate(_NOTE_TIMES)
    log, applied = playing.state.read_log(), []
    moments = np.random.default_rng(1)
    for _ in range(KEYS):
        time.sleep(moments.uniform(*BETWEEN_SECONDS))
        page.keyboard.down("a")
        applied.append(next_note_on(log))
        page.keyboard.up("a")
    delays = np.asarray(applied) - np.asarray(page.evaluate("() => window.struck"))
    page.close()
    return _delay_rows(delays)


def _delay_rows(delays: NDArray[np.float64]) -> list[Row]:
    median, worst = float(np.median(delays)), float(np.percentile(delays, 99))
    return [
        Row("key in the page to note-on, median", "ms", median, goal=MEDIAN),
        Row("key in the page to note-on, p99", "ms", worst, goal=P99),
    ]


def next_note_on(log: HistoryReader) -> float:
    """Wait until the kernel has applied a note-on; return the system's time in milliseconds."""
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        events = log.read()
        if np.any((events["status"] & 0xF0) == 0x90):
            return 1000 * time.time()
        time.sleep(LOOK_SECONDS)
    raise TimeoutError("the kernel has applied no note-on")
