"""What the meters show is what the engine counts and what sounds, to the last sample."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.panel.engine.watcher import HOLD_SECONDS, Level, Watcher
from instrument.realtime.memory.constants import PANEL_SOURCE
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.sounds.tones import fill_bank


def test_the_level_counts_every_sample_and_is_held_for_a_while() -> None:
    now = 100.0
    engine = OfflineEngine(48_000.0)
    fill_bank(engine.state, 0)
    level = Level(engine.state, lambda: now)
    engine.state.panel_ring.push(-1, 0x90, 69, 127, source=PANEL_SOURCE)
    heard = np.concatenate([engine.render(128) for _ in range(40)])
    loud, held = level.look()
    assert loud == held == pytest.approx(np.abs(heard).max(), abs=1e-4)
    engine.state.panel_ring.push(-1, 0x80, 69, 0, source=PANEL_SOURCE)
    for _ in range(400):
        engine.render(128)
    level.look()
    now += HOLD_SECONDS / 2
    for _ in range(4):
        engine.render(128)
    quiet, held = level.look()
    assert quiet < 0.1 * loud and held == loud
    now += HOLD_SECONDS
    assert level.look()[1] < 0.1 * loud


def test_what_sounded_while_nobody_looked_is_no_level() -> None:
    state = EngineState.create(None, 48_000.0)
    watcher = Watcher(state)
    ring = state.fields["record_ring"]
    ring["audio"][:480_000] = 0.5
    ring["head"] = 480_000  # ten seconds
    assert watcher.meters(0, 1, 0.0).peak == 0.0


def test_held_notes_whose_sound_came_late_are_counted() -> None:
    state = EngineState.create(None, 48_000.0)
    state.meters["late_streams"] = 7
    assert Watcher(state).meters(0, 1, 0.0).late_streams == 7
