"""A bundle of the small convolutional GAN, from a run to keys that are in tune."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from export.convgan.write import LARGEST_DB
from instrument.bundle.bundle import Bundle
from instrument.cli.main import latentkeys
from instrument.latents.latent import draw
from instrument.music.yin import estimate_pitch
from instrument.rendering.convgan import PITCH_RANGE, ConvganRenderer, TileSound
from instrument.rendering.loudness import LEVEL, strongest_rms
from instrument.rendering.open_renderer import open_renderer, self_test
from instrument.rendering.sustained_tones import whole_tones
from training.audio.format import WAVE_FRAMES
from training.audio.tiles import Tiles
from training.convgan.network import TileSize
from training.convgan.system import SYSTEM
from training.data.audio.wave_writer import RecordedTone, write_waves
from training.data.audio.waves import WaveSet, WaveSplit
from training.trainer.run_card import Length
from training.trainer.trainer import new_run

SMALL = TileSize(windows=32, bands=64, channels=2, doublings=3, latent=8)


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> WaveSet:
    """Tones of three partials on eight keys."""
    counts: dict[WaveSplit, int] = {"train": 6, "valid": 1, "test": 1}
    splits = [split for split, size in counts.items() for _ in range(size)]
    time = np.arange(WAVE_FRAMES) / 16000.0
    items = []
    for number, split in enumerate(splits):
        hz = 220.0 * 2.0 ** (number / 12.0)
        tone = sum(np.sin(2 * np.pi * partial * hz * time) / partial for partial in (1, 2, 3))
        wave = (0.3 * np.exp(-time) * tone).astype(np.float32)
        items.append(RecordedTone(wave, 57 + number, 100, "tone", split))
    folder = tmp_path_factory.mktemp("waves") / "tones"
    return write_waves(folder, items, name=str(folder), source="formulas", notice="").waves


@pytest.fixture(scope="module", params=["tiny", "document"])
def bundle(
    request: pytest.FixtureRequest, waves: WaveSet, tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    folder = tmp_path_factory.mktemp(request.param)
    recipe = SYSTEM.recipes[request.param]
    recipe = replace(recipe, size=SMALL, batch=4, compared=8)
    system = replace(SYSTEM, recipes={request.param: recipe})
    length = Length(3, 0.0, 1)
    new_run(system, request.param, waves, length, folder / "run", torch.device("cpu")).run(
        lambda *_: None, lambda: False
    )
    said = CliRunner().invoke(
        latentkeys,
        ["export", str(folder / "run"), "--name", "tiles", "--out", str(folder)],
        catch_exceptions=False,
    )
    assert said.exit_code == 0 and "self-test good" in said.output
    return Bundle.load(folder / "tiles")


@pytest.mark.slow
def test_a_run_becomes_a_voice_whose_card_says_what_it_is(bundle: Bundle) -> None:
    card = bundle.sound
    assert (card.kind, card.pitch_range, card.latents) == ("convgan", PITCH_RANGE, {})
    assert "knows no keys" in card.description and "after 3 steps" in card.description
    assert card.parity["tile_1"] < LARGEST_DB and card.parity["sound_apart_db"] < 0.1
    assert card.training["system"] == "convgan" and card.licence.weights.startswith("undecided")
    assert self_test(bundle, open_renderer(bundle, device="cpu")) < 1e-6


@pytest.mark.slow
def test_keys_are_level_and_lead_to_held_tones(bundle: Bundle) -> None:
    renderer = open_renderer(bundle, device="cpu")
    latent = np.asarray(draw(bundle.sound, 4), np.float32)
    tones = renderer.render([48, 60, 72], [latent] * 3)
    assert tones.shape == (3, renderer.info.longest_frames)
    np.testing.assert_allclose(strongest_rms(tones, 16_000), LEVEL, rtol=1e-3)
    np.testing.assert_array_equal(tones, renderer.render([48, 60, 72], [latent] * 3))
    shorter = renderer.render([60], [latent], frames=500)
    np.testing.assert_array_equal(shorter[0], tones[1, :500])
    for (tone,) in whole_tones(
        renderer,
        [21, 60, 108],
        np.tile(latent, (3, 1, 1)),
        rate_hz=48_000,
        frames=96_000,
        goes_on_evenly=True,
    ):
        assert np.isfinite(tone.samples).all() and tone.samples.any()


def sine_levels(tiles: Tiles, pitch: float) -> np.ndarray:
    """Draw a tile of three partials."""
    hz = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    time = np.arange(tiles.frames + 2 * tiles.margin_frames) / tiles.rate_hz
    tone = 0.3 * sum(np.sin(2 * np.pi * partial * hz * time) / partial for partial in (1, 2, 3))
    levels = tiles.levels(torch.from_numpy(tone).float()[None])
    return np.asarray(levels[0, 0].numpy(), np.float64)


@pytest.mark.parametrize("pitch", [50.4, 60.0, 67.7, 81.0])
def test_the_players_way_to_sound_is_torchs(pitch: float) -> None:
    tiles = Tiles()
    levels = sine_levels(tiles, pitch)
    here = TileSound(tiles.windows, tiles.bands, tiles.window_frames, tiles.hop_frames)
    found = here.audio(levels, seed=3)
    expected = tiles.audio(torch.from_numpy(levels).float()[None, None], seed=3)[0].numpy()
    assert found.shape == expected.shape
    # The search is the same, but rounding grows in it: spectra agree, samples need not.
    drawn, wanted = (np.abs(np.fft.rfft(wave)) / np.linalg.norm(wave) for wave in (found, expected))
    assert float(drawn @ wanted / (np.linalg.norm(drawn) * np.linalg.norm(wanted))) > 0.98


class OneTile:
    """Stands where a generator's graph stands; gives one tile whatever is asked."""

    provider = "cpu"

    def __init__(self, levels: np.ndarray) -> None:
        self.levels = levels.astype(np.float32)[None]

    def run(self, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"levels": self.levels}


@pytest.mark.slow
@pytest.mark.parametrize("pitch", [43.3, 57.0, 60.4, 70.2])
def test_a_tile_is_tuned_to_the_key(bundle: Bundle, pitch: float) -> None:
    renderer = open_renderer(bundle, device="cpu")
    assert isinstance(renderer, ConvganRenderer)
    tiles = Tiles()
    renderer._tiles = TileSound(tiles.windows, tiles.bands, tiles.window_frames, tiles.hop_frames)
    renderer._graph = OneTile(sine_levels(tiles, pitch))  # type: ignore[assignment]
    latent = np.zeros(bundle.sound.latent_size, np.float32)
    for key in (48, 60, 67):
        tone = renderer.render([key], [latent])[0]
        off = estimate_pitch(tone) - key
        assert abs(off - 12.0 * round(off / 12.0)) < 0.15
        if 54 <= pitch <= 66:
            assert abs(off) < 0.15
