"""The trainer: it learns, resumes to the bit, stops safely, and says what is wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from instrument.errors import FileError, SettingError
from instrument.music.pitch import pitch_to_hz
from training.data.audio.synthetic_tones import write_tones
from training.data.audio.tone_set import ToneSet
from training.frame_voice.config import RECIPES, TrainingConfig
from training.frame_voice.model import WholeTone, seeded_inputs
from training.frame_voice.render import play_like
from training.frame_voice.run import load_checkpoint, load_voice
from training.frame_voice.train import Progress, Trainer
from training.metrics.audio.tone_measures import pitch_error_cents
from training.trainer.checkpoint import CHECKPOINT

TINY = RECIPES["tiny"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> ToneSet:
    return write_tones(tmp_path_factory.mktemp("tones"))


def train(
    notes: ToneSet, folder: Path, config: TrainingConfig, resume: bool = False, stop_at: int = -1
) -> Trainer:
    trainer = Trainer(notes, folder, TINY.voice, config, CPU, resume)
    trainer.run(lambda _: None, lambda: trainer.step == stop_at)
    return trainer


def leaves(content: object) -> list[object]:
    """Flatten nested dictionaries and lists."""
    if isinstance(content, dict):
        return [leaf for key in sorted(content, key=str) for leaf in leaves(content[key])]
    if isinstance(content, (list, tuple)):
        return [leaf for item in content for leaf in leaves(item)]
    return [content]


def assert_same(left: object, right: object) -> None:
    pairs = list(zip(leaves(left), leaves(right), strict=True))
    assert len(pairs) > 50
    for one, other in pairs:
        if isinstance(one, torch.Tensor):
            assert torch.equal(one, other)
        else:
            assert one == other


def test_a_resumed_run_equals_an_uninterrupted_one_to_the_bit(
    tones: ToneSet, tmp_path: Path
) -> None:
    config = replace(TINY.training, steps=16)
    train(tones, tmp_path / "whole", config)
    train(tones, tmp_path / "cut", config, stop_at=7)
    assert load_checkpoint(tmp_path / "cut")[0].step == 7
    train(tones, tmp_path / "cut", config, resume=True)
    (one, whole), (other, cut) = (load_checkpoint(tmp_path / name) for name in ("whole", "cut"))
    assert one.step == other.step == 16
    assert_same(whole, cut)


def test_the_adversarial_stage_resumes_to_the_bit_too(tones: ToneSet, tmp_path: Path) -> None:
    config = replace(TINY.training, steps=4, batch_size=2, adversarial_from=0.25)
    train(tones, tmp_path / "whole", config)
    train(tones, tmp_path / "cut", config, stop_at=3)
    train(tones, tmp_path / "cut", config, resume=True)
    whole, cut = (load_checkpoint(tmp_path / name)[1] for name in ("whole", "cut"))
    assert_same(whole, cut)
    start = Trainer(tones, tmp_path / "new", TINY.voice, config, CPU, resume=False)
    assert start.critics is not None
    before = start.critics.state_dict()["adversary"]
    assert any(
        not torch.equal(before[name], whole["critics"]["adversary"][name]) for name in before
    )


def test_training_brings_the_voice_nearer_to_its_notes(tones: ToneSet, tmp_path: Path) -> None:
    trainer = Trainer(
        tones, tmp_path, TINY.voice, replace(TINY.training, steps=150), CPU, resume=False
    )
    before = trainer.check()
    trainer.run(lambda _: None, lambda: False)
    assert trainer.check() < 0.6 * before


def test_a_trained_voice_plays_the_pitch_of_its_notes(tones: ToneSet, tmp_path: Path) -> None:
    train(tones, tmp_path, TINY.training)
    voice, summary = load_voice(tmp_path)
    assert [i.name for i in summary.instruments] == ["organ tone", "plucked tone", "reed tone"]
    phases, noise = (torch.from_numpy(a)[None] for a in seeded_inputs(0, 60, 200))
    one = torch.ones(1)
    inputs = (voice.latent_of[:1], 60.0 * one, one, 0.0 * one, phases, noise)
    audio, _ = WholeTone(voice, 200)(*inputs)
    assert abs(pitch_error_cents(audio[0].numpy(), pitch_to_hz(60))) < 0.5
    row = int(np.flatnonzero(tones.hold_frames > 0)[0])
    assert play_like(voice, tones, row).size == tones.frames[row]


def test_progress_is_reported_and_ends_at_one(tones: ToneSet, tmp_path: Path) -> None:
    seen: list[Progress] = []
    Trainer(tones, tmp_path, TINY.voice, TINY.training, CPU, resume=False).run(
        seen.append, lambda: False
    )
    assert seen[-1].step == 20
    assert seen[-1].fraction == 1.0
    assert np.isfinite(seen[-1].loss)
    assert any((tmp_path / "tensorboard").iterdir())


def test_a_time_limit_ends_the_run_whatever_its_steps(tones: ToneSet, tmp_path: Path) -> None:
    config = replace(TINY.training, steps=10**9, minutes=0.02)
    trainer = train(tones, tmp_path, config)
    assert trainer.fraction == 1.0
    assert 1 < trainer.step < 10**4


def test_other_notes_than_the_runs_are_refused(tones: ToneSet, tmp_path: Path) -> None:
    train(tones, tmp_path, replace(TINY.training, steps=1))
    other = replace(tones, instruments=tones.instruments[:2])
    with pytest.raises(SettingError, match="3 other instruments"):
        Trainer(other, tmp_path, TINY.voice, TINY.training, CPU, resume=True)


def test_divergence_stops_the_run_and_keeps_its_checkpoint(tones: ToneSet, tmp_path: Path) -> None:
    train(tones, tmp_path, replace(TINY.training, steps=2))
    trainer = Trainer(tones, tmp_path, TINY.voice, TINY.training, CPU, resume=True)
    trainer.change_length(10, 0.0)
    with torch.no_grad():
        trainer.parameters[0].fill_(float("nan"))
    with pytest.raises(SettingError, match="diverged"):
        trainer.run(lambda _: None, lambda: False)
    assert load_checkpoint(tmp_path)[0].step == 2


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="not a training run"):
        load_checkpoint(tmp_path)
    (tmp_path / CHECKPOINT).write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(FileError, match=r"checkpoint\.pt is not a readable checkpoint"):
        load_checkpoint(tmp_path)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (print, ("code ran",))

    torch.save({"format": 1, "summary": Harmful(), "state": {}}, tmp_path / CHECKPOINT)
    with pytest.raises(FileError, match="not a readable checkpoint"):
        load_checkpoint(tmp_path)
