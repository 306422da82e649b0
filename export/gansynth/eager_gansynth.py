"""torch as a peer of ``latentkeys bench gansynth``: the model as it is trained, run eagerly.

Run as a process, because no process of the instrument may import torch:
``python -m export.gansynth.eager_gansynth NETWORK``, NETWORK being the card's ``training.network``
as JSON. The weights are random: they change the sound, not the work.
"""

from __future__ import annotations

import json
import sys
import time

import torch

from export.gansynth.plan import ToneGraph
from instrument.bench.peers.child import serve, serve_missing
from training.audio.spectrogram import Spectrogram
from training.gansynth.network import Generator, NetworkSize
from training.gansynth.tones import GansynthTones


def main() -> None:
    """Render notes on one thread for as long as somebody asks."""
    network = json.loads(sys.argv[1])
    if network["scale"] == "wave":
        serve_missing("the peer renders from spectrograms, this model has none")
        return
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sizes = network["size"]
    size = NetworkSize(**{**sizes, "start": tuple(sizes["start"])})
    drawing = Spectrogram(network["scale"], *size.image, network["frames"])
    tones = GansynthTones(Generator(size), None, drawing, network["position"]).eval()
    inputs = ToneGraph.of(tones, "note_1").inputs(tones)

    def render(calls: float) -> dict[str, float]:
        with torch.inference_mode():
            start = time.perf_counter()
            for _ in range(int(calls)):
                tones(**inputs)
        return {"seconds": (time.perf_counter() - start) / calls}

    render(2)
    parameters = sum(parameter.numel() for parameter in tones.parameters())
    serve({"version": torch.__version__, "parameters": parameters}, render)


if __name__ == "__main__":
    main()
