"""A bundle written from a run: complete, shared, clean, equal to torch, and never half there."""

import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner

from export.bundle.graph_plan import GraphPlan
from export.bundle.onnx_export import export_graphs
from export.bundle.weights import EMBEDDED_BYTES, WeightFile, round_matrices
from export.cli.main import export_command
from export.frame_voice import write as writer
from export.frame_voice.graphs import plan
from export.frame_voice.parity import LARGEST_DIFFERENCE, check_parity
from instrument.bundle.bundle import Bundle
from instrument.errors import BundleError, EngineError, FileError
from tests.helpers.made_once import scratch
from tests.helpers.models.tiny_model import GRAPHS, INSTRUMENTS, tiny_bundle, tiny_run
from tests.helpers.places import ROOT
from training.frame_voice.model import FrameVoice
from training.frame_voice.run import load_voice
from training.trainer.run_card import RunCard

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(tiny_bundle())


def test_the_card_lists_every_file_and_every_instrument(bundle: Bundle) -> None:
    present = {path.name for path in bundle.path.iterdir()}
    assert present == {*bundle.card.files, "card.json"}
    assert {"LICENSE", "sample.wav", "weights.bin"} < present
    assert tuple(bundle.sound.latents) == tuple(instrument.name for instrument in INSTRUMENTS)
    assert bundle.sound.latents["Glass Bell"].is_struck
    assert bundle.card.training["source"] == "formulas"


def test_every_graph_computes_what_torch_computes(bundle: Bundle) -> None:
    voice, _ = load_voice(tiny_run())
    round_matrices(voice.network)
    differences = check_parity(voice, bundle)
    assert set(differences) == set(GRAPHS)
    assert max(differences.values()) < 1e-5  # ten times better than what is required
    for graph in GRAPHS:
        assert bundle.card.parity[graph] < LARGEST_DIFFERENCE


def test_parity_notices_one_changed_number(bundle: Bundle) -> None:
    voice, _ = load_voice(tiny_run())
    round_matrices(voice.network)
    with torch.no_grad():
        voice.network.base.bias[3] += 0.05  # the fourth partial, 0.4 dB louder
    with pytest.raises(BundleError, match="differs from torch"):
        check_parity(voice, bundle)


def test_the_graphs_hold_no_weights_and_share_one_file(bundle: Bundle) -> None:
    referred = 0
    for name in GRAPHS:
        model = onnx.load(bundle.path / f"{name}.onnx", load_external_data=False)
        for tensor in model.graph.initializer:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                where = {entry.key: entry.value for entry in tensor.external_data}
                assert where["location"] == "weights.bin"
                referred += int(where["length"])
            else:
                assert tensor.ByteSize() <= EMBEDDED_BYTES + 100
    assert len(bundle.read("weights.bin")) < 0.6 * referred


def test_nothing_of_this_machine_is_in_any_file(bundle: Bundle) -> None:
    private = [str(ROOT), str(scratch()), str(Path.home()), ".py", "torch"]
    for path in bundle.path.iterdir():
        content = path.read_bytes()
        assert not [word for word in private if word.encode() in content], path.name


def test_exporting_again_gives_the_same_graph_and_weights(bundle: Bundle, tmp_path: Path) -> None:
    voice, _ = load_voice(tiny_run())
    round_matrices(voice.network)
    export_graphs({"attack": plan(voice, "attack")}, tmp_path)
    again = onnx.load(tmp_path / "attack.onnx")
    WeightFile("weights.bin").take_from(again)
    first = onnx.load(bundle.path / "attack.onnx", load_external_data=False)
    assert [node.SerializeToString() for node in first.graph.node] == [
        node.SerializeToString() for node in again.graph.node
    ]
    values = {t.name: t.raw_data for t in onnx.load(bundle.path / "attack.onnx").graph.initializer}
    for tensor in onnx.load(tmp_path / "attack.onnx").graph.initializer:
        name = tensor.name if tensor.name in values else f"{tensor.name}.half"
        exact = onnx.numpy_helper.to_array(tensor)
        stored = np.frombuffer(values[name], np.float16 if "half" in name else exact.dtype)
        assert np.array_equal(stored.astype(exact.dtype), exact.reshape(-1)), tensor.name


def test_weights_without_a_notice_claim_no_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (tiny_bundle() / "LICENSE").read_text()
    assert "Public domain." in text
    assert "MIT" in text
    reuse_exported_graphs(monkeypatch)
    monkeypatch.setattr(writer, "load_voice", without_notice)
    bundle = writer.write_bundle(tiny_run(), tmp_path / "tiny", graph_names=("attack",))
    assert bundle.card.licence.weights == "undecided, see LICENSE"
    assert "MIT" not in (bundle.path / "LICENSE").read_text()


def without_notice(run: Path) -> tuple[FrameVoice, RunCard]:
    voice, card = load_voice(run)
    return voice, dataclasses.replace(card, notice="")


def test_the_sample_is_an_audible_wav(bundle: Bundle) -> None:
    content = bundle.read("sample.wav")
    samples = np.frombuffer(content[44:], "<i2") / 32768
    assert content[:4] == b"RIFF"
    assert 0.5 < np.abs(samples).max() < 0.95


def test_an_older_bundle_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "tiny"
    shutil.copytree(tiny_bundle(), target)
    (target / "left-over.txt").write_text("old")
    reuse_exported_graphs(monkeypatch)
    bundle = writer.write_bundle(tiny_run(), target, version="2", graph_names=("attack",))
    assert bundle.card.version == "2"
    assert not (target / "left-over.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_failing_export_leaves_the_older_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "tiny"
    shutil.copytree(tiny_bundle(), target)
    reuse_exported_graphs(monkeypatch)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    monkeypatch.setattr(writer, "check_parity", lambda *_: pytest.fail("stopped half-way"))
    with pytest.raises(pytest.fail.Exception):
        writer.write_bundle(tiny_run(), target, version="2", graph_names=("attack",))
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def reuse_exported_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the writer graphs that were exported before: its own steps are what is tested."""
    monkeypatch.setattr(writer, "export_graphs", copy_graphs)


def copy_graphs(plans: Mapping[str, GraphPlan], folder: Path) -> None:
    for name in plans:
        model = onnx.load(tiny_bundle() / f"{name}.onnx")  # with its weights
        onnx.save(model, folder / f"{name}.onnx")


def test_a_run_that_goes_on_training_is_exported_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(tiny_run(), tmp_path / "run"))

    def save_while_exporting(plans: Mapping[str, GraphPlan], folder: Path) -> None:
        (run / "checkpoint.pt").write_bytes(b"half-written")
        copy_graphs(plans, folder)

    monkeypatch.setattr(writer, "export_graphs", save_while_exporting)
    bundle = writer.write_bundle(run, tmp_path / "models" / "tiny", graph_names=("attack",))
    assert max(bundle.card.parity[name] for name in bundle.card.graphs) < LARGEST_DIFFERENCE


def test_a_folder_that_is_no_bundle_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "song.mid").write_text("mine")
    with pytest.raises(FileError, match="is no bundle"):
        writer.write_bundle(tiny_run(), tmp_path / "music")
    assert (tmp_path / "music" / "song.mid").read_text() == "mine"


def test_a_folder_that_is_no_run_says_how_to_make_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(export_command, [str(tmp_path), "--out", str(tmp_path)])
    assert isinstance(result.exception, FileError)
    assert "latentkeys train" in str(result.exception)


class Dice(torch.nn.Module):
    """What no graph may be: it gives something else each time."""

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return numbers + torch.rand_like(numbers)


@pytest.mark.parametrize("workers", [0, 1])
def test_what_an_export_fails_of_is_said(tmp_path: Path, workers: int) -> None:
    axes: dict[str, tuple[str, ...]] = {"numbers": ("numbers",)}
    dice = GraphPlan(Dice(), {"numbers": torch.zeros(3)}, axes, {"sums": ("numbers",)})
    with pytest.raises(EngineError, match=r"(?s)the graph dice failed:.*not allowed: Random"):
        export_graphs({"dice": dice}, tmp_path, workers)
    assert not list(tmp_path.iterdir())


def test_the_card_is_json_that_a_person_can_read(bundle: Bundle) -> None:
    text = (bundle.path / "card.json").read_text(encoding="utf-8")
    assert json.loads(text)["kind"] == "frame_voice"
    assert len(text.splitlines()) < 1000
