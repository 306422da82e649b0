"""What any continuer promises: in time, at the prompt's end, and the same from the same seed."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from instrument.composers.continuer import (
    EchoContinuer,
    PhraseContinuer,
    at_bar_line,
    draw_not_before,
    recent,
)
from instrument.errors import SettingError
from instrument.music.constraints import Constraints
from instrument.music.note import Meter, Note, Phrase, Tempo, Track
from instrument.music.note_tuples import tuples_of
from instrument.music.sampling import NoteRandom


@dataclass(frozen=True)
class Stairs:
    """A note model that climbs by a random step every half beat; its state is the last note."""

    stuck: bool = False

    def begin(self, bar_beats: float, pickup_beats: float) -> Note:
        return Note(0.0, 60, 0.5)

    def feed(self, state: Note, note: Note) -> Note:
        return note

    def draw(
        self, state: Note, controls: Constraints, random: np.random.Generator
    ) -> tuple[Note, Note]:
        start = state.start_beats + (0.0 if self.stuck else 0.5)
        note = Note(start, 40 + int(random.integers(40)), 0.75, 90)
        return note, note


def prompt(*starts: float, **more: Any) -> Phrase:
    return Phrase.of([Note(start, 60, 1.0) for start in starts], **more)


@dataclass(frozen=True)
class Scribe(Stairs):
    """Climbs like `Stairs`, and remembers what it was told."""

    told: list[Note] = field(default_factory=list)

    def feed(self, state: Note, note: Note) -> Note:
        self.told.append(note)
        return note


def test_of_a_chord_the_highest_note_is_told_first_as_networks_have_learned_it() -> None:
    chords = [Note(start, pitch, 1.0) for start in (0.0, 1.0) for pitch in (48, 55, 64, 72)]
    phrase, listener = Phrase.of(chords, 4.0), Scribe()
    PhraseContinuer(listener).continue_phrase(phrase, 2.0, Constraints(), 1)
    told = [note.pitch for note in listener.told[: len(chords)]]
    assert told == [72, 64, 55, 48] * 2
    tuples = tuples_of(phrase.notes)
    assert told == tuples.pitch.tolist()


def test_a_continuation_starts_at_the_end_and_fills_its_length() -> None:
    phrase = at_bar_line(prompt(0, 1, 2))
    made = PhraseContinuer(Stairs()).continue_phrase(phrase, 8.0, Constraints(), 1)
    assert [note.start_beats for note in made.notes] == [0.5 * step for step in range(16)]
    assert made.length_beats == 8.0
    assert all(note.end_beats <= 8.0 for note in made.notes)
    whole = phrase.followed_by(made)
    assert whole.length_beats == 12.0
    assert whole.notes[3].start_beats == 4.0


def test_the_same_seed_gives_the_same_notes_and_another_seed_others() -> None:
    phrase = at_bar_line(prompt(0, 1))
    continuer = PhraseContinuer(Stairs())
    first, again = (continuer.continue_phrase(phrase, 4.0, Constraints(), 7) for _ in range(2))
    assert first == again
    assert first != continuer.continue_phrase(phrase, 4.0, Constraints(), 8)


def test_a_model_that_stands_still_is_moved_on_and_ended() -> None:
    phrase = at_bar_line(prompt(0, 1))
    made = PhraseContinuer(Stairs(stuck=True)).continue_phrase(phrase, 4.0, Constraints(), 7)
    assert len(made.notes) == 32 * 4
    note, state = draw_not_before(
        Stairs(), Note(0.0, 60, 1.0), Constraints(earliest_beats=30.0), NoteRandom(1), 0
    )
    assert note.start_beats == 30.0
    assert state == note


def test_the_continuation_stands_in_the_leading_track_with_tempo_and_metre_of_the_end() -> None:
    drums = Track((Note(0, 36, 0.1),) * 9, is_drum=True)
    chords = Track((Note(0, 48, 4.0),), name="chords")
    melody = Track(tuple(Note(beat, 60 + beat, 1.0) for beat in range(7)), name="melody")
    phrase = Phrase(
        (drums, chords, melody),
        7.0,
        (Tempo(0.0, 100.0), Tempo(4.0, 90.0)),
        (Meter(0.0, 4, 4), Meter(4.0, 3, 4)),
    )
    made = PhraseContinuer(Stairs()).continue_phrase(at_bar_line(phrase), 6.0, Constraints(), 1)
    assert [len(track.notes) for track in made.tracks] == [0, 0, 12]
    assert made.tempos == (Tempo(0.0, 90.0),)
    assert made.meters == (Meter(0.0, 3, 4),)
    assert made.pickup_beats == 0.0


def test_drums_alone_are_nothing_to_go_on_from() -> None:
    drums = Phrase((Track((Note(0, 36, 0.1),), is_drum=True),), 4.0)
    with pytest.raises(SettingError, match="no notes to go on from"):
        PhraseContinuer(Stairs()).continue_phrase(drums, 4.0, Constraints(), 0)


@pytest.mark.parametrize(
    ("notes", "pickup", "end"),
    [
        ([(0, 1), (3, 1)], 0.0, 4.0),
        ([(0, 1), (3, 1.1)], 0.0, 4.0),  # released a little late
        ([(0, 1), (4, 0.1)], 0.0, 8.0),  # starts on the next bar line
        ([(0, 1), (3, 3)], 0.0, 8.0),  # a tie over the bar line
        ([(0, 1), (1, 4)], 1.0, 5.0),  # an upbeat of one beat
    ],
)
def test_a_prompt_ends_at_the_bar_line_after_its_last_note(
    notes: list[tuple[float, float]], pickup: float, end: float
) -> None:
    phrase = Phrase.of(
        [Note(start, 60, length) for start, length in notes], 30.0, pickup_beats=pickup
    )
    cut = at_bar_line(phrase)
    assert cut.length_beats == pytest.approx(end, abs=1e-9)
    assert cut.pickup_beats == pickup
    assert cut.beat_phase(cut.length_beats) == 0.0


def test_the_echo_repeats_the_prompts_end() -> None:
    phrase = at_bar_line(prompt(0, 1, 4, 6))
    echo = EchoContinuer().continue_phrase(phrase, 4.0, Constraints(), 0)
    assert [note.start_beats for note in echo.notes] == [0.0, 2.0]
    longer = EchoContinuer().continue_phrase(phrase, 20.0, Constraints(), 0)
    assert longer.length_beats == 20.0
    assert [note.start_beats for note in longer.notes] == [0, 1, 4, 6, 8, 9, 12, 14, 16, 17]


def test_of_a_long_phrase_the_last_bars_are_heard() -> None:
    notes = tuple(Note(float(beat), 60, 1.0) for beat in range(401))
    drums = tuple(Note(float(beat), 36, 0.5) for beat in range(401))
    phrase = Phrase((Track(drums, is_drum=True), Track(notes)), 404.0)
    heard = recent(phrase, 10)
    assert heard.length_beats == 16.0  # from the bar line before the tenth-last note: beat 388
    assert [len(track.notes) for track in heard.tracks] == [13, 13]
    assert recent(phrase, 401) is phrase


def test_of_a_crowd_in_one_bar_composers_hear_the_last_notes() -> None:
    crowd = tuple(Track((Note(0.0, 60, 1.0),)) for _ in range(500))
    heard = recent(Phrase(crowd, 4.0), 10)
    assert len(heard.tracks) == 500
    assert sum(len(track.notes) for track in heard.tracks) == 10
