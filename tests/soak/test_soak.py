"""A slice of `make soak`: forty-five virtual minutes."""

from __future__ import annotations

import pytest

from tests.soak.day import live_through


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", ["answer", "duet"])
def test_nothing_is_lost_and_nothing_sticks(mode: str) -> None:
    lived = live_through(30 if mode == "answer" else 15, seed=1, mode=mode)
    assert lived.applied == lived.sent > 1_000
    assert lived.answered > 100
    assert lived.stuck == 0
    assert lived.meters["lost_events"] == lived.meters["invalid_samples"] == 0
