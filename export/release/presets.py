"""Bring a folder of presets to newly exported models: ``python -m export.release.presets presets``.

In: presets with recipes, and the bundles in ``models/`` beside them. Out: the same presets with the
new models' latents, equally loud, and a table of what they sound like. It ends with an error if two
of them are hard to tell apart, one is not brighter when struck harder, or one is too loud or quiet.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from export.release.preset_sounds import PITCHES, VELOCITIES, Listener, ProbeMeasures, distances_db
from instrument.errors import LatentkeysError, PresetError
from instrument.latents.create_preset import check_preset, refresh_preset
from instrument.preset.preset import Preset, save_preset
from instrument.rendering.open_renderer import open_renderer

LOUDNESS_LUFS = -20.0
"""Of the beginning of the cello prelude, effects included."""
LOUDNESS_SPREAD_DB = 2.0
SMALLEST_DISTANCE_DB = 4.0
"""Two neighbouring keys of one preset differ by about 3 dB, two velocities by less."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A preset and what it sounds like."""

    path: Path
    preset: Preset
    hearing: ProbeMeasures
    loudness_lufs: float  #: on the piece


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--only-look", is_flag=True, help="Change nothing, only listen and judge.")
def main(folder: Path, only_look: bool) -> None:
    """Refresh, level, measure and judge every preset in FOLDER."""
    console = Console(width=120)
    try:
        paths = sorted(folder.glob("*.toml"))
        shipped = listen(paths) if only_look else ship(paths)
        console.print(table(shipped))
        judge(shipped)
    except LatentkeysError as problem:
        console.print(str(problem), markup=False)
        raise SystemExit(2) from problem


def ship(paths: list[Path]) -> list[Shipped]:
    """Give every preset its installed model's latent and the common loudness."""
    for path in paths:
        refresh_preset(path)
    for _ in range(3):  # glue and drive answer a new gain with less or more of it
        for one in listen(paths):
            gain_db = one.preset.sound.gain_db + LOUDNESS_LUFS - one.loudness_lufs
            sound = dataclasses.replace(one.preset.sound, gain_db=round(float(gain_db), 1))
            save_preset(dataclasses.replace(one.preset, sound=sound), one.path)
    return listen(paths)


def listen(paths: list[Path]) -> list[Shipped]:
    """Play every preset's probe notes through the kernel.

    Raises
    ------
    PresetError, BundleError
        Whatever keeps one of them from being played.
    """
    listeners: dict[str, Listener] = {}
    shipped = []
    for path in paths:
        preset, bundle = check_preset(path)
        if bundle.weights_sha256 not in listeners:
            listeners[bundle.weights_sha256] = Listener(open_renderer(bundle, device="cpu"))
        listener = listeners[bundle.weights_sha256]
        heard, lufs = listener.hear(preset), listener.loudness_lufs(preset)
        shipped.append(Shipped(path, preset, heard, lufs))
    return shipped


def judge(shipped: list[Shipped]) -> None:
    """Refuse presets that are alike, uneven in loudness, or deaf to velocity.

    Raises
    ------
    PresetError
        Names every fault that was found.
    """
    faults = []
    for one in shipped:
        off = one.loudness_lufs - LOUDNESS_LUFS
        if abs(off) > LOUDNESS_SPREAD_DB:
            faults.append(f"{one.path.stem}: {off:+.1f} dB from the common loudness")
        if one.hearing.peak > 1.0:
            faults.append(f"{one.path.stem}: peaks at {one.hearing.peak:.2f}")
        for pitch, row in zip(PITCHES, one.hearing.centroid_hz, strict=True):
            if not np.all(np.diff(row) > 0):
                faults.append(f"{one.path.stem}: not brighter when struck harder at pitch {pitch}")
    table_db = distances_db([one.hearing for one in shipped])
    for i, j in zip(*np.triu_indices(len(shipped), 1), strict=True):
        if table_db[i, j] < SMALLEST_DISTANCE_DB:
            pair = f"{shipped[i].path.stem} and {shipped[j].path.stem}"
            faults.append(f"{pair} differ by only {table_db[i, j]:.1f} dB")
    if faults:
        raise PresetError(f"{len(faults)} faults:\n" + "\n".join(faults))


def table(shipped: list[Shipped]) -> Table:
    """Show what every preset sounds like, and which other one is nearest."""
    rows = Table(box=None, pad_edge=False)
    rows.add_column("preset")
    middle = PITCHES.index(60)
    soft, loud = VELOCITIES[0], VELOCITIES[-1]
    for heading in (
        "piece, LUFS",
        "gain dB",
        "peak",
        "attack ms",
        "decay dB",
        f"centroid Hz at C4, {soft} / {loud}",
        "nearest, dB",
    ):
        rows.add_column(heading, justify="right")
    distances = distances_db([one.hearing for one in shipped])
    np.fill_diagonal(distances, np.inf)
    for index, one in enumerate(shipped):
        nearest = int(np.argmin(distances[index]))
        centroid = one.hearing.centroid_hz[middle]
        rows.add_row(
            one.path.stem,
            f"{one.loudness_lufs:.1f}",
            f"{one.preset.sound.gain_db:+.1f}",
            f"{one.hearing.peak:.2f}",
            f"{1000 * one.hearing.attack_seconds:.0f}",
            f"{one.hearing.decay_db:.1f}",
            f"{centroid[0]:.0f} / {centroid[-1]:.0f}",
            f"{shipped[nearest].path.stem} {distances[index, nearest]:.1f}",
        )
    return rows


if __name__ == "__main__":
    main()
