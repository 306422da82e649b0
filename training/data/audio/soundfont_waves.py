"""Render a wave set from a SoundFont: every key of GANSynth's range, held for the whole 4 s.

NSynth lets go of its keys after 3 s. An instrument wants to sustain a tone for longer than it was
learned, so there is no release in these: the host makes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import soxr

from training.audio.format import SAMPLE_RATE_HZ, WAVE_FRAMES, WAVE_PITCHES, WAVE_RATE_HZ
from training.data.audio.programs import PROGRAM_NAMES
from training.data.audio.render import FLUID_NOTICE
from training.data.audio.soundfont import SoundFont
from training.data.audio.wave_writer import (
    CollectedWaves,
    RecordedTone,
    as_int16,
    normalised,
    write_waves,
)
from training.data.audio.waves import WaveSplit
from training.data.symbolic.reading import Show, Skipped, read_side_by_side

VELOCITY = 100
"""One for all: GM fonts hardly change timbre with velocity, and GANSynth does not know of it."""

_SILENCE = 1e-4


def render_waves(
    font: Path, folder: Path, name: str, programs: Sequence[int], show: Show
) -> CollectedWaves:
    """Render a wave set; keys that make no sound are skipped, and named.

    Parameters
    ----------
    font
        The SoundFont file.
    folder, name
        Where the set goes, and what ``--data`` calls it; 7.8 MB per program.
    programs
        General MIDI programs, as in `training.data.audio.programs`.
    show
        Told after each program.

    Raises
    ------
    FileError
        The font cannot be read, or the folder cannot be written.
    """
    notice = FLUID_NOTICE if "Fluid" in font.name else ""
    items = _render(font, programs, show)
    return write_waves(folder, items, name=name, source=font.name, notice=notice, most_skipped=1.0)


def split_of(program: int, pitch: int) -> WaveSplit:
    """Keep every eighth pitch of a program for testing, and one in 24 for validation.

    Staggered, so that every pitch is learned from seven programs in eight.
    """
    place = (pitch + 3 * program) % 24
    return "test" if place % 8 == 0 else "valid" if place == 12 else "train"


def _render(font: Path, programs: Sequence[int], show: Show) -> Iterator[RecordedTone | Skipped]:
    rendered = read_side_by_side(partial(_render_program, font), programs, chunk=1)
    for done, (program, tones) in enumerate(zip(programs, rendered, strict=True), start=1):
        sounding = {tone.pitch for tone in tones}
        yield from tones
        for pitch in WAVE_PITCHES:
            if pitch not in sounding:
                yield f"{PROGRAM_NAMES[program]} {pitch}", "it makes no sound"
        show(PROGRAM_NAMES[program], done, len(programs))


def _render_program(font: Path, program: int) -> list[RecordedTone]:
    tones = []
    hold = WAVE_FRAMES * SAMPLE_RATE_HZ // WAVE_RATE_HZ
    for pitch in WAVE_PITCHES:
        audio = _open(font).render(program, pitch, VELOCITY, hold, 0)
        wave = soxr.resample(audio, SAMPLE_RATE_HZ, WAVE_RATE_HZ, quality="VHQ")[:WAVE_FRAMES]
        if np.abs(wave).max() > _SILENCE:
            split = split_of(program, pitch)
            whole = as_int16(normalised(wave))
            tones.append(RecordedTone(whole, pitch, VELOCITY, PROGRAM_NAMES[program], split))
    return tones


@lru_cache
def _open(font: Path) -> SoundFont:
    """Once for each worker: reading the font takes seconds."""
    return SoundFont(font)
