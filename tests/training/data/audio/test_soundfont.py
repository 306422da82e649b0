"""Real notes of the real SoundFont; a machine without it cannot make the project's voice."""

from pathlib import Path

import numpy as np
import pytest

from instrument.errors import FileError
from instrument.music.pitch import pitch_to_hz
from training.data.audio.programs import held_out_pitches
from training.data.audio.render import render_notes
from training.data.audio.soundfont import SoundFont, find_soundfont
from training.data.audio.tone_set import TEST, TRAIN, ToneSet
from training.metrics.audio.nearest_pitch_baseline import nearest_training_note, resample_nearest
from training.metrics.audio.spectra import log_spectral_distance, magnitudes
from training.metrics.audio.tone_measures import pitch_error_cents

pytestmark = pytest.mark.slow

CLARINET, ELECTRIC_GRAND = 71, 2


@pytest.fixture(scope="module")
def grand(tmp_path_factory: pytest.TempPathFactory) -> ToneSet:
    """All keys of the electric grand: 126 notes in two seconds."""
    folder = tmp_path_factory.mktemp("grand")
    return render_notes(find_soundfont(), folder, (ELECTRIC_GRAND,), lambda *_: None)


def test_a_note_has_its_pitch_and_stops_when_let_go() -> None:
    with SoundFont(find_soundfont()) as font:
        audio = font.render(CLARINET, 60, 100, hold_frames=96000, release_frames=48000)
    assert audio.size == 144000
    assert abs(pitch_error_cents(audio, pitch_to_hz(60))) < 10.0  # as well tuned as its samples
    peak = np.abs(audio).max()
    assert np.abs(audio[48000:96000]).max() > 0.3 * peak
    assert np.abs(audio[-4800:]).max() < 1e-3 * peak


def test_rendering_is_repeatable_whatever_was_played_before() -> None:
    with SoundFont(find_soundfont()) as font:
        font.render(CLARINET, 60, 100, 9600, 0)  # the very first note differs by 0.3 %
        first = font.render(CLARINET, 60, 100, 9600, 0)
        font.render(0, 40, 127, 9611, 0)  # not a whole number of FluidSynth's blocks, still loud
        np.testing.assert_array_equal(font.render(CLARINET, 60, 100, 9600, 0), first)


def test_what_is_not_a_soundfont_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "not.sf2"
    text.write_text("no sound here")
    with pytest.raises(FileError, match=r"not\.sf2 is not a SoundFont"):
        SoundFont(text)
    with pytest.raises(FileError, match="does not exist"):
        SoundFont(tmp_path / "missing.sf2")


def test_hidden_pitches_are_tested_but_never_trained(grand: ToneSet) -> None:
    hidden, tested = held_out_pitches(ELECTRIC_GRAND)
    assert set(grand.pitch[grand.split == TEST]) == tested
    assert hidden.isdisjoint(grand.pitch[grand.split == TRAIN])


def test_the_stretch_of_the_strings_grows_with_pitch(grand: ToneSet) -> None:
    stretch = grand.tuning.log2_inharmonicity[0]
    assert -13 < stretch[24] < -10  # of the order of 1e-4 in the tenor of a small grand
    assert np.isfinite(stretch).all()


def test_the_nearest_pitch_is_a_strong_baseline(grand: ToneSet) -> None:
    rows: list[int] = np.flatnonzero(grand.split == TEST).tolist()
    distances = []
    for row in rows:
        source = nearest_training_note(grand, row)
        assert abs(grand.pitch[source] - grand.pitch[row]) in (2, 3)
        spectra = [
            magnitudes(audio, 48000) for audio in (grand.audio(row), resample_nearest(grand, row))
        ]
        distances.append(log_spectral_distance(spectra[0], spectra[1], 48000))
    # Keys of one zone are one recording at several speeds: below 1 dB, if aligned.
    assert np.median(distances) < 1.0
