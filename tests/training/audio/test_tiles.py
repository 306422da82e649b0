import numpy as np
import pytest
import torch
from scipy.signal import stft

from training.audio.tiles import FLOOR_DB, TileRange, Tiles, _bands

SMALL = Tiles(windows=16, bands=64, window_frames=1024, hop_frames=256)


def _tone(hz: float, level: float = 0.5, tiles: Tiles = SMALL) -> torch.Tensor:
    time = torch.arange(tiles.frames + 2 * tiles.margin_frames, dtype=torch.float64)
    return (level * torch.sin(2.0 * torch.pi * hz / tiles.rate_hz * time)).float()[None]


def _within(audio: torch.Tensor, tiles: Tiles = SMALL) -> torch.Tensor:
    return torch.nn.functional.pad(audio, (tiles.margin_frames, tiles.margin_frames))


def test_a_tile_lasts_two_seconds() -> None:
    tiles = Tiles()
    assert tiles.frames / tiles.rate_hz == pytest.approx(2.0, abs=0.05)
    audio = torch.zeros(3, tiles.frames + 2 * tiles.margin_frames)
    levels = tiles.levels(audio)
    assert levels.shape == (3, 1, 64, 128)
    assert (levels == FLOOR_DB).all()


def test_a_sine_at_full_scale_is_0_db_at_its_own_band() -> None:
    edges = 700.0 * np.expm1(np.linspace(0.0, 1127.0 * np.log1p(8000.0 / 700.0), 66) / 1127.0)
    levels = SMALL.levels(_tone(float(edges[41]), level=1.0))[0, 0]
    assert (levels.argmax(dim=1) == 40).all()
    # The Hann window shares a line's power with its neighbours: a sum, so a little more than 0 dB.
    assert levels.amax(dim=1).numpy() == pytest.approx(np.full(16, 0.9), abs=1.0)
    assert levels[:, :30].max() < -60.0


def test_levels_are_scipys_spectrum_on_the_bands() -> None:
    torch.manual_seed(0)
    audio = 0.1 * torch.randn(1, SMALL.frames + 2 * SMALL.margin_frames)
    _, _, spectrum = stft(
        audio[0].double().numpy(), nperseg=1024, noverlap=768, boundary=None, padded=False
    )
    power = np.abs(2.0 * spectrum.T) ** 2  # scipy's full scale is half of a sine's
    expected = 10.0 * np.log10(power @ _bands(64, 1024, 16000).double().numpy())
    np.testing.assert_allclose(SMALL.levels(audio)[0, 0].numpy(), expected, atol=1e-3)


def test_every_bin_between_the_outer_bands_counts_once() -> None:
    bands = _bands(128, 2048, 16000)
    assert (bands.sum(dim=0) > 0.0).all()
    first, last = bands[:, 0].argmax(), bands[:, -1].argmax()
    total = bands.sum(dim=1)[first : last + 1]
    torch.testing.assert_close(total[1:-1], torch.ones_like(total)[1:-1])


@pytest.mark.parametrize("hz", [220.0, 1000.0])
def test_a_tone_comes_back_from_its_tile_with_its_frequency_and_level(hz: float) -> None:
    levels = SMALL.levels(_tone(hz))
    audio = SMALL.audio(levels)
    assert audio.shape == (1, SMALL.frames)
    spectrum = torch.fft.rfft(audio[0] * torch.hann_window(SMALL.frames))
    found = float(spectrum.abs().argmax()) * SMALL.rate_hz / SMALL.frames
    assert found == pytest.approx(hz, abs=SMALL.rate_hz / SMALL.window_frames)
    middle = audio[0, SMALL.frames // 4 : -SMALL.frames // 4]
    assert middle.square().mean().sqrt() == pytest.approx(0.5 / np.sqrt(2.0), rel=0.15)
    again = SMALL.levels(_within(audio))[0, 0, 4:-4]
    loud = levels[0, 0, 4:-4] > -30.0
    assert (again - levels[0, 0, 4:-4])[loud].abs().max() < 3.0


def test_the_same_seed_finds_the_same_sound() -> None:
    levels = SMALL.levels(_tone(330.0))
    assert torch.equal(SMALL.audio(levels, seed=3), SMALL.audio(levels, seed=3))
    assert not torch.equal(SMALL.audio(levels, seed=3), SMALL.audio(levels, seed=4))


def test_a_tile_sounds_the_same_among_few_and_many() -> None:
    levels = SMALL.levels(_tone(330.0)).expand(20, -1, -1, -1)
    few, many = SMALL.audio(levels[:3]), SMALL.audio(levels)
    torch.testing.assert_close(many[:3], few, atol=1e-5, rtol=0.0)


def test_silence_stays_silent_and_sounds_begin_and_end_at_nothing() -> None:
    assert SMALL.audio(torch.full((1, 1, 16, 64), FLOOR_DB)).abs().max() < 1e-4
    audio = SMALL.audio(SMALL.levels(_tone(440.0)))
    assert audio[0, 0] == 0.0
    assert audio[0, -1] == 0.0


def test_the_range_is_the_datas_and_levels_come_back() -> None:
    torch.manual_seed(0)
    levels = torch.linspace(-70.0, -10.0, 10001)[torch.randperm(10001)].view(1, 1, 73, 137)
    scale = TileRange()
    scale.measure(levels)
    assert float(scale.low) == pytest.approx(-70.0 + 0.02 * 60.0, abs=0.01)
    assert float(scale.high) == pytest.approx(-10.0 - 0.001 * 60.0, abs=0.01)
    normal = scale.normalise(levels)
    assert normal.min() == -1.0
    assert normal.max() == 1.0
    inside = (normal > -0.98) & (normal < 1.0)
    torch.testing.assert_close(scale.restore(normal)[inside], levels[inside])
    assert float(scale.restore(torch.tensor(-1.0))) == FLOOR_DB


def test_a_range_is_saved_with_its_weights_and_silence_has_one_too() -> None:
    scale, other = TileRange(), TileRange()
    scale.measure(torch.full((1, 1, 8, 8), -30.0))
    assert scale.high - scale.low == 1.0
    other.load_state_dict(scale.state_dict())
    assert float(other.low) == -30.0
