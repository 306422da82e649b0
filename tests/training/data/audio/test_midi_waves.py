"""MIDI files played by the real SoundFont: in time, in tune, and in tiles."""

from pathlib import Path

import numpy as np
import pytest

from instrument.errors import FileError
from instrument.midi.phrases import write_phrase
from instrument.midi.song import SongMessage
from instrument.music.note import Note, Phrase, Track
from tests.helpers.sounds.heard import heard_pitch, show
from training.data.audio.midi_waves import read_midi_tiles
from training.data.audio.soundfont import SoundFont, find_soundfont

pytestmark = pytest.mark.slow

FLUTE = 73


def test_messages_sound_at_their_frames() -> None:
    messages = (
        SongMessage(0.0, bytes((0xC2, FLUTE))),
        SongMessage(0.5, bytes((0x92, 72, 100))),
        SongMessage(1.5, bytes((0x92, 72, 0))),
        SongMessage(2.0, bytes((0xE2, 0x7F, 0x7F))),
        SongMessage(2.0, bytes((0x92, 72, 100))),
        SongMessage(3.0, bytes((0xB2, 123, 0))),
    )
    with SoundFont(find_soundfont()) as font:
        for piece_seconds in (1.0, 0.013):
            pieces = list(font.play(messages, 4 * 48_000, piece_seconds))
            assert max(map(len, pieces)) <= round(piece_seconds * 48_000)
            sound = np.concatenate(pieces)
            assert sound.shape == (4 * 48_000,)
            loud = np.sqrt(np.mean(sound.reshape(-1, 4800) ** 2, axis=1))
            assert not loud[:5].any() and loud[7:14].min() > 10 * loud[18:20].max()
            assert loud[22:29].min() > 10 * loud[37:].max()
            assert heard_pitch(sound[36_000:60_000][::3]) == pytest.approx(72, abs=0.1)
            assert heard_pitch(sound[108_000:132_000][::3]) == pytest.approx(74, abs=0.1)


def write_song(path: Path, pitch: int, beats: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    notes = tuple(Note(float(beat), pitch, 1.0, 90) for beat in range(beats))
    write_phrase(path, Phrase((Track(notes),), float(beats)))


def test_a_folder_becomes_tiles_and_a_broken_song_costs_itself(tmp_path: Path) -> None:
    for number in range(20):
        write_song(tmp_path / "songs" / "a" / f"{number:02d}.mid", 60, 18)
    (tmp_path / "songs" / "broken.MID").write_bytes(b"MThd")
    collected = read_midi_tiles(
        tmp_path / "songs", find_soundfont(), tmp_path / "set", "songs", show
    )
    waves = collected.waves
    assert [name for name, _ in collected.skipped] == ["broken.MID"]
    assert len(waves) >= 2 * 20 and not waves.pitches.any()
    assert "decides what may be done" in waves.notice
    by_song: dict[int, set[int]] = {label: set() for label in waves.labels.tolist()}
    for label, split in zip(waves.labels.tolist(), waves.splits.tolist(), strict=True):
        by_song[label].add(split)
    assert len(by_song) == 20 and all(len(splits) == 1 for splits in by_song.values())
    few = read_midi_tiles(tmp_path / "songs", find_soundfont(), tmp_path / "few", "few", show, 4)
    assert len(few.waves.label_names) <= 4


def test_a_folder_without_songs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="has no MIDI files"):
        read_midi_tiles(tmp_path, tmp_path, tmp_path / "set", "none", show)
