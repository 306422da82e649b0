"""Notochord as a peer of ``latentkeys bench partner``: its model on one thread, random weights.

Run by the Python of a virtual environment that has it: ``PYTHON -m
export.composers.notochord_model``. The weights change the events, not the work. A unit of
work is one event as its improviser makes it: all four of its numbers drawn (``query``), then fed
back (``feed``). https://github.com/Intelligent-Instruments-Lab/notochord
"""

from __future__ import annotations

import time
from importlib.metadata import version

from instrument.bench.peers.child import serve, serve_missing

_WARM_EVENTS = 10


def main() -> None:
    """Make events for as long as somebody asks."""
    try:
        import torch
        from notochord import Notochord
    except ImportError as reason:
        serve_missing(f"no Notochord: {reason}")
        return
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = Notochord().eval()
    model.reset()

    def play(events: float) -> dict[str, float]:
        query = feed = 0.0
        with torch.inference_mode():
            for _ in range(int(events)):
                start = time.perf_counter()
                event = model.query()
                drawn = time.perf_counter()
                model.feed(event["inst"], event["pitch"], event["time"], event["vel"])
                query += drawn - start
                feed += time.perf_counter() - drawn
        return {"query": query / events, "feed": feed / events}

    play(_WARM_EVENTS)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    facts = {"version": version("notochord"), "torch": torch.__version__, "parameters": parameters}
    serve(facts, play)


if __name__ == "__main__":
    main()
