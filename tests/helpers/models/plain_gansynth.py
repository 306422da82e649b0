"""A GANSynth bundle whose graphs are a formula: its notes are known without any network.

Two partials, the second as strong as the first latent number says; the second number is the level
in powers of two; a soft rise; a release where the key is let go; silence before all of it. Written
with the onnx package in milliseconds, for tests of whatever plays such a bundle.
"""

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from instrument.bundle.card import FORMAT, CardFile, Dimension, Graph, Licence, Tensor, VoiceCard
from tests.helpers.made_once import made_once, scratch

RATE_HZ = 16_000
FRAMES, ATTACK_FRAMES = 32_000, 2_048
HOLD_SECONDS = 1.5
TYPICAL_LEVEL = 0.2
SILENCE_FRAMES = 100  # before the sound
LATENT_SIZE = 5
PITCHES = (40, 70)
_OPSET, _IR = 18, 9


@dataclass(frozen=True)
class Lengths:
    """Which graphs there are."""

    notes: tuple[int, ...] = (1, 4)
    frames: tuple[int, ...] = (ATTACK_FRAMES, FRAMES)


def envelope(frames: int) -> NDArray[np.float32]:
    """Level over time: silence, 10 ms of rise, steady, 0.1 s of release at the end of the hold."""
    seconds = (np.arange(frames) - SILENCE_FRAMES) / RATE_HZ
    held = HOLD_SECONDS - SILENCE_FRAMES / RATE_HZ
    level = np.clip(seconds / 0.01, 0, 1) * np.clip(1 - (seconds - held) / 0.1, 0, 1)
    return level.astype(np.float32)


def formula(pitch: int, latent: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    """Compute in float64 what the graphs compute in float32: shape (frames,)."""
    radians = 2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * np.arange(frames) / RATE_HZ
    tone = np.sin(radians) + latent[0] * np.sin(2 * radians)
    return np.asarray(2 ** latent[1] * tone * envelope(frames), np.float64)


def write_plain_gansynth(folder: Path, lengths: Lengths = Lengths()) -> Path:
    """Write the bundle."""
    folder.mkdir(parents=True)
    graphs = {}
    for frames in lengths.frames:
        for notes in lengths.notes:
            name = f"{'attack' if frames == min(lengths.frames) else 'note'}_{notes}"
            (folder / f"{name}.onnx").write_bytes(_graph(notes, frames))
            graphs[name] = _on_card(f"{name}.onnx", notes, frames)
    (folder / "weights.bin").write_bytes(np.full(1, 2 * np.pi, np.float32).tobytes())
    card = VoiceCard(
        format=FORMAT,
        kind="gansynth",
        name=folder.name,
        version="1",
        description="A formula.",
        licence=Licence("MIT", "none"),
        sample_rate_hz=RATE_HZ,
        pitch_range=PITCHES,
        latent_size=LATENT_SIZE,
        weights="weights.bin",
        files={path.name: _listed(path) for path in sorted(folder.iterdir())},
        graphs=graphs,
        latents={},
        self_test=(),
        constants={"hold_seconds": HOLD_SECONDS, "typical_level": TYPICAL_LEVEL},
    )
    (folder / "card.json").write_text(json.dumps(msgspec.to_builtins(card)), encoding="utf-8")
    return folder


@functools.cache
def plain_gansynth() -> Path:
    """Return the folder of one such bundle; copy it before changing anything."""
    target = scratch() / "models" / "plain"
    return made_once(target, lambda: write_plain_gansynth(target))


def _graph(notes: int, frames: int) -> bytes:
    constants: dict[str, Any] = {
        "seconds": np.arange(frames, dtype=np.float32)[None] / np.float32(RATE_HZ),
        "envelope": envelope(frames)[None],
        "twelve": np.float32(12),
        "middle": np.float32(69),
        "a4": np.float32(440),
        "two": np.float32(2),
        "as_column": np.array([-1, 1]),
    }
    steps = [
        ("Cast", ["pitch"], ["number"]),
        ("Sub", ["number", "middle"], ["semitones"]),
        ("Div", ["semitones", "twelve"], ["octaves"]),
        ("Pow", ["two", "octaves"], ["ratio"]),
        ("Mul", ["ratio", "a4"], ["hz_row"]),
        ("Reshape", ["hz_row", "as_column"], ["hz"]),
        ("Mul", ["hz", "seconds"], ["turns_so_far"]),
        ("Floor", ["turns_so_far"], ["whole_turns"]),
        ("Sub", ["turns_so_far", "whole_turns"], ["turns"]),
        ("Mul", ["turns", "turn"], ["radians"]),
        ("Mul", ["radians", "two"], ["octave_radians"]),
        ("Sin", ["radians"], ["first"]),
        ("Sin", ["octave_radians"], ["second"]),
        ("Mul", ["second", "share"], ["some_second"]),
        ("Add", ["first", "some_second"], ["tone"]),
        ("Pow", ["two", "level"], ["gain"]),
        ("Mul", ["tone", "gain"], ["loud"]),
        ("Mul", ["loud", "envelope"], ["waveform"]),
    ]
    nodes = [helper.make_node("Split", ["z"], ["share", "level", "rest"], axis=1)]
    constants["parts"] = np.array([1, 1, LATENT_SIZE - 2])
    nodes[0].input.append("parts")
    nodes += [helper.make_node(op, takes, gives) for op, takes, gives in steps]
    nodes[1].attribute.append(helper.make_attribute("to", TensorProto.FLOAT))
    graph = helper.make_graph(
        nodes,
        "plain",
        [
            helper.make_tensor_value_info("z", TensorProto.FLOAT, [notes, LATENT_SIZE]),
            helper.make_tensor_value_info("pitch", TensorProto.INT64, [notes]),
        ],
        [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, [notes, frames])],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    graph.initializer.append(_in_the_weights_file("turn"))
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR)
    return bytes(model.SerializeToString())


def _in_the_weights_file(name: str) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", "4")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def _on_card(file: str, notes: int, frames: int) -> Graph:
    many = Dimension("notes", notes)
    return Graph(
        file,
        inputs=(
            Tensor("z", "float32", (many, Dimension("latent", LATENT_SIZE))),
            Tensor("pitch", "int64", (many,)),
        ),
        outputs=(Tensor("waveform", "float32", (many, Dimension("frames", frames))),),
    )


def _listed(path: Path) -> CardFile:
    content = path.read_bytes()
    return CardFile(hashlib.sha256(content).hexdigest(), len(content))
