"""Files that are continued or accompanied lose nothing: every event stays where it was."""

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instrument.midi.additions import write_accompanied, write_continued
from instrument.midi.messages import (
    CONTROL_CHANGE,
    NOTE_OFF,
    PITCH_BEND,
    SUSTAIN,
    SYSEX,
    VOLUME,
)
from instrument.midi.midi_file import MidiFile, read_midi
from instrument.midi.phrases import phrase_of, read_phrase
from instrument.midi.track_events import END_OF_TRACK, META, MidiEvent, chunk_of
from instrument.midi.track_notes import notes_of
from instrument.music.note import Note, Phrase, Track
from tests.helpers.places import ROOT
from tests.instrument.midi.test_song import midi_bytes, write

FILES = ROOT / "tests" / "golden" / "midi"
WITH_NOTES = sorted(
    path.name
    for path in filter(Path.is_file, FILES.iterdir())
    if path.name not in ("16_empty_tracks.mid", "23_no_tracks.mid")
)
Place = tuple[int, Fraction, int, bytes]  # track, beat, status, data

MADE = Phrase(
    (Track((Note(0.0, 60, 1.0), Note(1.0, 64, 1.5))), Track((Note(0.5, 43, 1.0),), "new")), 4.0
)


def places(file: MidiFile) -> Counter[Place]:
    """Return where every event is, in beats."""
    return Counter(
        (number, Fraction(event.tick, file.header.ticks_per_beat), event.status, event.data)
        for number, events in enumerate(file.tracks)
        for event in events
        if event.status != END_OF_TRACK
    )


def continued(path: Path, out: Path, made: Phrase = MADE, at_beats: float = 12.0) -> MidiFile:
    file = read_midi(path)
    write_continued(out, file, notes_of(file), at_beats, made)
    return read_midi(out)


def accompanied(path: Path, out: Path) -> MidiFile:
    file = read_midi(path)
    write_accompanied(out, file, notes_of(file), 8.0, MADE)
    return read_midi(out)


@pytest.mark.parametrize("name", WITH_NOTES)
@pytest.mark.parametrize("add", [continued, accompanied])
def test_every_event_stays_where_it_was(name: str, add: object, tmp_path: Path) -> None:
    before = read_midi(FILES / name)
    after = add(FILES / name, tmp_path / "out.mid")  # type: ignore[operator]
    assert not places(before) - places(after)
    assert not after.warning or "time signature" in after.warning or "tempo" in after.warning


@pytest.mark.parametrize("name", WITH_NOTES)
def test_what_is_added_is_read_again(name: str, tmp_path: Path) -> None:
    file = read_midi(FILES / name)
    notes = notes_of(file)
    phrase = phrase_of(file, notes)
    write_continued(tmp_path / "out.mid", file, notes, 12.0, MADE)
    after = read_phrase(tmp_path / "out.mid")
    grid = file.header.ticks_per_beat * 2
    added = [note for note in after.notes if note.start_beats >= 12.0]
    assert [(round(n.start_beats * grid), n.pitch) for n in added] == [
        (12 * grid, 60),
        (12.5 * grid, 43),
        (13 * grid, 64),
    ]
    assert len(after.notes) == len(phrase.notes) + 3


def song(*events: MidiEvent, end: int = 4800) -> bytes:
    return midi_bytes(chunk_of([*events, MidiEvent(end, END_OF_TRACK, b"")]))


def note(start: int, end: int, pitch: int = 60, channel: int = 0) -> tuple[MidiEvent, MidiEvent]:
    return (
        MidiEvent(start, 0x90 | channel, bytes((pitch, 90))),
        MidiEvent(end, 0x80 | channel, bytes((pitch, 0))),
    )


ONE = Phrase((Track((Note(0.0, 60, 1.0),)),), 4.0)


def test_what_follows_is_heard_after_a_pedal_a_bend_and_a_fade_out(tmp_path: Path) -> None:
    content = song(
        MidiEvent(0, CONTROL_CHANGE, bytes((VOLUME, 90))),
        MidiEvent(0, CONTROL_CHANGE, bytes((SUSTAIN, 127))),
        *note(0, 480),
        MidiEvent(500, PITCH_BEND, b"\x00\x10"),
        MidiEvent(600, CONTROL_CHANGE, bytes((VOLUME, 0))),
    )
    after = continued(write(tmp_path, content), tmp_path / "out.mid", ONE, 4.0)
    seam = [event[1:] for event in after.tracks[0] if event.tick == 1920]
    assert seam == [
        (CONTROL_CHANGE, bytes((SUSTAIN, 0))),
        (PITCH_BEND, b"\x00\x40"),
        (CONTROL_CHANGE, bytes((VOLUME, 90))),
        (0x90, bytes((60, 80))),
    ]


def test_a_note_that_nothing_ends_does_not_sound_into_what_follows(tmp_path: Path) -> None:
    content = song(MidiEvent(0, 0x90, bytes((60, 90))), end=960)
    after = continued(write(tmp_path, content), tmp_path / "out.mid", ONE, 4.0)
    assert MidiEvent(960, NOTE_OFF, bytes((60, 0))) in after.tracks[0]


def test_a_late_release_of_the_same_pitch_ends_its_own_note(tmp_path: Path) -> None:
    path = write(tmp_path, song(*note(0, 2160)))  # a quarter of a beat into what follows
    short = Phrase((Track((Note(0.0, 60, 0.25),)),), 4.0)
    continued(path, tmp_path / "out.mid", short, 4.0)
    notes = read_phrase(tmp_path / "out.mid").notes
    assert [(n.start_beats, n.length_beats) for n in notes] == [(0.0, 4.5), (4.0, 0.25)]


def test_a_forgotten_end_does_not_go_on_for_half_an_hour(tmp_path: Path) -> None:
    content = song(*note(0, 480), end=1_728_000)
    after = continued(write(tmp_path, content), tmp_path / "out.mid")
    assert max(events[-1].tick for events in after.tracks) == 16 * 480


def test_coarse_ticks_are_divided(tmp_path: Path) -> None:
    content = midi_bytes(b"\x00\x90\x3c\x64\x01\x80\x3c\x00\x00\xff\x2f\x00", division=2)
    third = Phrase((Track((Note(1 / 3, 62, 1.0),)),), 4.0)
    continued(write(tmp_path, content), tmp_path / "out.mid", third, 4.0)
    before, added = read_phrase(tmp_path / "out.mid").notes
    assert before == Note(0.0, 60, 0.5, 100)
    assert added.start_beats == pytest.approx(4 + 1 / 3, abs=1e-3)


def test_a_channel_that_has_changed_its_program_is_left_alone(tmp_path: Path) -> None:
    content = song(
        *note(0, 480, 60),
        MidiEvent(480, 0xC0, b"\x28"),
        *note(480, 960, 62),
    )
    made = Phrase((Track((Note(0.0, 48, 1.0),), program=0), Track(())), 4.0)
    continued(write(tmp_path, content), tmp_path / "out.mid", made, 4.0)
    after = read_phrase(tmp_path / "out.mid")
    programs = [(track.program, len(track.notes)) for track in after.tracks]
    assert programs == [(0, 1), (40, 1), (0, 1)]


events = st.one_of(
    st.tuples(st.integers(0x80, 0xBF), st.tuples(st.integers(0, 127), st.integers(0, 127))),
    st.tuples(st.integers(0xE0, 0xEF), st.tuples(st.integers(0, 127), st.integers(0, 127))),
    st.tuples(st.integers(0xC0, 0xDF), st.tuples(st.integers(0, 127))),
    st.tuples(st.just(SYSEX), st.binary(max_size=12)),
    st.tuples(
        st.integers(META, META + 0x7F).filter(lambda kind: kind != END_OF_TRACK),
        st.binary(max_size=12),
    ),
)
tracks = st.lists(
    st.lists(st.tuples(st.integers(0, 400), events), max_size=30), min_size=1, max_size=3
)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tracks, st.sampled_from([1, 7, 96, 480, 0xE728]))
def test_events_of_every_kind_stay(
    tmp_path: Path, found: list[list[tuple[int, tuple[int, object]]]], division: int
) -> None:
    bodies = []
    for steps in found:
        now, track = 0, []
        for delta, (status, data) in steps:
            now += delta
            track.append(MidiEvent(now, status, bytes(data)))  # type: ignore[call-overload]
        bodies.append(chunk_of([*track, MidiEvent(now, END_OF_TRACK, b"")]))
    path = write(tmp_path, midi_bytes(*bodies, division=division))
    before = read_midi(path)
    for add in (continued, accompanied):
        assert not places(before) - places(add(path, tmp_path / "out.mid"))
