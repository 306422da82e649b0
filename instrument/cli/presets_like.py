"""``latentkeys presets new NAME --like WAV``: a preset from a recorded note."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console

from instrument.latents.create_preset import installed_bundle, new_path, plain_preset
from instrument.latents.fit_to_recording import find_nearest, read_example, steps_of
from instrument.preset.preset import save_preset, user_presets_folder
from instrument.progress import LongWork
from instrument.rendering.open_renderer import open_renderer


def make_like(name: str, wav: Path, *, pitch: int | None, model: str) -> None:
    """Make a preset whose sound is as near as the model comes to a recorded note."""
    path = new_path(name, user_presets_folder())
    bundle = installed_bundle(model)
    renderer = open_renderer(bundle, threads=os.cpu_count() or 1)
    example = read_example(wav, pitch, renderer)
    with LongWork(Console(stderr=True)) as progress:
        looking = progress.add_task("Looking", total=steps_of(bundle.sound))
        found = find_nearest(example, bundle.sound, renderer, lambda: progress.advance(looking))
    preset = plain_preset(name, bundle, found.latent, dies_away=example.dies_away)
    save_preset(preset, path)
    Console().print(
        f"Made {path}\nPitch {example.pitch}; {found.distance_db:.1f} dB from the recording "
        f"(the best of the search: {found.searched_db:.1f} dB)\n"
        f"Hear it with: latentkeys play --preset {path.stem}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
