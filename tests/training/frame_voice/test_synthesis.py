"""Synthesis against closed forms computed in float64."""

import numpy as np
import torch

from training.frame_voice import synthesis


def test_partials_ramp_in_straight_lines_at_their_phase() -> None:
    cycles = np.array([[0.01, 0.31]])
    phase = np.array([0.2, 0.7])
    before, after = np.array([0.5, 0.0]), np.array([0.1, 0.8])
    frames = np.arange(480)
    level = before[:, None] + (after - before)[:, None] * frames / 480
    angle = 2 * np.pi * (phase[:, None] + cycles[0][:, None] * frames)
    expected = (level * np.cos(angle)).sum(axis=0)

    turned = [
        np.concatenate([a * np.cos(2 * np.pi * phase), a * np.sin(2 * np.pi * phase)])
        for a in (before, after)
    ]
    start, end = (torch.tensor(t, dtype=torch.float32)[None, None] for t in turned)
    basis = synthesis.hop_basis(torch.tensor(cycles, dtype=torch.float32))
    rise = torch.arange(480) / 480
    audio = synthesis.partials_to_audio(start, end, basis, rise)[0, 0]
    np.testing.assert_allclose(audio.numpy(), expected, atol=2e-5)

    one_hop = synthesis.single_hop(start[0], end[0], torch.tensor(cycles).float(), rise)
    np.testing.assert_allclose(one_hop[0].numpy(), expected, atol=2e-5)


def test_two_stage_inverse_dft_equals_the_definition() -> None:
    random = np.random.default_rng(1)
    noise = random.standard_normal((1, 2, 2, 480)).astype(np.float32)
    gains = random.uniform(0.0, 1.0, (1, 2, 480)).astype(np.float32)
    bins = (noise[:, :, 0] + 1j * noise[:, :, 1]) * gains
    padded = np.concatenate([bins, np.zeros((1, 2, 480))], axis=2)
    expected = np.fft.ifft(padded, axis=2).real * 960 / np.sqrt(480)

    frames = synthesis.noise_to_frames(
        torch.from_numpy(gains), torch.from_numpy(noise), synthesis.noise_stages()
    )
    np.testing.assert_allclose(frames.numpy(), expected, atol=2e-5)


def test_overlapped_noise_keeps_its_power_from_frame_to_frame() -> None:
    window = synthesis.noise_window().double()
    np.testing.assert_allclose((window[:480] ** 2 + window[480:] ** 2).numpy(), 1.0, atol=1e-6)


def test_noise_bands_cover_every_bin_once() -> None:
    np.testing.assert_allclose(synthesis.bands_to_bins().sum(dim=0).numpy(), 1.0, atol=1e-6)


def test_every_partial_belongs_to_one_motion_band() -> None:
    assert synthesis.motion_bands_to_partials().sum(dim=0).tolist() == [1.0] * 140
