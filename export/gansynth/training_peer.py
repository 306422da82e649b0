"""How fast GANSynth learns: a contestant of ``latentkeys bench gansynth`` that runs on a GPU.

``python -m export.gansynth.training_peer CONFIG`` times the full-grown networks of a configuration;
for every request it says the seconds that one image takes.
"""

from __future__ import annotations

import sys

import torch

from instrument.bench.peers.child import serve, serve_missing
from training.gansynth.config import CONFIGS
from training.gansynth.system import training_speed

_STEPS = 32  # two rounds of a penalty that is taken every 16 steps


def main() -> None:
    """Train on noise for as long as somebody asks."""
    config = CONFIGS[sys.argv[1]]
    if not torch.cuda.is_available():
        serve_missing("torch sees no CUDA here: a step takes minutes on a CPU")
        return
    device = torch.device("cuda")

    def learn(batch: float) -> dict[str, float]:
        return {"seconds": 1.0 / training_speed(config, int(batch), _STEPS, device)}

    serve({"version": torch.__version__, "device": torch.cuda.get_device_name(device)}, learn)


if __name__ == "__main__":
    main()
