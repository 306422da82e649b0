"""Tunings in MIDI files: put together, on the right channels, and taken back by a reset."""

from __future__ import annotations

from pathlib import Path

import pytest

from instrument.midi.chunks import MidiHeader
from instrument.midi.file_exclusive import FileExclusive, on_channels
from instrument.midi.messages import SYSEX, SYSEX_END, note_on
from instrument.midi.midi_file import write_midi
from instrument.midi.song import read_midi_file
from instrument.midi.track_events import PORT, MidiEvent
from tests.helpers.music.tunings import dump, exclusive, octave, retune

KEY = retune({60: 60.5})
NOTE = MidiEvent(0, 0x90, note_on(60)[1:])


def heard(tmp_path: Path, *tracks: list[MidiEvent]) -> list[bytes]:
    """Return the messages of a file with these tracks."""
    path = tmp_path / "song.mid"
    write_midi(path, MidiHeader(1, 480, 480, None), list(tracks))
    return [message.data for message in read_midi_file(path).messages]


def sysex(data: bytes, tick: int = 0) -> MidiEvent:
    return MidiEvent(tick, SYSEX, data[1:])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_message_in_pieces_is_whole_again(count: int) -> None:
    file = FileExclusive()
    whole = dump([0.5 + key / 2 for key in range(128)])
    size = -(-len(whole) // count)
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    events = [sysex(pieces[0]), *(MidiEvent(0, SYSEX_END, piece) for piece in pieces[1:])]
    taken = []
    for event in events:
        taken.append(file.take(3, event))
        assert file.take(4, MidiEvent(0, SYSEX_END, b"\x90\x3c\x40")) == b""  # raw bytes elsewhere
    assert taken == [b""] * (count - 1) + [whole]
    assert file.has_tuned


def test_tunings_and_master_volume_go_to_the_engine_and_the_rest_does_not(tmp_path: Path) -> None:
    volume = exclusive(b"\x04\x01\x00\x40", now=True)
    others = [bytes.fromhex(text) for text in ("f0410102f7", "f07e7f080000f7", "f0f7")]
    track = [*map(sysex, (KEY, *others, volume, KEY[:-3])), NOTE]
    assert heard(tmp_path, track) == [KEY, volume, note_on(60)]


def test_an_octave_follows_the_channels_of_a_second_port(tmp_path: Path) -> None:
    first = [NOTE, sysex(octave([10.0] * 12, (0,)))]
    second = [MidiEvent(0, PORT, b"\x00"), NOTE, sysex(octave([10.0] * 12, (0,)))]
    third = [MidiEvent(0, PORT, b"\x01"), NOTE, sysex(octave([10.0] * 12, (0,)))]
    found = heard(tmp_path, first, second, third)
    moved = [data for data in found if data[0] == SYSEX]
    ours = next(data[0] & 0x0F for data in found if data[0] & 0xF0 == 0x90 and data[0] != 0x90)
    assert moved == [octave([10.0] * 12, (0,))] * 2 + [octave([10.0] * 12, (ours,))]


def test_only_octaves_are_moved_to_other_channels() -> None:
    assert on_channels(octave([1.0] * 12, (0, 15), wide=True), lambda c: [c - 1] if c else []) == (
        octave([1.0] * 12, (14,), wide=True)
    )
    assert on_channels(KEY, lambda _: []) == KEY


def test_a_reset_behind_a_tuning_is_the_engines_too(tmp_path: Path) -> None:
    reset = exclusive(b"\x09\x01", now=False)
    assert heard(tmp_path, [sysex(reset), NOTE]) == [note_on(60)]
    again = [sysex(KEY), NOTE, sysex(reset, 480), sysex(reset, 960)]
    assert heard(tmp_path, again) == [KEY, note_on(60), b"\xff"]


def test_without_drums_the_tunings_stay(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    drum = MidiEvent(0, 0x99, bytes((36, 90)))
    write_midi(path, MidiHeader(1, 480, 480, None), [[sysex(KEY), drum, NOTE]])
    kept = read_midi_file(path, drums=False).messages
    assert [message.data for message in kept] == [KEY, note_on(60)]
