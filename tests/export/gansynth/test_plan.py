"""What a GANSynth bundle contains, and the forms that are exported of every kind of model."""

import numpy as np
import pytest
import torch

from export.gansynth.plan import GRAPH_NAMES, ToneGraph, pitch_range, steady_seconds
from training.audio.spectrogram import Spectrogram
from training.gansynth.network import Generator, NetworkSize
from training.gansynth.tones import GansynthTones, Normalizer
from training.gansynth.wavegan_network import TINY, WaveganGenerator, WaveImage

SIZE = NetworkSize(start=(4, 8), feature_base=512, feature_limit=8, latent_size=8, pitches=61)


def drawn(scale: str = "mel") -> GansynthTones:
    torch.manual_seed(0)
    drawing = Spectrogram(scale, *SIZE.image)  # type: ignore[arg-type]
    flat = Normalizer(0.2, 0.4, 2.0, 0.0)
    return GansynthTones(Generator(SIZE), flat, drawing).eval().requires_grad_(False)


def waves() -> GansynthTones:
    torch.manual_seed(0)
    model = GansynthTones(WaveganGenerator(TINY), Normalizer(1.0, 0.0), WaveImage(TINY.frames))
    return model.eval().requires_grad_(False)


def test_there_are_graphs_for_a_key_a_few_and_the_keyboard() -> None:
    graphs = {name: ToneGraph.of(drawn(), name) for name in GRAPH_NAMES}
    assert {(g.tones, g.frames) for g in graphs.values()} == {
        (count, frames) for count in (1, 8, 61) for frames in (2048, 64000)
    }
    card = graphs["attack_61"].plan(drawn()).on_card("attack_61.onnx")
    assert [(t.name, t.dtype, t.shape) for t in (*card.inputs, *card.outputs)] == [
        ("z", "float32", (61, 8)),
        ("pitch", "int64", (61,)),
        ("waveform", "float32", (61, 2048)),
    ]
    assert card.inputs[1].limits == (24.0, 84.0)


def test_examples_reach_all_over_the_keyboard() -> None:
    graph = ToneGraph.of(drawn(), "note_61")
    assert sorted(graph.inputs(drawn())["pitch"].tolist()) == list(range(24, 85))
    assert pitch_range(drawn()) == (24, 84)


@pytest.mark.parametrize("scale", ["mel", "if", "phase"])
def test_every_scale_sounds_as_its_usual_form(scale: str) -> None:
    model = drawn(scale)
    graph = ToneGraph.of(model, "note_1")
    inputs = graph.inputs(model)
    with torch.no_grad():
        wanted = model(**inputs)
        difference = graph.module(model)(**inputs) - wanted
        start = ToneGraph.of(model, "attack_1").module(model)(**inputs) - wanted[:, :2048]
    assert difference.square().sum() < 1e-6 * wanted.square().sum()  # 60 dB
    assert start.abs().max() < 1e-4 * wanted.abs().max()


def test_a_waveform_model_is_cut_to_its_length() -> None:
    model = waves()
    graph = ToneGraph.of(model, "attack_8")
    inputs = graph.inputs(model)
    with torch.no_grad():
        found, wanted = graph.module(model)(**inputs), model(**inputs)
    assert found.shape == (8, 2048)
    assert torch.equal(found, wanted[:, :2048])


def test_notes_fade_where_no_window_reaches_past_their_end() -> None:
    assert steady_seconds(drawn()) == pytest.approx(4.0 - 1536 / 2 / 16000)  # half-size windows
    assert steady_seconds(waves()) == 4.0
    full = GansynthTones(Generator(NetworkSize(feature_base=512, feature_limit=4)))
    assert steady_seconds(full) == pytest.approx(4.0 - 1536 / 16000)
    assert isinstance(full.spectrogram, Spectrogram)
    with torch.no_grad():  # the fade of a steady tone that was analysed and put together again
        tone = torch.sin(torch.arange(64000) * 0.3)[None]
        levels = full.spectrogram.round_trip(tone).square().reshape(1, -1, 256).mean(dim=2)[0]
    assert levels[-7] == pytest.approx(float(levels[-20:-7].median()), rel=0.5)
    assert float(levels[-1]) < 0.1 * float(np.median(levels))
