"""Make a wave set of MAESTRO's recordings: tiles of four seconds of piano music.

In: the folder that its zip with WAV files unpacks to. Out: a wave set in the splits that MAESTRO's
own list names. A tile is music, so it has no pitch.
"""

from __future__ import annotations

from pathlib import Path

from training.data.audio.wave_folder import tile_items
from training.data.audio.wave_writer import CollectedWaves, write_waves
from training.data.symbolic.maestro import MAESTRO_NOTICE, maestro_splits
from training.data.symbolic.reading import Show


def read_maestro_tiles(
    path: Path, folder: Path, name: str, show: Show, most: int | None = None
) -> CollectedWaves:
    """Make the wave set.

    Parameters
    ----------
    path
        MAESTRO's folder.
    folder, name
        Where the set goes, and what ``--data`` calls it; an hour takes 115 MB, all 200 take 23 GB.
    show
        Told after each recording.
    most
        Read no more recordings than this: every so manieth of the list.

    Raises
    ------
    FileError
        The list is missing or is not MAESTRO's, or more than one in a hundred recordings are
        missing or broken.
    """
    splits = maestro_splits(path, "audio_filename")
    step = -(-len(splits) // most) if most else 1
    chosen = dict(list(splits.items())[::step])
    return write_waves(
        folder,
        tile_items(path, chosen, show),
        name=name,
        source=f"MAESTRO in {path.resolve().name}, in tiles",
        notice=MAESTRO_NOTICE,
    )
