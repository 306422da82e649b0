"""GANSynth bundles, imported and of our own: complete, equal to torch, honest, never half there."""

import functools
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner

from export.bundle.folder import model_folder
from export.bundle.summary import (
    CENTS,
    CROP,
    DISTANCE,
    FLOAT64,
    LEAST,
    TORCH_FLOAT64,
    describe_parity,
)
from export.cli.import_models import import_group
from export.cli.main import export_command
from export.gansynth import write as writer
from export.gansynth.export import export_gansynth
from export.gansynth.parity import LARGEST_CROP_DIFFERENCE, check_notes, decibels
from export.magenta.import_model import import_magenta
from export.magenta.model import open_magenta
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.errors import BundleError, FileError, SettingError
from instrument.rendering.open_renderer import open_renderer, self_test
from tests.helpers.made_once import scratch
from tests.helpers.models.tiny_gansynth import CHECKPOINT, tiny_gansynth
from tests.helpers.places import ROOT
from training.gansynth import system as gansynth
from training.trainer.evaluation import EVALUATION
from training.trainer.run_card import Length
from training.trainer.trainer import new_run

pytestmark = pytest.mark.slow

GRAPHS = ("note_1", "attack_1")
EXPECTED = CHECKPOINT.parent / "tiny_expected.npz"


@pytest.fixture(scope="module")
def imported() -> Bundle:
    return Bundle.load(tiny_gansynth())


@functools.cache
def tiny_run() -> Path:
    """Return the folder of a GANSynth run that has taken no step."""
    folder = scratch() / "gansynth_run"
    waves = gansynth.noise_waves(4)
    run = new_run(gansynth.SYSTEM, "tiny", waves, Length(1, 0.0, 3), folder, torch.device("cpu"))
    run.save()
    (folder / EVALUATION).write_text(json.dumps({"pitch_accuracy": 0.123456}))
    return folder


@functools.cache
def own_bundle() -> Path:
    """Return the folder of that run's bundle."""
    threads = torch.get_num_threads()
    target = scratch() / "models" / "noise"
    export_gansynth(tiny_run(), target, graph_names=("note_1",), workers=0)
    torch.set_num_threads(threads)
    return target


def test_an_imported_bundle_plays_what_magenta_played(imported: Bundle) -> None:
    session = imported.open_graph("note_1", Runtime(device="cpu"))
    with np.load(EXPECTED) as expected:
        for row in range(2):
            z, pitch = expected["z"][row : row + 1], expected["pitches"][row : row + 1]
            inputs = {"z": z.astype(np.float32), "pitch": pitch.astype(np.int64)}
            wave = session.run(inputs)["waveform"][0, ::4]
            golden = expected["waves_notes01"][row]
            # Exponentials amplify the rounding of a four-channel pixel norm; the RMS is 0.65.
            assert np.abs(wave - golden).max() < 6e-3
            assert decibels(wave, golden) > 50.0


def test_the_card_says_where_an_import_comes_from_and_on_what_terms(imported: Bundle) -> None:
    card = imported.sound
    assert card.kind == "gansynth"
    assert (card.latent_size, card.pitch_range, card.sample_rate_hz) == (256, (24, 84), 16000)
    assert card.training["images"] == 128
    assert card.training["network"]["position"] == 6.0
    assert card.constants["hold_seconds"] == 3.0
    assert 0.01 < card.constants["typical_level"] < 2.0
    assert card.prior.mean == ()
    text = imported.read("LICENSE").decode()
    for words in ("no separate licence text", "Apache-2.0", "CC BY 4.0", "not redistributed"):
        assert words in " ".join(text.split())


def test_the_card_states_how_exact_the_graphs_are(imported: Bundle) -> None:
    parity = imported.card.parity
    assert set(parity) == {*GRAPHS, FLOAT64, TORCH_FLOAT64, CROP, LEAST}
    assert parity[FLOAT64] > 65.0  # four channels round a lot; full size reaches 75
    assert parity[CROP] <= LARGEST_CROP_DIFFERENCE
    assert "float32" in describe_parity(imported)


def test_what_is_demanded_is_the_users_to_say(imported: Bundle) -> None:
    model = open_magenta(CHECKPOINT).notes
    with pytest.raises(BundleError, match="must be 119 dB") as refused:
        check_notes(model, imported, least_db=129.0)
    accepted = float(refused.value.remedy.split("--accept ")[1].rstrip("."))
    assert 50.0 < accepted < 129.0
    assert check_notes(model, imported, least_db=60.0)[LEAST] == 60.0


def test_a_bundle_is_complete_and_proves_itself(imported: Bundle) -> None:
    present = {path.name for path in imported.path.iterdir()}
    assert present == {*imported.card.files, "card.json"}
    assert {"LICENSE", "sample.wav", "weights.bin", "note_1.onnx"} < present
    assert self_test(imported, open_renderer(imported, device="cpu")) < 1e-5
    samples = np.frombuffer(imported.read("sample.wav")[44:], "<i2") / 32768
    assert 0.5 < np.abs(samples).max() < 0.95


def test_graphs_share_their_weights_and_compute_the_rest(imported: Bundle) -> None:
    kept = 0
    for name in GRAPHS:
        model = onnx.load(imported.path / f"{name}.onnx", load_external_data=False)
        for tensor in model.graph.initializer:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                where = {entry.key: entry.value for entry in tensor.external_data}
                kept += int(where["length"])
    own = sum(p.nbytes for p in open_magenta(CHECKPOINT).notes.parameters())
    size = len(imported.read("weights.bin"))
    assert size < 0.55 * kept + 20_000
    assert size < own + 80_000  # tables of the inverse warp and the window; no Fourier basis


def test_the_runtime_computes_tables_and_kernels_once(imported: Bundle, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "opened.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    onnxruntime.InferenceSession(imported.path / "note_1.onnx", options)
    opened = onnx.load(tmp_path / "opened.onnx", load_external_data=False)
    kept = Counter(node.op_type for node in opened.graph.node)
    assert kept["Sin"] == kept["Cos"] == 1  # of the phase; those of the Fourier basis are gone
    assert kept["Conv"] + kept["FusedConv"] == 6 * 5 + 1 + 1  # doubling, second ones, the image


def test_parity_notices_one_changed_weight(imported: Bundle) -> None:
    model = open_magenta(CHECKPOINT).notes
    blocks: Any = model.generator.blocks
    with torch.no_grad():
        blocks[6].to_rgb.bias[0] += 0.02
    with pytest.raises(BundleError, match="the difference to torch is"):
        check_notes(model, imported)


def test_nothing_of_this_machine_is_in_any_file(imported: Bundle) -> None:
    private = [str(ROOT), str(scratch()), str(Path.home()), ".py", "torch"]
    for bundle in (imported, Bundle.load(own_bundle())):
        for path in bundle.path.iterdir():
            content = path.read_bytes().replace(b"torch_float64_db", b"")
            assert not [word for word in private if word.encode() in content], path.name


def test_a_run_of_our_own_becomes_a_bundle() -> None:
    bundle = Bundle.load(own_bundle())
    card = bundle.sound
    assert card.training["source"] == "a random number generator"
    assert card.training["network"]["position"] == 0.0  # no image seen
    assert card.metrics["pitch_accuracy"] == 0.12346
    assert card.licence.weights == "undecided, see LICENSE"
    assert "came without a" in bundle.read("LICENSE").decode()
    assert self_test(bundle, open_renderer(bundle, device="cpu")) < 1e-5
    halves = [name for name in (DISTANCE, CENTS) if name in card.parity]
    assert halves in ([], [DISTANCE, CENTS])


def test_a_failed_export_leaves_the_older_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "tiny"
    shutil.copytree(tiny_gansynth(), target)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    monkeypatch.setattr(writer, "export_graphs", lambda *_: pytest.fail("stopped half-way"))
    with pytest.raises(pytest.fail.Exception):
        import_magenta(CHECKPOINT, target)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_import_replaces_no_model_unless_it_is_told_to(tmp_path: Path) -> None:
    shutil.copytree(tiny_gansynth(), tmp_path / "tiny")
    arguments = ["magenta", str(CHECKPOINT), "--name", "tiny", "--out", str(tmp_path)]
    result = CliRunner().invoke(import_group, arguments)
    assert isinstance(result.exception, FileError)
    assert "--force" in result.exception.remedy


@pytest.mark.parametrize("name", ["../tiny", "Tiny", "", "a b", "x" * 65])
def test_a_name_that_presets_cannot_call_is_refused_at_once(name: str) -> None:
    with pytest.raises(SettingError, match="--name"):
        model_folder(name, None)


def test_help_says_where_the_weights_are_and_on_what_terms() -> None:
    said = " ".join(CliRunner().invoke(import_group, ["magenta", "--help"]).output.split())
    for words in ("acoustic_only.zip", "all_instruments.zip", "Apache-2.0", "CC BY 4.0"):
        assert words in said


def test_what_no_instrument_plays_says_so(tmp_path: Path) -> None:
    from training.trainer.checkpoint import write_checkpoint

    write_checkpoint(tmp_path, "pitch-classifier", {}, {})
    result = CliRunner().invoke(export_command, [str(tmp_path), "--out", str(tmp_path)])
    assert isinstance(result.exception, SettingError)
    assert "no instrument plays it" in str(result.exception)
