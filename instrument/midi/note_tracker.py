"""Which keys are down: every note-off is paired with a note-on.

In: strikes and releases of keys. Out: what was struck, when its note-off comes. MIDI leaves open
which of several equal notes a note-off ends; here as in the kernel it is the oldest that sounds.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

MOST_TOGETHER = 1000
"""Equal notes that `release` looks through: finding one among more takes too long."""

_Key = TypeVar("_Key", bound=Hashable)
_Note = TypeVar("_Note")


class NoteTracker(Generic[_Key, _Note]):
    """The notes that are down, by key; any one thread.

    A key is whatever tells apart keys that a note-off may mean: a channel and a pitch, and the port
    or the player where there are several. A note is whatever its owner has to know when it ends.

    Parameters
    ----------
    most
        Equal notes that may be down at once: a player whose note-offs never come fills no memory.
    """

    def __init__(self, most: int = sys.maxsize) -> None:
        self._most = most
        self._down: dict[_Key, deque[_Note]] = {}  # oldest first; no empty ones

    def __bool__(self) -> bool:
        return bool(self._down)

    def __iter__(self) -> Iterator[tuple[_Key, _Note]]:
        """Go through all notes that are down, key by key, the oldest of each first."""
        return ((key, note) for key, notes in self._down.items() for note in notes)

    def strike(self, key: _Key, note: _Note) -> _Note | None:
        """Put a note down beside those of its key; let go of the oldest if there are too many."""
        oldest = self.release(key) if len(self._down.get(key, ())) >= self._most else None
        self._down.setdefault(key, deque()).append(note)
        return oldest

    def release(self, key: _Key, nth: int = 0) -> _Note | None:
        """Let go of a key's oldest note, or of the `nth` after it; None if no note is down."""
        notes = self._down.get(key)
        if notes is None:
            return None
        nth = min(nth, len(notes) - 1, MOST_TOGETHER)
        note = notes[nth]
        del notes[nth]
        if not notes:
            del self._down[key]
        return note

    def release_all(
        self, which: Callable[[_Key], bool] = lambda _: True
    ) -> list[tuple[_Key, _Note]]:
        """Let go of every note, or of all notes of some keys.

        Parameters
        ----------
        which
            Tells whether a key is meant; all of them without it.
        """
        released = [(key, note) for key, note in self if which(key)]
        for key in {key for key, _ in released}:
            del self._down[key]
        return released

    def nth(self, key: _Key, note: _Note) -> int:
        """Return how many older notes of its key are down beside a note."""
        return self._down[key].index(note)
