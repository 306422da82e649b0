"""The partner's pen: the composer, what it has been told, and the plan that it writes.

In: notes that were heard, and where the next one of ours may start. Out: a `Plan`. Each planned
note keeps the composer's moment before it, so that what was cut can be written again otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from instrument.music.note import Note
from instrument.music.note_tuples import GRID, in_telling_order
from instrument.partner.output import Output
from instrument.partner.planning.note_composer import ComposerState, NoteComposer
from instrument.partner.planning.phrasing import GRID_BEATS, Phrasing
from instrument.partner.planning.plan import Plan, Planned, free_part
from instrument.partner.player_notes import PlayerNotes

_NEAR_BEATS = 1.0
_ANOTHER_DRAW = 1 << 20  # far from the randomness of every other note


@dataclass(frozen=True, slots=True)
class _Chord:
    """Notes of the player that begin together, and the composer before and after them."""

    notes: tuple[Note, ...]
    before: ComposerState
    after: ComposerState

    @property
    def start_beats(self) -> float:
        return self.notes[0].start_beats


class Pen:
    """Writes what the partner is going to play.

    Parameters
    ----------
    composer
        Draws the notes.
    phrasing
        How they follow the player.
    hands
        How loud the player is.
    output
        What has been handed over already.
    bar_beats
        Of the piece, as it begins.

    Attributes
    ----------
    plan
        What is written and has not been handed over.
    """

    def __init__(
        self,
        composer: NoteComposer,
        phrasing: Phrasing,
        hands: PlayerNotes,
        output: Output,
        bar_beats: float,
    ) -> None:
        self.composer, self.plan = composer, Plan()
        self._phrasing, self._hands, self._output = phrasing, hands, output
        self._moment = composer.begin(0.0, bar_beats)
        self._chord: _Chord | None = None  # the player's last one, which keys may still join
        self._untold: Note | None = None  # our last note, which the composer is told when it counts
        self._has_turn = False  # at leisure every second step is one
        self._written_until = -math.inf  # start of the last note that was written

    @property
    def moment(self) -> ComposerState:
        """Where the composer is, after everything that was heard and planned."""
        if self._untold is not None:
            note, self._untold = self._untold, None
            self._moment = self.composer.feed(self._moment, note, is_own=True)
        return self._moment

    @moment.setter
    def moment(self, moment: ComposerState) -> None:
        self._moment, self._untold = moment, None

    def feed(self, notes: tuple[Note, ...]) -> tuple[Note, ...]:
        """Tell the composer what was meant by what the player played; return it.

        Parameters
        ----------
        notes
            As they were played, in beats, in order.
        """
        self._learn_chord()
        return self._tell(self._heard(notes))

    def feed_at_once(self, notes: tuple[Note, ...]) -> None:
        """Tell the composer of keys that were struck just now; others may join them in a chord.

        Parameters
        ----------
        notes
            As they were played, in beats, in order.
        """
        heard = self._heard(notes)
        if not self._phrasing.rules.tells_whole_chords:
            self._tell(heard)
            return
        for note in heard:
            self._join(note)

    def listen(self, notes: Sequence[Note]) -> None:
        """Learn how the player plays, and tell the composer nothing.

        Parameters
        ----------
        notes
            As they were played, in beats.
        """
        for note in sorted(notes):
            self._phrasing.ear.hear(note)

    def remind(self, notes: tuple[Note, ...]) -> None:
        """Tell the composer of notes that were heard before, or are our own."""
        if self._phrasing.hears_what_is_meant:
            notes = tuple(sorted(self._phrasing.ear.meant(note) for note in notes))
        self._tell(notes)

    def _heard(self, notes: tuple[Note, ...]) -> tuple[Note, ...]:
        if not self._phrasing.hears_what_is_meant:
            return notes
        return tuple(self._phrasing.ear.hear(note) for note in notes)

    def _tell(self, notes: tuple[Note, ...]) -> tuple[Note, ...]:
        if self._phrasing.rules.tells_whole_chords:
            notes = in_telling_order(notes)
        for note in notes:
            self.moment = self.composer.feed(self.moment, note)
        return notes

    def _join(self, note: Note) -> None:
        """Tell a chord anew with the key that has joined it, or begin another chord with it.

        Where notes of ours have come between, the key is one by itself.
        """
        chord = self._chord
        if chord is None or chord.start_beats != note.start_beats or chord.after is not self.moment:
            self._learn_chord()
            chord = _Chord((), self.moment, self.moment)
        notes, moment = in_telling_order((*chord.notes, note)), chord.before
        for one in notes:
            moment = self.composer.feed(moment, one, learns=False)
        self.moment, self._chord = moment, _Chord(notes, chord.before, moment)

    def _learn_chord(self) -> None:
        """Learn the chord to which no key can be added any more."""
        if self._chord is not None:
            self.composer.learn(self._chord.before, self._chord.notes)
            self._chord = None

    def has_time(self, beats: float) -> bool:
        """Tell whether the next note may be written in this step; asked once in each.

        What begins within a beat is written at once, a note in each step; what is farther away at
        leisure. A note can take a network longer than a step, and were time to fall behind by more
        than notes are handed over ahead, they would be late.

        Parameters
        ----------
        beats
            The present position.
        """
        written = self.plan.written_beats
        is_near = written is None or written < beats + _NEAR_BEATS
        if is_near or not self._phrasing.rules.thinks_ahead_of_time:
            return True
        self._has_turn = not self._has_turn
        return self._has_turn

    def compose_one(
        self, earliest_beats: float, end_beats: float, *, starts_now: bool
    ) -> Note | None:
        """Plan the next note, if it starts before an end.

        Parameters
        ----------
        earliest_beats, end_beats
            Where it may start.
        starts_now
            The note starts at `earliest_beats` exactly, as the first of an answer does.

        Returns
        -------
        Note or None
            What was planned; None if the composer's next note comes no sooner than the end.
        """
        before, ask = self.moment, self._phrasing
        planned = (*self._output.lately, *self.plan.notes)
        ours = [one.note for one in planned]
        soonest = earliest_beats if starts_now else ask.on_page(earliest_beats)
        soonest = max(0.0, ask.room_from(soonest, ours, self._written_until))
        if not starts_now and ask.rules.writes_on_ticks:
            soonest = round(soonest * GRID) / GRID
        candidates = 1 if starts_now else ask.candidates
        note, after = self.composer.draw(before, ask.asked(), ask.blend, soonest, candidates)
        start = soonest if starts_now else note.start_beats
        if ask.options.is_quantised:
            start = max(soonest, round(start / GRID_BEATS) * GRID_BEATS)
        if start >= end_beats - 1e-6:
            self.plan.clear_until(end_beats)
            return None
        length = min(note.length_beats, end_beats - start)
        written = ask.closed(replace(note, start_beats=start, length_beats=length))
        # In the order of composing, whatever the feel has become: `cut` relies on it.
        played = ask.felt(written, max(earliest_beats, self._written_until))
        self._written_until = played.start_beats
        part = free_part(played, planned, ask.parts)
        self.plan.add(Planned(ask.blended(played, self._hands.velocity), part, before))
        self.moment, self._untold = after, written
        return played

    def cut(self, beats: float, *, stands: bool = False) -> None:
        """Drop what is planned from a position on, and go back to the composer's moment there.

        Parameters
        ----------
        stands
            What was planned stands until something is written over it.
        """
        self._written_until = min(self._written_until, beats)
        first = self.plan.set_aside(beats) if stands else self.plan.cut(beats)
        if first is not None and first.before is not None:
            self.moment = first.before

    def think_again(self) -> None:
        """Draw otherwise from now on."""
        self.moment = replace(self.moment, drawn=self.moment.drawn + _ANOTHER_DRAW)

    def begin_anew(self, origin_beats: float, bar_beats: float) -> None:
        """Forget what was planned and told; the composer's positions begin at `origin_beats`."""
        self.plan, self._chord = Plan(), None
        self._phrasing.ear.begin_phrase()
        self._written_until = -math.inf
        self.moment = self.composer.begin(origin_beats, bar_beats, self.moment.drawn)
