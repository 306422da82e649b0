"""Composers that make whole bars, for several tracks at once or beside a given one."""

from __future__ import annotations

from typing import Protocol

from instrument.composers.continuer import Continuer
from instrument.music.constraints import Constraints
from instrument.music.note import Phrase


class BarGenerator(Protocol):
    """Something that makes bars."""

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        """Make bars from nothing, beside a given track, or after given bars.

        Parameters
        ----------
        bars
            How many, 1 to 512.
        seed
            The same request and seed give the same notes.
        controls
            What is asked; what the composer cannot do is left out.
        condition
            What another player plays in these bars; it is not part of what comes back.
        previous
            The bars before.

        Returns
        -------
        Phrase
            The new bars alone.

        Raises
        ------
        SettingError
            The composer cannot do what is asked, or there is nothing to accompany.
        """
        ...


class Composer(Continuer, BarGenerator, Protocol):
    """What the command line works with; whatever a composer cannot do it refuses in plain words."""
