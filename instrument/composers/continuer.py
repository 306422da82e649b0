"""Composers that go on from what was played.

Two protocols. A `NoteModel` gives one note after the other and is what live play asks; its states
are immutable values, so keeping one is keeping that moment, and going back is free. A `Continuer`
makes a whole phrase; `PhraseContinuer` turns any note model into one. `EchoContinuer` needs no
model: it plays the prompt again, for tests and for wiring.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

import numpy as np

from instrument.errors import SettingError, check_whole
from instrument.music.constraints import MOST_BARS, Constraints
from instrument.music.note import Note, Phrase, Track
from instrument.music.note_tuples import in_telling_order
from instrument.music.sampling import NoteRandom

State = TypeVar("State")

BAR_BEATS = 4.0
"""Of bars that are made from nothing."""
MOST_HEARD_NOTES = 2048
"""Of a long file as much as composers are told: a quarter of an hour of piano, in seconds."""
_NOTES_PER_BEAT = 32
"""More than this is a network that does not move on; the phrase then ends early."""
_TRIES = 16
_LATE_BEATS = 0.25  # a note that sounds a little past the bar line still belongs to its bar


class NoteModel(Protocol[State]):
    """Something that makes note after note.

    Times are absolute: a note's ``start_beats`` counts from where the state began. Notes are fed in
    order of their start, of a chord the highest first. No method changes the state it is given. A
    model that tells its own notes from the player's has a method `follow` beside `feed`, of the
    same form, for its own.
    """

    def begin(self, bar_beats: float, pickup_beats: float) -> State:
        """Return the state before the first note.

        Parameters
        ----------
        bar_beats
            Quarter notes in a bar.
        pickup_beats
            Quarter notes before the first bar line.
        """
        ...

    def feed(self, state: State, note: Note) -> State:
        """Return the state after a note that was played."""
        ...

    def draw(
        self, state: State, controls: Constraints, random: np.random.Generator
    ) -> tuple[Note, State]:
        """Make the next note; the state returned has already been fed it."""
        ...


class Continuer(Protocol):
    """Something that goes on from a phrase."""

    def continue_phrase(
        self, phrase: Phrase, length_beats: float, controls: Constraints, seed: int
    ) -> Phrase:
        """Go on from a phrase's end.

        Parameters
        ----------
        phrase
            What was played; it ends at its ``length_beats``, best at a bar line.
        length_beats
            How much to make.
        controls
            What is asked; what the composer cannot do is left out.
        seed
            The same phrase, controls and seed give the same notes.

        Returns
        -------
        Phrase
            What comes next alone, counted from the phrase's end, so that
            ``phrase.followed_by(it)`` is the whole. Its tracks stand in the phrase's order.

        Raises
        ------
        PhraseError, SettingError
            The phrase has nothing to go on from, or the controls leave no note.
        """
        ...


@dataclass(frozen=True, slots=True)
class EchoContinuer:
    """Play the last `length_beats` of the prompt again, over and over: no model, no chance."""

    def continue_phrase(
        self,
        phrase: Phrase,
        length_beats: float,
        controls: Constraints,  # noqa: ARG002 - an echo has no choice
        seed: int,  # noqa: ARG002
    ) -> Phrase:
        """Repeat the prompt's end; see `Continuer.continue_phrase`."""
        length = min(phrase.length_beats, length_beats) or length_beats
        heard = phrase.between(max(0.0, phrase.length_beats - length), phrase.length_beats)
        echo = heard
        while echo.length_beats < length_beats:
            echo = echo.followed_by(heard)
        return replace(echo.between(0.0, length_beats), pickup_beats=0.0)

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        """Repeat what was played beside or before; see `BarGenerator.generate`."""
        check_whole("bars", bars, 1, MOST_BARS)
        heard = condition or previous
        if heard is None:
            raise SettingError("an echo needs something to repeat", "Choose another --model.")
        return self.continue_phrase(heard, bars * heard.bar_beats, controls, seed)


class PhraseContinuer(Generic[State]):
    """A continuer made of a note model.

    All pitched tracks are fed; what comes next stands in the track that has most notes.

    Parameters
    ----------
    model
        Draws the notes.
    name
        What messages call it.
    is_monophonic
        Notes end where the next one starts.
    """

    def __init__(
        self, model: NoteModel[State], name: str = "this model", is_monophonic: bool = False
    ) -> None:
        self.model, self.name, self.is_monophonic = model, name, is_monophonic

    def continue_phrase(
        self, phrase: Phrase, length_beats: float, controls: Constraints, seed: int
    ) -> Phrase:
        """Feed the phrase, then draw; see `Continuer.continue_phrase`.

        Parameters
        ----------
        length_beats
            How much follows the phrase, quarter notes.
        """
        leading = leading_track(phrase)
        state = self.model.begin(phrase.bar_beats, phrase.pickup_beats)
        for note in in_telling_order(pitched_notes(phrase)):
            state = self.model.feed(state, note)
        notes = self._draw(state, phrase.length_beats, length_beats, controls, seed)
        tracks = tuple(
            replace(track, notes=notes if track is leading else ()) for track in phrase.tracks
        )
        return continuation(phrase, tracks, length_beats)

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        """Make bars of 4/4 from nothing, or go on; see `BarGenerator.generate`."""
        check_whole("bars", bars, 1, MOST_BARS)
        if condition is not None:
            raise SettingError(
                f"{self.name} writes one line and cannot accompany",
                "Accompany with a MuseGAN that was made for it, or with chorale_lstm.",
            )
        if previous is not None:
            length = bars * previous.meter_at(previous.length_beats).bar_beats
            return self.continue_phrase(previous, length, controls, seed)
        notes = self._draw(self.model.begin(BAR_BEATS, 0.0), 0.0, bars * BAR_BEATS, controls, seed)
        return Phrase.of(notes, bars * BAR_BEATS)

    def _draw(
        self, state: State, start: float, length: float, controls: Constraints, seed: int
    ) -> tuple[Note, ...]:
        """Draw notes that start in start..start+length, counted from `start`."""
        random = NoteRandom(seed)
        notes: list[Note] = []
        while len(notes) < _NOTES_PER_BEAT * length:
            earliest = replace(controls, earliest_beats=start)
            note, state = draw_not_before(self.model, state, earliest, random, len(notes))
            if note.start_beats >= start + length - 1e-6:
                break
            at = max(0.0, note.start_beats - start)
            ends = min(note.length_beats, length - at)
            notes.append(Note(at, note.pitch, ends, controls.velocity or note.velocity))
        return one_voice(notes) if self.is_monophonic else tuple(notes)


def draw_not_before(
    model: NoteModel[State], state: State, controls: Constraints, random: NoteRandom, index: int
) -> tuple[Note, State]:
    """Draw until a note starts at ``controls.earliest_beats`` or later.

    A model may ignore the request. After some tries the note is moved to where it may start.

    Parameters
    ----------
    random, index
        The note's own randomness; further tries have their own.
    """
    for turn in range(_TRIES):
        note, after = model.draw(state, controls, random.at(index * _TRIES + turn))
        if note.start_beats >= controls.earliest_beats - 1e-6:
            return note, after
    moved = replace(note, start_beats=controls.earliest_beats)
    return moved, model.feed(state, moved)


def one_voice(notes: Sequence[Note]) -> tuple[Note, ...]:
    """End each note where the next one starts; of notes that start together the last one stays."""
    line = []
    for note, following in pairwise([*notes, None]):
        assert note is not None
        gap = note.length_beats if following is None else following.start_beats - note.start_beats
        if gap > 0:
            line.append(replace(note, length_beats=min(note.length_beats, gap)))
    return tuple(line)


def pitched_notes(phrase: Phrase) -> tuple[Note, ...]:
    """Return the notes of all tracks that are no drums, in order."""
    pitched = tuple(track for track in phrase.tracks if not track.is_drum)
    return replace(phrase, tracks=pitched).notes


def leading_track(phrase: Phrase) -> Track:
    """Return the pitched track with most notes, the first of equals.

    Raises
    ------
    SettingError
        There is no note that a composer could go on from.
    """
    pitched = [track for track in phrase.tracks if track.notes and not track.is_drum]
    if not pitched:
        raise SettingError("there are no notes to go on from", "Give a phrase with pitched notes.")
    return max(pitched, key=lambda track: len(track.notes))


def continuation(phrase: Phrase, tracks: tuple[Track, ...], length_beats: float) -> Phrase:
    """Make the phrase that follows `phrase`, with the tempo and the bars that hold at its end."""
    end = phrase.length_beats
    phase, bar_beats = phrase.beat_phase(end), phrase.meter_at(end).bar_beats
    return Phrase(
        tracks,
        length_beats,
        (replace(phrase.tempo_at(end), start_beats=0.0),),
        (replace(phrase.meter_at(end), start_beats=0.0),),
        bar_beats - phase if phase else 0.0,
    )


def at_bar_line(phrase: Phrase) -> Phrase:
    """End a phrase at the bar line after its last note, give or take a late release.

    Later silence is cut off, and so are later changes of tempo and meter.
    """
    ends = max(note.end_beats for note in phrase.notes) - _LATE_BEATS
    end = max(ends, max(note.start_beats for note in phrase.notes) + 1e-6)
    phase, bar_beats = phrase.beat_phase(end), phrase.meter_at(end).bar_beats
    end = round((end - phase + (bar_beats if phase else 0.0)) * 960) / 960
    return replace(phrase.between(0.0, end), pickup_beats=phrase.pickup_beats)


def recent(phrase: Phrase, most_notes: int = MOST_HEARD_NOTES) -> Phrase:
    """Return the end of a long phrase: the bars of its last `most_notes` pitched notes.

    Tracks stay in their order, and so do bars; a shorter phrase is returned as it is. Of a bar in
    which twice as many stand, only the last ones are left.
    """
    notes = pitched_notes(phrase)
    if len(notes) <= most_notes:
        return phrase
    start = notes[-most_notes].start_beats
    bars = phrase.between(max(0.0, start - phrase.beat_phase(start)), phrase.length_beats)
    crowd = pitched_notes(bars)
    if len(crowd) <= 2 * most_notes:
        return bars
    left = Counter(crowd[-most_notes:])  # equal ones are told apart by nothing
    tracks = []
    for track in bars.tracks:
        kept = []
        for note in () if track.is_drum else track.notes:
            if left[note] > 0:
                left[note] -= 1
                kept.append(note)
        tracks.append(replace(track, notes=tuple(kept)))
    return replace(bars, tracks=tuple(tracks))
