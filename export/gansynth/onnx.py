"""Turn a GANSynth model into ONNX graphs, each in a process of its own.

The processes are those of `export.bundle.onnx_export`. The model travels to the other process
through a scratch file that this process has just written.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
import torch

from export.bundle.onnx_export import run_export, to_onnx
from export.composers.onnx import COMPOSER_OPERATORS
from export.gansynth.plan import ToneGraph
from training.gansynth.tones import GansynthTones

OPERATORS = COMPOSER_OPERATORS | {"DepthToSpace", "Reciprocal"}
"""Plain arithmetic and convolutions: nothing random, no loops."""
_MODEL = "model.pt"


def export_notes(
    model: GansynthTones,
    names: tuple[str, ...],
    folder: Path,
    workers: int = 2,
) -> None:
    """Export graphs side by side to ``folder/NAME.onnx``.

    Parameters
    ----------
    names
        Some of `export.gansynth.plan.GRAPH_NAMES`.
    folder
        Scratch space.
    workers
        Processes at a time; 0 exports in this process, which is quicker for tiny networks and is
        trusted for nothing that ships.

    Raises
    ------
    EngineError
        An export failed; the message ends with the process's last words.
    """
    torch.save(model, folder / _MODEL)
    if not workers:
        for name in names:
            export_here(folder, name)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda name: run_export(__name__, name, str(folder), name), names))


def export_here(folder: Path, name: str) -> None:
    """Export one graph in this process, which must not export another one."""
    torch.set_num_threads(1)
    model: GansynthTones = torch.load(folder / _MODEL, weights_only=False)
    graph = ToneGraph.of(model, name)
    module = graph.module(model)
    onnx.save(
        to_onnx(module, graph.inputs(model), ["waveform"], OPERATORS), folder / f"{name}.onnx"
    )


if __name__ == "__main__":
    export_here(Path(sys.argv[1]), sys.argv[2])
