"""``latentkeys generate``: sounds, notes and samplers' maps in numbers, one module for each."""

from __future__ import annotations

import click

from instrument.cli.lazy import LazyGroup, Verb

VERBS = {
    "random": Verb(
        "instrument.cli.generate.random_sounds:random_command", "Make presets from random latents."
    ),
    "notes": Verb("instrument.cli.generate.notes:notes_command", "Make labelled notes in numbers."),
    "sfz": Verb("instrument.cli.generate.sfz:sfz_command", "Write a preset for samplers."),
    "convgan": Verb(
        "training.cli.convgan:generate_command", "Make sounds with a run of convgan.", "training"
    ),
}


@click.group("generate", cls=LazyGroup, sections={"Commands": VERBS})
def generate_group() -> None:
    """Make random sounds, notes with labels, samplers' maps."""
