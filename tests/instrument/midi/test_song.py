"""Reading MIDI files written by hand, byte for byte, against times worked out by hand."""

import struct
from pathlib import Path

import mido
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from instrument.errors import MidiFileError
from instrument.midi import chunks as midi_chunks
from instrument.midi.phrases import write_phrase
from instrument.midi.song import LONGEST_REST_SECONDS, read_midi_file, song_of
from instrument.music.note import Phrase
from tests.helpers.music.phrases import phrases

NOTE_ON = b"\x90\x3c\x64"
NOTE_OFF = b"\x80\x3c\x40"
END = b"\x00\xff\x2f\x00"


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack(">L", len(body)) + body


def midi_bytes(*tracks: bytes, file_format: int = 1, division: int = 480) -> bytes:
    header = chunk(b"MThd", struct.pack(">HHH", file_format, len(tracks), division))
    return header + b"".join(chunk(b"MTrk", track) for track in tracks)


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "song.mid"
    path.write_bytes(content)
    return path


def tempo(microseconds: int) -> bytes:
    return b"\xff\x51\x03" + microseconds.to_bytes(3, "big")


def test_ticks_become_seconds_at_the_default_tempo(tmp_path: Path) -> None:
    # 480 ticks per beat, 120 beats per minute: 480 ticks (0x83 0x60) are half a second.
    path = write(tmp_path, midi_bytes(b"\x00" + NOTE_ON + b"\x83\x60" + NOTE_OFF + END))
    song = read_midi_file(path)
    assert [(m.time_seconds, m.data) for m in song.messages] == [(0.0, NOTE_ON), (0.5, NOTE_OFF)]
    assert song.length_seconds == 0.5


def test_a_tempo_track_rules_every_track(tmp_path: Path) -> None:
    conductor = b"\x00" + tempo(1_000_000) + b"\x83\x60" + tempo(250_000) + END
    melody = b"\x83\x60" + NOTE_ON + b"\x83\x60" + NOTE_OFF + END
    song = read_midi_file(write(tmp_path, midi_bytes(conductor, melody)))
    assert [m.time_seconds for m in song.messages] == [1.0, 1.25]


def test_running_status_system_exclusive_and_foreign_chunks_are_read(tmp_path: Path) -> None:
    track = b"\x00\xf0\x03\x7e\x7f\xf7" + b"\x00" + NOTE_ON + b"\x60\x3c\x00" + END
    content = midi_bytes(track)
    content = content[:14] + chunk(b"XFIH", b"karaoke") + content[14:]
    song = read_midi_file(write(tmp_path, content))
    assert [m.data for m in song.messages] == [NOTE_ON, b"\x90\x3c\x00"]
    assert song.messages[1].time_seconds == pytest.approx(0x60 / 960)


@pytest.mark.parametrize(
    ("division", "seconds"),
    [(0xE728, 1 / 25 / 40), (0xE250, 1 / 30 / 80), (0xE364, 1001 / 30000 / 100)],
)
def test_smpte_divisions_ignore_the_tempo(tmp_path: Path, division: int, seconds: float) -> None:
    track = b"\x00" + tempo(100_000) + b"\x64" + NOTE_ON + END
    song = read_midi_file(write(tmp_path, midi_bytes(track, division=division)))
    assert song.messages[0].time_seconds == pytest.approx(100 * seconds, rel=1e-12)


def test_the_patterns_of_format_2_follow_each_other(tmp_path: Path) -> None:
    slow = b"\x00" + tempo(1_000_000) + b"\x83\x60" + NOTE_ON + b"\x83\x60" + NOTE_OFF + END
    quick = b"\x83\x60" + NOTE_ON + b"\x83\x60" + NOTE_OFF + END  # in the tempo of every beginning
    song = read_midi_file(write(tmp_path, midi_bytes(slow, quick, file_format=2)))
    assert [m.time_seconds for m in song.messages] == [1.0, 2.0, 2.5, 3.0]


def test_a_riff_wrapper_is_taken_off(tmp_path: Path) -> None:
    inside = midi_bytes(b"\x00" + NOTE_ON + END)
    wrapped = b"RIFF" + struct.pack("<L", len(inside) + 12) + b"RMID"
    wrapped += b"data" + struct.pack("<L", len(inside)) + inside
    assert len(read_midi_file(write(tmp_path, wrapped)).messages) == 1


WHOLE = midi_bytes(b"\x00" + NOTE_ON + b"\x83\x60" + NOTE_OFF + END)

BROKEN = [
    (b"", "is empty"),
    (b"ID3\x04 an mp3, renamed", "is not a MIDI file"),
    (WHOLE[:10], "truncated: the header has 2 bytes of 6"),
    (WHOLE[:14], "truncated: 1 tracks announced, none found"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(MidiFileError) as refusal:
        read_midi_file(write(tmp_path, content))
    assert message in str(refusal.value)
    assert "song.mid" in str(refusal.value)


@pytest.mark.parametrize(
    "content",
    [midi_bytes(), midi_bytes(END), midi_bytes(b"\x00\xb0\x07\x64" + b"\x00" + NOTE_OFF + END)],
)
def test_a_file_without_notes_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MidiFileError, match="has nothing to hear"):
        read_midi_file(write(tmp_path, content))


def test_missing_and_too_large_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MidiFileError, match="No such file"):
        read_midi_file(tmp_path / "song.mid")
    with pytest.raises(MidiFileError, match="cannot read"):
        read_midi_file(tmp_path)
    with (tmp_path / "song.mid").open("wb") as file:
        file.truncate(midi_chunks.MAX_FILE_BYTES + 1)
    with pytest.raises(MidiFileError, match="the limit is 16 MiB"):
        read_midi_file(tmp_path / "song.mid")


def test_a_file_that_lasts_for_days_is_refused(tmp_path: Path) -> None:
    a_note = b"\x81\xa8\x60" + NOTE_ON  # 900 beats after the last one
    track = b"\x00" + tempo(0xFFFFFF) + a_note + END
    with pytest.raises(MidiFileError, match="the limit is 3 hours"):
        read_midi_file(write(tmp_path, midi_bytes(track, division=24)))


@pytest.mark.parametrize("microseconds", [0xFFFFFF, 500_000, 1])
def test_a_pause_of_days_is_shortened_and_said(tmp_path: Path, microseconds: int) -> None:
    track = b"\x00" + tempo(microseconds) + b"\x00" + NOTE_ON + b"\xff\xff\xff\x7f" + NOTE_OFF + END
    song = read_midi_file(write(tmp_path, midi_bytes(track, division=24)))
    assert "a pause of 11,184,811 beats, shortened" in song.warning
    starts = [m.time_seconds for m in song.messages if m.data[0] & 0xF0 == 0x90]
    assert len(starts) == 1
    off = next(m.time_seconds for m in song.messages if m.data[0] & 0xF0 == 0x80)
    assert off == pytest.approx(starts[0] + 4 * microseconds / 1e6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(phrase=phrases(480))
def test_mido_puts_the_same_messages_at_the_same_times(
    tmp_path_factory: pytest.TempPathFactory, phrase: Phrase
) -> None:
    assume(phrase.notes)
    path = tmp_path_factory.mktemp("mido") / "song.mid"
    write_phrase(path, phrase)
    song, now, theirs = read_midi_file(path), 0.0, []
    whole = song_of(phrase)
    assert whole.messages == song.messages
    for message in mido.MidiFile(path):  # a message's time is in seconds since the one before
        now += message.time
        if not message.is_meta:
            theirs.append((now, bytes(message.bytes())))
    assert [message.data for message in song.messages] == [data for _, data in theirs]
    assert [message.time_seconds for message in song.messages] == pytest.approx(
        [time for time, _ in theirs], abs=1e-9
    )
    assert whole.length_seconds == pytest.approx(now, abs=1e-9)
    heard = max(time for time, data in theirs if data[0] < 0xA0)
    forgotten = now > heard + LONGEST_REST_SECONDS
    assert song.length_seconds == pytest.approx(heard if forgotten else now, abs=1e-9)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255), length=st.integers(0, 60))
def test_no_damage_escapes_as_another_error(
    tmp_path: Path, position: int, byte: int, length: int
) -> None:
    content = bytearray(WHOLE[: len(WHOLE) - length % len(WHOLE)])
    if position < len(content):
        content[position] = byte
    try:
        song = read_midi_file(write(tmp_path, bytes(content)))
    except MidiFileError:
        return
    assert all(len(message.data) in (1, 2, 3) for message in song.messages)
