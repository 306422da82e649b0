"""Pages of the tone pool: there before a key needs them, gone when nobody does."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from instrument.engine.prefault import PagePrefaulter
from instrument.realtime.memory.constants import ALL_CHANNELS, LOUD, SOFT, USE_BANK
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc/self/smaps")
SLOT_KIB = 48_000 * 4 / 1024


def resident_kib(address: int) -> int:
    """Return how much of the mapping that begins at an address is in this process's memory."""
    is_ours = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if match := re.match(r"([0-9a-f]+)-[0-9a-f]+ ", line):
            is_ours = int(match[1], 16) == address
        elif is_ours and line.startswith("Rss:"):
            return int(line.split()[1])
    raise AssertionError(f"nothing is mapped at {address:#x}")


def test_new_notes_are_touched_and_unused_banks_are_dropped(tmp_path: Path) -> None:
    engine = OfflineEngine(48_000.0, 128, 1.0, folder=tmp_path)
    models = EngineState.attach(tmp_path)  # another mapping of the same file
    here = int(engine.state.tones.ctypes.data)
    pages = PagePrefaulter(engine.state)
    pages.follow()
    before = resident_kib(here)
    for pitch in range(60, 70):
        for layer in (SOFT, LOUD):
            models.write_slot(1, layer, pitch, np.ones(48_000, np.float32))
    assert resident_kib(here) - before < SLOT_KIB  # written there, not read here
    pages.follow()
    whole = 20 * SLOT_KIB
    assert resident_kib(here) - before == pytest.approx(whole, rel=0.05)

    engine.command(USE_BANK, 1, ALL_CHANNELS)
    engine.render(128)
    pages.follow()
    assert resident_kib(here) - before == pytest.approx(whole, rel=0.05)
    engine.command(USE_BANK, 2, ALL_CHANNELS)
    engine.render(128)
    pages.follow()
    assert resident_kib(here) - before < 0.1 * whole
    assert models.tones[1, LOUD, 60 - 21, 47_999] == 1.0  # still in the file

    engine.command(USE_BANK, 1, ALL_CHANNELS)  # back again
    engine.render(128)
    pages.follow()
    assert resident_kib(here) - before == pytest.approx(whole, rel=0.05)


def test_an_attack_that_grows_is_touched_where_it_has_grown(tmp_path: Path) -> None:
    engine = OfflineEngine(48_000.0, 128, 1.0, folder=tmp_path)
    pages = PagePrefaulter(engine.state)
    pages.follow()
    before = pages.touched_pages
    audio = np.ones(48_000, np.float32)
    engine.state.write_slot(1, LOUD, 60, audio[:10_240], frames_whole=48_000)
    pages.follow()
    attack = pages.touched_pages - before
    engine.state.write_slot(1, LOUD, 60, audio)
    pages.follow()
    assert attack == 10
    assert pages.touched_pages - before == 10 + 37  # 48000 frames: 47 pages in all
    pages.follow()
    assert pages.touched_pages - before == 10 + 37
