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

from export.bundle.card_file import digest_of
from export.bundle.evaluation import read_evaluation
from export.bundle.folder import licence, music_licence
from export.gansynth.card import Origin
from export.gansynth.parity import LEAST_DB
from export.gansynth.plan import GRAPH_NAMES, steady_seconds
from export.gansynth.write import write_notes
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import Licence, NamedLatent
from training.data.audio.programs import PROGRAM_NAMES, STRUCK_PROGRAMS
from training.data.audio.render import FLUID_NOTICE
from training.gansynth import small as gansynth_small
from training.gansynth import system as gansynth
from training.gansynth.config import GansynthConfig
from training.gansynth.tones import GansynthTones
from training.trainer.checkpoint import CHECKPOINT
from training.trainer.trainer import RunCard, read_run

SYSTEMS = (gansynth.SYSTEM.name, gansynth_small.SYSTEM.name)
NSYNTH_HOLD_SECONDS, SOUNDFONT_HOLD_SECONDS = 3.0, 4.0
"""NSynth's tones are held for three seconds of four (Engel et al., 2017), ours to the end."""
_SOUNDFONTS = (".sf2", ".sf3")


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
    is_soundfont = Path(card.source).suffix.lower() in _SOUNDFONTS
    is_free = card.notice == FLUID_NOTICE
    learned = f"notes rendered from {card.source}" if is_soundfont else card.source
    terms = licence(learned, card.notice) if is_free else music_licence(learned, card.notice)
    return Origin(
        description=_description(trained, learned),
        licence=Licence(
            weights="MIT, see LICENSE" if is_free else "undecided, see LICENSE",
            data=f"{card.source[:50]}, see LICENSE",
        ),
        licence_text=terms,
        training=_training(card),
        metrics=read_evaluation(run, card),
        hold_seconds=min(
            SOUNDFONT_HOLD_SECONDS if is_soundfont else NSYNTH_HOLD_SECONDS,
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


def _training(card: RunCard) -> dict[str, Any]:
    """Say what was trained on what for how long; no path of the machine it ran on."""
    return {
        "system": card.system,
        "config": card.recipe,
        "waves": card.corpus,
        "waves_sha256": card.corpus_sha256,
        "source": card.source,
        "steps": card.step,
        "seconds": round(card.seconds),
        "seed": card.length.seed,
        "processes": card.processes,
        "hardware": card.hardware,
        "config_sha256": digest_of(card.config),
    }
