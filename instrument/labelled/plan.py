"""What every note of a labelled set is, by its number alone.

In: a `NotePlan`. Out: a `PlannedNote` for each number: which sound, pitch, velocity, split. Nothing
here depends on what was made before, so any part can be made again, anywhere, with the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from instrument.errors import SettingError
from instrument.schema import ranged

FORMAT = 1
SPLITS = ("train", "valid", "test")

FileType = Literal["wav", "flac"]
Layout = Literal["nsynth", "webdataset", "tfrecord"]
_GRID, _SPLIT = 1, 2  # what a sound's chance is for


@dataclass(frozen=True, slots=True)
class NotePlan:
    """Everything that a set of notes depends on; kept beside it as ``plan.json``.

    Attributes
    ----------
    model, version, weights_sha256
        The voice.
    presets
        Names of presets and the sha256 of each file; random sounds when empty. Where the files lie
        is nobody's business who gets the set.
    count, seed
        How many notes; of everything random.
    notes_per_sound
        How many of one sound, all of different pitch or velocity.
    pitches
        Lowest and highest MIDI number.
    velocities
        Those that notes may have.
    seconds, held_seconds
        Length of a file, and how long its key is held.
    rate_hz, channels, file_type
        Of the files.
    truncation, sharpness
        Of random sounds, see `instrument.latents.latent.draw`.
    splits
        Shares of `SPLITS`. All notes of a random sound are in one; of presets, each note by itself.
    layout, notes_per_part
        How files lie, and how many notes are made at once.
    """

    format: Annotated[int, Meta(ge=1)]
    model: str
    version: str
    weights_sha256: str
    presets: tuple[tuple[str, str], ...]
    count: Annotated[int, ranged(1, 2**31)]
    seed: Annotated[int, ranged(0, 2**31)]
    notes_per_sound: Annotated[int, ranged(1, 128 * 127)]
    pitches: tuple[int, int]
    velocities: tuple[int, ...]
    seconds: float
    held_seconds: float
    rate_hz: int
    channels: Literal[1, 2]
    file_type: FileType
    truncation: float
    sharpness: float
    splits: tuple[float, float, float]
    layout: Layout
    notes_per_part: int

    @property
    def parts(self) -> int:
        """How many parts are made, each at once."""
        return -(-self.count // self.notes_per_part)

    @property
    def sounds(self) -> int:
        """How many sounds there are."""
        return -(-self.count // self.notes_per_sound)

    @property
    def grid(self) -> int:
        """How many different notes a sound can have."""
        return (self.pitches[1] - self.pitches[0] + 1) * len(self.velocities)

    def check(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        SettingError
            A sound has fewer different notes than are asked for, a key is held too long, or the
            layout has no room for what is asked for.
        """
        if self.layout == "tfrecord" and (self.channels != 1 or self.file_type != "wav"):
            raise SettingError(
                "TFRecords hold the plain samples of one channel", "Leave --stereo and --type out."
            )
        if self.notes_per_sound > self.grid:
            raise SettingError(
                f"one sound has {self.grid} different notes between these pitches and velocities, "
                f"not {self.notes_per_sound}",
                "Take more --pitches or --velocities, more presets, or fewer notes.",
            )
        if self.held_seconds > self.seconds:
            raise SettingError(
                f"keys held for {self.held_seconds:g} s do not fit into {self.seconds:g} s",
                "Make --held shorter or --seconds longer.",
            )


@dataclass(frozen=True, slots=True)
class PlannedNote:
    """One note.

    Attributes
    ----------
    number, sound
        Of the set, from 0.
    pitch, velocity
        MIDI numbers.
    split
        Of `SPLITS`.
    """

    number: int
    sound: int
    pitch: int
    velocity: int
    split: str


def notes_of(plan: NotePlan, part: int) -> Iterator[PlannedNote]:
    """Give the notes of one part, in order."""
    start = part * plan.notes_per_part
    for number in range(start, min(start + plan.notes_per_part, plan.count)):
        sound, place = divmod(number, plan.notes_per_sound)
        cell = int(_cells(plan.seed, sound, plan.grid, plan.notes_per_sound)[place])
        pitch, velocity = divmod(cell, len(plan.velocities))
        whose = (sound, number) if plan.presets else (sound,)
        yield PlannedNote(
            number,
            sound,
            plan.pitches[0] + pitch,
            plan.velocities[velocity],
            _split(plan, whose),
        )


def sound_seed(plan: NotePlan, sound: int, attempt: int) -> int:
    """Return the seed of a random sound; the next attempt where one was no good."""
    random = np.random.default_rng((plan.seed, sound, attempt, 0))
    return int(random.integers(2**31 - 1))


@lru_cache(maxsize=64)
def _cells(seed: int, sound: int, grid: int, count: int) -> np.ndarray:
    random = np.random.default_rng((seed, sound, _GRID))
    return random.permutation(grid)[:count]


def _split(plan: NotePlan, whose: tuple[int, ...]) -> str:
    chance = np.random.default_rng((plan.seed, *whose, _SPLIT)).random()
    total = sum(plan.splits)
    bounds = np.cumsum(plan.splits) / total
    return SPLITS[min(int(np.searchsorted(bounds, chance, side="right")), len(SPLITS) - 1)]
