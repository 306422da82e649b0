"""By whose rules a partner plays: today's, or those of the take that is played again.

Whatever changes the music that a session gives comes with new rules and a new format of takes, so
that takes of every older format are still made again to the byte.
"""

from __future__ import annotations

from dataclasses import dataclass

from instrument.partner.player_notes import MOST_EQUAL

RULES = 5
"""The rules of today, and the format of takes of today."""
_MEANT, _WHOLE_CHORDS = 3, 5


@dataclass(frozen=True, slots=True)
class PlayRules:
    """How a partner listens and decides.

    Attributes
    ----------
    number
        The format of the takes that were played so. The rules of 3 and 4 are the same: takes of
        format 3 are read as those of today in which no care was asked for.
    """

    number: int = RULES

    @property
    def most_equal(self) -> int:
        """So many equal notes can be down at once; once a key struck again ended its note."""
        return 1 if self.number == 1 else MOST_EQUAL

    @property
    def counts_forget(self) -> bool:
        """The counts remember the last notes alone, not everything."""
        return self.number > 1

    @property
    def hears_what_is_meant(self) -> bool:
        """Composers are told what was meant, not what was played."""
        return self.number >= _MEANT

    @property
    def tells_whole_chords(self) -> bool:
        """Composers are told chords from the highest note down, not as their keys were struck."""
        return self.number >= _WHOLE_CHORDS

    @property
    def hears_modes(self) -> bool:
        """Where the key that fits best does not hold the player's notes, one that does is found."""
        return self.number >= _WHOLE_CHORDS

    @property
    def writes_on_ticks(self) -> bool:
        """A note may start on the nearest tick.

        Before, what lay a little before a place between two ticks was drawn again and again.
        """
        return self.number >= _WHOLE_CHORDS

    @property
    def thinks_ahead_of_time(self) -> bool:
        """What was planned stands until it is written anew, what is far is written at leisure."""
        return self.number >= _WHOLE_CHORDS

    @property
    def leaves_at_once(self) -> bool:
        """A note whose end was sent ahead ends sooner when the player returns before it."""
        return self.number >= _WHOLE_CHORDS


TODAY = PlayRules()
