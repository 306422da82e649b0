"""A composer's bundle: complete, equal to torch, playable by its host, and honest on its card."""

from pathlib import Path

import mido
import numpy as np
import onnx
import pytest
import torch

from export.bundle.folder import music_licence
from export.bundle.graph_plan import GraphPlan
from export.bundle.onnx_export import export_graphs
from export.composers.parity import check_parity, compare_choices
from export.composers.planners import plan_composer
from export.composers.write import ROUNDING
from export.release.composers import prove
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import ComposerCard
from instrument.bundle.inference import Runtime
from instrument.bundle.self_test import check_graphs
from instrument.errors import BundleError, SettingError
from tests.helpers.made_once import scratch
from tests.helpers.models.tiny_composers import TINY, tiny_composer
from tests.helpers.music.corpora import scales
from tests.helpers.places import ROOT
from training.systems import COMPOSERS

pytestmark = pytest.mark.slow


@pytest.fixture(params=sorted(TINY))
def bundle(request: pytest.FixtureRequest) -> Bundle:
    return Bundle.load(tiny_composer(request.param))


def test_every_composer_is_written_with_card_licence_and_sample(bundle: Bundle) -> None:
    present = {path.name for path in bundle.path.iterdir()}
    assert present == {*bundle.card.files, "card.json"}
    assert {"LICENSE", "sample.mid", "weights.bin"} < present
    assert isinstance(bundle.card, ComposerCard)
    assert bundle.card.training["source"] == "formulas"
    assert "Public domain." in (bundle.path / "LICENSE").read_text()
    notes = [m for m in mido.MidiFile(bundle.path / "sample.mid") if m.type == "note_on"]
    assert len(notes) > 4


def test_every_graph_is_as_torch_and_tests_itself(bundle: Bundle) -> None:
    assert set(bundle.card.graphs) < set(bundle.card.parity)
    assert max(bundle.card.parity[name] for name in bundle.card.graphs) < 1e-4
    assert bundle.card.parity[ROUNDING] < 0.01
    assert {test.graph for test in bundle.music.self_test} == set(bundle.card.graphs)
    assert check_graphs(bundle, Runtime(device="cpu")) < 1e-5


def test_every_composer_answers_a_seed_always_alike(bundle: Bundle) -> None:
    assert prove(bundle).notes > 0


def test_nothing_of_this_machine_is_in_any_file(bundle: Bundle) -> None:
    private = [str(ROOT), str(scratch()), str(Path.home()), ".py"]
    for path in bundle.path.iterdir():
        content = path.read_bytes()
        assert not [word for word in private if word.encode() in content], path.name


def test_matrices_are_kept_as_float16_where_all_graphs_find_them(bundle: Bundle) -> None:
    for name in bundle.card.graphs:
        model = onnx.load(bundle.path / f"{name}.onnx", load_external_data=False)
        for tensor in model.graph.initializer:
            is_matrix = len(tensor.dims) >= 2 and min(tensor.dims[-2:]) > 1
            if is_matrix and int(np.prod(tensor.dims)) > 256:
                assert tensor.data_type == onnx.TensorProto.FLOAT16, tensor.name


class Adder(torch.nn.Module):
    """A memory that adds what comes in; `gain` makes it another network."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(gain))

    def forward(
        self, heard: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        return heard * self.gain + cell, hidden + heard, cell - heard * self.gain


def test_memories_that_share_an_example_stay_two_inputs(tmp_path: Path) -> None:
    same = torch.zeros(1, 3)  # one tensor for both memories, as a careless plan gives it
    names = ("heard", "hidden_in", "cell_in")
    shape: tuple[str, ...] = ("batch", "numbers")
    axes = dict.fromkeys(names, shape)
    outputs = dict.fromkeys(("logits", "hidden_out", "cell_out"), shape)
    inputs = {"heard": torch.zeros(1, 3), "hidden_in": same, "cell_in": same}
    export_graphs({"step": GraphPlan(Adder(1.5), inputs, axes, outputs)}, tmp_path, workers=0)
    model = onnx.load(tmp_path / "step.onnx")
    used = {name for node in model.graph.node for name in node.input}
    assert {"heard", "hidden_in", "cell_in"} <= used


def test_parity_refuses_a_graph_of_other_weights() -> None:
    torch.manual_seed(99)
    system = COMPOSERS["attention-lstm"]
    corpus = scales(per_split=8)
    learner = system.open(system.recipes["tiny"], corpus, torch.device("cpu"))
    bundle = Bundle.load(tiny_composer("tiny_attention"))
    with pytest.raises(BundleError, match=r"differs from torch|another choice"):
        check_parity(plan_composer("attention-lstm", learner), bundle)


def test_every_system_is_exported_or_says_that_it_is_not() -> None:
    for name, system in COMPOSERS.items():
        if name not in {entry[0] for entry in TINY.values()}:
            config, cpu = system.recipes["tiny"], torch.device("cpu")
            learner = system.open(config, scales(per_split=8), cpu)
            with pytest.raises(SettingError, match=f"{name} cannot be exported"):
                plan_composer(name, learner)


def test_another_likeliest_choice_is_refused_but_a_tie_is_not() -> None:
    logits = np.array([[0.0, 2.0, 2.00005]], np.float32)
    compare_choices(logits[:, [0, 2, 1]], logits, "a tie")
    with pytest.raises(BundleError, match="another choice"):
        compare_choices(logits[:, [1, 0, 2]] * np.array([5, 1, 1], np.float32), logits, "a graph")


def test_only_weights_from_our_own_public_domain_music_are_offered_under_mit(
    bundle: Bundle,
) -> None:
    assert bundle.card.licence.weights == "undecided, see LICENSE"
    assert "MIT" not in (bundle.path / "LICENSE").read_text()
    ours = music_licence("the corpus of music21 (…)", "Tunes of 1883.").decode()
    assert "public domain" in ours
    assert "Permission is hereby granted" in ours
    assert "came without a" in music_licence("somewhere", "").decode()
