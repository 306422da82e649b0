"""Make a bundle of a GANSynth that was trained here.

In: a run of ``latentkeys train gansynth`` or ``gansynth-small``. Out: a bundle, whose weights are
float16 if that changes neither spectrum nor pitch.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from export.bundle.evaluation import read_evaluation
from export.bundle.terms import is_soundfont, terms_of, training_of
from export.gansynth.card import Origin
from export.gansynth.parity import LEAST_DB
from export.gansynth.plan import GRAPH_NAMES, steady_seconds
from export.gansynth.write import write_notes
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import NamedLatent
from training.data.audio.programs import PROGRAM_NAMES, STRUCK_PROGRAMS
from training.gansynth import system as gansynth
from training.gansynth.config import GansynthConfig
from training.gansynth.small import learner as gansynth_small
from training.gansynth.tones import GansynthTones
from training.trainer.checkpoint import CHECKPOINT
from training.trainer.run_card import RunCard, read_run

SYSTEMS = (gansynth.SYSTEM.name, gansynth_small.SYSTEM.name)
NSYNTH_HOLD_SECONDS, SOUNDFONT_HOLD_SECONDS = 3.0, 4.0
"""NSynth's tones are held for three seconds of four (Engel et al., 2017), ours to the end."""


@dataclass(frozen=True, slots=True)
class _Trained:
    """What is read of a run, all at one moment."""

    tones: GansynthTones
    card: RunCard
    latents: dict[str, NamedLatent]


def export_gansynth(
    run: Path,
    target: Path,
    *,
    version: str = "1",
    graph_names: tuple[str, ...] = GRAPH_NAMES,
    report: Callable[[str], None] = lambda _: None,
    workers: int = 2,
    least_db: float = LEAST_DB,
) -> Bundle:
    """Write a run as a bundle.

    Parameters
    ----------
    run
        Its folder.
    target
        The bundle's folder; its name is the model's name. An older bundle there is replaced.
    version
        Written on the card.
    graph_names, report, workers, least_db
        See `export.gansynth.write.write_notes`.

    Raises
    ------
    FileError, BundleError, EngineError
        The run is none, a graph differs from torch, or the folder cannot be written.
    """
    trained = _read(run)
    return write_notes(
        trained.tones,
        _origin(run, trained),
        target,
        version=version,
        graph_names=graph_names,
        report=report,
        workers=workers,
        least_db=least_db,
    )


def _read(run: Path) -> _Trained:
    read_run(run)  # a folder that is no run is refused by its own name
    with tempfile.TemporaryDirectory() as scratch:
        # A run that goes on training may replace its checkpoint between two looks.
        shutil.copy(run / CHECKPOINT, scratch)
        card, _ = read_run(Path(scratch))
        is_small = card.system == gansynth_small.SYSTEM.name
        points = gansynth_small.instrument_latents(Path(scratch)) if is_small else {}
        return _Trained(
            gansynth.load_notes(Path(scratch)),
            card,
            {name: _named(name, latent) for name, latent in points.items()},
        )


def _named(instrument: str, latent: Any) -> NamedLatent:
    programs = {name: number for number, name in PROGRAM_NAMES.items()}
    program = programs.get(instrument)
    numbers = tuple(round(float(number), 4) for number in latent)
    return NamedLatent(numbers, program, program in STRUCK_PROGRAMS)


def _origin(run: Path, trained: _Trained) -> Origin:
    card = trained.card
    terms = terms_of(card)
    return Origin(
        description=_description(trained, terms.learned_from),
        licence=terms.licence,
        licence_text=terms.text,
        training=training_of(card),
        metrics=read_evaluation(run, card),
        hold_seconds=min(
            SOUNDFONT_HOLD_SECONDS if is_soundfont(card) else NSYNTH_HOLD_SECONDS,
            steady_seconds(trained.tones),
        ),
        latents=trained.latents,
    )


def _description(trained: _Trained, learned: str) -> str:
    card = trained.card
    if not trained.latents:
        left = _unfinished(card)
        return f"GANSynth ({card.recipe}), trained on {learned}." + (
            f" It is half-grown: it has learned from {left}." if left else ""
        )
    return (
        f"A narrow GANSynth generator ({card.recipe}), matched to {learned} in "
        f"{card.seconds / 60:.0f} minutes on {card.hardware}. "
        f"{len(trained.latents)} instruments by name."
    )


def _unfinished(card: RunCard) -> str:
    if card.system != gansynth.SYSTEM.name or gansynth.SYSTEM.course is None:
        return ""
    config = msgspec.convert(card.config, GansynthConfig)
    return gansynth.SYSTEM.course(config).unfinished(card.step, card.processes)
