"""Generators whose faults are known, and what the figures say of them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor

from instrument.errors import FileError, SettingError
from tests.helpers.sounds.tone_waves import tone, tone_waves
from training.data.audio.waves import WaveSet
from training.gansynth.evaluate import GansynthEvaluation, Known, Play, evaluate_player
from training.gansynth.report import draw_notes, print_evaluation, write_report
from training.metrics.audio.tone_samples import spread_rows
from training.pitch_classifier.file import FORMAT, About, read_classifier, write_classifier
from training.pitch_classifier.network import TINY, PitchClassifier
from training.pitch_classifier.system import PitchLearner
from training.trainer.system import RunPosition

PITCHES = range(30, 85, 9)
ABOUT = About(FORMAT, TINY, "tones", "0" * 64, "formulas", "free", 60, 1.0)


@pytest.fixture(scope="module")
def waves() -> WaveSet:
    return tone_waves(PITCHES, [0] * 9 + [1] + [2] * 4)


@pytest.fixture(scope="module")
def classifier(waves: WaveSet) -> PitchClassifier:
    torch.manual_seed(1)
    learner = PitchLearner(TINY, waves, torch.device("cpu"))
    for step in range(40):
        learner.step(RunPosition(step, step / 40, np.random.default_rng(step), 0, 1, step))
    return learner.network.eval()


def player(cents: float = 0.0, wrong: int = 0, *, is_collapsed: bool = False) -> Play:
    def play(z: Tensor, pitch: Tensor) -> Tensor:
        timbres = torch.ones_like(z[:, :6]) if is_collapsed else z[:, :6].abs() + 0.1
        notes = [
            tone(asked + wrong + cents / 100.0, timbre)
            for asked, timbre in zip(pitch.tolist(), timbres.tolist(), strict=True)
        ]
        return torch.from_numpy(np.stack(notes))

    return play


def measured(play: Play, waves: WaveSet, classifier: PitchClassifier) -> dict[str, list[float]]:
    """Return (generated, data) by the figure's name."""
    evaluation = evaluate_player(play, 16, waves, classifier, count=4 * 61)
    return {
        figure.name: [figure.values[whose].value for whose in ("random latents", "data")]
        for figure in evaluation.figures
    }


@pytest.mark.slow
def test_good_notes_are_as_good_as_the_data(waves: WaveSet, classifier: PitchClassifier) -> None:
    found = measured(player(cents=7.0), waves, classifier)
    generated, data = found["pitch accuracy %"]
    assert data == 100.0
    assert generated > 70.0  # the tiny classifier knows ten timbres
    assert 1.0 < found["Inception score"][0] <= len(PITCHES)
    assert found["cents, median"] == pytest.approx([7.0, 0.0], abs=0.2)
    assert found["unpitched %"] == [0.0, 0.0]
    generated, data = found["diversity, dB"]
    assert generated == pytest.approx(data, rel=0.5)


@pytest.mark.slow
def test_a_collapsed_generator_has_no_diversity(
    waves: WaveSet, classifier: PitchClassifier
) -> None:
    found = measured(player(is_collapsed=True), waves, classifier)
    generated, data = found["diversity, dB"]
    assert generated == pytest.approx(0.0, abs=1e-3)
    assert data > 1.0
    assert found["NDB of 50"][0] > found["NDB of 50"][1]


@pytest.mark.slow
def test_wrong_notes_have_neither_accuracy_nor_a_pitch(
    waves: WaveSet, classifier: PitchClassifier
) -> None:
    found = measured(player(wrong=-9), waves, classifier)
    assert found["pitch accuracy %"][0] < 30.0
    assert found["unpitched %"][0] > 90.0


@pytest.mark.slow
def test_known_latents_play_their_own_instruments(
    waves: WaveSet, classifier: PitchClassifier
) -> None:
    places = np.arange(len(waves))
    mixed = replace(waves, splits=np.where(places % 5 == 0, 2, 0).astype(np.uint8))
    known = Known(waves.label_names[:12], np.ones((12, 16), np.float32))
    evaluation = evaluate_player(player(), 16, mixed, classifier, 2 * 61, known=known)
    distance = evaluation.figures[-1]
    assert distance.name == "distance to the recording, dB"
    assert list(distance.values) == ["known latents"]
    assert evaluation.count == 2 * len(PITCHES)


def test_a_wave_set_with_too_few_notes_is_refused(classifier: PitchClassifier) -> None:
    with pytest.raises(SettingError, match="has no test notes"):
        evaluate_player(player(), 16, tone_waves([60], [0]), classifier)
    with pytest.raises(SettingError, match="training notes to compare"):
        evaluate_player(player(), 16, tone_waves([60], [0, 2]), classifier)


@pytest.mark.slow
def test_the_report_has_every_figure_for_people_and_machines(
    waves: WaveSet, classifier: PitchClassifier, tmp_path: Path
) -> None:
    evaluation = evaluate_player(player(), 16, waves, classifier, 2 * 61)
    console = Console(width=120, record=True, quiet=False, file=(tmp_path / "shown").open("w"))
    print_evaluation(console, evaluation, ABOUT)
    console.file.close()
    shown = (tmp_path / "shown").read_text()
    assert all(figure.name in shown for figure in evaluation.figures)
    write_report(tmp_path / "evaluation.json", evaluation, ABOUT, 7)
    report = json.loads((tmp_path / "evaluation.json").read_text())
    assert report["step"] == 7
    assert report["figures"][0]["values"]["data"]["value"] == 100.0
    assert set(report["registers"]) == {"24", "36", "48", "60", "72"}
    assert isinstance(evaluation, GansynthEvaluation)


@pytest.mark.slow
def test_pictures_are_drawn_of_generated_and_recorded_notes(waves: WaveSet, tmp_path: Path) -> None:
    written = draw_notes(player(), 16, waves, None, tmp_path)
    assert [path.name for path in written] == ["random_latents.png", "recordings.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


def test_rows_are_spread_over_the_pitches(waves: WaveSet) -> None:
    rows = spread_rows(waves, "train", 3 * 61)
    assert sorted(waves.pitches[rows].tolist()) == sorted(3 * list(PITCHES))
    assert len(np.unique(rows)) == len(rows)


def test_a_classifier_in_a_file_judges_alike(classifier: PitchClassifier, tmp_path: Path) -> None:
    path = tmp_path / "judge.npz"
    write_classifier(path, classifier, ABOUT)
    again, about = read_classifier(path)
    assert about == ABOUT
    notes = torch.from_numpy(np.stack([tone(60, [1.0, 0.5]), tone(40, [1.0, 0.2])]))
    with torch.inference_mode():
        assert torch.allclose(again(notes)[0], classifier(notes)[0], atol=0.05)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 half an archive"])
def test_what_is_no_classifier_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "judge.npz"
    with pytest.raises(FileError, match="no pitch classifier at"):
        read_classifier(path)
    path.write_bytes(content)
    with pytest.raises(FileError, match="is no pitch classifier"):
        read_classifier(path)
