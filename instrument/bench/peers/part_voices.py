"""Ours in parts: the same voices in as many sounds as there may be, each with its own outputs."""

from __future__ import annotations

import numpy as np

from instrument.bench.peers.kernel_voices import BANK, BEND, VELOCITY, KernelVoices
from instrument.midi.messages import PITCH_BEND, note_on
from instrument.preset.parts import SoundPart, write_part
from instrument.realtime.memory.constants import FOURTH_BANK, MOST_PARTS, PRESET_BANKS, USE_BANK

_BANKS = (*PRESET_BANKS, FOURTH_BANK)
_SIDES = 2


class PartVoices(KernelVoices):
    """The engine with `voices` voices in `MOST_PARTS` parts; see `KernelVoices`.

    Parameters
    ----------
    voices, block_frames, rate_hz
        As `KernelVoices` has them; the voices are bent.
    """

    def __init__(self, voices: int, block_frames: int, rate_hz: int) -> None:
        self._own = np.zeros((MOST_PARTS - 1, _SIDES, block_frames), np.float32)
        super().__init__(voices, block_frames, rate_hz, is_bent=True)

    @property
    def quietest_part(self) -> float:
        """Largest absolute sample of the last block at the quietest own pair, full scale 1."""
        return float(np.abs(self._own).max(axis=(1, 2)).min())

    def _fill_tables(self, rate_hz: int) -> None:
        super()._fill_tables(rate_hz)
        state = self.engine.state
        for bank in _BANKS[1:]:
            for field in (state.tones, state.slots, state.banks):
                field[bank] = field[BANK]
        addresses = self._own.ctypes.data + np.arange(self._own.size)[:: self._block_frames] * 4
        state.fields["part_buffers"] = addresses.reshape(MOST_PARTS - 1, _SIDES)
        state.fields["part_pairs"] = MOST_PARTS - 1

    def _strike(self, is_bent: bool) -> None:
        engine = self.engine
        for part in range(MOST_PARTS):
            write_part(engine.state, part, SoundPart(channel=part + 1), part, ())
            engine.command(USE_BANK, _BANKS[part], part)
            if is_bent:
                engine.send(-1, (PITCH_BEND | part, 0, BEND))
        for number in range(self._voices):  # two of the parts play each key
            pitch = self._pitches[number // 2]
            engine.send(-1, note_on(pitch, VELOCITY, number % MOST_PARTS))
        engine.render(self._block_frames)
