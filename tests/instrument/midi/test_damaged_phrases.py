"""Files of phrases that are broken, hostile or damaged: refused by name, or read without harm."""

import io
import tracemalloc
from pathlib import Path

import mido
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instrument.errors import FileError, MidiFileError
from instrument.midi.phrases import read_phrase, write_phrase
from instrument.music.note import Note, Phrase, Tempo
from tests.instrument.midi.test_song import (
    BROKEN,
    END,
    NOTE_OFF,
    NOTE_ON,
    midi_bytes,
    tempo,
    write,
)

in_one_folder = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
HALF = b"\x81\x70"  # 240 ticks
SLOW_NOTE = b"\x81\xa8\x60" + NOTE_ON  # 900 beats after the last one
IN_PHRASES = [
    ("days", b"\x00" + tempo(0xFFFFFF) + SLOW_NOTE + END, "the limits are"),
    ("quick days", b"\x00" + tempo(1) + SLOW_NOTE * 120 + END, "the limits are"),
]


@pytest.mark.parametrize(
    ("track", "message"), [row[1:] for row in IN_PHRASES], ids=[r[0] for r in IN_PHRASES]
)
def test_a_broken_track_is_refused_by_name(tmp_path: Path, track: bytes, message: str) -> None:
    with pytest.raises(MidiFileError) as refusal:
        read_phrase(write(tmp_path, midi_bytes(track, division=24)))
    assert message in str(refusal.value)
    assert "song.mid" in str(refusal.value)


@pytest.mark.parametrize("content", [content for content, _ in BROKEN])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MidiFileError, match=r"song\.mid"):
        read_phrase(write(tmp_path, content))


def test_odd_words_of_our_own_do_no_harm(tmp_path: Path) -> None:
    def word(text: bytes) -> bytes:
        data = b"\x7dlatentkeys " + text
        return b"\x00\xff\x7f" + bytes((len(data),)) + data

    track = word(b"closes 999999999999") + word(b"length 1") + word(b"length -1") + word(b"\xff 3")
    track += word(b"pickup 9") + HALF + NOTE_ON + word(b"closes 7") + HALF + NOTE_OFF + END
    phrase = read_phrase(write(tmp_path, midi_bytes(track)))
    assert phrase.notes == (Note(0.5, 60, 0.5, 100),)
    assert (phrase.length_beats, phrase.pickup_beats) == (0.5, 9 / 480)


FLOODS = [
    ("notes", b"\x00\x90" + b"\x3c\x64\x00" * 500_002 + END[1:]),
    ("tempos", (b"\x01" + tempo(500_000)) * 500_002 + END),
]


@pytest.mark.slow
@pytest.mark.parametrize("flood", [row[1] for row in FLOODS], ids=[row[0] for row in FLOODS])
def test_a_flood_is_refused_when_its_limit_is_reached(tmp_path: Path, flood: bytes) -> None:
    with pytest.raises(MidiFileError, match="more than 500000 notes and changes"):
        read_phrase(write(tmp_path, midi_bytes(flood)))


def test_a_note_takes_less_than_900_bytes_while_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, midi_bytes(b"\x00\x90" + b"\x3c\x64\x01" * 20_000 + END[1:]))
    tracemalloc.start()
    try:
        assert len(read_phrase(path).notes) == 20_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000 * 900


def test_a_phrase_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    with pytest.raises(MidiFileError, match="the limits are 100000 beats and 3 hours"):
        write_phrase(path, Phrase((), 100_001, (Tempo(0, 9000),)))
    with pytest.raises(MidiFileError, match=r"lasts 10801 beats or 3\.0 hours"):
        write_phrase(path, Phrase((), 10_801, (Tempo(0, 60),)))
    with pytest.raises(MidiFileError, match=r"ticks_per_beat must be in 1\.\.32767, got 40000"):
        write_phrase(path, Phrase((), 1), ticks_per_beat=40_000)
    assert not path.exists()
    with pytest.raises(FileError, match="its folder does not exist"):
        write_phrase(tmp_path / "nowhere" / "song.mid", Phrase((), 1))


RICH = mido.MidiFile(
    tracks=[
        mido.MidiTrack(
            [
                mido.MetaMessage("track_name", name="all"),
                mido.MetaMessage("time_signature", numerator=3, denominator=4),
                mido.MetaMessage("set_tempo", tempo=400_000),
                mido.Message("program_change", program=3),
                mido.Message("note_on", note=60, time=10),
                mido.Message("note_on", note=64, channel=9, time=300),
                mido.Message("sysex", data=(1, 2, 3)),
                mido.Message("note_off", note=60, time=300),
                mido.MetaMessage("sequencer_specific", data=b"\x7dlatentkeys length 700"),
                mido.Message("note_off", note=64, channel=9, time=20),
            ]
        )
    ]
    * 2
)


def rich_bytes() -> bytes:
    buffer = io.BytesIO()
    RICH.save(file=buffer)
    return buffer.getvalue()


damage = st.lists(
    st.tuples(
        st.sampled_from(["set", "insert", "delete", "cut"]),
        st.integers(0, 2**16),
        st.integers(0, 255) | st.sampled_from([0x00, 0x7F, 0x80, 0x90, 0xF0, 0xFF]),
    ),
    min_size=1,
    max_size=6,
)


@settings(in_one_folder, max_examples=300)
@given(steps=damage)
def test_no_damage_escapes_as_another_error(
    tmp_path: Path, steps: list[tuple[str, int, int]]
) -> None:
    content = bytearray(rich_bytes())
    for how, where, byte in steps:
        position = where % max(1, len(content))
        if how == "set":
            content[position : position + 1] = bytes((byte,))
        elif how == "insert":
            content.insert(position, byte)
        elif how == "delete":
            del content[position : position + 1]
        elif byte < 64:
            del content[position:]
    try:
        phrase = read_phrase(write(tmp_path, bytes(content)))
        write_phrase(tmp_path / "again.mid", phrase, 480)
    except MidiFileError:
        return
    assert read_phrase(tmp_path / "again.mid").tracks is not None


@settings(in_one_folder, max_examples=100)
@given(track=st.binary(max_size=60))
def test_random_tracks_are_read_or_refused(tmp_path: Path, track: bytes) -> None:
    try:
        read_phrase(write(tmp_path, midi_bytes(track)))
    except MidiFileError:
        return
