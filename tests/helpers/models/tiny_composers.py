"""Real bundles of tiny composers that have taken one step, each exported once a run."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import torch

from export.composers.write import write_learner
from tests.helpers.made_once import made_once, scratch
from tests.helpers.music.corpora import scales
from training.systems import SYSTEMS
from training.trainer.run_card import Length
from training.trainer.trainer import new_run

#: System and number of voices by the name of the tiny model.
TINY = {
    "tiny_notes": ("note-lstm", 1),
    "tiny_ensemble": ("ensemble-lstm", 3),
    "tiny_chorale": ("chorale-lstm", 4),
    "tiny_attention": ("attention-lstm", 1),
    "tiny_stacked": ("stacked-lstm", 1),
    "tiny_tones": ("crnngan", 1),
    "tiny_dense": ("crnngan-simple", 1),
    "tiny_phrases": ("musegan", 4),
    "tiny_accompanist": ("musegan", 4),
    "tiny_follower": ("musegan", 4),
}
#: What differs from the recipe "tiny"; of a MuseGAN in its size.
_CHANGES: dict[str, dict[str, Any]] = {
    "tiny_dense": {"is_document": True},
    "tiny_accompanist": {"mode": "composer", "given_track": 0},
    "tiny_follower": {"mode": "composer", "bars": 2, "previous_bars": 2},
}


@functools.cache
def tiny_composer(name: str) -> Path:
    """Return the folder of an exported composer; copy it before changing anything."""
    target = scratch() / "composers" / name
    return made_once(target, lambda: _export(name, target))


def _export(name: str, target: Path) -> None:
    system_name, voices = TINY[name]
    threads = torch.get_num_threads()
    corpus = scales(voices=voices, per_split=8)
    system = SYSTEMS[system_name]
    if name in _CHANGES:
        config, changes = system.recipes["tiny"], _CHANGES[name]
        if system_name == "musegan":
            changes = {"size": dataclasses.replace(config.size, **changes)}
        recipes = {"tiny": dataclasses.replace(config, **changes)}
        system = dataclasses.replace(system, recipes=recipes)
    length = Length(2, 0.0, 1)
    run = new_run(system, "tiny", corpus, length, scratch(), torch.device("cpu"))
    for network in run.learner.networks.values():
        network.eval().requires_grad_(False)
    write_learner(run.learner, run.card, target, {}, workers=0)
    torch.set_num_threads(threads)
