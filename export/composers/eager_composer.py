"""torch as a peer of ``latentkeys bench compose``: the note LSTM's own modules, run eagerly.

Run as a process, because no process of the instrument may import torch:
``python -m export.composers.eager_composer CONFIG``, CONFIG being the card's ``training.config``
as JSON. The weights are random: they change the notes, not the work. A unit of work is every graph
of one note once, on one thread, on the examples that are exported.
"""

from __future__ import annotations

import json
import sys
import time

import msgspec
import torch

from instrument.bench.peers.child import serve
from training.note_lstm.step_graphs import Advance, NoteSteps, ShiftLogits
from training.note_lstm.system import NoteLSTMConfig, NoteNetwork


def main() -> None:
    """Make notes on one thread for as long as somebody asks."""
    config = msgspec.convert(json.loads(sys.argv[1]), NoteLSTMConfig)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = NoteNetwork(config, with_velocities=False).eval()
    heads = network.heads
    steps = NoteSteps(
        advance=Advance(network.lstm),
        shift=ShiftLogits(heads.shift),
        pitch=heads.pitch,
        duration=heads.duration,
        velocity=None,
        layers=config.layers,
        units=config.units,
        velocity_bin=0,
    )
    work = [
        (getattr(steps, name), tuple(inputs.values())) for name, inputs in steps.examples().items()
    ]
    parameters = sum(parameter.numel() for parameter in network.parameters())

    def play(notes: float) -> dict[str, float]:
        with torch.inference_mode():
            start = time.perf_counter()
            for _ in range(int(notes)):
                for module, inputs in work:
                    module(*inputs)
            seconds = (time.perf_counter() - start) / notes
        return {"seconds": seconds}

    play(20)
    serve({"version": torch.__version__, "parameters": parameters}, play)


if __name__ == "__main__":
    main()
