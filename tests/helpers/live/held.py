"""What is held: engines with a bank of sines, and which keys of theirs still sound."""

from __future__ import annotations

from instrument.preset.voice_parameters import write_fields
from instrument.realtime.memory.constants import ALL_CHANNELS, FREE, RELEASE, USE_BANK
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.sounds.tones import fill_bank

RATE_HZ = 48_000


def made_engine(block_frames: int = 128, **sound: float) -> OfflineEngine:
    """Return an engine that plays bank 1, a second of looped sines."""
    engine = OfflineEngine(RATE_HZ, block_frames, note_seconds=1.0)
    fill_bank(engine.state, 1)
    write_fields(engine.state.banks[1], sound)
    engine.command(USE_BANK, 1, ALL_CHANNELS)
    engine.render(block_frames)
    return engine


def held_keys(state: EngineState) -> list[tuple[int, int]]:
    """Return (channel, pitch) of what sounds and is not on its way out."""
    voices = state.voices
    held = (voices["stage"] != FREE) & (voices["stage"] != RELEASE) & (voices["is_fading"] == 0)
    return sorted((int(v["channel"]), int(v["pitch"])) for v in voices[held])
