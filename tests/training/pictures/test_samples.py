"""What learners show: files that others can read, pictures, and where nothing is to be shown."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from instrument.midi.phrases import read_phrase
from instrument.music.note import Note, Phrase
from training.pictures.samples import PICTURE, NoteSamples, PhraseSamples, write_samples

RATE_HZ = 16000


def tone(peak: float) -> np.ndarray:
    return peak * np.sin(2.0 * np.pi * 440.0 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)


def test_notes_become_wav_files_cut_off_at_full_scale(tmp_path: Path) -> None:
    samples = NoteSamples({"soft": tone(0.5), "loud": tone(2.0)}, RATE_HZ)
    paths = list(samples.write(tmp_path, "7 "))
    assert [path.name for path in paths] == ["7 soft.wav", "7 loud.wav"]
    waves = {path.stem: soundfile.read(path, dtype="float32") for path in paths}
    assert all(rate_hz == RATE_HZ for _, rate_hz in waves.values())
    np.testing.assert_allclose(waves["7 soft"][0], tone(0.5), atol=2e-4)
    assert np.abs(waves["7 loud"][0]).max() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("pitches", [None, (69,)])
def test_notes_are_drawn_with_and_without_a_pitch(
    tmp_path: Path, pitches: tuple[int, ...] | None
) -> None:
    paths = list(write_samples(NoteSamples({"a": tone(0.5)}, RATE_HZ, pitches), tmp_path / "new"))
    assert [path.name for path in paths] == ["a.wav", PICTURE]
    assert paths[1].stat().st_size > 1000


def test_phrases_become_midi_files_and_a_piano_roll(tmp_path: Path) -> None:
    samples = PhraseSamples({"a note": Phrase.of((Note(0.0, 60, 1.0),))})
    midi, picture = write_samples(samples, tmp_path)
    assert [note.pitch for note in read_phrase(midi).notes] == [60]
    assert picture.name == PICTURE


def test_without_samples_there_is_nothing_to_show() -> None:
    assert not NoteSamples({}, RATE_HZ)
    assert not PhraseSamples({})
