"""Evaluations of learners whose figures are known."""

from collections.abc import Sequence
from io import StringIO

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from instrument.music.note import Phrase
from tests.helpers.music.corpora import scales
from training.data.symbolic.corpus import Corpus, Piece
from training.metrics.symbolic import ngram_baseline
from training.metrics.symbolic.evaluate import (
    evaluate_composer,
    merged,
    print_evaluation,
)
from training.metrics.symbolic.ngram_baseline import Baseline, count_baseline, open_baseline


class Parrot:
    """Plays a training piece; pays one nat for every note, and half as much after a prompt."""

    def __init__(self, corpus: Corpus) -> None:
        self.phrase = corpus.split("train")[0].phrase()

    def nll(self, pieces: Sequence[Piece]) -> dict[str, NDArray[np.float64]]:
        notes = np.array([float(len(piece.pitch)) for piece in pieces])
        return {"shift": 0.25 * notes, "pitch": 0.5 * notes, "duration": 0.25 * notes,
                "velocity": 9.0 * notes, "notes": notes}  # fmt: skip

    def prompted_nll(
        self, pieces: Sequence[Piece], prompt_bars: float = 2.0
    ) -> dict[str, dict[str, NDArray[np.float64]]]:
        whole = self.nll(pieces)
        half = {name: nats / 2 for name, nats in whole.items()} | {"notes": whole["notes"]}
        return {"prompted": half, "unprompted": whole}

    def generate(self, count: int, seed: int, prompt: Phrase | None = None) -> list[Phrase]:
        own = prompt.followed_by(self.phrase) if prompt else self.phrase
        return [own] * count


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return scales(per_split=3)


@pytest.fixture(scope="module")
def baseline(corpus: Corpus) -> Baseline:
    return count_baseline(corpus)


def test_the_baseline_knows_scales(baseline: Baseline) -> None:
    found = {name: nats.mean().value for name, nats in baseline.likelihoods.items()}
    # Three scales were learned: what follows is nearly certain, but for the first note of each.
    assert 0.0 < found["note"] < 2.0
    parts = found["shift"] + found["pitch"] + found["duration"]
    assert parts == pytest.approx(found["note"])
    assert found["prompted"] < found["unprompted"]
    assert len(baseline.phrases) == 40 and len(baseline.continued) == 3


def test_a_learner_is_measured_beside_the_baseline(corpus: Corpus, baseline: Baseline) -> None:
    found = evaluate_composer(Parrot(corpus), corpus, baseline, count=4)
    rows = {row.name: row for row in found.likelihoods}
    assert rows["note"].network.value == pytest.approx(1.0)  # velocities are left out
    assert rows["velocity"].network.value == 9.0 and rows["velocity"].baseline is None
    counted = rows["note"].baseline
    assert counted and counted.value == baseline.likelihoods["note"].mean().value
    prompted = next(row for name, row in rows.items() if ", prompted" in name)
    assert prompted.network.value == pytest.approx(0.5)
    assert found.comparison and found.comparison.copies["generated"].median == 16
    assert found.comparison.seams["generated"].overlap.count == 3


def test_a_learner_without_likelihood_is_compared_alone(corpus: Corpus) -> None:
    class Player:
        def generate(self, count: int, seed: int) -> list[Phrase]:
            return Parrot(corpus).generate(count, seed)

    found = evaluate_composer(Player(), corpus, None, count=3)
    assert found.likelihoods == () and found.comparison and not found.comparison.seams


def test_voices_in_one_track_are_compared_with_voices_in_one_track() -> None:
    corpus = scales(voices=2, per_split=3)

    class Player:
        def generate(self, count: int, seed: int) -> list[Phrase]:
            return [merged(corpus.split("train")[0].phrase())] * count

    found = evaluate_composer(Player(), corpus, None, count=3).comparison
    assert found and found.copies["generated"] == found.copies["data"]
    assert found.copies["data"].longest == 32
    tones = next(row for row in found.rows if row.name.startswith("repetitions"))
    assert tones.generated.value == tones.data.value


def test_tables_and_json_hold_the_figures(corpus: Corpus, baseline: Baseline) -> None:
    found = evaluate_composer(Parrot(corpus), corpus, baseline, count=3)
    console = Console(width=120, record=True, file=StringIO())
    print_evaluation(console, found)
    text = console.export_text()
    assert "note after 2 bars, prompted" in text and "scale consistency" in text
    plain = msgspec.to_builtins(found)
    assert plain["likelihoods"][0]["network"]["value"] == 0.25


def test_a_baseline_is_counted_once(
    corpus: Corpus, baseline: Baseline, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    counted: list[str] = []
    first = open_baseline(corpus, counted.append)
    assert counted and first.likelihoods == baseline.likelihoods
    counted.clear()
    assert open_baseline(corpus, counted.append) == first and not counted


def test_four_voices_are_measured_by_cells_too() -> None:
    found = ngram_baseline.chorale_likelihoods(scales(voices=4, transposed=12, per_split=2))
    assert set(found) == {"cell", "changed cell"}
    assert found["cell"].notes == [256.0, 256.0]
    assert found["cell"].mean().value < found["changed cell"].mean().value
