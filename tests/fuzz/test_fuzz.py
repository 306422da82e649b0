"""A slice of `make fuzz`, and that it would notice."""

from __future__ import annotations

import multiprocessing
import random
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.fuzz import rounds
from tests.fuzz.entrances import ENTRANCES, Entrance
from tests.fuzz.mutation import mutated, mutated_text
from tests.fuzz.rounds import try_inputs

INPUTS = 600
ALONE = ("requests of plug-ins", "messages of pages")
"""What they start (a service's threads, a search's process) goes on: each has its own process."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{place}_HOME", str(tmp_path / place.lower()))


@pytest.mark.parametrize("name", ENTRANCES)
def test_nonsense_is_taken_or_refused_in_words(name: str) -> None:
    inputs = max(8, round(INPUTS * ENTRANCES[name].share / 100))
    if name in ALONE:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            count = process.submit(try_inputs, name, inputs, 1_000_000).result()
    else:
        count = try_inputs(name, inputs, seed=1_000_000)
    assert count.tried == inputs
    assert count.failures == []


def test_a_reader_that_raises_or_hangs_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def bad(rng: random.Random) -> None:
        if rng.random() < 0.5:
            raise KeyError("a")
        time.sleep(5.0)

    monkeypatch.setitem(ENTRANCES, "bad", Entrance(lambda _: bad, 1.0))
    monkeypatch.setattr(rounds, "LIMIT_SECONDS", 0.05)
    found = "".join(trace for _, trace in try_inputs("bad", 20, seed=0).failures)
    assert "KeyError" in found and "TooSlowError" in found


def test_the_same_seed_gives_the_same_input() -> None:
    for change in (mutated, mutated_text):
        first, again = (change(b'{"a": [1, 2], "b": "c"}', random.Random(3)) for _ in range(2))
        assert first == again
