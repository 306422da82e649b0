import json
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

from instrument.cli.main import latentkeys
from instrument.errors import SettingError
from training.audio.format import WAVE_FRAMES
from training.audio.tiles import FLOOR_DB
from training.convgan.network import (
    DocumentGenerator,
    DocumentTileCritic,
    TileCritic,
    TileGenerator,
    TileSize,
)
from training.convgan.system import (
    SYSTEM,
    ConvganConfig,
    ConvganLearner,
    draw_tiles,
    load_sounds,
    networks_of,
)
from training.data.audio.wave_writer import RecordedTone, write_waves
from training.data.audio.waves import WaveSet, WaveSplit
from training.trainer.run_card import BEST, Length, read_run
from training.trainer.system import RunPosition
from training.trainer.trainer import new_run, resumed_run

CPU = torch.device("cpu")
TINY = SYSTEM.recipes["tiny"]
DOCUMENT = replace(SYSTEM.recipes["document"], batch=4, compared=16)


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> WaveSet:
    """Decaying tones, 10 to learn from, 3 to validate and 3 to test."""
    counts: dict[WaveSplit, int] = {"train": 10, "valid": 3, "test": 3}
    splits = [split for split, size in counts.items() for _ in range(size)]
    time = np.arange(WAVE_FRAMES) / 16000.0
    items = [
        RecordedTone(
            (0.6 * np.exp(-time) * np.sin(2.0 * np.pi * 110.0 * (n + 1) * time)).astype(np.float32),
            40 + n,
            100,
            "tone",
            split,
        )
        for n, split in enumerate(splits)
    ]
    folder = tmp_path_factory.mktemp("waves") / "tones"
    return write_waves(folder, items, name=str(folder), source="formulas", notice="").waves


def _moment(step: int) -> RunPosition:
    return RunPosition(step, 0.5, np.random.default_rng(step), 0, 1)


def _quiet(*_: object) -> None:
    pass


def _weights(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_documents_networks_have_the_documents_parameters() -> None:
    assert _weights(DocumentGenerator()) == 101 * 128 + (9 * 8 + 1) * 64 + 9 * 64 + 1
    assert _weights(DocumentTileCritic()) == (9 + 1) * 64 + 64 * 32 * 32 + 1


def test_our_networks_have_as_many_weights_as_their_sizes_say() -> None:
    size = TileSize(windows=16, bands=32, channels=4, channel_limit=8, doublings=3, latent=10)
    first, first_biases = 10 * 8 * 2 * 4, 8 * 2 * 4
    layers, biases = 16 * (8 * 8 + 8 * 4 + 4 * 1), 8 + 4 + 1
    assert _weights(TileGenerator(size)) == first + first_biases + layers + biases
    mixed, verdict = 9 * 9 * 8 + 8, 8 * 2 * 4 + 1
    assert _weights(TileCritic(size)) == layers + 4 + 8 + 8 + mixed + verdict


@torch.no_grad()
@pytest.mark.parametrize("config", [TINY, ConvganConfig(), DOCUMENT])
def test_what_the_generator_makes_fits_the_critic(config: ConvganConfig) -> None:
    torch.manual_seed(0)
    generator, critic = networks_of(config)
    tiles = generator(torch.randn(3, config.latent))
    assert tiles.shape == (3, 1, config.tiles.windows, config.tiles.bands)
    assert tiles.abs().max() <= 1.0
    assert tiles.std(dim=0).max() > 1e-3
    assert critic(tiles).shape == (3,)


@torch.no_grad()
def test_our_critic_sees_whether_a_batch_varies() -> None:
    torch.manual_seed(0)
    critic, tiles = TileCritic(TINY.size), torch.randn(2, 1, 16, 64)
    alone = critic(tiles[:1].expand(2, -1, -1, -1))[0]
    assert (alone - critic(tiles)[0]).abs() > 1e-5


def test_tiles_come_from_anywhere_in_a_splits_waves(waves: WaveSet) -> None:
    tiles = TINY.tiles
    levels, audio = draw_tiles(tiles, waves, "valid", 12, np.random.default_rng(0))
    assert levels.shape == (12, 1, 16, 64)
    assert audio.shape == (12, tiles.frames)
    sources = waves.audio(waves.rows("valid"))
    begins = set()
    for sound in audio:
        found = [
            int(at)
            for source in sources
            for at in np.flatnonzero(np.isclose(source, sound[0], atol=1e-9))
            if np.array_equal(source[at : at + tiles.frames], sound)
        ]
        assert len(found) == 1
        begins.add(found[0])
    assert len(begins) == 12


@pytest.mark.parametrize("config", [TINY, DOCUMENT])
def test_a_step_moves_both_networks_and_only_them(config: ConvganConfig, waves: WaveSet) -> None:
    torch.manual_seed(0)
    learner = ConvganLearner(config, waves, CPU)
    before = {
        name: [value.clone() for value in net.state_dict().values()]
        for name, net in learner.networks.items()
    }
    losses = learner.step(_moment(0))
    assert all(torch.isfinite(value) for value in losses.values())
    assert ("slope" in losses) == bool(config.slope_weight)
    moved = {
        name: any(
            not torch.equal(now, then)
            for now, then in zip(net.state_dict().values(), before[name], strict=True)
        )
        for name, net in learner.networks.items()
    }
    assert moved == {"generator": True, "critic": True, "average": True, "range": False}


def test_the_slope_is_the_critics_own_gradient(waves: WaveSet) -> None:
    torch.manual_seed(0)
    learner = ConvganLearner(TINY, waves, CPU)
    tiles = 0.1 * torch.randn(1, 1, 16, 64)
    step = torch.randn_like(tiles)
    step = step / step.norm()
    found = learner._slope(tiles).detach()
    with torch.no_grad():
        critic = learner.critic.double()
        ahead, behind = (critic((tiles + s * 1e-4 * step).double()) for s in (1.0, -1.0))
        along = float((ahead - behind) / 2e-4)
    critic.float()
    assert along**2 <= float(found) * 1.001
    live = tiles.clone().requires_grad_()
    torch.autograd.backward(learner.critic(live).sum())
    assert live.grad is not None
    torch.testing.assert_close(found, live.grad.square().sum())


def test_training_brings_tiles_nearer_to_the_waves(waves: WaveSet) -> None:
    config = replace(TINY, size=replace(TINY.size, channels=4), batch=8, compared=32)
    torch.manual_seed(0)
    learner = ConvganLearner(config, waves, CPU)
    before = learner.validate()
    for step in range(40):
        learner.step(_moment(step))
    assert learner.validate()["loss"] < 0.75 * before["loss"]


@pytest.mark.slow
def test_training_goes_on_to_the_bit(waves: WaveSet, tmp_path: Path) -> None:
    length = Length(4, 0.0, 1)
    new_run(SYSTEM, "tiny", waves, length, tmp_path / "whole", CPU).run(_quiet, lambda: False)
    asked = count()
    first = new_run(SYSTEM, "tiny", waves, length, tmp_path / "halves", CPU)
    assert not first.run(_quiet, lambda: next(asked) > 0)
    assert 0 < first.card.step < 4
    assert resumed_run(SYSTEM, waves, tmp_path / "halves", CPU, None).run(_quiet, lambda: False)
    whole, halves = (read_run(tmp_path / name)[1]["networks"] for name in ("whole", "halves"))
    for name in whole:
        for key, value in whole[name].items():
            assert torch.equal(value, halves[name][key]), (name, key)


def test_sounds_come_from_the_run_alone(waves: WaveSet, tmp_path: Path) -> None:
    run = new_run(SYSTEM, "tiny", waves, Length(2, 0.0, 1), tmp_path, CPU)
    assert run.run(_quiet, lambda: False)
    (tmp_path / BEST).unlink()
    card, sounds = load_sounds(tmp_path)
    assert card.corpus == waves.name
    assert isinstance(run.learner, ConvganLearner)
    levels = sounds.levels(3, seed=5)
    torch.testing.assert_close(levels, run.learner.sounds().levels(3, seed=5))
    assert torch.equal(levels[:2], sounds.levels(2, seed=5))
    assert levels.min() >= FLOOR_DB
    audio = sounds.audio(1, seed=5)
    assert audio.shape == (1, TINY.tiles.frames)
    assert np.isfinite(audio).all()


def test_a_set_without_a_split_is_refused(waves: WaveSet) -> None:
    with pytest.raises(SettingError, match="no valid waves"):
        ConvganLearner(TINY, replace(waves, splits=np.zeros_like(waves.splits)), CPU)


@pytest.mark.slow
def test_a_run_is_measured_and_generates_from_the_command_line(
    waves: WaveSet, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    new_run(SYSTEM, "tiny", waves, Length(2, 0.0, 1), folder, CPU).run(_quiet, lambda: False)
    shell = CliRunner()
    generate = ["generate", "convgan", str(folder)]
    made = shell.invoke(latentkeys, [*generate, "--count", "2"], catch_exceptions=False)
    assert made.exit_code == 0
    sound, rate_hz = soundfile.read(folder / "generated" / "sound 0001.wav", dtype="float32")
    assert rate_hz == 16000
    assert sound.shape == (TINY.tiles.frames,)
    assert (folder / "generated" / "samples.png").read_bytes()[1:4] == b"PNG"
    again = shell.invoke(latentkeys, generate)
    assert isinstance(again.exception, SettingError)
    evaluate = ["evaluate", "convgan", str(folder), "--count", "20"]
    measured = shell.invoke(latentkeys, evaluate, catch_exceptions=False)
    assert measured.exit_code == 0
    figures = json.loads((folder / "evaluation.json").read_text())["figures"]
    assert set(figures) == {"generated", "learned from, again", "never heard", "noise"}
    assert figures["learned from, again"]["shape_db"] < figures["noise"]["shape_db"]
