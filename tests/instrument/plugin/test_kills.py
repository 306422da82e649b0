"""Service and renderer die or hang while a song plays: nothing of what is mapped changes."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.helpers.plugin.kills import play_among_kills

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_kills_at_random_change_no_sample_and_the_service_comes_back(
    clap: Path, home: Path
) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as host:  # as a DAW is
        found = host.submit(play_among_kills, clap, 20.0, 1).result()
    assert found.changed_samples == 0
    assert all(found.blows.values()), found.blows
    assert found.worst_reconnection_seconds <= 15.0  # Python starts slowly on a busy machine
    assert found.is_well_after
