"""How loud recordings are above 7.5 kHz: ``python -m training.metrics.audio.air FOLDER ...``.

In: instruments that were recorded at 44.1 kHz or more. Out: what
`instrument.rendering.air_band.AIR_DB` is, and how far the air of each instrument would be off if
only the others were known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
import soxr
from numpy.typing import NDArray

from instrument.rendering.air_band import (
    AIR_EDGES_HZ,
    FLOOR_DB,
    KNOWN_HZ,
    MODEL_HZ,
    RATE_HZ,
    level_db,
    short_spectra,
)
from instrument.rendering.renderer import Audio
from training.data.audio.recorded.mapping import MappedInstrument, find_instruments
from training.data.audio.recorded.note import one_channel
from training.data.audio.wave_files import read_recording

Floats = NDArray[np.float64]

_SECONDS = 4
_QUIET_DB = 40.0  # under the loudest window nothing is learned
_ROOM_SHARE, _ROOM_TIMES = 0.02, 1.5  # a recording's hiss: what its stillest windows have


def air_of(instrument: MappedInstrument) -> tuple[Floats, Floats] | None:
    """Measure an instrument; None when none of its recordings could be read, or has a treble.

    Returns
    -------
    ndarray
        The level of the known band, float64, shape (windows, 1), dB.
    ndarray
        Those of the bands of air, shape (windows, bands of air), without the recordings' hiss.
    """
    levels = [_levels(sound) for sound in _sounds(instrument)]
    if not levels:
        return None
    known, air = (np.concatenate(part) for part in zip(*levels, strict=True))
    return known, air


def off_db(known_db: Floats, air_db: Floats, offsets_db: Floats) -> tuple[float, float]:
    """Return how far off the air of single windows is, and that of the mean over them all, dB.

    Parameters
    ----------
    known_db, air_db
        See `air_of`.
    offsets_db
        float64, shape (bands of air,).
    """
    told = known_db + offsets_db
    windows = np.abs(told - air_db).mean()
    return float(windows), float(np.abs(_mean_db(told) - _mean_db(air_db)).mean())


def _mean_db(levels_db: Floats) -> Floats:
    return np.asarray(10.0 * np.log10((10.0 ** (levels_db / 10.0)).mean(axis=0)))


def _sounds(instrument: MappedInstrument) -> Iterator[Audio]:
    for note in instrument.notes:
        try:
            sound, rate_hz = read_recording(note.file, _SECONDS)
        except (OSError, ValueError) as reason:
            click.echo(f"skipped {note.file.name}: {reason}", err=True)
            continue
        if rate_hz >= 2 * AIR_EDGES_HZ[-1]:
            yield soxr.resample(one_channel(sound), rate_hz, RATE_HZ)


def _levels(sound: Audio) -> tuple[Floats, Floats]:
    """Return what a model would know of a recording, and the air that it has."""
    low = soxr.resample(soxr.resample(sound, RATE_HZ, MODEL_HZ), MODEL_HZ, RATE_HZ)
    frames = min(len(low), len(sound))
    heard = short_spectra(sound[:frames])
    loudness = level_db(heard, (0.0, KNOWN_HZ[1]))[:, 0]
    known = level_db(short_spectra(low[:frames]), KNOWN_HZ)
    power = 10.0 ** (level_db(heard, AIR_EDGES_HZ) / 10.0)
    power -= _ROOM_TIMES * np.quantile(power, _ROOM_SHARE, axis=0)
    air = 10.0 * np.log10(np.maximum(power, 10.0 ** (FLOOR_DB / 10.0)))
    air = np.maximum(air, loudness.max() - 100.0)  # hiss taken away leaves holes
    loud = loudness > loudness.max() - _QUIET_DB
    return known[loud], air[loud]


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def main(folders: Sequence[Path]) -> None:
    """Print the levels of the air, and each instrument's distance from what the others say."""
    found: dict[str, tuple[Floats, Floats]] = {}
    for instrument in (each for folder in folders for each in find_instruments(folder)):
        if levels := air_of(instrument):
            found[instrument.name] = levels
    offsets = {name: (air - known).mean(axis=0) for name, (known, air) in found.items()}
    off = []
    for name, levels in found.items():
        others = np.mean([each for other, each in offsets.items() if other != name], axis=0)
        off.append(off_db(*levels, others))
        click.echo(f"{name}: windows {off[-1][0]:.1f} dB off, the whole {off[-1][1]:.1f} dB")
    windows, whole = np.mean(off, axis=0)
    click.echo(f"mean of {len(off)}: windows {windows:.1f} dB off, the whole {whole:.1f} dB")
    click.echo(f"AIR_DB = {tuple(np.mean(list(offsets.values()), axis=0).round(1).tolist())}")


if __name__ == "__main__":
    main()
