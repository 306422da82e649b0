"""GANSynth's images of notes, against Magenta's own code."""

import numpy as np
import pytest
import torch

from tests.helpers.places import GOLDEN
from training.audio.mel_warp import linear_to_mel, mel_to_linear
from training.audio.spectrogram import Spectrogram, instantaneous_frequency

Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def golden() -> Arrays:
    arrays: Arrays = {}
    for name in ("mel_if.npz", "spectral.npz"):
        with np.load(GOLDEN / name) as archive:
            arrays |= dict(archive)
    return arrays


@pytest.fixture(scope="module")
def note(golden: Arrays) -> torch.Tensor:
    return torch.from_numpy(golden["wave_in"] / 32768.0)[None]


def channels_last(image: torch.Tensor) -> np.ndarray:
    return image.permute(0, 2, 3, 1).numpy()


def channels_first(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.astype(np.float64))[None].permute(0, 3, 1, 2)


def assert_audible_bins_agree(image: np.ndarray, expected: np.ndarray) -> None:
    """Compare where float32 does not decide: in a bin that holds next to nothing it does."""
    audible = expected[..., 0] > -5.0  # e^-5 of a spectrum whose peaks are near e^5
    np.testing.assert_allclose(image[audible, 0], expected[audible, 0], atol=5e-4)
    turn = np.mod(image[audible, 1] - expected[audible, 1] + 1.0, 2.0) - 1.0  # -1 and 1 are one
    assert np.abs(turn).max() < 2e-4


def test_mel_matrices_are_magentas(golden: Arrays) -> None:
    np.testing.assert_allclose(linear_to_mel(64), golden["tiny_l2mel"], atol=1e-12)
    np.testing.assert_allclose(mel_to_linear(64), golden["tiny_mel2l"], atol=1e-12)
    full = np.zeros((1024, 1024))
    full[golden["l2mel_row"], golden["l2mel_col"]] = golden["l2mel_val"]
    np.testing.assert_allclose(linear_to_mel(1024), full, atol=1e-11)


def test_mel_images_are_magentas(golden: Arrays) -> None:
    small = Spectrogram("mel", windows=16, bins=64, frames=500)
    image = channels_last(small.image(torch.from_numpy(golden["tiny_in"]).double()[None]))[0]
    np.testing.assert_allclose(image[..., 0], golden["tiny_mel"][..., 0], atol=5e-4)
    # Of float32 phases; the image's second channel is in half turns.
    np.testing.assert_allclose(image[..., 1], golden["tiny_mel"][..., 1], atol=0.03)
    audio = small.audio(channels_first(golden["tiny_mel"]))[0]
    np.testing.assert_allclose(audio, golden["tiny_resyn"], atol=1e-5)


def test_the_full_size_round_trip_is_magentas(golden: Arrays, note: torch.Tensor) -> None:
    audio = Spectrogram().round_trip(note)[0]
    np.testing.assert_allclose(audio, golden["hi_resyn_from_melspecgram"], atol=1e-4)


def test_linear_images_are_magentas(golden: Arrays, note: torch.Tensor) -> None:
    image = channels_last(Spectrogram("if").image(note))[0, ::2, ::4]
    assert_audible_bins_agree(image, golden["hi_specgram_note0_sub"])


def test_linear_images_sound_like_the_note(golden: Arrays, note: torch.Tensor) -> None:
    for scale in ("if", "phase"):
        audio = Spectrogram(scale).round_trip(note)[:, ::8]
        np.testing.assert_allclose(audio, golden["hi_resyn_from_specgram_every8"], atol=1e-5)


def test_phase_images_are_magentas(golden: Arrays, note: torch.Tensor) -> None:
    image = channels_last(Spectrogram("phase").image(note))[0, ::8, ::8]
    assert_audible_bins_agree(image, golden["hi_phase_note0_sub"])


@pytest.mark.parametrize("scale", ["if", "mel"])
def test_low_resolution_images_are_magentas(golden: Arrays, note: torch.Tensor, scale: str) -> None:
    low = Spectrogram(scale, windows=256, bins=512)  # type: ignore[arg-type]
    image = channels_last(low.image(note))[0, ::8, ::4]
    expected = golden[{"if": "lo_specgram_note0_sub", "mel": "lo_melspecgram_note0_sub"}[scale]]
    audible = expected[..., 0] > -5.0
    np.testing.assert_allclose(image[audible, 0], expected[audible, 0], atol=5e-4)


def test_phases_are_unwrapped_as_in_numpy(golden: Arrays) -> None:
    frequency = instantaneous_frequency(torch.from_numpy(golden["ph_in"]))
    np.testing.assert_allclose(frequency, golden["ph_if"], atol=1e-5)
    jumps = torch.tensor([[0.0, np.pi, 0.0, -np.pi, 3 * np.pi]], dtype=torch.float64).T
    unwrapped = np.unwrap(jumps.numpy(), axis=0)
    expected = np.concatenate([jumps[:1], np.diff(unwrapped, axis=0)]) / np.pi
    np.testing.assert_allclose(instantaneous_frequency(jumps), expected, atol=1e-12)


def test_gradients_pass_through_images_and_back() -> None:
    small = Spectrogram("mel", windows=16, bins=64, frames=500)
    audio = torch.randn(2, 500, dtype=torch.float64, requires_grad=True)
    small.round_trip(audio).square().sum().backward()
    assert audio.grad is not None
    assert torch.isfinite(audio.grad).all()
