"""The frame voice in training: it learns, resumes to the bit, and what it learned is opened."""

from dataclasses import asdict, replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from instrument.errors import FileError, SettingError
from instrument.music.pitch import pitch_to_hz
from training.data.audio.synthetic_tones import write_tones
from training.data.audio.tone_set import TRAIN, ToneSet
from training.frame_voice.config import TrainingConfig
from training.frame_voice.graphs import WholeTone, seeded_inputs
from training.frame_voice.render import play_like
from training.frame_voice.run import load_voice
from training.frame_voice.system import SYSTEM, FrameVoiceLearner
from training.metrics.audio.tone_measures import pitch_error_cents
from training.pictures.samples import NoteSamples
from training.trainer.average import mean_weights
from training.trainer.checkpoint import CHECKPOINT, read_checkpoint, write_checkpoint
from training.trainer.run_card import Length, read_run
from training.trainer.system import System
from training.trainer.trainer import Run, new_run, resumed_run

pytestmark = pytest.mark.slow

TINY = SYSTEM.recipes["tiny"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> ToneSet:
    return write_tones(tmp_path_factory.mktemp("tones"))


def system_of(training: TrainingConfig) -> System:  # type: ignore[type-arg]
    return replace(SYSTEM, recipes={"tiny": replace(TINY, training=training)})


def begin(tones: ToneSet, folder: Path, steps: int, training: TrainingConfig | None = None) -> Run:
    system = system_of(training or TINY.training)
    return new_run(system, "tiny", tones, Length(steps, 0.0, 1), folder, CPU)


def train(run: Run, stop_at: int = 10**9) -> Run:
    """Train, without the pictures: they take longer than a few steps."""
    run.learner.samples = lambda: NoteSamples({}, 48000)  # type: ignore[method-assign]
    run.run(lambda *_: None, lambda: run.card.step + 1 >= stop_at)
    return run


def voice_learner(run: Run) -> FrameVoiceLearner:
    assert isinstance(run.learner, FrameVoiceLearner)
    return run.learner


def leaves(content: object) -> list[object]:
    """Flatten nested dictionaries and lists."""
    if isinstance(content, dict):
        return [leaf for key in sorted(content, key=str) for leaf in leaves(content[key])]
    if isinstance(content, (list, tuple)):
        return [leaf for item in content for leaf in leaves(item)]
    return [content]


def assert_same(left: object, right: object) -> None:
    pairs = list(zip(leaves(left), leaves(right), strict=True))
    assert len(pairs) > 30
    for one, other in pairs:
        if isinstance(one, torch.Tensor):
            assert isinstance(other, torch.Tensor) and torch.equal(one, other)
        else:
            assert one == other


@pytest.mark.parametrize(
    ("training", "steps"),
    [
        (TINY.training, 16),
        (replace(TINY.training, batch_size=2, adversarial_from=0.25), 4),
    ],
    ids=["alone", "with critics"],
)
def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(
    training: TrainingConfig, steps: int, tones: ToneSet, tmp_path: Path
) -> None:
    train(begin(tones, tmp_path / "whole", steps, training))
    train(begin(tones, tmp_path / "cut", steps, training), stop_at=steps // 2 + 1)
    assert read_run(tmp_path / "cut")[0].step == steps // 2 + 1
    train(resumed_run(system_of(training), tones, tmp_path / "cut", CPU, None))
    (one, whole), (other, cut) = (read_run(tmp_path / name) for name in ("whole", "cut"))
    assert one.step == other.step == steps
    assert_same(whole, cut)


def test_critics_join_late_and_learn(tones: ToneSet, tmp_path: Path) -> None:
    training = replace(TINY.training, batch_size=2, adversarial_from=0.5)
    run = begin(tones, tmp_path, 4, training)
    before = run.learner.networks["critics"].state_dict()
    before = {name: weight.clone() for name, weight in before.items()}
    assert "critics" not in run._step()
    train(run, stop_at=1)
    assert all(torch.equal(before[n], w) for n, w in _critics(run).items())
    train(run)
    assert not all(torch.equal(before[n], w) for n, w in _critics(run).items())


def _critics(run: Run) -> dict[str, torch.Tensor]:
    return dict(run.learner.networks["critics"].state_dict())


def test_training_brings_the_voice_nearer_to_its_notes(tones: ToneSet, tmp_path: Path) -> None:
    run = begin(tones, tmp_path, 150)
    before = run.learner.validate()["distance"]
    train(run)
    assert run.learner.validate()["distance"] < 0.6 * before


def test_a_trained_voice_plays_the_pitch_of_its_notes(tones: ToneSet, tmp_path: Path) -> None:
    train(begin(tones, tmp_path, 20))
    voice, card = load_voice(tmp_path)
    assert (card.step, card.corpus) == (20, str(tones.path))
    assert [i.name for i in voice.instruments] == ["organ tone", "plucked tone", "reed tone"]
    phases, noise = (torch.from_numpy(a)[None] for a in seeded_inputs(0, 60, 200))
    one = torch.ones(1)
    inputs = (voice.latent_of[:1], 60.0 * one, one, 0.0 * one, phases, noise)
    audio, _ = WholeTone(voice, 200)(*inputs)
    assert abs(pitch_error_cents(audio[0].numpy(), pitch_to_hz(60))) < 0.5
    row = int(np.flatnonzero(tones.hold_frames > 0)[0])
    assert play_like(voice, tones, row).size == tones.frames[row]


def test_samples_are_hidden_tones_with_their_recordings(tones: ToneSet, tmp_path: Path) -> None:
    samples = begin(tones, tmp_path, 1).learner.samples()
    assert isinstance(samples, NoteSamples)
    assert {"organ tone 57", "organ tone 57 recorded"} <= set(samples)


def test_other_notes_than_the_runs_are_refused(tones: ToneSet, tmp_path: Path) -> None:
    train(begin(tones, tmp_path, 1))
    for other in (
        replace(tones, instruments=tones.instruments[:2]),
        replace(tones, scale=tones.scale * np.float32(1.01)),
    ):
        with pytest.raises(SettingError, match="another version of"):
            resumed_run(SYSTEM, other, tmp_path, CPU, None)


def write_as_version_0_1(run: Run, folder: Path) -> None:
    """Write what the loop of its own that the voice had in version 0.1 would have left."""
    learner = voice_learner(run)
    recipe = learner.config
    summary = {
        "voice": asdict(TINY.voice),
        "training": {**asdict(recipe), "minutes": 0.0, "seed": 1},
        "instruments": learner.tones.trained_instruments,
        "source": "formulas",
        "notice": "Public domain.",
        "notes_folder": "notes",
        "step": 20,
        "seconds": 3.5,
        "hardware": "test",
    }
    mean = mean_weights(learner.average.state_dict())
    state = {
        "voice": learner.voice.state_dict(),
        "average": {name: mean[name] for name, _ in learner.voice.named_parameters()},
        "optimiser": learner.optimizers["voice"].state_dict(),
        "torch_random": torch.get_rng_state(),
    }
    write_checkpoint(folder, SYSTEM.name, summary, state)


def test_a_run_of_version_0_1_is_opened_and_not_resumed(tones: ToneSet, tmp_path: Path) -> None:
    run = train(begin(tones, tmp_path / "now", 20))
    write_as_version_0_1(run, tmp_path / "then")
    (now, _), (then, card) = (load_voice(tmp_path / name) for name in ("now", "then"))
    assert_same(now.state_dict(), then.state_dict())
    assert now.instruments == then.instruments
    assert (card.step, card.corpus, card.length) == (20, "notes", Length(20, 0.0, 1))
    assert msgspec.convert(card.config, SYSTEM.config) == TINY
    with pytest.raises(FileError, match="of another version"):
        read_run(tmp_path / "then")


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="not a training run"):
        load_voice(tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(FileError, match=r"checkpoint\.pt is not a readable checkpoint"):
        load_voice(tmp_path)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (print, ("code ran",))

    torch.save({"format": 1, "summary": Harmful(), "state": {}}, tmp_path / CHECKPOINT)
    with pytest.raises(FileError, match="not a readable checkpoint"):
        read_checkpoint(tmp_path)


def test_levels_of_another_key_leave_the_frequency_alone(tones: ToneSet, tmp_path: Path) -> None:
    learner = voice_learner(begin(tones, tmp_path / "run", 1))
    crops = learner.crops.onsets(np.flatnonzero(tones.split == TRAIN)[:3])
    latent = learner.voice.latent_of[crops.instrument]

    def play(aside: float) -> np.ndarray:
        with torch.no_grad():
            return learner.render(learner.voice, crops, latent, torch.full((3,), aside)).numpy()

    usual, other = play(0.0), play(7.0)
    assert np.abs(usual - other).max() > 1e-3
    f0 = pitch_to_hz(crops.pitch.numpy() + crops.cents.numpy() / 100.0)
    for audio, hz in zip(other, f0, strict=True):
        assert abs(pitch_error_cents(audio, float(hz), 0.0)) < 1.0
