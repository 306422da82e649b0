"""GANSynth's networks, with Magenta's own weights in them, against what Magenta's code computes."""

import numpy as np
import pytest
import torch

from export.magenta.tensorflow_checkpoint import TensorBundle
from tests.helpers.places import GOLDEN
from training.gansynth.network import (
    Critic,
    FirstLayer,
    Generator,
    NetworkSize,
    blend_real,
    blend_share,
)

TINY = NetworkSize(feature_base=512, feature_limit=8)
LOWEST_PITCH = 24
# What rounding does to a network whose pixel norm has four channels (docs/figures.md).
TOLERANCES = {1: 5e-6, 2: 1e-5, 3: 5e-5, 4: 1e-4, 5: 4e-4, 6: 1e-3}
Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def expected() -> Arrays:
    with np.load(GOLDEN / "tiny_expected.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def generator() -> Generator:
    bundle = TensorBundle.open(GOLDEN / "tiny" / "stage_00012" / "model.ckpt-128")
    network = Generator(TINY)
    name = "Generator/progressive_gan_generator/progressive_gan_block_{}/{}/{}/"
    with torch.no_grad():
        for number, block in enumerate(network.blocks, start=1):
            for layer in ("conv0", "conv1", "to_rgb"):
                own = getattr(block, layer)
                for part, target in (("conv2d/kernel", own.weight), ("bias", own.bias)):
                    full = name.format(number, layer, part) + "ExponentialMovingAverage"
                    value = torch.from_numpy(bundle.read(full))
                    target.copy_(value.permute(3, 2, 0, 1) if value.dim() == 4 else value)
    return network.eval().requires_grad_(False)


def inputs(expected: Arrays) -> tuple[torch.Tensor, torch.Tensor]:
    pitch = torch.from_numpy(expected["pitches"]).long() - LOWEST_PITCH
    return torch.from_numpy(expected["z"]), pitch


def channels_last(image: torch.Tensor) -> np.ndarray:
    return image.permute(0, 2, 3, 1).numpy()


def test_networks_have_the_papers_number_of_weights() -> None:
    counts = [
        sum(p.numel() for p in net(NetworkSize()).parameters()) for net in (Generator, Critic)
    ]
    assert counts == [7_311_246, 6_831_230]


def test_the_generators_image_is_magentas(generator: Generator, expected: Arrays) -> None:
    image = channels_last(generator(*inputs(expected)))[0, ::2, ::4]
    assert np.abs(image - expected["normalized_note0"]).max() < 2e-3


@pytest.mark.parametrize("block", range(1, 7))
def test_every_blocks_image_is_magentas(generator: Generator, expected: Arrays, block: int) -> None:
    images = []
    generator.blocks[block - 1].register_forward_hook(lambda own, _, x: images.append(own.image(x)))
    generator(*inputs(expected))
    image, golden = channels_last(images[0]), expected[f"rgb_block{block}"]
    step = image.shape[1] // golden.shape[1]
    stride = image.shape[2] // golden.shape[2]
    found = image[: len(golden), ::step, ::stride]
    assert np.abs(found - golden).max() < TOLERANCES[block]


@pytest.mark.parametrize("position", [0.0, 0.25, 1.0, 5.5, 6.0])
def test_blends_of_growing_networks_are_magentas(
    generator: Generator, expected: Arrays, position: float
) -> None:
    shares = [blend_share(position, block) for block in range(1, 8)]
    np.testing.assert_allclose(shares, expected[f"progress_{position}_alphas"], atol=1e-7)
    image = channels_last(generator(*inputs(expected), position))[3, ::8, ::16]
    assert np.abs(image - expected[f"progress_{position}_note3_sub"]).max() < 1e-3


def test_the_first_layer_is_the_padded_convolution() -> None:
    torch.manual_seed(0)
    layer = FirstLayer(6, 5, (2, 16))
    x = torch.randn(3, 6)
    padded = torch.nn.functional.pad(x[:, :, None, None], (15, 15, 1, 1))
    convolved = torch.nn.functional.conv2d(padded, layer.weight * layer.scale)
    torch.testing.assert_close(layer(x), convolved + layer.bias[:, None, None])


def test_real_images_are_blurred_as_the_networks_grow() -> None:
    torch.manual_seed(0)
    image = torch.randn(2, 2, 128, 1024)
    torch.testing.assert_close(blend_real(image, 6.0, 7), image)
    coarse = blend_real(image, 0.0, 7)
    torch.testing.assert_close(coarse[:, :, :64, :64], coarse[:, :, :1, :1].expand(2, 2, 64, 64))
    torch.testing.assert_close(coarse.mean(dim=(2, 3)), image.mean(dim=(2, 3)))
    half = 0.5 * (blend_real(image, 2.0, 7) + blend_real(image, 3.0, 7))
    torch.testing.assert_close(blend_real(image, 2.5, 7), half)


@pytest.mark.parametrize("position", [0.0, 0.3, 2.0, 3.5, 6.0])
def test_a_critic_hears_only_as_far_as_the_networks_have_grown(position: float) -> None:
    torch.manual_seed(0)
    critic = Critic(TINY).requires_grad_(False)
    image = torch.randn(2, 2, 128, 1024)
    score, pitch = critic(image, position)
    assert (score.shape, pitch.shape) == ((2,), (2, 61))
    whole = int(np.ceil(position))
    factor = 2 ** (6 - whole)
    smooth = torch.nn.functional.avg_pool2d(image, factor)
    smooth = torch.nn.functional.interpolate(smooth, scale_factor=float(factor))
    torch.testing.assert_close(critic(smooth, position)[0], score)


def test_a_critics_blend_is_continuous_in_the_position() -> None:
    torch.manual_seed(0)
    critic, image = Critic(TINY).requires_grad_(False), torch.randn(2, 2, 128, 1024)
    for position in (1.0, 4.0):
        below, above = (critic(image, position + d)[0] for d in (-1e-4, 1e-4))
        torch.testing.assert_close(below, above, atol=1e-3, rtol=1e-3)


def test_a_critic_hears_whether_a_batch_varies() -> None:
    torch.manual_seed(0)
    critic, image = Critic(TINY).requires_grad_(False), torch.randn(1, 2, 128, 1024)
    other = torch.randn(1, 2, 128, 1024)
    alone = critic(image.expand(2, -1, -1, -1))[0][0]
    beside = critic(torch.cat([image, other]))[0][0]
    assert (alone - beside).abs() > 1e-4
