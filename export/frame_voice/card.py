"""Write the card of a frame voice: what it is, needs, gives, and was taught.

In: the voice in torch, its run, and the files of the bundle. Out: the `Card`, and its JSON.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from export.frame_voice.graphs import GRAPH_NAMES, card_tensors, plan
from instrument.bundle.card import (
    FORMAT,
    Card,
    CardFile,
    Graph,
    Licence,
    NamedLatent,
    Prior,
    SelfTest,
    VoiceCard,
)
from instrument.errors import FileError
from instrument.rendering.renderer import ToneRenderer
from training.audio.format import HIGHEST_PITCH, LOWEST_PITCH, SAMPLE_RATE_HZ
from training.frame_voice.model import FrameVoice
from training.frame_voice.run import RunSummary

WEIGHTS_NAME = "weights.bin"
SELF_TEST_TOLERANCE = 1e-4
_SELF_TEST_NOTES = ((36, 127), (60, 64), (84, 100))  # pitch, velocity
_SELF_TEST_FRAMES = 12


def describe(
    voice: FrameVoice,
    summary: RunSummary,
    metrics: Mapping[str, Any],
    files: Mapping[str, bytes],
    *,
    name: str,
    version: str,
    graph_names: tuple[str, ...] = GRAPH_NAMES,
) -> VoiceCard:
    """Put the card together; its self-test and parity are still empty.

    Parameters
    ----------
    metrics
        What ``latentkeys evaluate`` measured.
    files
        Every file of the bundle but the card, by name.
    """
    plans = {graph: plan(voice, graph) for graph in graph_names}
    return VoiceCard(
        format=FORMAT,
        kind="frame_voice",
        name=name,
        version=version,
        description=(
            f"Frame voice of {len(summary.instruments)} instruments, trained on notes rendered "
            f"from {summary.source}."
        ),
        licence=Licence(
            weights="MIT, see LICENSE" if summary.notice else "undecided, see LICENSE",
            data=f"{summary.source}, see LICENSE",
        ),
        sample_rate_hz=SAMPLE_RATE_HZ,
        pitch_range=(LOWEST_PITCH, HIGHEST_PITCH),
        latent_size=voice.latent_of.shape[1],
        weights=WEIGHTS_NAME,
        files=list_files(files),
        graphs={graph: _graph(plans[graph], f"{graph}.onnx") for graph in graph_names},
        latents=_latents(voice, summary),
        prior=fit_prior(voice.latent_of.detach().double().numpy()),
        self_test=(),
        constants={"seed": 0},
        training=_training(summary),
        metrics=dict(metrics),
    )


def list_files(files: Mapping[str, bytes]) -> dict[str, CardFile]:
    """List files with their size and sha256."""
    return {
        file: CardFile(hashlib.sha256(content).hexdigest(), len(content))
        for file, content in sorted(files.items())
    }


def with_self_test(card: VoiceCard, renderer: ToneRenderer) -> VoiceCard:
    """Add a few samples of a few tones, as this machine renders them."""
    latents = list(card.latents.values())
    tests = []
    for index, (pitch, velocity) in enumerate(_SELF_TEST_NOTES):
        latent = latents[index * (len(latents) - 1) // (len(_SELF_TEST_NOTES) - 1)].latent
        tone = renderer.render([pitch], [latent], [velocity])[0]
        frames = np.linspace(1000, len(tone) - 1, _SELF_TEST_FRAMES).astype(int)
        tests.append(
            SelfTest(
                pitch=pitch,
                velocity=velocity,
                latent=latent,
                frames=tuple(int(frame) for frame in frames),
                values=tuple(round(float(value), 8) for value in tone[frames]),
                tolerance=SELF_TEST_TOLERANCE,
            )
        )
    return dataclasses.replace(card, self_test=tuple(tests))


def to_json(card: Card) -> bytes:
    """Write a card as JSON that a person can read, numbers of one list on one line."""
    plain = msgspec.to_builtins(card)
    return (_indented(plain, 0) + "\n").encode("utf-8")


def fit_prior(latents: np.ndarray[Any, np.dtype[np.float64]]) -> Prior:
    """Fit a Gaussian to the learned latents, shape (instruments, latent_size).

    The covariance is shrunk towards its diagonal: 90 points do not carry 24 x 24 numbers.
    """
    mean = latents.mean(axis=0)
    covariance = np.cov(latents, rowvar=False) if len(latents) > 1 else np.eye(len(mean))
    shrunk = 0.8 * covariance + 0.2 * np.diag(np.diag(covariance)) + 1e-6 * np.eye(len(mean))
    factor = np.linalg.cholesky(shrunk)
    return Prior(
        tuple(round(float(value), 6) for value in mean),
        tuple(tuple(round(float(value), 6) for value in row) for row in factor),
    )


def _graph(graph: Any, file: str) -> Graph:
    with torch.no_grad():
        outputs = graph.module(*graph.inputs.values())
    named = dict(zip(graph.output_axes, outputs, strict=True))
    return Graph(
        file,
        inputs=card_tensors(graph.inputs, graph.input_axes),
        outputs=card_tensors(named, graph.output_axes),
    )


def _latents(voice: FrameVoice, summary: RunSummary) -> dict[str, NamedLatent]:
    rows = voice.latent_of.detach().double().numpy()
    return {
        instrument.name: NamedLatent(
            tuple(round(float(number), 6) for number in row),
            instrument.program,
            instrument.is_struck,
        )
        for instrument, row in zip(summary.instruments, rows, strict=True)
    }


def _training(summary: RunSummary) -> dict[str, Any]:
    """Say what was trained on what for how long; no path of the machine it ran on."""
    options = {
        "voice": dataclasses.asdict(summary.voice),
        "training": dataclasses.asdict(summary.training),
    }
    digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()
    return {
        "source": summary.source,
        "instruments": len(summary.instruments),
        "steps": summary.step,
        "seconds": round(summary.seconds),
        "hardware": summary.hardware,
        "config_sha256": digest,
        "exported": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        **options,
    }


def _indented(value: Any, depth: int) -> str:
    pad, inner = " " * depth, " " * (depth + 1)
    if isinstance(value, dict) and value:
        items = [f"{inner}{json.dumps(k)}: {_indented(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{pad}}}"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def read_metrics(run: Path) -> dict[str, Any]:
    """Read the figures that ``latentkeys evaluate`` left beside a run, or nothing.

    They carry their own date and step: a run may have gone on since.

    Raises
    ------
    FileError
        The file is there but is no evaluation.
    """
    path = run / "evaluation.json"
    if not path.is_file():
        return {}
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        return {
            "date": str(report["date"]),
            "step": int(report["step"]),
            "held_out_notes": len(report["notes"]),
            "figures": {
                gate["name"]: {
                    "value": None if gate["value"] is None else round(float(gate["value"]), 4),
                    "limit": gate["limit"],
                    "is_kept": bool(gate["is_kept"]),
                }
                for gate in report["gates"]
            },
        }
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise FileError(
            f"{path}: is no evaluation: {reason!r}", "Make it anew: latentkeys evaluate frame-voice"
        ) from reason
