"""Folders of sound files as users have them: notes with and without names, and recordings."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from instrument.errors import FileError
from tests.helpers.sounds.heard import heard_pitch, level_db, show
from tests.helpers.sounds.tones import sine
from training.data.audio.wave_folder import open_notes, read_note_folder, read_tile_folder
from training.data.audio.wave_writer import split_by_name


def write_tone(path: Path, pitch: float, seconds: float = 1.5, rate_hz: int = 44100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.2 * sine(pitch, int(seconds * rate_hz), rate_hz)
    soundfile.write(path, np.stack([wave, wave], axis=1), rate_hz)


def test_notes_have_the_pitch_of_their_names_or_else_of_their_sound(tmp_path: Path) -> None:
    files = {
        "flute/A4.wav": (69, "flute"),
        "flute/loud_C#5.flac": (73, "flute/loud"),
        "harp-050-090.ogg": (50, "harp"),
        "recording.WAV": (57, "notes"),
    }
    for name, (pitch, _) in files.items():
        write_tone(tmp_path / "notes" / name, pitch)
    (tmp_path / "notes" / "readme.txt").write_text("not a sound")
    collected = read_note_folder(tmp_path / "notes", tmp_path / "set", "mine", show)
    waves = collected.waves
    assert not collected.skipped
    assert waves.pitches.tolist() == [pitch for pitch, _ in files.values()]
    assert [waves.label_names[label] for label in waves.labels] == [k for _, k in files.values()]
    assert waves.velocities.tolist() == [100, 100, 90, 100]
    for row, pitch in enumerate(waves.pitches):
        wave = waves.audio(np.array([row]))[0]
        assert heard_pitch(wave[4000:20000]) == pytest.approx(pitch, abs=0.02)
        assert level_db(wave) == pytest.approx(-3.0, abs=0.01)
        assert np.abs(wave[:200]).max() > 0.3  # it begins at once,
        assert not wave[24100:].any()  # and silence follows it
    assert not waves.splits.any()  # each is all that there is of its instrument


def test_names_can_be_ignored(tmp_path: Path) -> None:
    write_tone(tmp_path / "notes" / "take_A3.wav", 64)
    path, place = tmp_path / "notes", tmp_path / "set"
    assert read_note_folder(path, place, "mine", show).waves.pitches.tolist() == [57]
    estimated = read_note_folder(path, place, "mine", show, is_named=False)
    assert estimated.waves.pitches.tolist() == [64]


def test_pitches_beyond_gansynths_are_left_out(tmp_path: Path) -> None:
    for pitch in (23, 24, 84, 85):
        write_tone(tmp_path / "notes" / f"{pitch:03}.wav", pitch)
    collected = read_note_folder(tmp_path / "notes", tmp_path / "set", "mine", show)
    assert collected.waves.pitches.tolist() == [24, 84]
    assert collected.left_out == 2


def test_a_bad_file_costs_itself_and_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    write_tone(folder / "A4.wav", 69)
    random = np.random.default_rng(1)
    soundfile.write(folder / "wind.wav", random.normal(0.0, 0.1, 64000), 16000)
    soundfile.write(folder / "still_A4.wav", np.zeros(64000), 16000)
    (folder / "empty_A4.wav").write_bytes(b"")
    collected = read_note_folder(folder, tmp_path / "set", "mine", show)
    assert len(collected.waves) == 1
    reasons = dict(collected.skipped)
    assert reasons["empty_A4.wav"] == "it is empty"
    assert reasons["still_A4.wav"] == "it is silent"
    assert "its pitch is not clear" in reasons["wind.wav"]
    (folder / "A4.wav").unlink()
    with pytest.raises(FileError, match=r"there are no notes in it; empty_A4\.wav: it is empty"):
        read_note_folder(folder, tmp_path / "set", "mine", show)


def test_few_notes_are_all_learned(tmp_path: Path) -> None:
    """Their names would put them elsewhere; the larger instrument keeps its parts."""
    folder = tmp_path / "notes"
    elsewhere = [
        f"solo/{n:03}.wav" for n in range(24, 85) if split_by_name(f"solo/{n:03}.wav") != "train"
    ]
    for name in elsewhere[:2]:
        write_tone(folder / name, int(name[5:8]), 0.5)
    for pitch in range(40, 60):
        write_tone(folder / f"many/{pitch:03}.wav", pitch, 0.5)
    waves = read_note_folder(folder, tmp_path / "set", "mine", show).waves
    solo = waves.labels == waves.label_names.index("solo")
    assert waves.splits[solo].tolist() == [0, 0]
    assert set(waves.splits[~solo]) > {0}


def test_levels_and_velocities_are_kept_where_asked(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    for name, level in (
        ("piano_A4_pp.wav", 0.05),
        ("piano_A4_ff.wav", 0.4),
        ("piano_C4v9.wav", 0.1),
    ):
        folder.mkdir(exist_ok=True)
        soundfile.write(folder / name, level * sine(69, 32000, 16000), 16000)
    waves = read_note_folder(folder, tmp_path / "set", "mine", show, keeps_level=True).waves
    assert waves.velocities.tolist() == [112, 33, 9]
    levels = [level_db(wave) for wave in waves.audio(np.arange(3))]
    assert levels == pytest.approx([20 * np.log10(x / 2) for x in (0.4, 0.05, 0.1)], abs=0.05)


def test_a_folder_of_notes_is_as_good_as_a_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_tone(tmp_path / "my notes" / "A4.wav", 69)
    waves = open_notes(str(tmp_path / "my notes"))
    assert waves.pitches.tolist() == [69]
    assert open_notes(waves.name).sha256 == waves.sha256  # a run finds it again by its name
    write_tone(tmp_path / "my notes" / "B4.wav", 71)
    assert open_notes(str(tmp_path / "my notes")).pitches.tolist() == [69, 71]


def test_a_folder_without_sounds_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no sound files \(\.wav, \.flac, \.ogg"):
        read_note_folder(tmp_path, tmp_path / "set", "mine", show)
    with pytest.raises(FileError, match="is not a folder"):
        read_note_folder(tmp_path / "missing", tmp_path / "set", "mine", show)


def test_recordings_are_cut_in_tiles_that_keep_their_level(tmp_path: Path) -> None:
    folder = tmp_path / "takes"
    write_tone(folder / "one.wav", 60, 9.0)
    silence, sound = np.zeros(64000), sine(72, 64000, 16000)
    soundfile.write(folder / "two.wav", np.concatenate([silence, 0.5 * sound]), 16000)
    collected = read_tile_folder(folder, tmp_path / "set", "takes", show)
    waves = collected.waves
    assert len(waves) == 3
    assert collected.left_out == 1  # the silent tile
    assert waves.pitches.tolist() == [0, 0, 0]
    assert waves.label_names == ("one.wav", "two.wav")
    assert waves.labels.tolist() == [0, 0, 1]
    heard = [heard_pitch(wave) for wave in waves.audio(np.arange(3))]
    np.testing.assert_allclose(heard, [60, 60, 72], atol=0.01)
    assert level_db(waves.audio(np.array([2]))[0]) == pytest.approx(20 * np.log10(0.25), abs=0.01)
    assert len(set(waves.splits[:2])) == 1
