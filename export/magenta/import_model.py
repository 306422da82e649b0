"""Make a bundle of a GANSynth model that Magenta published.

In: an unpacked checkpoint directory. Out: a bundle, whose weights are kept as they are (float32).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from export.gansynth.card import Origin
from export.gansynth.export import NSYNTH_HOLD_SECONDS
from export.gansynth.plan import GRAPH_NAMES
from export.gansynth.write import write_notes
from export.magenta.folder import ARCHIVES
from export.magenta.model import MagentaModel, open_magenta
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import Licence

_TERMS = f"""\
The weights in this folder were read from a checkpoint of Magenta's GANSynth, as Google offers them
at {ARCHIVES}.

Google's Magenta checkpoints: no separate licence text was published with the weights; code
Apache-2.0, NSynth data CC BY 4.0; not redistributed with latentkeys.

NSynth: Jesse Engel, Cinjon Resnick, Adam Roberts, Sander Dieleman, Douglas Eck, Karen Simonyan and
Mohammad Norouzi, "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders", 2017.
GANSynth: Jesse Engel, Kumar Krishna Agrawal, Shuo Chen, Ishaan Gulrajani, Chris Donahue and Adam
Roberts, "GANSynth: Adversarial Neural Audio Synthesis", 2019.

Whoever imported these weights decides whether and under which terms to pass them on, and writes it
here.
"""


def import_magenta(
    folder: Path,
    target: Path,
    *,
    graph_names: tuple[str, ...] = GRAPH_NAMES,
    report: Callable[[str], None] = lambda _: None,
    workers: int = 2,
) -> Bundle:
    """Write a checkpoint directory's averaged weights as a bundle.

    Parameters
    ----------
    folder
        With ``experiment.json`` and stages, or one of the stages.
    target
        The bundle's folder; its name is the model's name. An older bundle there is replaced.
    graph_names, report, workers
        See `export.gansynth.write.write_notes`.

    Raises
    ------
    FileError, BundleError, EngineError
        The folder is none, a graph differs from torch, or the bundle cannot be
        written.
    """
    model = open_magenta(folder)
    return write_notes(
        model.notes,
        _origin(model),
        target,
        may_round=False,
        graph_names=graph_names,
        report=report,
        workers=workers,
    )


def _origin(model: MagentaModel) -> Origin:
    grown = f", grown to position {model.position:g}" if model.position < model.full else ""
    return Origin(
        description=(
            f"GANSynth, imported from a checkpoint of Magenta's code ({model.stage} after "
            f"{model.step} images{grown}); averaged weights."
        ),
        licence=Licence(
            weights="none published; not redistributed with latentkeys, see LICENSE",
            data="NSynth, CC BY 4.0, see LICENSE",
        ),
        licence_text=_TERMS.encode("utf-8"),
        training={"images": model.step, "stage": model.stage},
        metrics={},
        hold_seconds=NSYNTH_HOLD_SECONDS,
    )
