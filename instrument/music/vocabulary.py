"""Symbols and their ids: what a network over symbols can read and say.

In: names of symbols. Out: ids 0..n-1, the same on every machine, because a run and a bundle keep
the list itself. Id 0 is always `START`: what stands before the first symbol of a phrase.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

START = "start"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Symbols in the order of their ids.

    Parameters
    ----------
    symbols
        Unique names; the first is `START`.
    """

    symbols: tuple[str, ...]
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {name: i for i, name in enumerate(self.symbols)})
        assert self.symbols and self.symbols[0] == START, "a vocabulary begins with START"
        assert len(self._ids) == len(self.symbols), "a vocabulary has each symbol once"

    @classmethod
    def of(cls, symbols: Iterable[str], at_least: int = 1) -> Vocabulary:
        """Collect the symbols that occur `at_least` so many times, in alphabetical order.

        The order carries no meaning: networks look ids up in an embedding.
        """
        counts = Counter(symbols)
        return cls((START, *sorted(name for name, count in counts.items() if count >= at_least)))

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._ids

    def id_of(self, symbol: str) -> int:
        """Return a symbol's id; a KeyError when it is unknown, so ask with ``in`` first."""
        return self._ids[symbol]
