"""From a folder of MIDI files to a continued one, with the commands that a user types."""

from pathlib import Path

import numpy as np
import pytest

from instrument.midi.phrases import read_phrase, write_phrase
from instrument.music.note import Note, Phrase
from tests.end_to_end.test_play import latentkeys

pytestmark = pytest.mark.slow

TUNES, NOTES = 40, 32


def write_tunes(folder: Path) -> None:
    """Random walks through C major in quarters and eighths."""
    folder.mkdir()
    random = np.random.default_rng(0)
    scale = [60 + 12 * octave + step for octave in (0, 1) for step in (0, 2, 4, 5, 7, 9, 11)]
    for number in range(TUNES):
        degree, now, notes = 6, 0.0, []
        for _ in range(NOTES):
            degree = int(np.clip(degree + random.integers(-2, 3), 0, len(scale) - 1))
            length = float(random.choice([0.5, 1.0]))
            notes.append(Note(now, scale[degree], length))
            now += length
        write_phrase(folder / f"{number:02d}.mid", Phrase.of(notes))


@pytest.mark.timeout(280)
def test_tunes_train_export_and_continue_a_file_always_alike(tmp_path: Path) -> None:
    tunes, run, prompt = (tmp_path / name for name in ("tunes", "run", "in.mid"))
    write_tunes(tunes)
    latentkeys(tmp_path, "data", "midi-folder", str(tunes), "--name", "walks")
    training = ("--recipe", "tiny", "--steps", "20", "--device", "cpu", "--data", "walks")
    latentkeys(tmp_path, "train", "attention-lstm", str(run), *training)
    latentkeys(tmp_path, "export", str(run), "--name", "first_composer")
    assert "first_composer" in latentkeys(tmp_path, "models", "list")
    assert "self-test" in latentkeys(tmp_path, "bundle", "check", "first_composer")

    write_phrase(prompt, Phrase.of([Note(float(beat), 60 + beat, 1.0) for beat in range(4)]))
    for out in ("a.mid", "b.mid"):
        options = ("--model", "first_composer", "--bars", "4", "--seed", "3")
        latentkeys(tmp_path, "continue", str(prompt), str(tmp_path / out), *options)
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()
    made = read_phrase(tmp_path / "a.mid")
    assert made.length_beats == 20.0
    assert len(made.notes) > 4 + 4
