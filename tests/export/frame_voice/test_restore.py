"""A bundle brought back into torch computes what it computed."""

from __future__ import annotations

import pytest
import torch

from export.frame_voice.parity import LARGEST_DIFFERENCE, check_parity
from export.frame_voice.restore import restore_voice
from instrument.bundle.bundle import Bundle
from instrument.errors import BundleError
from tests.helpers.models.tiny_model import INSTRUMENTS, tiny_bundle
from tests.helpers.places import ROOT


def test_every_graph_of_the_bundle_computes_what_the_restored_voice_computes() -> None:
    bundle = Bundle.load(tiny_bundle())
    voice = restore_voice(bundle)
    found = check_parity(voice.requires_grad_(False), bundle)
    assert set(found) == set(bundle.card.graphs)
    assert max(found.values()) < LARGEST_DIFFERENCE / 10
    assert [i.name for i in voice.instruments] == [i.name for i in INSTRUMENTS]
    assert [i.velocity_tilt for i in voice.instruments] == [i.velocity_tilt for i in INSTRUMENTS]


def test_the_shipped_voice_has_its_tuning_tables_back() -> None:
    bundle = Bundle.load(ROOT / "presets" / "models" / "frame_voice")
    voice = restore_voice(bundle)
    names = list(bundle.sound.latents)
    gates, ratios = voice.mode_gates, voice.mode_ratios
    assert torch.equal(gates, gates.round()) and bool((ratios[gates == 0] == 1).all())
    vibraphone = ratios[names.index("vibraphone")][gates[names.index("vibraphone")] > 0]
    assert bool((vibraphone > 1).any())  # a bar's modes belong to no harmonic series
    assert float(voice.log2_inharmonicity[names.index("grand-piano")].max()) > -15.0


def test_a_model_that_is_no_frame_voice_is_refused() -> None:
    bundle = Bundle.load(ROOT / "presets" / "models" / "gansynth_small")
    with pytest.raises(BundleError, match="only a frame voice learns"):
        restore_voice(bundle)
