"""Pitch, mels and keys, against published numbers."""

import numpy as np
import pytest
import torch

from instrument.music.pitch import (
    MAJOR_SCALE,
    hz_to_mel,
    hz_to_pitch,
    key_fits,
    mel_bands,
    mel_to_hz,
    pitch_to_hz,
)


@pytest.mark.parametrize(("pitch", "hz"), [(69, 440.0), (21, 27.5), (60, 261.6256)])
def test_pitches_have_their_frequencies(pitch: int, hz: float) -> None:
    assert pitch_to_hz(pitch) == pytest.approx(hz, rel=1e-6)
    assert float(hz_to_pitch(hz)) == pytest.approx(pitch, abs=1e-5)


def test_arrays_and_tensors_keep_their_kind() -> None:
    assert pitch_to_hz(np.array([57.0, 81.0])).tolist() == [220.0, 880.0]
    assert torch.equal(pitch_to_hz(torch.tensor([57.0, 81.0])), torch.tensor([220.0, 880.0]))


def test_a_kilohertz_has_a_thousand_mels() -> None:
    """The scale was defined so (Stevens, Volkmann and Newman, 1937)."""
    assert float(hz_to_mel(1000.0)) == pytest.approx(1000.0, abs=0.1)
    assert float(mel_to_hz(hz_to_mel(5432.1))) == pytest.approx(5432.1)


def test_mel_bands_overlap_evenly() -> None:
    bands = mel_bands(4096, 16_000, 40)
    assert bands.shape == (2049, 40)
    assert bands.max() <= 1.0
    inside = bands[30:1900].sum(axis=1)  # two triangles share every bin but the outermost
    assert inside == pytest.approx(np.ones(len(inside)))
    assert (mel_bands(256, 16_000, 40, narrowest_hz=62.5).max(axis=0) > 0.0).all()


def test_scales_fit_their_keys() -> None:
    d_major = np.bincount([(2 + step) % 12 for step in MAJOR_SCALE], minlength=12)
    assert int(key_fits(d_major).argmax()) == 2
    a_minor = np.zeros(12)
    a_minor[[9, 0, 4, 8]] = 3.0, 2.0, 2.0, 1.0
    assert int(key_fits(a_minor).argmax()) == 12 + 9
    assert not key_fits(np.ones(12)).any()
