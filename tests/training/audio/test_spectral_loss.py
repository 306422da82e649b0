"""The hand-written loss and gradient against torch's own."""

import torch

from training.audio.spectral_loss import SpectralLoss


def audio(seed: int, frames: int = 4000) -> torch.Tensor:
    return 0.1 * torch.randn(2, frames, generator=torch.Generator().manual_seed(seed))


def test_gradient_is_the_numerical_one() -> None:
    loss = SpectralLoss((64, 32), -66.0).double()
    targets = loss.spectra(audio(1, 200).double())
    ours = audio(2, 200).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda a: loss(a, targets), (ours,))


def test_magnitudes_are_torchs_stft() -> None:
    loss = SpectralLoss((256,), -200.0)
    window = torch.hann_window(256)
    bins = torch.stft(audio(3), 256, 96, window=window, center=False, return_complex=True)
    expected = bins.abs().transpose(1, 2) * 2 / window.sum()
    torch.testing.assert_close(loss.spectra(audio(3))[0].magnitude, expected, atol=1e-6, rtol=1e-4)


def test_equal_audio_has_no_distance() -> None:
    loss = SpectralLoss((512, 128), -66.0)
    distance, convergence = loss(audio(4), loss.spectra(audio(4)))
    assert float(distance) == 0.0
    assert float(convergence) == 0.0


def test_twice_the_amplitude_is_log_two_away() -> None:
    loss = SpectralLoss((512,), -200.0)
    distance, convergence = loss(2 * audio(5), loss.spectra(audio(5)))
    assert abs(float(distance) - 0.6931) < 1e-3
    assert abs(float(convergence) - 1.0) < 1e-3
