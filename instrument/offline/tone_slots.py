"""Slots of the engine for tones that all have their own timbre.

A preset fills one bank with one tone per key. Where the timbre moves, the same key has another tone
each time it is struck, while the one before may still ring; so each tone goes into a bank whose
slot for that key nobody reads. What lies in a slot stays until its place is needed.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from instrument.realtime.memory.constants import FREE, PRESET_BANKS
from instrument.realtime.memory.state import EngineState
from instrument.rendering.prefetch import Key, Strike, TonePrefetch
from instrument.rendering.tone_table import put_tone


class ToneSlots:
    """Put each tone where its voice will read it.

    Parameters
    ----------
    state
        The block of an engine that stands still between two calls.
    tones
        Where tones come from.

    Attributes
    ----------
    borrowed : int
        Strikes that had to take the timbre of an earlier one, see `bank_for`.
    """

    def __init__(self, state: EngineState, tones: TonePrefetch) -> None:
        self.borrowed = 0
        self._state = state
        self._tones = tones
        self._banks = list(PRESET_BANKS)
        self._held: dict[tuple[int, int], Key] = {}  # by pitch and bank, the latest last

    def bank_for(self, strike: Strike, coming: Iterable[Strike] = ()) -> int:
        """Put a tone into a slot that nobody reads and return its bank.

        When the slots of that key are all being read (a third fast repetition while two fade),
        the tone takes the timbre of the latest one, which is milliseconds older.

        Parameters
        ----------
        strike
            What sounds from the engine's present frame on; its pitch is one that has slots.
        coming
            The strikes after it.
        """
        pitch, key = strike.pitch, strike.key
        banks = [bank for held, bank in self._held if held == pitch]
        for bank in banks:
            if self._held[pitch, bank] == key:
                return bank
        free = next((bank for bank in self._banks if not self._is_read(bank, pitch)), None)
        if free is None:
            self.borrowed += 1
            return banks[-1]
        for tone in self._tones.tone(strike, coming, set(self._held.values())):
            put_tone(self._state, free, tone)
        self._held.pop((pitch, free), None)
        self._held[pitch, free] = key
        return free

    def _is_read(self, bank: int, pitch: int) -> bool:
        voices = self._state.voices
        reads = (voices["source_bank"] == bank) & (voices["source_pitch"] == pitch)
        return bool(np.any(reads & (voices["stage"] != FREE)))
