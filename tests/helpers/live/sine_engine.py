"""A kernel of its own that plays sines: what should be heard of it is known."""

from __future__ import annotations

from instrument.realtime.memory.constants import ALL_CHANNELS, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.sounds.tones import fill_bank

RATE_HZ = 48_000
SECOND = RATE_HZ


def engine_with_sines(
    block_frames: int = 128, *, frames: int = SECOND, **sound: float
) -> OfflineEngine:
    """Return an engine that plays bank 1, filled with sines."""
    engine = OfflineEngine(RATE_HZ, block_frames, note_seconds=frames / RATE_HZ)
    fill_bank(engine.state, 1, frames=frames)
    for name, value in sound.items():
        engine.state.banks[1][name] = value
    engine.command(USE_BANK, 1, ALL_CHANNELS)
    return engine
