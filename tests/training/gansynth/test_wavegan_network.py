from typing import Any

import numpy as np
import pytest
import torch

from training.gansynth.wavegan_network import (
    TINY,
    WaveganCritic,
    WaveganGenerator,
    WaveganSize,
    WaveImage,
    shuffle_phase,
)

PAPER = WaveganSize(layers=5, latent_size=100, pitches=1)


def _weights(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_sizes_are_the_papers_tables_and_the_authors_longer_networks() -> None:
    assert PAPER.frames == 16384
    assert PAPER.widths() == [1, 64, 128, 256, 512, 1024]
    assert WaveganSize().frames == 65536
    assert WaveganSize().widths() == [1, 64, 128, 256, 512, 1024, 2048]


def test_the_papers_networks_have_the_weights_of_its_tables() -> None:
    # Tables 3 and 4 with d = 64, c = 1, filters of 25, a bias in every layer.
    d = 64
    dense = 100 * 256 * d + 256 * d
    one_pitch = 256 * d
    kernels = 25 * (16 * 8 + 8 * 4 + 4 * 2 + 2) * d * d + 25 * d
    generator_biases, critic_biases = (8 + 4 + 2 + 1) * d + 1, (1 + 2 + 4 + 8 + 16) * d
    with torch.device("meta"):
        assert _weights(WaveganGenerator(PAPER)) == dense + one_pitch + kernels + generator_biases
        critic = WaveganCritic(PAPER)
    assert _weights(critic) == kernels + critic_biases + (256 * d + 1) + (256 * d + 1)


def test_the_long_networks_have_one_layer_more_and_know_pitches() -> None:
    d = 64
    kernels = 25 * (32 * 16 + 16 * 8 + 8 * 4 + 4 * 2 + 2) * d * d + 25 * d
    with torch.device("meta"):
        generator, critic = WaveganGenerator(WaveganSize()), WaveganCritic(WaveganSize())
    assert _weights(generator) == (256 + 61 + 1) * 512 * d + kernels + 31 * d + 1
    assert _weights(critic) == kernels + 63 * d + (512 * d + 1) * (1 + 61)


@torch.no_grad()
def test_notes_go_through_both_networks() -> None:
    torch.manual_seed(0)
    pitch = torch.tensor([0, 36, 60])
    wave = WaveganGenerator(TINY)(torch.randn(3, TINY.latent_size), pitch, 2.5)
    assert wave.shape == (3, 1, 65536)
    assert wave.dtype == torch.float32
    assert wave.abs().max() <= 1.0
    score, logits = WaveganCritic(TINY)(wave, 2.5)
    assert score.shape == (3,)
    assert logits.shape == (3, 61)


@torch.no_grad()
def test_the_pitch_and_the_latent_both_change_the_waveform() -> None:
    torch.manual_seed(0)
    generator, z = WaveganGenerator(TINY), torch.randn(2, TINY.latent_size)
    same = generator(z[:1].expand(2, -1), torch.tensor([5, 5]))
    torch.testing.assert_close(same[0], same[1])
    other = generator(z[:1].expand(2, -1), torch.tensor([5, 6]))
    assert (other[0] - other[1]).abs().max() > 1e-4
    timbres = generator(z, torch.tensor([5, 5]))
    assert (timbres[0] - timbres[1]).abs().max() > 1e-4


def test_phase_shuffle_moves_by_at_most_n_frames_and_reflects_the_edge() -> None:
    torch.manual_seed(0)
    row = np.arange(1.0, 9.0)
    moved: dict[int, Any] = {
        -2: [3, 4, 5, 6, 7, 8, 7, 6],
        -1: [2, 3, 4, 5, 6, 7, 8, 7],
        0: row,
        1: [2, 1, 2, 3, 4, 5, 6, 7],
        2: [3, 2, 1, 2, 3, 4, 5, 6],
    }
    x = torch.from_numpy(row).expand(2, 3, -1)
    seen = set()
    for _ in range(60):
        found = shuffle_phase(x, 2)
        assert found.shape == x.shape
        assert torch.equal(found, found[:1, :1].expand_as(found))
        seen |= {move for move, to in moved.items() if np.array_equal(found[0, 0], to)}
    assert seen == set(moved)


def test_phase_shuffle_is_drawn_from_the_seed_and_only_in_training() -> None:
    torch.manual_seed(0)
    critic, wave = WaveganCritic(TINY), torch.randn(2, 1, 65536)

    def scores(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        found: torch.Tensor = critic(wave)[0]
        return found

    assert torch.equal(scores(1), scores(1))
    assert len({float(scores(seed)[0].detach()) for seed in range(8)}) > 1
    critic.eval()
    assert torch.equal(scores(1), scores(2))


def test_gradients_reach_every_weight_of_both_networks_and_the_waveform() -> None:
    torch.manual_seed(0)
    generator, critic = WaveganGenerator(TINY), WaveganCritic(TINY)
    wave = generator(torch.randn(2, TINY.latent_size), torch.tensor([3, 40]))
    wave.retain_grad()
    score, logits = critic(wave)
    loss = score.mean() + torch.nn.functional.cross_entropy(logits, torch.tensor([3, 40]))
    torch.autograd.backward(loss)
    assert wave.grad is not None
    for parameter in (*generator.parameters(), *critic.parameters(), wave):
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0.0


def test_a_critic_learns_to_tell_a_tone_from_a_fake_with_a_gradient_penalty() -> None:
    torch.manual_seed(0)
    size = WaveganSize(channels=4, layers=3, kernel=9, latent_size=8)
    generator, critic = WaveganGenerator(size).requires_grad_(False), WaveganCritic(size)
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
    pitch = torch.arange(4)
    turns = torch.arange(size.frames) * 0.05 * (pitch[:, None, None] + 1)
    losses = []
    for _ in range(15):
        fake = generator(torch.randn(4, 8), pitch)
        mixed = (0.5 * (turns.sin() + fake)).requires_grad_()
        (slope,) = torch.autograd.grad(critic(mixed)[0].sum(), mixed, create_graph=True)
        penalty = (slope.flatten(1).norm(dim=1) - 1.0).square().mean()
        losses.append(critic(fake)[0].mean() - critic(turns.sin())[0].mean() + 10.0 * penalty)
        optimizer.zero_grad()
        torch.autograd.backward(losses[-1])
        optimizer.step()
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.parametrize(("frames", "lead"), [(64000, 768), (64001, 768)])
def test_a_note_is_padded_on_both_sides_and_comes_back(frames: int, lead: int) -> None:
    torch.manual_seed(0)
    way, audio = WaveImage(frames=frames), torch.rand(2, frames)
    image = way.image(audio)
    assert image.shape == (2, 1, 65536)
    assert image[:, 0, :lead].abs().max() == 0.0
    assert torch.equal(image[:, 0, lead], audio[:, 0])
    assert torch.equal(way.audio(image), audio)
