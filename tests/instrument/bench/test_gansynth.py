"""``latentkeys bench gansynth`` measures what it says, and never calls a missing figure a pass."""

import pytest

from instrument.bench import gansynth
from instrument.bench.harness import Verdict
from instrument.bench.report import Report
from instrument.bundle.bundle import Bundle
from instrument.errors import EngineError
from tests.helpers.models.tiny_gansynth import tiny_gansynth


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(tiny_gansynth())


@pytest.mark.slow
def test_a_note_is_timed_beside_torch_and_its_beginning_beside_both(bundle: Bundle) -> None:
    report = Report("gansynth")
    note, beside_note, beside_torch = gansynth._note_rows(report, bundle, rounds=1)
    assert report.facts["torch"].startswith("2.")
    assert note.peer_name == beside_torch.peer_name == "torch eager's note"
    assert beside_note.peer == note.ours
    assert beside_note.ours == beside_torch.ours
    assert 0 < (beside_note.ratio or 0) < 1
    assert None not in (note.ratio, beside_torch.ratio)


@pytest.mark.slow
def test_a_bank_is_all_keys_that_the_model_knows(bundle: Bundle) -> None:
    pitches, latents = gansynth._keyboard(bundle)
    assert pitches == list(range(24, 85))
    assert latents.shape == (61, 256)


@pytest.mark.slow
def test_a_keyboard_that_no_gpu_renders_is_not_measured(bundle: Bundle) -> None:
    report = Report("gansynth")  # the tiny bundle has no graph of 61 notes
    report.rows += gansynth._gpu_rows(report, bundle)
    assert len(report.rows) == 3
    assert {row.verdict for row in report.judged()} == {Verdict.NOT_MEASURED}


def test_a_model_that_is_missing_is_named() -> None:
    with pytest.raises(EngineError, match="no model 'tinny'"):
        gansynth.bench_gansynth(model="tinny")
