"""Looking for devices ends, whatever a driver does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from instrument.session import device_choice
from instrument.session.device_choice import DeviceChoice
from instrument.session.settings import PlaySettings


def test_a_driver_that_hangs_is_said_and_can_be_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_choice, "MODULE", "instrument.latents.search_process")  # it waits
    monkeypatch.setattr(device_choice, "LONGEST_SECONDS", 0.2)

    def nobody() -> None:
        raise AssertionError("no engine is asked")

    choice = DeviceChoice(tmp_path, PlaySettings(), nobody)  # type: ignore[arg-type]
    for _ in range(2):
        choice.look()
        deadline = time.monotonic() + 5.0
        while (found := choice.follow()) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert found is not None and "hangs" in found.problem
    assert choice.follow() is None
