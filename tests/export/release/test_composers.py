"""Shipping many composers: sizes are watched, and later figures find their way onto the cards."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from export.release import composers as ship_composers
from export.release.composers import check_size, main, renew_figures
from instrument.bundle.bundle import Bundle
from instrument.errors import BundleError
from tests.helpers.models.tiny_composers import tiny_composer
from tests.helpers.models.tiny_model import tiny_bundle
from tests.helpers.music.corpora import scales
from training.systems import SYSTEMS
from training.trainer.checkpoint import write_checkpoint
from training.trainer.evaluation import EVALUATION
from training.trainer.run_card import Length, RunCard
from training.trainer.trainer import new_run

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_composer("tiny_attention"), tmp_path / "models" / "tiny"))


def run_of(folder: Path, **changes: Any) -> RunCard:
    """Write a checkpoint without weights, as only its card is read."""
    system, length = SYSTEMS["attention-lstm"], Length(2, 0.0, 1)
    run = new_run(system, "tiny", scales(), length, folder, torch.device("cpu"))
    card = dataclasses.replace(run.card, validation={"loss": 1.234567891}, **changes)
    write_checkpoint(folder, system.name, card, {})
    return card


def test_figures_found_later_are_put_on_the_card_and_nothing_else(
    folder: Path, tmp_path: Path
) -> None:
    before = Bundle.load(folder)
    run_of(tmp_path / "run")
    report = {"likelihoods": [{"name": "all notes", "value": 0.41234567}]}
    (tmp_path / "run" / EVALUATION).write_text(json.dumps(report))
    renew_figures(folder, tmp_path / "run")
    after = Bundle.load(folder)
    assert after.card.metrics["validation"] == {"loss": 1.23457}
    assert after.card.metrics["likelihoods"] == [{"name": "all notes", "value": 0.41235}]
    assert dataclasses.replace(after.music, metrics=before.card.metrics) == before.card


def test_figures_of_another_step_are_refused(folder: Path, tmp_path: Path) -> None:
    run_of(tmp_path / "run", step=99)
    with pytest.raises(BundleError, match=r"was exported at step 0, .* is at step 99"):
        renew_figures(folder, tmp_path / "run")


def test_composers_that_grow_too_large_are_refused_sounds_do_not_count(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_bundle(), folder.parent / "sound")
    check_size(folder.parent)
    size = sum(file.size_bytes for file in Bundle.load(folder).card.files.values())
    monkeypatch.setattr(ship_composers, "LARGEST_BYTES", size)
    check_size(folder.parent)
    monkeypatch.setattr(ship_composers, "LARGEST_BYTES", size - 1)
    with pytest.raises(BundleError, match="MB together, may have"):
        check_size(folder.parent)


def test_a_run_without_a_name_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [str(tmp_path), "runs/tunes"])
    assert result.exit_code == 2
    assert "must be NAME=RUN" in result.output
