"""Graphs made to do harm: refused in words, soon, and with nothing but their own process harmed."""

import shutil
import time
from pathlib import Path

import pytest

from instrument.bundle import trial
from instrument.bundle.bundle import Bundle
from instrument.bundle.trial import try_every_graph
from instrument.errors import BundleError
from instrument.rendering.open_renderer import open_renderer
from tests.helpers.models.forged_bundle import edit_card, relist
from tests.helpers.models.tiny_model import tiny_bundle
from tests.helpers.places import HOSTILE, ROOT

FRAME_VOICE = ROOT / "presets" / "models" / "frame_voice"


def forged(name: str, tmp_path: Path) -> Bundle:
    """Return the shipped frame voice with another attack graph."""
    folder = Path(shutil.copytree(FRAME_VOICE, tmp_path / name))
    shutil.copy(HOSTILE / f"{name}.onnx", folder / "attack.onnx")
    relist(folder, "attack.onnx")
    return Bundle.load(folder)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("loop_forever", r"attack\.onnx: it has a graph inside a node"),
        ("mem_input_dependent_40GB", r"attack\.onnx: it would hold 42\.9 GB in memory"),
        ("nan_out", r"graph attack: gives no finite numbers in audio"),
    ],
)
def test_a_harmful_graph_is_refused_within_ten_seconds(
    name: str, said: str, tmp_path: Path
) -> None:
    began = time.monotonic()
    with pytest.raises(BundleError, match=said):
        try_every_graph(forged(name, tmp_path))
    assert time.monotonic() - began < 10.0


@pytest.mark.parametrize("name", ["loop_forever", "mem_input_dependent_40GB"])
def test_what_would_never_end_is_not_opened_to_play(name: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"attack\.onnx: it "):
        open_renderer(forged(name, tmp_path), device="cpu")


def test_sound_that_is_no_number_is_not_played(tmp_path: Path) -> None:
    bundle = forged("nan_out", tmp_path)
    renderer = open_renderer(bundle, device="cpu")
    latent = next(iter(bundle.sound.latents.values())).latent
    with pytest.raises(BundleError, match="gives no finite sound"):
        renderer.render([60], [latent], None, renderer.info.attack_frames)


def test_every_graph_of_a_good_bundle_runs() -> None:
    try_every_graph(Bundle.load(tiny_bundle()))


def test_a_swapped_graph_is_found(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bundle(), tmp_path / "tiny"))
    shutil.copy(folder / "attack.onnx", folder / "step_8.onnx")
    relist(folder, "step_8.onnx")
    with pytest.raises(BundleError, match=r"step_8\.onnx"):
        try_every_graph(Bundle.load(folder))


def test_a_process_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_WALL_SECONDS", 0.001)
    with pytest.raises(BundleError, match="graph attack: has not answered within 8 s"):
        try_every_graph(Bundle.load(tiny_bundle()))


@pytest.mark.parametrize("seed", [1e300, -1.0, 2.0**40])
def test_a_constant_out_of_range_is_refused(seed: float, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bundle(), tmp_path / "tiny"))
    edit_card(folder, lambda card: card["constants"].update(seed=seed))
    with pytest.raises(BundleError, match=r"constants\.seed must be in 0\.\."):
        open_renderer(Bundle.load(folder), device="cpu")
