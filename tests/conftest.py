"""Before all tests: compile the audio thread's code, so that no test's time limit counts it.

A test that measures time or waits for a browser gets three chances: on a shared machine any of them
may stand still for half a second. The summary names those that needed more than one; all other
tests have one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from instrument.realtime.compiled.machine_code import load_machine_code
from tests.helpers.made_once import scratch
from tests.helpers.turns import on_jack, turn

_ON_JACK = ("tests.helpers.live.jack_server", "tests.helpers.live.play", "tests.soak.session")


def pytest_sessionstart() -> None:
    load_machine_code()


def pytest_configure() -> None:
    """Let the workers find what one of them has made, and the processes of tests our bytecode.

    Without it each of a thousand processes would compile all sources that it imports.
    """
    scratch()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than processors: a third of the time a test waits, for a browser or a child.

    What measures time runs alone whatever their number.
    """
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)  # before ``-m`` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take what runs alone for slow; begin with slow files, and end with those that run alone.

    Files are dealt out whole: a long one that came last would leave every other core idle. The slow
    ones of one folder often need one thing, such as a built plug-in; dealt out together, all but
    one would wait for it. So the first of every folder come first, then the second ones. Whoever
    wants to be alone waits for what runs beside him, and all others wait with him: among long tests
    that would cost more than it takes.
    """
    for item in items:
        if item.get_closest_marker("serial"):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("serial") or item.get_closest_marker("live"):
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=2))
    slow, alone = (
        {item.path for item in items if item.get_closest_marker(mark)}
        for mark in ("slow", "serial")
    )
    in_folder: dict[Path, list[Path]] = {}
    for path in sorted(slow - alone):
        in_folder.setdefault(path.parent, []).append(path)
    nth = {path: n for paths in in_folder.values() for n, path in enumerate(paths)}
    items.sort(key=lambda item: (item.path in alone, item.path not in slow, nth.get(item.path, 0)))


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before the time limit begins to count
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with (
        turn(alone=item.get_closest_marker("serial") is not None),
        on_jack(is_asked=_uses_jack(item)),
    ):
        return (yield)


def _uses_jack(item: pytest.Item) -> bool:
    names = vars(getattr(item, "module", None) or object)
    return any(getattr(value, "__module__", "") in _ON_JACK for value in names.values())
