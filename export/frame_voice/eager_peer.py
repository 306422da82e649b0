"""torch as a peer of ``latentkeys bench render``: a graph's own module, run eagerly.

Run as a process, because no process of the instrument may import torch:
``python -m export.frame_voice.eager_peer GRAPH INSTRUMENTS SIZES``, SIZES being the card's
``training.voice`` as JSON. The weights are random: they change the sound, not the work. Inputs and
layers are those that `export.frame_voice.graphs` exports.
"""

from __future__ import annotations

import json
import sys
import time

import torch

from export.frame_voice.graphs import plan
from instrument.bench.peers.child import serve
from training.data.audio.tone_set import Instrument, TuningTables
from training.frame_voice.config import FrameVoiceConfig
from training.frame_voice.model import FrameVoice


def main() -> None:
    """Render notes on one thread for as long as somebody asks."""
    graph, instruments, sizes = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    torch.set_num_threads(1)
    torch.manual_seed(0)
    names = tuple(Instrument(f"{index}", index, False, False, 0.0) for index in range(instruments))
    voice = FrameVoice(FrameVoiceConfig(**sizes), names, TuningTables.harmonic(instruments))
    prepared = plan(voice, graph)
    parameters = sum(parameter.numel() for parameter in voice.network.parameters())

    def render(calls: float) -> dict[str, float]:
        with torch.inference_mode():
            start = time.perf_counter()
            for _ in range(int(calls)):
                audio, _level = prepared.module(**prepared.inputs)
            seconds = (time.perf_counter() - start) / calls
        return {"seconds": seconds, "peak": float(audio.abs().max()), "frames": audio.shape[-1]}

    render(2)
    serve({"version": torch.__version__, "parameters": parameters}, render)


if __name__ == "__main__":
    main()
