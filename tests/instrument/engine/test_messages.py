"""What the engine says of itself: figures that the documentation repeats (docs/daw.md)."""

from __future__ import annotations

import pytest

from instrument.engine.messages import Ready


@pytest.mark.parametrize(
    ("kind", "lowest", "wanted_ms"),
    [
        ("jack", False, 5.333),  # one block, and nothing of the device's own
        ("jack", True, 5.333),  # the graph itself brings MIDI a block late: nothing to gain
        ("portaudio", False, 5.333),
        ("portaudio", True, 0.0),
    ],
)
def test_latency_is_a_block_and_what_the_device_says(
    kind: str, lowest: bool, wanted_ms: float
) -> None:
    for device in (0.0, 0.010):
        ready = Ready("a", kind, 48_000.0, 256, device, (), 1, True)
        assert ready.latency_from_key(lowest=lowest) == pytest.approx(
            wanted_ms / 1000 + device, abs=1e-5
        )
