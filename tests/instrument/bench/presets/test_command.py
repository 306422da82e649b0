"""The command on a shipped preset: it ends with a table, a picture and figures."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from instrument.bench.presets.command import evaluate_presets
from instrument.bench.presets.draws import draws_share
from instrument.bench.presets.figures import GATES, PresetGate, PresetFigures, collection_rows
from instrument.bundle.bundle import load_sound
from instrument.bundle.installed import shipped_models_folder
from instrument.preset.preset import Preset


def figures(name: str, loudness: float) -> PresetFigures:
    values = tuple(loudness if gate.name == "one piece, loudness" else 0.0 for gate in GATES)
    return PresetFigures(name, Preset.of([0.0], name), values)


def test_the_collection_has_medians_worst_and_spread() -> None:
    rows = dict(
        (gate.name, value) for gate, value in collection_rows([figures("a", -20), figures("b", -24)])
    )
    assert rows["one piece, loudness"] == -22.0
    assert rows["one piece, spread"] == 4.0


@pytest.mark.parametrize(
    ("gate", "values", "expected"),
    [
        (PresetGate("x", "", "worst", high=1.0), (0.0, 3.0, float("nan")), 3.0),
        (PresetGate("x", "", "worst", low=1.0), (0.5, 3.0), 0.5),
        (PresetGate("x", "", "median", 0.0, 1.0), (1.0, 2.0, 9.0), 2.0),
    ],
)
def test_the_worst_is_on_the_limits_side(
    gate: PresetGate, values: tuple[float, ...], expected: float
) -> None:
    assert gate.value(values) == expected
    assert not gate.is_met(expected)


@pytest.mark.slow
def test_a_shipped_preset_is_measured(tmp_path: Path) -> None:
    json_path, picture = tmp_path / "figures.json", tmp_path / "figures.png"
    arguments = ["tine_lantern", "--json", str(json_path), "--picture", str(picture)]
    evaluate_presets.main(arguments, standalone_mode=False)
    measured = json.loads(json_path.read_text())["presets"]["tine_lantern"]
    assert measured["repeats that are identical"] == 0.0
    assert measured["pitch, 95 % of keys"] < 2.5
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_random_sounds_of_the_frame_voice_are_nearly_as_unlike_as_its_instruments() -> None:
    bundle = load_sound(shipped_models_folder() / "frame_voice")
    assert draws_share(bundle) > 0.8
    plain = replace(bundle.sound, prior=replace(bundle.sound.prior, sharpness=0.0))
    assert draws_share(replace(bundle, card=plain)) < 0.75
