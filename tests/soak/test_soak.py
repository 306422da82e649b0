"""A slice of `make soak`: thirty-six virtual minutes."""

from __future__ import annotations

import pytest

from tests.soak.day import live_through


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("mode", "minutes", "silence_every"), [("answer", 30, 15), ("duet", 6, 3)])
def test_nothing_is_lost_and_nothing_sticks(mode: str, minutes: int, silence_every: int) -> None:
    """A duet thinks anew with every strike, which takes eight times as long as answers do."""
    lived = live_through(minutes, seed=1, mode=mode, silence_every=silence_every)
    assert lived.applied == lived.sent > 1_000
    assert lived.answered > 100
    assert lived.stuck == 0
    assert lived.meters["lost_events"] == lived.meters["invalid_samples"] == 0
