"""The kernel has a few of MIDI's numbers again, for it imports nothing but itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import instrument.realtime
from instrument.midi import messages

SAME = {"EXCLUSIVE_END": "SYSEX_END"}
OTHERS = {"CONTINUE"}
"""PortAudio's, in `callback`."""


def shared_numbers() -> Iterator[tuple[str, str, int, int]]:
    """Yield module, name, the kernel's number and ours, of each name that both have."""
    rooms = instrument.realtime
    for module in pkgutil.walk_packages(rooms.__path__, f"{rooms.__name__}."):
        for name, number in vars(importlib.import_module(module.name)).items():
            ours = getattr(messages, SAME.get(name, name), None)
            if isinstance(number, int) and isinstance(ours, int) and name not in OTHERS:
                yield module.name, name, number, ours


SHARED = list(shared_numbers())


def test_the_kernel_has_some() -> None:
    assert {"CLOCK_TICK", "EXCLUSIVE_END", "SYSTEM_RESET"} <= {name for _, name, _, _ in SHARED}


@pytest.mark.parametrize(("module", "name", "kernel", "ours"), SHARED)
def test_a_number_that_the_kernel_has_again_is_the_same(
    module: str, name: str, kernel: int, ours: int
) -> None:
    assert kernel == ours
