"""``latentkeys evaluate harmony`` on scales: real music beside the counts, that only go on."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner

from tests.helpers.music.corpora import scale_piece
from training.cli.evaluate_harmony import REAL, evaluate_harmony
from training.data.symbolic.corpus import Piece, make_corpus, write_corpus


def test_composers_are_measured_beside_real_music(tmp_path: Path) -> None:
    pieces = [scale_piece(f"{number}", "test", 60 + number, voices=3) for number in range(5)]
    corpus = make_corpus("scales", "formulas", "Public domain.", [twice(p) for p in pieces])
    write_corpus(corpus, tmp_path / "scales")
    arguments = ["--model", "ngram", "--data", str(tmp_path / "scales"), "--pieces", "4"]
    told = tmp_path / "figures.json"
    result = CliRunner().invoke(evaluate_harmony, [*arguments, "--json", str(told)])
    assert result.exit_code == 0, result.output
    found = json.loads(told.read_text())
    assert found[REAL]["pieces"] == [4, 4]
    assert found["ngram"]["pieces"] == [0, 4]
    assert found[REAL]["beside"]["clashes"] == 0.0
    assert 0.0 <= found["ngram"]["rhythm_auc"] <= 1.0


def twice(piece: Piece) -> Piece:
    """Return a piece of eight bars and its own repetition."""
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(piece, name)] * 2)
        for name in ("length_beats", "pitch", "velocity", "voice")
    }
    columns["start_beats"] = np.concatenate([piece.start_beats, piece.start_beats + 16.0])
    return dataclasses.replace(piece, length=32.0, **columns)
