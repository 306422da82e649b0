"""Keep the tone pool's pages where the audio thread can read them without waiting for the kernel.

Models writes tones from another process; the first read of each of their pages in this process is
a page fault. `PagePrefaulter.follow` takes those faults on the main thread, as soon as a slot
grows, and gives back the pages of banks that nobody plays any more, so that memory stays bounded.
"""

from __future__ import annotations

import numpy as np

from instrument.realtime.memory.constants import BANK_COUNT, BUILT_IN_BANK, PAGE_FRAMES
from instrument.realtime.memory.state import EngineState


class PagePrefaulter:
    """Follows the ready slots of all banks. Main thread of the engine only."""

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._seen = np.zeros(state.slots.shape, np.int64)
        self._was_used = [False] * BANK_COUNT
        self.touched_pages = 0

    def follow(self) -> None:
        """Touch what is new; drop banks that have just fallen out of use."""
        self._drop_unused()
        ready = self._state.slots["frames_ready"]
        for bank, layer, key in np.argwhere(ready != self._seen):
            frames = int(ready[bank, layer, key])
            begin = min(int(self._seen[bank, layer, key]), frames)
            audio = self._state.tones[bank, layer, key, begin:frames]
            self.touched_pages += -(-len(audio) // PAGE_FRAMES)
            float(audio[::PAGE_FRAMES].sum() + audio[-1:].sum())
            self._seen[bank, layer, key] = frames

    def _drop_unused(self) -> None:
        for bank in range(BUILT_IN_BANK + 1, BANK_COUNT):
            is_used = not self._state.bank_is_free(bank)
            if is_used and not self._was_used[bank]:
                self._seen[bank] = 0  # it may have been dropped: touch it all
            elif self._was_used[bank] and not is_used:
                self._state.drop_pages(bank)
                self._seen[bank] = self._state.slots["frames_ready"][bank]
            self._was_used[bank] = is_used
