"""Phrases through MIDI files: equal when they return, the same notes to mido and to symusic."""

import struct
from collections import defaultdict
from pathlib import Path
from typing import Any

import mido
import pytest
import symusic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instrument.midi.phrases import read_phrase, write_phrase
from instrument.music.note import Meter, Note, Phrase, Tempo, Track
from tests.helpers.music.phrases import phrases
from tests.instrument.midi.test_song import (
    END,
    NOTE_OFF,
    NOTE_ON,
    chunk,
    midi_bytes,
    tempo,
    write,
)

in_one_folder = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
HEARD = tuple[int, int, int, int]  # start tick, pitch, length in ticks, velocity


def there_and_back(folder: Path, phrase: Phrase, ticks_per_beat: int) -> Phrase:
    path = folder / "there.mid"
    write_phrase(path, phrase, ticks_per_beat)
    return read_phrase(path)


@in_one_folder
@given(data=st.data(), ticks_per_beat=st.sampled_from([1, 24, 96, 480, 960, 32767]))
def test_a_phrase_comes_back_equal(
    tmp_path: Path, data: st.DataObject, ticks_per_beat: int
) -> None:
    phrase = data.draw(phrases(ticks_per_beat))
    assert there_and_back(tmp_path, phrase, ticks_per_beat) == phrase


@pytest.mark.parametrize(
    "phrase",
    [
        Phrase((), 0),
        Phrase((), 7),
        Phrase((Track((), channel=0),), 1),
        Phrase((), 4, meters=(Meter(0, 1, 4), Meter(1, 4, 4))),  # not a pickup
        Phrase((), 4, pickup_beats=1.0),
        Phrase((), 4, pickup_beats=1 / 3),  # no time signature says this
        Phrase((), 4, pickup_beats=8.0),  # longer than a bar
        Phrase((), 4, meters=(Meter(0, 4, 4), Meter(1, 3, 4)), pickup_beats=1.0),
        Phrase((), 1, (Tempo(0, 120), Tempo(9, 60)), (Meter(0, 4, 4), Meter(8, 3, 4))),
        Phrase((Track((Note(0, 60, 4), Note(1, 60, 1), Note(2, 60, 1)), channel=0),), 4),
        Phrase((Track((Note(0, 60, 1), Note(0, 60, 1), Note(1, 60, 1)), channel=0),), 2),
        Phrase((Track((Note(0, 60, 9),), channel=0), Track((), channel=15)), 0.5),
        Phrase((Track((Note(90_000, 60, 1),), channel=1),), 99_999, (Tempo(0, 1000),)),
    ],
)
def test_what_plain_midi_can_hardly_tell_comes_back_equal(tmp_path: Path, phrase: Phrase) -> None:
    assert there_and_back(tmp_path, phrase, 480) == phrase
    assert there_and_back(tmp_path, phrase, 32766) == phrase


@in_one_folder
@given(data=st.data())
def test_writing_what_was_read_gives_the_same_bytes(tmp_path: Path, data: st.DataObject) -> None:
    first, second = tmp_path / "first.mid", tmp_path / "second.mid"
    write_phrase(first, data.draw(phrases(480)))
    write_phrase(second, read_phrase(first))
    assert second.read_bytes() == first.read_bytes()


def test_what_lies_between_ticks_goes_to_the_nearest(tmp_path: Path) -> None:
    notes = [Note(1.0004, 60, 0.0001), Note(2, 61, 1 / 3)]
    first, second = there_and_back(tmp_path, Phrase.of(notes, 3, bpm=100.3), 480).notes
    assert first == Note(1, 60, 1 / 480)  # 0.0004 of a beat is 0.2 ticks; nothing is shorter than 1
    assert second == Note(2, 61, 160 / 480)


def test_tracks_without_a_channel_get_one_and_drums_the_tenth(tmp_path: Path) -> None:
    tracks = [Track(()), Track((), is_drum=True), Track((), channel=0), Track((), channel=9)]
    back = there_and_back(tmp_path, Phrase((*tracks, *[Track(())] * 20), 1), 480)
    channels = [track.channel for track in back.tracks]
    assert channels[:4] == [1, 9, 0, 2]
    assert [track.is_drum for track in back.tracks[:4]] == [False, True, False, False]
    assert 9 not in channels[4:] and len(channels) == 24


def heard_by_mido(path: Path) -> tuple[int, list[list[HEARD]]]:
    """Pair note-ons and note-offs first in, first out; return ticks per beat and chunks' notes."""
    song = mido.MidiFile(path)
    chunks = []
    for messages in song.tracks:
        now, found = 0, []
        sounding: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for message in messages:
            now += message.time
            if message.type == "note_on" and message.velocity:
                sounding[message.channel, message.note].append((now, message.velocity))
            elif message.type in ("note_on", "note_off"):
                start, velocity = sounding[message.channel, message.note].pop(0)
                found.append((start, message.note, now - start, velocity))
        assert not any(sounding.values())
        chunks.append(sorted(found))
    return song.ticks_per_beat, chunks


def nests(track: Track) -> bool:
    """Whether one of two equal pitches begins later and ends earlier."""
    return any(
        first.pitch == second.pitch and second.end_beats < first.end_beats
        for number, first in enumerate(track.notes)
        for second in track.notes[number + 1 :]
    )


@in_one_folder
@given(data=st.data())
def test_mido_and_symusic_find_the_notes_that_were_written(
    tmp_path: Path, data: st.DataObject
) -> None:
    phrase = data.draw(phrases(480).filter(lambda some: not any(map(nests, some.tracks))))
    path = tmp_path / "theirs.mid"
    write_phrase(path, phrase)
    written: list[list[HEARD]] = [
        sorted(
            (round(n.start_beats * 480), n.pitch, round(n.length_beats * 480), n.velocity)
            for n in track.notes
        )
        for track in phrase.tracks
    ]
    assert heard_by_mido(path) == (480, [[], *written])
    score: Any = symusic.Score(path)
    theirs = [
        sorted((n.time, n.pitch, n.duration, n.velocity) for n in t.notes) for t in score.tracks
    ]
    assert theirs == [notes for notes in written if notes]
    assert [t.program for t in score.tracks] == [t.program for t in phrase.tracks if t.notes]
    assert [t.is_drum for t in score.tracks] == [t.is_drum for t in phrase.tracks if t.notes]
    assert [(t.time, round(60e6 / t.qpm)) for t in score.tempos] == [
        (round(t.start_beats * 480), round(60e6 / t.bpm)) for t in phrase.tempos
    ]


@in_one_folder
@given(data=st.data(), file_format=st.sampled_from([0, 1]))
def test_a_file_written_by_mido_is_read_the_same(
    tmp_path: Path, data: st.DataObject, file_format: int
) -> None:
    song = mido.MidiFile(type=file_format, ticks_per_beat=96)
    expected = []
    for channel in range(1 if file_format == 0 else data.draw(st.integers(1, 3))):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=f"part {channel}")])
        now, notes = 0, []
        for gap, length, pitch, velocity in data.draw(
            st.lists(
                st.tuples(
                    st.integers(0, 99),
                    st.integers(1, 400),
                    st.integers(0, 127),
                    st.integers(1, 127),
                ),
                min_size=1,
                max_size=10,
            )
        ):
            track.append(
                mido.Message("note_on", channel=channel, note=pitch, velocity=velocity, time=gap)
            )
            track.append(
                mido.Message("note_on", channel=channel, note=pitch, velocity=0, time=length)
            )
            notes.append(Note((now + gap) / 96, pitch, length / 96, velocity))
            now += gap + length
        song.tracks.append(track)
        expected.append(Track(tuple(notes), f"part {channel}", channel=channel))
    song.save(tmp_path / "mido.mid")
    assert read_phrase(tmp_path / "mido.mid").tracks == tuple(expected)


def test_tempos_meters_and_names_written_by_mido_are_read(tmp_path: Path) -> None:
    song = mido.MidiFile(ticks_per_beat=480)
    song.add_track("conductor").extend(
        [
            mido.MetaMessage("time_signature", numerator=1, denominator=8),
            mido.MetaMessage("set_tempo", tempo=750_000),
            mido.MetaMessage("time_signature", numerator=6, denominator=8, time=240),
            mido.MetaMessage("set_tempo", tempo=400_000, time=720),
        ]
    )
    song.add_track("Fl\xf6te").extend(
        [
            mido.Message("program_change", program=73, channel=4),
            mido.Message("note_on", note=72, channel=4, time=480),
            mido.Message("control_change", control=64, value=127, channel=4),
            mido.Message("pitchwheel", pitch=500, channel=4),
            mido.Message("note_off", note=72, channel=4, time=240),
        ]
    )
    song.save(tmp_path / "mido.mid")  # its names are Latin-1
    phrase = read_phrase(tmp_path / "mido.mid")
    assert phrase.tracks == (Track((Note(1, 72, 0.5, 64),), "Fl\xf6te", 73, channel=4),)
    assert phrase.tempos == (Tempo(0, 80), Tempo(2, 150))
    assert (phrase.meters, phrase.pickup_beats) == ((Meter(0, 6, 8),), 0.5)
    assert phrase.length_beats == 2


HALF = b"\x81\x70"  # 240 ticks

READINGS = [
    ("running status", b"\x00" + NOTE_ON + HALF + b"\x3c\x00" + END, [(0, 0.5)]),
    (
        "running status behind a meta event",
        b"\x00" + NOTE_ON + b"\x00\xff\x01\x01x" + HALF + b"\x3c\x00" + END,
        [(0, 0.5)],
    ),
    ("a note still held", b"\x00" + NOTE_ON + HALF + END[1:], [(0, 0.5)]),
    ("a note still held, no end of track", HALF + NOTE_ON, [(0.5, 1 / 480)]),
    ("a note without length", HALF + NOTE_ON + b"\x00" + NOTE_OFF + END, [(0.5, 1 / 480)]),
    ("a note-off alone", b"\x00" + NOTE_OFF + END, []),
    ("what follows the end of track", b"\x00" + NOTE_ON + HALF + END[1:] + b"\xfa\xfb", [(0, 0.5)]),
    (
        "equal pitches: the first begun ends first",
        b"\x00" + NOTE_ON + HALF + NOTE_ON + HALF + NOTE_OFF + HALF + NOTE_OFF + END,
        [(0, 1), (0.5, 1)],
    ),
    (
        "system-exclusive messages between",
        b"\x00" + NOTE_ON + b"\x00\xf0\x02\x7e\xf7" + HALF + NOTE_OFF + END,
        [(0, 0.5)],
    ),
]


@pytest.mark.parametrize(
    ("track", "expected"), [row[1:] for row in READINGS], ids=[r[0] for r in READINGS]
)
def test_what_files_leave_open_is_settled(
    tmp_path: Path, track: bytes, expected: list[tuple[float, float]]
) -> None:
    notes = read_phrase(write(tmp_path, midi_bytes(track))).notes
    assert [(note.start_beats, note.length_beats) for note in notes] == expected


def test_channels_and_programs_of_one_chunk_become_tracks(tmp_path: Path) -> None:
    def note(channel: int) -> bytes:
        return bytes((0, 0x90 | channel, 60, 100)) + HALF + bytes((0x80 | channel, 60, 0))

    track = note(2) + b"\x00\xc2\x05" + note(2) + note(9) + b"\x00\xc3\x07" + END
    phrase = read_phrase(write(tmp_path, midi_bytes(track, file_format=0)))
    assert [(t.channel, t.program, t.is_drum, len(t.notes)) for t in phrase.tracks] == [
        (2, 0, False, 1),
        (2, 5, False, 1),
        (9, 0, True, 1),
        (3, 7, False, 0),
    ]


def test_smpte_time_is_read_at_two_beats_a_second(tmp_path: Path) -> None:
    # 25 frames of 40 ticks: 1000 ticks a second (0x87 0x68), whatever the tempo event says.
    track = b"\x00" + tempo(100_000) + b"\x00" + NOTE_ON + b"\x87\x68" + NOTE_OFF + END
    phrase = read_phrase(write(tmp_path, midi_bytes(track, division=0xE728)))
    assert phrase.notes == (Note(0, 60, 2, 100),)
    assert phrase.tempos == (Tempo(0, 120),)


def test_the_patterns_of_format_2_follow_each_other(tmp_path: Path) -> None:
    track = b"\x00" + NOTE_ON + HALF + NOTE_OFF + END
    phrase = read_phrase(write(tmp_path, midi_bytes(track, track, file_format=2)))
    assert [note.start_beats for note in phrase.notes] == [0.0, 0.5]


def test_a_riff_wrapper_and_foreign_chunks_are_taken_off(tmp_path: Path) -> None:
    inside = midi_bytes(b"\x00" + NOTE_ON + HALF + NOTE_OFF + END)
    inside = inside[:14] + chunk(b"XFIH", b"karaoke") + inside[14:]
    wrapped = b"RIFF" + struct.pack("<L", len(inside) + 12) + b"RMID"
    wrapped += b"data" + struct.pack("<L", len(inside)) + inside
    assert len(read_phrase(write(tmp_path, wrapped)).notes) == 1
