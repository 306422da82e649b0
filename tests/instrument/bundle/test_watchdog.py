"""Who computes too long is told to end; who waits for the processor is given time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from instrument.bundle.watchdog import PATIENCE, Watchdog

SECONDS = 0.4


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    yield Watchdog()


def an_option() -> SimpleNamespace:
    class Options(SimpleNamespace):
        __hash__ = object.__hash__  # type: ignore[assignment]

    return Options(terminate=False)


def wait(options: SimpleNamespace, most_seconds: float, *, computes: bool) -> float:
    began = time.monotonic()
    while not options.terminate and time.monotonic() - began < most_seconds:
        if not computes:
            time.sleep(0.01)
    return time.monotonic() - began


def test_a_run_that_computes_is_ended_in_time(watchdog: Watchdog) -> None:
    options = an_option()
    computed = time.process_time()
    watchdog.begin(options, SECONDS)
    took = wait(options, 30.0, computes=True)
    computed = time.process_time() - computed
    assert options.terminate
    assert computed >= SECONDS or took >= PATIENCE * SECONDS  # the machine may be busy
    assert computed < 2 * SECONDS + 1.0


def test_a_run_that_waits_is_given_more_time_but_not_for_ever(watchdog: Watchdog) -> None:
    options = an_option()
    watchdog.begin(options, SECONDS)
    took = wait(options, 30.0, computes=False)
    assert options.terminate
    assert took >= PATIENCE * SECONDS


def test_what_has_ended_is_left_alone(watchdog: Watchdog) -> None:
    options = an_option()
    watchdog.begin(options, 0.0)
    watchdog.end(options)
    wait(options, 0.7, computes=True)
    assert not options.terminate
