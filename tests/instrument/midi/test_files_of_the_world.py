"""Small files after public bug reports about other readers: what sounds, and what is said.

`tests/golden/midi` has them. Four notes of 0.458 s, half a second apart, are most of them; what is
around the notes is what has stopped somebody's reader.
"""

from pathlib import Path

import pytest

from instrument.errors import MidiFileError
from instrument.midi.messages import is_note_off, is_note_on
from instrument.midi.note_tracker import NoteTracker
from instrument.midi.phrases import read_phrase
from instrument.midi.song import Song, read_midi_file
from tests.helpers.places import ROOT

FILES = ROOT / "tests" / "golden" / "midi"
Sounding = tuple[int, float, float]  # pitch, start, end

PLAIN = [(60, 0.0, 0.458), (64, 0.5, 0.958), (67, 1.0, 1.458), (72, 1.5, 1.958)]
BASS = [(36, 0.0, 0.458), (40, 0.5, 0.958), (43, 1.0, 1.458), (48, 1.5, 1.958)]


def later(notes: list[Sounding], seconds: float) -> list[Sounding]:
    return [(pitch, start + seconds, end + seconds) for pitch, start, end in notes]


PLAYED = [
    ("00_plain.mid", PLAIN, ""),
    ("01_rmid_info_first.rmi", PLAIN, ""),
    ("03_cc_255.mid", PLAIN, "a data byte above 127, limited to it"),
    ("04_length_too_long_last.mid", PLAIN, "a wrong length of a track"),
    ("06_count_too_large.mid", [*PLAIN, *BASS], "3 tracks announced, 2 found"),
    ("07_count_too_small.mid", [*PLAIN, *BASS], "1 tracks announced, 2 found"),
    ("08_running_after_sysex.mid", [(60, 0.0, 0.25), (64, 0.5, 1.0)], ""),
    ("10_off_after_on.mid", [(60, 0.0, 1.0), (60, 1.0, 2.0), (60, 2.0, 3.0)], ""),
    ("20_tempo_zero.mid", PLAIN, "a tempo of nothing"),
    ("25_two_patterns.mid", [*PLAIN, *later(BASS, 1.958)], ""),
    ("26_header_longer.mid", PLAIN, ""),
    ("30_held_to_end.mid", [(60, 0.0, 2.0), (64, 0.5, 1.0)], ""),
    ("31_macbinary.mid", PLAIN, ""),
    ("33_pedal_never_up.mid", PLAIN, ""),
    ("34_far_end.mid", PLAIN, "1798 s after the last note, is left out"),
    ("35_early_end.mid", PLAIN, "an end of track before the last event"),
    ("37_gm_reset_between.mid", later(PLAIN, 0.5), ""),
]


def sounding(song: Song) -> list[Sounding]:
    """Return the notes of all channels but the drums'."""
    down: NoteTracker[tuple[int, int], float] = NoteTracker()
    notes = []
    for message in song.without_drums().messages:
        key = (message.data[0] & 0x0F, message.data[1])
        if is_note_on(message.data):
            down.strike(key, message.time_seconds)
        elif is_note_off(message.data) and (start := down.release(key)) is not None:
            notes.append((key[1], start, message.time_seconds))
    notes += [(key[1], start, song.length_seconds) for key, start in down]
    return sorted(notes, key=lambda note: note[1])


def rounded(notes: list[Sounding]) -> list[Sounding]:
    return sorted((pitch, round(start, 2), round(end, 2)) for pitch, start, end in notes)


@pytest.mark.parametrize(("name", "notes", "warning"), PLAYED, ids=[row[0] for row in PLAYED])
def test_what_can_be_played_is_played(name: str, notes: list[Sounding], warning: str) -> None:
    song = read_midi_file(FILES / name)
    assert rounded(sounding(song)) == rounded(notes)
    assert warning in song.warning if warning else not song.warning
    assert "\n" not in song.warning
    assert song.length_seconds < 4.0


@pytest.mark.parametrize(("name", "notes", "_"), PLAYED, ids=[row[0] for row in PLAYED])
def test_composers_get_the_same_notes(name: str, notes: list[Sounding], _: str) -> None:
    read = [
        (note.pitch, note.start_beats / 2, note.end_beats / 2)
        for note in read_phrase(FILES / name).notes
    ]
    assert rounded(read) == rounded(notes)


@pytest.mark.parametrize("name", ["16_empty_tracks.mid", "23_no_tracks.mid"])
def test_a_file_without_a_note_is_refused(name: str) -> None:
    with pytest.raises(MidiFileError, match="has nothing to hear"):
        read_midi_file(FILES / name)


def test_two_staves_on_one_channel_keep_their_lengths() -> None:
    phrase = read_phrase(FILES / "11_two_staves.mid")
    assert [note.length_beats for note in phrase.notes] == [8.0, 0.875]
    assert sounding(read_midi_file(FILES / "11_two_staves.mid"))[-1][2] == 4.0  # the key is down


def test_a_meter_that_cannot_be_is_left_out() -> None:
    phrase = read_phrase(FILES / "15_meter_2_33.mid")
    assert [(meter.beats, meter.unit) for meter in phrase.meters] == [(4, 4)]
    assert "02 21 18 08" in read_midi_file(FILES / "15_meter_2_33.mid").warning


def test_drums_are_told_from_pitches() -> None:
    song = read_midi_file(FILES / "13_drums.mid")
    assert song.drum_channels == {9}
    assert rounded(sounding(song)) == rounded(PLAIN)
    assert not read_midi_file(FILES / "22_drums_only.mid").without_drums().has_notes


def test_general_midi_on_puts_volume_bend_and_pedal_back() -> None:
    song = read_midi_file(FILES / "37_gm_reset_between.mid")
    before_notes = [m.data for m in song.messages if 0.0 < m.time_seconds < 0.5]
    assert {b"\xb0\x07\x64", b"\xb0\x40\x00", b"\xb0\x79\x00", b"\xe0\x00\x40"} <= {*before_notes}


def path_of(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "song.mid"
    path.write_bytes(content)
    return path
