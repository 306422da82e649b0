"""Before all tests: compile the audio thread's code, so that no test's time limit counts it.

A test that measures time or waits for a browser gets three chances: on a shared machine any of them
may stand still for half a second. The summary names those that needed more than one; all other
tests have one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator

import pytest

from instrument.realtime.machine_code import load_machine_code
from tests.helpers.made_once import scratch
from tests.helpers.turns import turn


def pytest_sessionstart() -> None:
    load_machine_code()


def pytest_configure() -> None:
    """Let the workers find what one of them has made, and the processes of tests our bytecode.

    Without it each of a thousand processes would compile all sources that it imports.
    """
    scratch()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


@pytest.hookimpl(tryfirst=True)  # before ``-m`` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take what runs alone for slow, as it keeps the others waiting, and begin with slow files.

    Files are dealt out whole: a long one that came last would leave every other core idle.
    """
    for item in items:
        if item.get_closest_marker("serial"):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("serial") or item.get_closest_marker("live"):
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=2))
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow_files)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before the time limit begins to count
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with turn(alone=item.get_closest_marker("serial") is not None):
        return (yield)
