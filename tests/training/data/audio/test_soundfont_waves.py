"""The real SoundFont, two of its programs."""

from pathlib import Path

import numpy as np
import pytest
import soxr

from instrument.errors import FileError
from instrument.music.pitch import pitch_to_hz
from tests.helpers.sounds.heard import level_db, show
from training.data.audio.soundfont import find_soundfont
from training.data.audio.soundfont_waves import render_waves, split_of
from training.data.audio.wave_writer import CollectedWaves
from training.metrics.audio.tone_measures import pitch_error_cents

TUBA, CLARINET = 58, 71


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> CollectedWaves:
    folder = tmp_path_factory.mktemp("waves") / "two"
    return render_waves(find_soundfont(), folder, "two", (TUBA, CLARINET), show)


@pytest.mark.slow
def test_every_key_that_sounds_is_there_and_the_others_are_named(collected: CollectedWaves) -> None:
    waves = collected.waves
    assert waves.label_names == ("tuba", "clarinet")
    assert waves.pitches[waves.labels == 1].tolist() == list(range(24, 85))
    silent = [84 - number for number in range(len(collected.skipped))][::-1]
    assert [name for name, _ in collected.skipped] == [f"tuba {pitch}" for pitch in silent]
    assert 5 < len(silent) < 20  # the font's tuba ends in the treble
    assert len(waves) == 122 - len(silent)
    assert "MIT licence" in waves.notice


def test_notes_have_their_pitch_and_level_and_begin_at_once(collected: CollectedWaves) -> None:
    waves = collected.waves
    for row in np.flatnonzero(waves.labels == 1)[::6]:
        audio = waves.audio(np.array([row]))[0]
        fine = np.asarray(soxr.resample(audio, 16000, 48000), np.float32)
        assert abs(pitch_error_cents(fine, pitch_to_hz(int(waves.pitches[row])))) < 20.0
        assert level_db(audio) == pytest.approx(-3.0, abs=0.01)
        assert np.flatnonzero(np.abs(audio) > 0.01)[0] < 0.05 * 16000


def test_keys_are_held_to_the_end(collected: CollectedWaves) -> None:
    waves = collected.waves
    rows = np.flatnonzero(waves.labels == 1)[::6]
    for audio in waves.audio(rows):
        middle, end = (np.sqrt(np.mean(part**2)) for part in (audio[32000:40000], audio[-1600:]))
        assert end > 0.5 * middle


def test_every_eighth_pitch_is_tested_and_no_pitch_by_all() -> None:
    for program in range(0, 120, 7):
        splits = [split_of(program, pitch) for pitch in range(24, 84)]
        tested = np.flatnonzero(np.array(splits) == "test")
        assert set(np.diff(tested)) == {8}
        assert 2 <= splits.count("valid") <= 3
    for pitch in range(24, 85):
        assert [split_of(program, pitch) for program in range(8)].count("test") == 1


def test_a_font_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        render_waves(tmp_path / "missing.sf2", tmp_path / "set", "set", (TUBA,), show)
