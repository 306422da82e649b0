"""One composer out of two: a network, and counts that learn from this very session.

In: notes that were played, in absolute beats. Out: notes to play. The counts are always fed, so
they can be blended in, and they take over for good when the network fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from instrument.composers.continuer import NoteModel, draw_not_before
from instrument.composers.ngram.ngram import NgramModel, NgramState
from instrument.errors import first_line
from instrument.music.constraints import Constraints
from instrument.music.note import Note
from instrument.music.sampling import NoteRandom

REMEMBERED_NOTES = 1000
"""Some minutes of playing: a session may last for hours, and the counts of each take memory."""
MOST_CANDIDATES = 4
_NOTE, _COIN = 0, 1  # streams of randomness


@dataclass(frozen=True, slots=True)
class ComposerState:
    """Where both are, after some notes; never changes.

    Attributes
    ----------
    origin_beats
        The bar line that the states count from.
    network
        The network's state; None once it has failed, or if there is none.
    counts
        The counts' state.
    drawn
        Notes drawn so far: the randomness of the next one depends on it and the seed alone.
    last_beats
        Start of the last note; a model is never fed an earlier one.
    """

    origin_beats: float
    network: Any
    counts: NgramState
    drawn: int
    last_beats: float


class NoteComposer:
    """Draws note after note, from the network or from the counts.

    Parameters
    ----------
    network
        None leaves everything to the counts.
    name
        What messages call the network.
    seed
        Of everything random.
    remembers
        So many of the player's last notes the counts know at least.
    """

    def __init__(
        self,
        network: NoteModel[Any] | None,
        name: str,
        seed: int,
        remembers: int = REMEMBERED_NOTES,
    ) -> None:
        self.name = name
        self.problem: str | None = None  # why the counts have taken over
        self._network = network
        self._counts = NgramModel(remembers=remembers)
        self._notes, self._coins = NoteRandom(seed, _NOTE), NoteRandom(seed, _COIN)
        others = [NoteRandom(seed, _COIN + 1 + number) for number in range(MOST_CANDIDATES - 1)]
        self._candidates = [self._notes, *others]

    def begin(self, origin_beats: float, bar_beats: float, drawn: int = 0) -> ComposerState:
        """Return the moment before the first note; positions before `origin_beats` are its zero."""
        network = self._try(lambda model: model.begin(bar_beats, 0.0))
        counts = self._counts.begin(bar_beats, 0.0)
        return ComposerState(origin_beats, network, counts, drawn, origin_beats)

    def feed(
        self, moment: ComposerState, note: Note, *, is_own: bool = False, learns: bool = True
    ) -> ComposerState:
        """Return the moment after a note that was played; nothing is learned from our own.

        Parameters
        ----------
        learns
            The counts learn from it, if it is the player's; otherwise `learn` comes later.
        """
        start = max(note.start_beats, moment.last_beats)
        told = replace(note, start_beats=start - moment.origin_beats)
        network = self._try(
            lambda model: _way_of_telling(model, is_own)(moment.network, told), moment
        )
        hear = self._counts.feed if learns and not is_own else self._counts.follow
        counts = hear(moment.counts, told)
        return replace(moment, network=network, counts=counts, last_beats=start)

    def learn(self, moment: ComposerState, notes: Sequence[Note]) -> None:
        """Let the counts learn from notes that came after a moment, and were told already."""
        counts = moment.counts
        for note in notes:
            start = max(note.start_beats, moment.last_beats) - moment.origin_beats
            counts = self._counts.feed(counts, replace(note, start_beats=start))

    def draw(
        self,
        moment: ComposerState,
        controls: Constraints,
        blend: float,
        earliest_beats: float,
        candidates: int = 1,
    ) -> tuple[Note, ComposerState]:
        """Make the next note, not before a position; the moment has not been fed it yet.

        Parameters
        ----------
        blend
            Share of the notes that the counts draw, 0 to 1.
        candidates
            So many notes the network draws; the one that is most in the player's rhythm stays.
        """
        earliest = max(earliest_beats, moment.last_beats) - moment.origin_beats
        asked = replace(controls, earliest_beats=max(0.0, earliest))
        index = moment.drawn
        after = replace(moment, drawn=index + 1)
        if self._coins.at(index).random() >= blend:
            note = self._try(lambda model: self._best(model, moment, asked, candidates), moment)
            if note is not None:
                return _moved(note, moment.origin_beats), after
        note, _ = draw_not_before(self._counts, moment.counts, asked, self._notes, index)
        return _moved(note, moment.origin_beats), after

    def _best(
        self, model: NoteModel[Any], moment: ComposerState, asked: Constraints, candidates: int
    ) -> Note:
        """Draw notes; return the one that the counts expect most, the first of equals."""
        drawn = [
            draw_not_before(model, moment.network, asked, random, moment.drawn)[0]
            for random in self._candidates[:candidates]
        ]
        if len(drawn) == 1:
            return drawn[0]
        return min(drawn, key=lambda note: self._counts.rhythm_nats(moment.counts, note))

    def _try(self, ask: Any, moment: ComposerState | None = None) -> Any:
        """Ask the network; from its first failure on, never again."""
        if self._network is None or (moment is not None and moment.network is None):
            return None
        try:
            return ask(self._network)
        except Exception as reason:  # whatever it is, the music goes on
            self.problem = f"{self.name} has failed ({first_line(reason, 120)})"
            self._network = None
            return None


def _way_of_telling(model: NoteModel[Any], is_own: bool) -> Callable[[Any, Note], Any]:
    """Return how a model is told of a note; most make no difference."""
    feed: Callable[[Any, Note], Any] = model.feed
    return getattr(model, "follow", feed) if is_own else feed


def _moved(note: Note, by_beats: float) -> Note:
    """Put a note where its piece lies; Link counts in from below 0, where there are no notes."""
    return replace(note, start_beats=max(0.0, note.start_beats + by_beats))
