"""A composer's card is checked as strictly as a sound's; its self-test notices another runtime."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from instrument.bench.harness import Verdict
from instrument.bench.music.compose import _for_each
from instrument.bench.report import Report
from instrument.bundle.bundle import Bundle, load_sound
from instrument.bundle.card import Dimension, Graph, Tensor
from instrument.bundle.inference import Runtime
from instrument.bundle.self_test import check_graphs, seeded_inputs
from instrument.errors import BundleError
from tests.helpers.models.tiny_composers import tiny_composer

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_composer("tiny_attention"), tmp_path / "tiny"))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda c: c.update(kind="piano_roll"), "kind must be one of frame_voice, "),
        (lambda c: c.update(kind="frame_voice"), "is not a known key"),
        (lambda c: c.update(voices=[]), "voices must name at least one track"),
        (lambda c: c.update(steps_per_beat=0), "steps_per_beat must be in 1..960"),
        (lambda c: c.update(bars=-1), "bars must be in 0..64"),
        (lambda c: c["self_test"][0]["places"].pop(), "self_test, item 1, needs one value"),
        (lambda c: c["self_test"][0].update(graph="x"), "item 1, tests 'x', output"),
        (lambda c: c["self_test"][0].update(output="x"), "output 'x': no such one"),
        (lambda c: c["self_test"][0]["places"].__setitem__(0, 10**6), "beyond the end"),
        (lambda c: c["vocabulary"]["chords"].append(""), "[vocabulary.chords] 11"),
    ],
)
def test_a_wrong_card_names_its_field(folder: Path, edit: Edit, said: str) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    edit(card)
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(BundleError) as refused:
        Bundle.load(folder)
    assert said.split("[")[0] in str(refused.value)


def test_a_composer_is_no_sound_for_presets(folder: Path) -> None:
    with pytest.raises(BundleError, match="is a composer"):
        load_sound(folder)


def test_the_self_test_notices_another_number(folder: Path) -> None:
    bundle = Bundle.load(folder)
    tests = list(bundle.music.self_test)
    values = (tests[0].values[0] + 0.1, *tests[0].values[1:])
    tests[0] = dataclasses.replace(tests[0], values=values)
    changed = dataclasses.replace(bundle.music, self_test=tuple(tests))
    with pytest.raises(BundleError, match=r"self-test: graph step, \w+, place 0 must be"):
        check_graphs(dataclasses.replace(bundle, card=changed), Runtime(device="cpu"))


def test_seeded_inputs_stay_in_their_limits_and_repeat() -> None:
    dims = (Dimension("n", 500),)
    graph = Graph(
        "g.onnx",
        (
            Tensor("ids", "int64", dims, (0, 2)),
            Tensor("share", "float32", dims, (0.25, 0.5)),
            Tensor("free", "float32", dims),
        ),
        (),
    )
    inputs = seeded_inputs(graph, 5)
    assert set(inputs["ids"].tolist()) == {0, 1, 2}
    assert inputs["share"].min() >= 0.25
    assert inputs["share"].max() <= 0.5
    assert abs(float(inputs["free"].std()) - 1.0) < 0.1
    assert {name: values.dtype for name, values in inputs.items()} == {
        "ids": np.int64,
        "share": np.float32,
        "free": np.float32,
    }
    again = seeded_inputs(graph, 5)
    assert all(np.array_equal(inputs[name], again[name]) for name in inputs)


def test_a_composer_that_is_not_there_is_not_measured() -> None:
    report = Report("compose")
    _for_each(report, ("no_such_composer",), lambda _: pytest.fail("measured"))
    assert [row.verdict for row in report.judged()] == [Verdict.NOT_MEASURED]
