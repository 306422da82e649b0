"""A chord network hears the events that its training saw, whatever way the notes arrive."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from instrument.composers.symbol_lstm.chord_model import ChordChoice, ChordModel, Metre
from instrument.music.chord_events import ChordEvent, events_of
from instrument.music.constraints import Constraints, Key
from instrument.music.note import Note
from instrument.music.vocabulary import START, Vocabulary

GRID = 24


@dataclass(frozen=True)
class Heard:
    events: tuple[ChordEvent, ...] = ()
    next_tick: int = 0


@dataclass(frozen=True)
class Parrot:
    """Remembers what it heard; says what it was told to say, one after the other."""

    says: tuple[ChordEvent, ...] = ()

    def begin(self, metre: Metre) -> Heard:
        return Heard()

    def read(self, memory: Heard, event: ChordEvent, next_tick: int, metre: Metre) -> Heard:
        return Heard((*memory.events, event), next_tick)

    def say(
        self, memory: Heard, controls: Constraints, random: np.random.Generator, may_rest: bool
    ) -> ChordEvent:
        said = self.says[len(memory.events) % len(self.says)]
        return said if said.pitches or may_rest else ChordEvent((60,), 24, 24)


def heard(model: ChordModel[Heard], notes: list[Note]) -> tuple[ChordEvent, ...]:
    state = model.begin(4.0, 0.0)
    for note in sorted(notes):
        state = model.feed(state, note)
    note, state = model.draw(state, Constraints(), np.random.default_rng(0))
    return state.memory.events


on_grid = st.builds(
    Note,
    st.integers(0, 96).map(lambda tick: tick * 6 / GRID),
    st.integers(40, 80),
    st.integers(1, 16).map(lambda ticks: ticks * 6 / GRID),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(on_grid, min_size=1, max_size=12))
def test_notes_fed_one_by_one_are_the_events_of_the_whole_phrase(notes: list[Note]) -> None:
    said = ChordEvent((60,), 24, 24)
    assert heard(ChordModel(Parrot((said,))), notes) == (*events_of(notes), said)


def test_a_chord_that_is_said_comes_note_by_note_from_the_top() -> None:
    model = ChordModel(Parrot((ChordEvent((48, 55, 64), 48, 24), ChordEvent((50,), 12, 12))))
    state, notes = model.begin(4.0, 0.0), []
    for _ in range(4):
        note, state = model.draw(state, Constraints(), np.random.default_rng(0))
        notes.append((note.start_beats, note.pitch, note.length_beats))
    assert notes == [(0.0, 64, 2.0), (0.0, 55, 2.0), (0.0, 48, 2.0), (1.0, 50, 0.5)]


def test_rests_are_said_once_and_then_a_chord_is_due() -> None:
    model = ChordModel(Parrot((ChordEvent((), 24, 24),)))
    note, state = model.draw(model.begin(4.0, 0.0), Constraints(), np.random.default_rng(0))
    assert (note.start_beats, note.pitch) == (1.0, 60)
    assert [event.pitches for event in state.memory.events] == [(), (60,)]


def test_the_first_note_after_a_prompt_waits_for_its_bar_line() -> None:
    said = ChordEvent((60,), 24, 24)
    model = ChordModel(Parrot((said,)))
    state = model.feed(model.begin(4.0, 0.0), Note(0.0, 64, 1.0))
    note, after = model.draw(state, Constraints(earliest_beats=4.0), np.random.default_rng(0))
    assert note.start_beats == 4.0
    assert [event.advance_ticks for event in after.memory.events] == [24, 72, 24]
    assert state.memory.events == ()  # the state before is as it was


def test_what_was_not_handed_out_is_forgotten_when_somebody_plays() -> None:
    model = ChordModel(Parrot((ChordEvent((48, 55), 24, 24),)))
    _, state = model.draw(model.begin(4.0, 0.0), Constraints(), np.random.default_rng(0))
    assert state.queue
    assert model.feed(state, Note(1.0, 70, 1.0)).queue == ()


def test_chords_are_allowed_by_key_register_and_rests() -> None:
    chords = Vocabulary((START, "60", "60.64.67", "61", "72", "rest"))
    choice = ChordChoice(chords)
    in_c = Constraints(key=Key(0, "major"))
    assert np.flatnonzero(choice.allowed(in_c, True)).tolist() == [1, 2, 4, 5]
    assert np.flatnonzero(choice.allowed(in_c, False)).tolist() == [1, 2, 4]
    low = replace(in_c, register=(55, 65))
    assert np.flatnonzero(choice.allowed(low, False)).tolist() == [1]
    nothing = replace(in_c, register=(100, 110))  # then the register is given up, not the key
    assert np.flatnonzero(choice.allowed(nothing, False)).tolist() == [1, 2, 4]
