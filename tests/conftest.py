"""Before all tests: compile the audio thread's code, so that no test's time limit counts it."""

from __future__ import annotations

from instrument.realtime.machine_code import load_machine_code


def pytest_sessionstart() -> None:
    load_machine_code()
