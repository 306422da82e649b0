"""GANSynth's critic with Magenta's weights in it, against the specification written out in numpy.

No reference outputs of the critic exist; this second implementation shares nothing with the first
but the checkpoint that Magenta's code wrote: channels last, float64, every layer by hand.
"""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from export.magenta.tensorflow_checkpoint import TensorBundle
from tests.helpers.places import GOLDEN
from training.gansynth.network import Critic, NetworkSize

TINY = NetworkSize(feature_base=512, feature_limit=8)
BLOCKS = 7
_PREFIX = "Discriminator/progressive_gan_discriminator/progressive_gan_block_{}/{}"
_PITCH = "Discriminator/discriminator_cond/classification_logits/{}"
Array = NDArray[np.float64]
Weights = dict[str, Array]


@pytest.fixture(scope="module")
def weights() -> Weights:
    bundle = TensorBundle.open(GOLDEN / "tiny" / "stage_00012" / "model.ckpt-128")
    names = [_PITCH.format(part) for part in ("dense/kernel", "bias")]
    names += [_PREFIX.format(1, f"logits/{part}") for part in ("dense/kernel", "bias")]
    for block in range(1, BLOCKS + 1):
        for layer in ("from_rgb", "conv0", "conv1"):
            names += [_PREFIX.format(block, f"{layer}/{p}") for p in ("conv2d/kernel", "bias")]
    return {name: bundle.read(name).astype(np.float64) for name in names}


@pytest.fixture(scope="module")
def critic(weights: Weights) -> Critic:
    network = Critic(TINY).double().requires_grad_(False)
    for number, block in enumerate(network.blocks, start=1):
        for layer in ("from_rgb", "conv0", "conv1"):
            own = getattr(block, layer)
            kernel = weights[_PREFIX.format(number, f"{layer}/conv2d/kernel")]
            own.weight.copy_(torch.from_numpy(kernel).permute(3, 2, 0, 1))
            own.bias.copy_(torch.from_numpy(weights[_PREFIX.format(number, f"{layer}/bias")]))
    for own, name in ((network.score, _PREFIX.format(1, "logits/{}")), (network.pitch, _PITCH)):
        own.weight.copy_(torch.from_numpy(weights[name.format("dense/kernel")].T[:, :, None, None]))
        own.bias.copy_(torch.from_numpy(weights[name.format("bias")]))
    return network


def convolve(x: Array, weights: Weights, name: str) -> Array:
    """SAME convolution of (n, height, width, channels); kernels scaled by √(2 / fan-in); leaky."""
    kernel = weights[f"{name}/conv2d/kernel"]
    height, width, inputs, _ = kernel.shape
    padded = np.pad(x, ((0, 0), (height // 2,) * 2, (width // 2,) * 2, (0, 0)))
    total = weights[f"{name}/bias"]
    for i in range(height):
        for j in range(width):
            moved = padded[:, i : i + x.shape[1], j : j + x.shape[2]]
            total = total + np.sqrt(2.0 / (height * width * inputs)) * (moved @ kernel[i, j])
    return np.asarray(np.maximum(total, 0.2 * total))


def pool(x: Array, factor: int) -> Array:
    n, height, width, channels = x.shape
    shape = (n, height // factor, factor, width // factor, factor, channels)
    return np.asarray(x.reshape(shape).mean(axis=(2, 4)))


def judge(image: Array, weights: Weights, position: float) -> tuple[Array, Array]:
    """Section 1.4 of the specification; image (n, windows, bins, 2)."""
    x = convolve(image, weights, _PREFIX.format(BLOCKS, "from_rgb"))
    for block in range(BLOCKS, 1, -1):
        for layer in ("conv0", "conv1"):
            x = convolve(x, weights, _PREFIX.format(block, layer))
        x = pool(x, 2)
        seen = pool(image, 2 ** (BLOCKS - block + 1))
        seen = convolve(seen, weights, _PREFIX.format(block - 1, "from_rgb"))
        beta = min(max((block - 1) - position, 0.0), 1.0)
        x = beta * seen + (1.0 - beta) * x
    deviation = np.sqrt(x.var(axis=0) + 1e-6).mean()
    x = np.concatenate([x, np.full((*x.shape[:3], 1), deviation)], axis=3)
    x = convolve(x, weights, _PREFIX.format(1, "conv0"))
    kernel = weights[_PREFIX.format(1, "conv1/conv2d/kernel")]
    flat = np.einsum("nhwc,hwcd->nd", x, kernel) * np.sqrt(2.0 / kernel[..., 0].size)
    flat = flat + weights[_PREFIX.format(1, "conv1/bias")]
    flat = np.maximum(flat, 0.2 * flat)
    heads = []
    for name in (_PREFIX.format(1, "logits/{}"), _PITCH):
        kernel = weights[name.format("dense/kernel")]
        heads.append(flat @ kernel / np.sqrt(len(kernel)) + weights[name.format("bias")])
    return heads[0][:, 0], heads[1]


@pytest.mark.parametrize("position", [0.0, 2.5, 5.0, 6.0])
def test_scores_and_pitches_are_the_specifications(
    critic: Critic, weights: Weights, position: float
) -> None:
    image = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 128, 1024, 2))
    scores, pitches = critic(torch.from_numpy(image).permute(0, 3, 1, 2), position)
    expected_scores, expected_pitches = judge(image, weights, position)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-9)
    np.testing.assert_allclose(pitches, expected_pitches, rtol=1e-9)
