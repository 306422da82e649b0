"""Render and analyse a whole tone set from a SoundFont: the data of the frame voice.

For every instrument and every key there is one tone that stays held; for every second key one that
is let go after a random time, and for every eighth a long one. Some keys of every instrument, and
some whole instruments, are kept out of training (`training.data.audio.programs`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.audio.format import HIGHEST_PITCH, LOWEST_PITCH, SAMPLE_RATE_HZ
from training.data.audio.analysis import ToneAnalysis, analyse_note, read_at
from training.data.audio.programs import (
    HELD_OUT_PROGRAMS,
    PROGRAM_NAMES,
    STRUCK_PROGRAMS,
    held_out_pitches,
    velocity_tilt,
)
from training.data.audio.soundfont import SoundFont
from training.data.audio.tone_set import (
    HELD,
    MODE_COUNT,
    TEST,
    TRAIN,
    UNSEEN,
    AnalysedTone,
    Instrument,
    ToneSet,
    ToneSetWriter,
    TuningTables,
    open_notes,
    strongest_rms,
)

VELOCITY = 112
"""GM fonts hardly change timbre with velocity; brightness by velocity is designed in the model."""

FLUID_NOTICE = (
    "Rendered from FluidR3 (mono version), MIT licence: Copyright (c) 2000-2002, 2008 Frank Wen; "
    "mono version by Michael Cowgill; temple blocks by Ethan Winer, drumline by Michael Schorsch."
)

_HELD_SECONDS, _LONG_SECONDS, _RELEASE_SECONDS = 3.6, 12.0, 0.8
_TEST_HOLD_SECONDS, _TEST_RELEASE_SECONDS = 3.0, 1.0
_HARMONIC = -20.0
_MODE_TOLERANCE = 0.008
_MODE_SHARE = 0.3
_STIFF_SHARE, _STIFF_KEYS = 0.4, 10


def render_notes(
    font: Path,
    folder: Path,
    programs: tuple[int, ...],
    progress: Callable[[str, int, int], None],
) -> ToneSet:
    """Render and analyse tones from a SoundFont into a tone set.

    Parameters
    ----------
    font
        The SoundFont file.
    folder
        Where the tone set goes; about 45 MB per program.
    programs
        General MIDI programs.
    progress
        Called after each program with its name, how many are done and how many there are.
    """
    ordered = sorted(programs, key=lambda program: (program in HELD_OUT_PROGRAMS, program))
    instruments = tuple(
        instrument_of(program, is_held_out=program in HELD_OUT_PROGRAMS) for program in ordered
    )
    tables = TuningTables.harmonic(len(instruments))
    with SoundFont(font) as synth, ToneSetWriter(folder) as writer:
        for index, instrument in enumerate(instruments):
            render_instrument(synth, index, instrument, writer, tables)
            progress(instrument.name, index + 1, len(instruments))
        writer.finish(instruments, tables, font.name, font_notice(font))
    return open_notes(folder)


def font_notice(font: Path) -> str:
    """Return the notice that must go with what is made of a SoundFont; empty if none is known."""
    return FLUID_NOTICE if "Fluid" in font.name else ""


def instrument_of(program: int, *, is_held_out: bool) -> Instrument:
    """Return what a tone set says of a General MIDI program."""
    return Instrument(
        name=PROGRAM_NAMES[program],
        program=program,
        is_struck=program in STRUCK_PROGRAMS,
        is_held_out=is_held_out,
        velocity_tilt=velocity_tilt(program),
    )


def render_instrument(
    synth: SoundFont,
    index: int,
    instrument: Instrument,
    writer: ToneSetWriter,
    tables: TuningTables,
) -> None:
    """Render and analyse the tones of one instrument; fill its row of the tables.

    Parameters
    ----------
    index
        The instrument's row.
    """
    hidden, tested = held_out_pitches(instrument.program)
    analyses: dict[int, ToneAnalysis] = {}
    levels: dict[int, float] = {}
    for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1):
        if pitch in hidden and pitch not in tested:
            continue
        held = synth.render(
            instrument.program, pitch, VELOCITY, int(_HELD_SECONDS * SAMPLE_RATE_HZ), 0
        )
        if np.abs(held).max() < 1e-4:
            continue
        analysis, positions = analyse_note(held / np.abs(held).max(), pitch, instrument.is_struck)
        split = UNSEEN if instrument.is_held_out else TEST if pitch in tested else TRAIN
        if split != TEST:
            analyses[pitch] = analysis
            levels[pitch] = 20.0 * np.log10(strongest_rms(held))
        for hold, release in _holds(instrument.program, pitch, split == TEST):
            audio = synth.render(instrument.program, pitch, VELOCITY, hold, release)
            writer.add(
                AnalysedTone(
                    audio=_straighten(audio, positions),
                    instrument=index,
                    pitch=pitch,
                    hold_frames=hold if release else HELD,
                    cents=analysis.cents,
                    split=split,
                    wobble_db=analysis.wobble_db,
                    wobble_hz=analysis.wobble_hz,
                )
            )
    if analyses:
        set_tuning(tables, index, analyses, levels)


def set_tuning(
    tables: TuningTables, index: int, analyses: dict[int, ToneAnalysis], levels: dict[int, float]
) -> None:
    """Fill an instrument's rows from what its keys were measured to be.

    Parameters
    ----------
    tables
        Changed in place.
    index
        The instrument's row.
    analyses, levels
        By pitch; levels in dB. At least one key.
    """
    tables.log2_inharmonicity[index] = _stretch_row(analyses)
    tables.mode_ratios[index], tables.mode_gates[index] = _mode_rows(analyses)
    tables.level_db[index] = _level_row(levels)


def _holds(program: int, pitch: int, is_test: bool) -> list[tuple[int, int]]:
    """List (hold, release) in frames of the tones to render for one key."""
    seconds: list[tuple[float, float]] = [(_HELD_SECONDS, 0.0)]
    if is_test:
        seconds = [(_TEST_HOLD_SECONDS, _TEST_RELEASE_SECONDS)]
    else:
        if (program + pitch) % 2 == 0:
            random = np.random.default_rng((program, pitch))
            seconds.append(
                (float(np.exp(random.uniform(np.log(0.08), np.log(2.0)))), _RELEASE_SECONDS)
            )
        if (program + pitch) % 8 == 1:
            seconds.append((_LONG_SECONDS, 0.0))
    return [(int(h * SAMPLE_RATE_HZ), int(r * SAMPLE_RATE_HZ)) for h, r in seconds]


def _straighten(
    audio: NDArray[np.float32], positions: NDArray[np.float64] | None
) -> NDArray[np.float32]:
    """Apply the held tone's straightening to a tone of any length; beyond it, shift only."""
    if positions is None:
        return audio
    beyond = np.arange(max(audio.size - positions.size, 0)) + 1.0 + positions[-1]
    return read_at(audio, np.concatenate([positions, beyond])[: audio.size])


def _stretch_row(analyses: dict[int, ToneAnalysis]) -> NDArray[np.float32]:
    """Interpolate log2 B over all keys, after a median over neighbours.

    Instruments with few stretched keys have none: those are measuring errors.
    """
    keys = np.arange(LOWEST_PITCH, HIGHEST_PITCH + 1)
    known = {p: a.inharmonicity for p, a in analyses.items() if np.isfinite(a.inharmonicity)}
    if sum(b > 0.0 for b in known.values()) <= max(_STIFF_SHARE * len(known), _STIFF_KEYS):
        return np.full(keys.size, _HARMONIC, np.float32)
    pitches = np.array(sorted(known))
    raw = np.array([np.log2(max(known[p], 2.0**_HARMONIC)) for p in pitches])
    smooth = [float(np.median(raw[np.abs(pitches - p) <= 2])) for p in pitches]
    return np.asarray(np.round(np.interp(keys, pitches, smooth) * 16.0) / 16.0, np.float32)


def _mode_rows(
    analyses: dict[int, ToneAnalysis],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Keep the peak ratios that many keys of an instrument share, strongest first."""
    peaks = np.concatenate([a.modes for a in analyses.values()])
    ratios, gates = np.ones(MODE_COUNT, np.float32), np.zeros(MODE_COUNT, np.float32)
    for slot in range(MODE_COUNT):
        if not len(peaks):
            break
        close = np.abs(np.log(peaks[:, None, 0] / peaks[None, :, 0])) < _MODE_TOLERANCE
        count = close.sum(axis=1)
        strength = (close * 10.0 ** (peaks[None, :, 1] / 40.0)).sum(axis=1)
        strength[count < max(_MODE_SHARE * len(analyses), 2)] = 0.0
        best = int(np.argmax(strength))
        if strength[best] == 0.0:
            break
        ratio = float(np.median(peaks[close[best], 0]))
        ratios[slot], gates[slot] = round(ratio * 16384) / 16384, 1.0
        peaks = peaks[np.abs(np.log(peaks[:, 0] / ratio)) > 2 * _MODE_TOLERANCE]
    return ratios, gates


def _level_row(levels: dict[int, float]) -> NDArray[np.float32]:
    """Interpolate the keys' loudness, smoothed over a fifth, against the median key."""
    pitches = np.array(sorted(levels))
    raw = np.array([levels[p] for p in pitches])
    weights = np.exp(-0.5 * ((pitches[:, None] - pitches) / 2.0) ** 2)
    smooth = (weights * raw).sum(axis=1) / weights.sum(axis=1) - np.median(raw)
    keys = np.arange(LOWEST_PITCH, HIGHEST_PITCH + 1)
    return np.asarray(np.clip(np.interp(keys, pitches, smooth), -12.0, 12.0), np.float32)
