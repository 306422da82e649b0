"""Note sets on disk, and how keys are held out."""

from pathlib import Path

import numpy as np
import pytest

from instrument.errors import FileError
from training.audio.format import REFERENCE_RMS
from training.data.audio.programs import HELD_OUT_PROGRAMS, PROGRAM_NAMES, held_out_pitches
from training.data.audio.synthetic_tones import make_tone, write_tones
from training.data.audio.tone_set import (
    HELD,
    TRAIN,
    AnalysedTone,
    Instrument,
    ToneSet,
    ToneSetWriter,
    TuningTables,
    open_notes,
    strongest_rms,
    write_notes,
)

ORGAN = Instrument("organ", 16, False, False, 3.0)


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> ToneSet:
    return write_tones(tmp_path_factory.mktemp("tones"))


def one_note(audio: np.ndarray) -> AnalysedTone:
    return AnalysedTone(audio, 0, 60, HELD, cents=1.5, split=TRAIN)


def test_a_note_comes_back_at_the_reference_loudness(tmp_path: Path) -> None:
    tone = make_tone(0, 60, 0.5, 0.0)
    quiet = (tone * 1e-3).astype(np.float32)
    notes = write_notes(
        tmp_path, (ORGAN,), [one_note(tone), one_note(quiet)], TuningTables.harmonic(1), "", ""
    )
    for row in (0, 1):
        assert strongest_rms(notes.audio(row)) == pytest.approx(REFERENCE_RMS, rel=1e-3)
    # int16 at full scale: about 90 dB below the tone, however quiet it was.
    np.testing.assert_allclose(notes.audio(0), notes.audio(1), atol=1e-4)
    assert notes.cents[0] == 1.5


def test_audio_outside_a_note_is_silence(tones: ToneSet) -> None:
    whole = tones.audio(0)
    around = tones.audio(0, start=-100, frames=whole.size + 300)
    assert not around[:100].any()
    assert not around[-200:].any()
    np.testing.assert_array_equal(around[100:-200], whole)


def test_a_set_that_is_not_finished_leaves_the_one_before(tmp_path: Path) -> None:
    before = write_tones(tmp_path).pitch
    with pytest.raises(ZeroDivisionError), ToneSetWriter(tmp_path) as writer:
        writer.add(one_note(make_tone(0, 60, 0.2, 0.0)))
        raise ZeroDivisionError
    np.testing.assert_array_equal(open_notes(tmp_path).pitch, before)
    assert len(list(tmp_path.iterdir())) == 3


def test_silent_notes_are_left_out(tmp_path: Path) -> None:
    silence = np.zeros(4800, np.float32)
    notes = [one_note(silence), one_note(make_tone(0, 60, 0.2, 0.0))]
    assert len(write_notes(tmp_path, (ORGAN,), notes, TuningTables.harmonic(1), "", "").pitch) == 1


@pytest.mark.parametrize("missing", ["notes.json", "notes.npz", "audio.i16"])
def test_an_incomplete_note_set_is_refused(tmp_path: Path, missing: str) -> None:
    write_tones(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(FileError, match=missing):
        open_notes(tmp_path)


def test_a_note_set_from_the_future_is_refused(tmp_path: Path) -> None:
    write_tones(tmp_path)
    header = tmp_path / "notes.json"
    header.write_text(header.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(FileError, match="format must be 1, got 99"):
        open_notes(tmp_path)


def test_held_out_pitches_lie_two_semitones_from_what_is_trained() -> None:
    count = 0
    for program in PROGRAM_NAMES:
        hidden, tested = held_out_pitches(program)
        trained = set(range(21, 109)) - hidden
        assert len(hidden) == 15
        assert min(abs(t - p) for t in tested for p in trained) >= 2
        count += len(tested) * (program not in HELD_OUT_PROGRAMS)
    assert count >= 500
    assert held_out_pitches(0) != held_out_pitches(1)
