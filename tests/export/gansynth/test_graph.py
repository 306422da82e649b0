"""The exported form of GANSynth, against the form that training uses."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from export.gansynth.blocks import _doubled, rows_of_blocks
from export.gansynth.graph import PlainTones
from export.magenta.model import open_magenta
from tests.helpers.places import GOLDEN
from training.gansynth.network import Generator, NetworkSize
from training.gansynth.tones import GansynthTones


@pytest.fixture(scope="module")
def notes() -> GansynthTones:
    return open_magenta(GOLDEN / "tiny").notes


def inputs(count: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    z = torch.randn(count, 256, generator=torch.Generator().manual_seed(1))
    return z, torch.tensor([24, 84, 60, 37])[:count]


def decibels(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Signal to difference, in dB."""
    ratio = wanted.double().square().sum() / (found.double() - wanted.double()).square().sum()
    return 10.0 * float(ratio.log10())


def test_four_small_kernels_double_and_convolve() -> None:
    torch.manual_seed(0)
    x, kernel = torch.randn(2, 3, 5, 7).double(), torch.randn(4, 3, 3, 3).double()
    bias = torch.randn(4).double()
    doubled = F.conv2d(F.interpolate(x, scale_factor=2.0), kernel, bias, padding=1)
    torch.testing.assert_close(_doubled(x, kernel, bias), F.leaky_relu(doubled, 0.2))


def test_plain_operations_sound_as_a_float64_chain_does(notes: GansynthTones) -> None:
    z, pitch = inputs()
    with torch.no_grad():
        image = notes.images(z, pitch)
        wanted = notes.spectrogram.audio(notes.normalizer.restore(image.double()))
        plain = PlainTones(notes)
        plain._image = lambda *_: image  # type: ignore[method-assign]
        assert decibels(plain(z, pitch), wanted) > 75.0


def test_the_whole_chain_sounds_as_the_usual_form(notes: GansynthTones) -> None:
    z, pitch = inputs()
    with torch.no_grad():
        assert decibels(PlainTones(notes)(z, pitch), notes(z, pitch)) > 60.0


def test_a_beginning_is_the_beginning_of_the_whole(notes: GansynthTones) -> None:
    z, pitch = inputs()
    whole, start = PlainTones(notes), PlainTones(notes, frames=2048)
    with torch.no_grad():
        assert (start(z, pitch) - whole(z, pitch)[:, :2048]).abs().max() <= 1e-6


@pytest.mark.parametrize("frames", [1, 2048, 5000])
def test_any_beginning_is_exact_at_full_channels(frames: int) -> None:
    torch.manual_seed(0)
    size = NetworkSize(feature_base=128, feature_limit=16)
    notes = GansynthTones(Generator(size)).eval().requires_grad_(False)
    z, pitch = inputs()
    whole, start = PlainTones(notes), PlainTones(notes, frames=frames)
    with torch.no_grad():
        found, wanted = start(z, pitch), whole(z, pitch)[:, :frames]
        assert (found - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@pytest.mark.parametrize("position", [0.0, 1.5, 4.0, 5.5])
def test_a_half_grown_model_is_blended(notes: GansynthTones, position: float) -> None:
    partial = GansynthTones(notes.generator, notes.normalizer, notes.spectrogram, position)
    z, pitch = inputs(1)
    with torch.no_grad():
        assert decibels(PlainTones(partial)(z, pitch), partial(z, pitch)) > 60.0
        start, whole = PlainTones(partial, frames=2048)(z, pitch), PlainTones(partial)(z, pitch)
        assert decibels(start, whole[:, :2048]) > 80.0


def test_a_beginning_needs_few_windows_of_every_size() -> None:
    assert rows_of_blocks(128, 2, 7, 6) == [2, 4, 8, 16, 32, 64, 128]
    assert rows_of_blocks(10, 2, 7, 6)[-1] == 10
    assert sum(rows_of_blocks(10, 2, 7, 6)) < 0.2 * 254


def test_the_golden_waves_come_out_of_the_plain_form(notes: GansynthTones) -> None:
    with np.load(GOLDEN / "tiny_expected.npz") as expected, torch.no_grad():
        z, pitch = torch.from_numpy(expected["z"][:2]), torch.from_numpy(expected["pitches"][:2])
        waves = PlainTones(notes)(z, pitch.long()).numpy()[:, ::4]
        assert np.abs(waves - expected["waves_notes01"]).max() < 6e-3
