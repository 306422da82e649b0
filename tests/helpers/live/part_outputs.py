"""Parts with outputs of their own, on an engine that has no device: three banks of sines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from instrument.preset.parts import SoundPart, write_part
from instrument.preset.voice_parameters import write_fields
from instrument.realtime.memory.constants import ALL_CHANNELS, USE_BANK
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.sounds.tones import fill_bank

RATE_HZ = 48_000
BANKS = (1, 2, 3)
SOUNDS: tuple[dict[str, float], ...] = (
    {"variation": 1.0},
    {"reverb_level": 0.5, "release_seconds": 0.2},
    {"chorus_level": 0.6, "pan": -0.4, "drift": 1.0},
)
SPLIT = (
    SoundPart(keys=(60, 79)),
    SoundPart("bass", keys=(0, 59)),
    SoundPart("bell", keys=(80, 127), level_db=-6.0),
)


def three_parts(state: EngineState, parts: tuple[SoundPart, ...] = SPLIT) -> None:
    """Give each part a bank and a sound of its own, on the channel of its number."""
    for bank, sound in zip(BANKS, SOUNDS, strict=True):
        fill_bank(state, bank)
        write_fields(state.banks[bank], sound)
    state.command(USE_BANK, BANKS[0], ALL_CHANNELS)
    for number, part in enumerate(parts):
        state.command(USE_BANK, BANKS[number], number)
        write_part(state, number, part, number, ())


class PairsEngine:
    """An offline engine with a pair of outputs for each part behind the first.

    Attributes
    ----------
    engine : OfflineEngine
        Send messages to it.
    """

    def __init__(self, block_frames: int = 128, pairs: int = 2) -> None:
        self.engine = OfflineEngine(RATE_HZ, block_frames, note_seconds=1.0)
        self._block_frames = block_frames
        self._out = np.zeros((pairs, 2, block_frames), np.float32)
        fields = self.engine.state.fields
        fields["part_pairs"] = pairs
        for pair in range(pairs):
            for side in range(2):
                fields["part_buffers"][pair, side] = self._out[pair, side].ctypes.data

    def render(self, frames: int) -> NDArray[np.float32]:
        """Return what all outputs give: float32, shape (frames, 2 + 2 * pairs)."""
        blocks = []
        left = frames
        while left:
            past = int(self.engine.state.clock) % self._block_frames
            count = min(self._block_frames - past, left)  # one call of the kernel
            main = self.engine.render(count)
            own = self._out.reshape(-1, self._block_frames)[:, :count].T
            blocks.append(np.concatenate([main, own], axis=1))
            left -= count
        return np.concatenate(blocks)
