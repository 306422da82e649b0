"""Write the card of a frame voice: what it is, needs, gives, and was taught.

In: the voice in torch, its run, and the files of the bundle. Out: the `VoiceCard`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from export.bundle.card_file import WEIGHTS_NAME, digest_of, list_files, today
from export.bundle.graph_plan import GraphPlan
from instrument.bundle.card import (
    FORMAT,
    Licence,
    NamedLatent,
    Prior,
    VoiceCard,
)
from instrument.errors import FileError
from training.audio.format import HIGHEST_PITCH, LOWEST_PITCH, SAMPLE_RATE_HZ
from training.frame_voice.model import FrameVoice
from training.trainer.run_card import RunCard

_LONGEST_SOURCE = 60  # of a set of many folders; the file LICENSE has it whole


def describe(
    voice: FrameVoice,
    run: RunCard,
    plans: Mapping[str, GraphPlan],
    metrics: Mapping[str, Any],
    files: Mapping[str, bytes],
    *,
    name: str,
    version: str,
) -> VoiceCard:
    """Put the card together; its self-test and parity are still empty.

    Parameters
    ----------
    plans
        Every graph by name.
    metrics
        What ``latentkeys evaluate`` measured.
    files
        Every file of the bundle but the card, by name.
    """
    return VoiceCard(
        format=FORMAT,
        kind="frame_voice",
        name=name,
        version=version,
        description=(
            f"Frame voice of {len(voice.instruments)} instruments, trained on notes of "
            f"{run.source}."
        ),
        licence=Licence(
            weights="MIT, see LICENSE" if run.notice else "undecided, see LICENSE",
            data=f"{run.source[:_LONGEST_SOURCE]}, see LICENSE",
        ),
        sample_rate_hz=SAMPLE_RATE_HZ,
        pitch_range=(LOWEST_PITCH, HIGHEST_PITCH),
        latent_size=voice.latent_of.shape[1],
        weights=WEIGHTS_NAME,
        files=list_files(files),
        graphs={graph: plan.on_card(f"{graph}.onnx") for graph, plan in plans.items()},
        latents=_latents(voice),
        prior=fit_prior(voice.latent_of.detach().double().numpy()),
        self_test=(),
        constants={"seed": 0},
        training=_training(voice, run),
        metrics=dict(metrics),
    )


SHARPNESS = 3.0
"""Of a new card's prior: draws are then about as unlike as the instruments are; docs/voice.md."""


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
        SHARPNESS,
    )


def _latents(voice: FrameVoice) -> dict[str, NamedLatent]:
    rows = voice.latent_of.detach().double().numpy()
    return {
        instrument.name: NamedLatent(
            tuple(round(float(number), 6) for number in row),
            instrument.program,
            instrument.is_struck,
        )
        for instrument, row in zip(voice.instruments, rows, strict=True)
    }


def _training(voice: FrameVoice, run: RunCard) -> dict[str, Any]:
    """Say what was trained on what for how long; no path of the machine it ran on."""
    options = {**run.config, "length": msgspec.to_builtins(run.length)}
    return {
        "source": run.source,
        "instruments": len(voice.instruments),
        "steps": run.step,
        "seconds": round(run.seconds),
        "hardware": run.hardware,
        "config_sha256": digest_of(options),
        "exported": today(),
        **options,
    }


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
            f"{path}: is no evaluation: {reason!r}",
            "Make it again: latentkeys evaluate frame-voice",
        ) from reason
