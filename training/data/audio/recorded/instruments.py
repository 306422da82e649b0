"""Make one tone set of real recordings and SoundFonts.

In: folders of recordings, SFZ files, SoundFonts. Out: a tone set in which every instrument, and
every layer of velocity of one, is an instrument of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from instrument.errors import FileError
from training.data.audio.programs import HELD_OUT_PROGRAMS
from training.data.audio.recorded.mapping import MappedInstrument, find_instruments
from training.data.audio.recorded.tone_rows import add_rows, described, read_recorded
from training.data.audio.render import font_notice, instrument_of, render_instrument
from training.data.audio.soundfont import SoundFont
from training.data.audio.tone_set import (
    Instrument,
    ToneSet,
    ToneSetWriter,
    TuningTables,
    open_notes,
)
from training.data.symbolic.reading import Skipped

FONT_SUFFIXES = (".sf2", ".sf3")
FEWEST_NOTES = 4
_LAYER = re.compile(r"-v\d+$")  # as `MappedInstrument` is named

Show = Callable[[str, int, int], None]
_Write = Callable[[int, Instrument, ToneSetWriter, TuningTables], None]


@dataclass(frozen=True, slots=True)
class CollectedTones:
    """A tone set, and what could not be used of its sources."""

    tones: ToneSet
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """An instrument and how its tones are written."""

    instrument: Instrument
    write: _Write


def collect_instruments(
    sources: Sequence[Path],
    folder: Path,
    programs: Sequence[int],
    held_out: Sequence[str],
    notice: str,
    show: Show,
) -> CollectedTones:
    """Read all sources into a tone set.

    Parameters
    ----------
    sources
        Folders, SFZ files and SoundFonts.
    folder
        Where the set goes.
    programs
        Of every SoundFont, the General MIDI programs to render.
    held_out
        Names of instruments that are measured and not learned.
    notice
        Whose recordings they are, and under which licence: it goes with what is trained on them.
    show
        Told after each instrument.

    Raises
    ------
    FileError
        A source holds no instrument, or cannot be read.
    """
    skipped: list[Skipped] = []
    fonts = [source for source in sources if source.suffix.lower() in FONT_SUFFIXES]
    mapped = [i for source in sources if source not in fonts for i in _mapped(source)]
    if unknown := set(held_out) - {instrument.name for instrument in mapped}:
        names = ", ".join(instrument.name for instrument in mapped)
        raise FileError(
            f"there is no instrument {min(unknown)!r} to hold out", f"There are {names}."
        )
    count = len(mapped) + len(fonts) * len(programs)
    found: list[_Source] = []
    for instrument in mapped:
        notes = read_recorded(instrument, lambda name, reason: skipped.append((name, reason)))
        show(f"read {instrument.name}", len(found), 2 * count)
        if len(notes) < FEWEST_NOTES:
            skipped.append((instrument.name, f"only {len(notes)} of its notes can be used"))
            continue
        about = described(instrument, notes, is_held_out=instrument.name in held_out)
        found.append(_Source(about, partial(add_rows, notes)))
    with ToneSetWriter(folder) as writer:
        opened = [SoundFont(font) for font in fonts]
        try:
            for font in opened:
                found += [_of_font(font, program) for program in programs]
            found.sort(key=lambda source: source.instrument.is_held_out)
            tables = TuningTables.harmonic(len(found))
            for index, source in enumerate(found):
                source.write(index, source.instrument, writer, tables)
                show(source.instrument.name, index + 1, len(found))
            share_strings([source.instrument for source in found], tables)
        finally:
            for font in opened:
                font.close()
        notices = [notice, *(font_notice(font) for font in fonts)]
        writer.finish(
            tuple(source.instrument for source in found),
            tables,
            ", ".join(source.name for source in sources),
            "\n".join(text for text in notices if text),
        )
    return CollectedTones(open_notes(folder), tuple(skipped))


def share_strings(instruments: Sequence[Instrument], tables: TuningTables) -> None:
    """Give the layers of one instrument the same stretch, which is that of its strings.

    Each layer's was measured by itself. Two tones of different velocities are blended while they
    are played, and partials a fraction of a hertz apart would beat.

    Parameters
    ----------
    tables
        float32, a row for each instrument; what layers share is changed in place.
    """
    layers: dict[str, list[int]] = {}
    for row, instrument in enumerate(instruments):
        layers.setdefault(_LAYER.sub("", instrument.name), []).append(row)
    for rows in layers.values():
        stretch = tables.log2_inharmonicity
        stretch[rows] = np.median(stretch[rows], axis=0)


def _mapped(source: Path) -> tuple[MappedInstrument, ...]:
    try:
        instruments = find_instruments(source)
    except (OSError, ValueError) as reason:
        raise FileError(f"{source} cannot be read: {reason}") from reason
    if not instruments:
        raise FileError(
            f"{source} has no instrument in it",
            "Give a folder of notes, one file each, with an .sfz file or the pitch in every name.",
        )
    return instruments


def _of_font(font: SoundFont, program: int) -> _Source:
    about = instrument_of(program, is_held_out=program in HELD_OUT_PROGRAMS)
    return _Source(about, partial(render_instrument, font))
