"""What a card says about a run."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from export.frame_voice.card import describe, fit_prior, read_metrics
from instrument.bundle.card import Licence
from instrument.errors import FileError
from tests.helpers.models.tiny_model import tiny_run
from training.frame_voice.figures import Gate, VoiceReport
from training.frame_voice.report import write_report
from training.frame_voice.run import load_voice


def test_an_evaluations_figures_come_with_their_date_and_step(tmp_path: Path) -> None:
    gates = (
        Gate("LSD, held out", 1.23456, 1.5),
        Gate("wobble ratio", 0.4, 0.5, is_upper=False),
        Gate("cents, p95", float("nan"), 2.5),
    )
    report = VoiceReport("2026-01-02", 70, 1.0, (), (), (), {}, (), gates)
    write_report(tmp_path / "evaluation.json", report)
    assert read_metrics(tmp_path) == {
        "date": "2026-01-02",
        "step": 70,
        "held_out_notes": 0,
        "figures": {
            "LSD, held out": {"value": 1.2346, "limit": 1.5, "is_kept": True},
            "wobble ratio": {"value": 0.4, "limit": 0.5, "is_kept": False},
            "cents, p95": {"value": None, "limit": 2.5, "is_kept": False},
        },
    }


def test_a_run_without_an_evaluation_claims_no_figures(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == {}


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"date": "x", "step": None})])
def test_a_file_that_is_no_evaluation_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "evaluation.json").write_text(content)
    with pytest.raises(FileError, match=r"evaluation\.json: is no evaluation"):
        read_metrics(tmp_path)


def test_the_prior_has_the_latents_mean_and_nearly_their_spread() -> None:
    random = np.random.default_rng(0)
    latents = random.standard_normal((5000, 3)) @ np.array([[2, 1, 0], [0, 1, 0], [0, 0, 0.1]])
    prior = fit_prior(latents)
    factor = np.array(prior.factor)
    assert prior.mean == pytest.approx((0, 0, 0), abs=0.1)
    assert np.diag(factor @ factor.T) == pytest.approx((4, 2, 0.01), rel=0.1)
    assert (factor @ factor.T)[0, 1] == pytest.approx(0.8 * 2, rel=0.1)  # shrunk by a fifth


def test_a_set_of_many_sources_still_has_a_card() -> None:
    voice, run = load_voice(tiny_run())
    many = replace(run, source=", ".join(f"folder {number}" for number in range(99)), notice="free")
    card = describe(voice, many, {}, {}, {}, name="many", version="1")
    assert msgspec.convert(msgspec.to_builtins(card.licence), Licence) == card.licence
    assert card.licence.data.startswith("folder 0, folder 1") and "LICENSE" in card.licence.data


def test_one_instrument_alone_has_a_prior_too() -> None:
    prior = fit_prior(np.ones((1, 4)))
    assert prior.mean == (1, 1, 1, 1)
    assert np.all(np.isfinite(prior.factor))
