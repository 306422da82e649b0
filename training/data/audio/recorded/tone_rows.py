"""Turn one instrument's recordings into rows of a tone set.

In: files with what their mapping says. Out: for every usable one a held tone, as long as the model
is asked for, and for notes that a player let go the release as he played it. Every fifth key is
kept to measure with, and another fifth to see how training goes. A file that cannot be used is
named and costs itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import soxr

from training.audio.format import HIGHEST_PITCH, LOWEST_PITCH
from training.audio.format import SAMPLE_RATE_HZ as RATE_HZ
from training.data.audio.analysis import ToneAnalysis, analyse_note, read_at
from training.data.audio.recorded.continuation import continued
from training.data.audio.recorded.mapping import MappedInstrument, MappedNote
from training.data.audio.recorded.note import (
    SHORTEST_SECONDS,
    Samples,
    falls_db,
    from_onset,
    heard_pitch,
    let_go,
    one_channel,
    tuned,
)
from training.data.audio.render import set_tuning
from training.data.audio.tone_set import (
    HELD,
    TEST,
    TRAIN,
    UNSEEN,
    VALIDATE,
    AnalysedTone,
    Instrument,
    ToneSetWriter,
    TuningTables,
    strongest_rms,
)
from training.data.audio.wave_files import read_recording

HELD_SECONDS = 12.0
_LONGEST_SECONDS = 15.0
_STRUCK_DB, _STRUCK_SECONDS = -10.0, 0.8  # a struck note has fallen so far by then
_RELEASE_SECONDS = 0.8
_FADE_FRAMES = RATE_HZ // 10  # at the end of a struck note that was cut off
_USUAL_TILT = 6.0

Skip = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class RecordedNote:
    """A recording at its key.

    Attributes
    ----------
    audio
        float32, shape (frames,), at 48 kHz, from the onset.
    pitch
        MIDI number.
    level_db
        Of its strongest 50 ms, as it was, with what the mapping adds.
    retuned
        How far it was off, semitones.
    """

    audio: Samples
    pitch: int
    level_db: float
    retuned: float


def read_recorded(instrument: MappedInstrument, skip: Skip) -> tuple[RecordedNote, ...]:
    """Read an instrument's recordings, tuned to their keys, in order of pitch.

    Parameters
    ----------
    skip
        Told the name of what cannot be used, and why.
    """
    notes: dict[int, RecordedNote] = {}
    keys: dict[bytes, int] = {}
    for mapped in instrument.notes:
        name = f"{instrument.name}/{mapped.file.name}"
        try:
            content = hashlib.blake2b(mapped.file.read_bytes()).digest()
            note = _read(mapped)
        except (OSError, ValueError) as reason:
            skip(name, str(getattr(reason, "strerror", None) or reason))
            continue
        other = keys.get(content, note.pitch)
        if other in notes and abs(notes[other].retuned) <= abs(note.retuned):
            skip(name, f"key {other} has it, or another recording, already")
            continue
        notes.pop(other, None)
        keys[content] = note.pitch
        notes[note.pitch] = note
    return tuple(note for _, note in sorted(notes.items()))


def described(
    instrument: MappedInstrument, notes: tuple[RecordedNote, ...], *, is_held_out: bool
) -> Instrument:
    """Return what a tone set says of an instrument."""
    falls = [falls_db(note.audio, _STRUCK_SECONDS) for note in notes]
    is_struck = float(np.median(falls)) < _STRUCK_DB
    return Instrument(instrument.name, 0, is_struck, is_held_out, _USUAL_TILT)


def add_rows(
    notes: tuple[RecordedNote, ...],
    index: int,
    instrument: Instrument,
    writer: ToneSetWriter,
    tables: TuningTables,
) -> None:
    """Analyse an instrument's notes and write them; fill its row of the tables."""
    analyses: dict[int, ToneAnalysis] = {}
    levels: dict[int, float] = {}
    for number, note in enumerate(notes):
        split = _split(number, len(notes)) if not instrument.is_held_out else UNSEEN
        tones, analysis = _tones(index, instrument, note)
        if split in (TRAIN, UNSEEN):
            analyses[note.pitch], levels[note.pitch] = analysis, note.level_db
        for tone in tones:
            writer.add(replace(tone, split=split))
    if analyses:
        set_tuning(tables, index, analyses, levels)


def _split(number: int, count: int) -> int:
    """Return what a key is for; the outermost keys are learned."""
    if 0 < number < count - 1 and number % 5 in (2, 4):
        return TEST if number % 5 == 2 else VALIDATE
    return TRAIN


def _read(mapped: MappedNote) -> RecordedNote:
    """Read one file; ValueError says why it cannot be used."""
    sound, rate_hz = read_recording(mapped.file, _LONGEST_SECONDS)
    audio = np.asarray(soxr.resample(one_channel(sound), rate_hz, RATE_HZ, "VHQ"), np.float32)
    audio = from_onset(audio)
    if audio.size < SHORTEST_SECONDS * RATE_HZ:
        raise ValueError(f"it is shorter than {SHORTEST_SECONDS} s")
    level_db = 20.0 * float(np.log10(strongest_rms(audio))) + mapped.gain_db
    pitch = mapped.pitch
    if pitch is None:
        heard = heard_pitch(audio)
        if heard is None:
            raise ValueError("its pitch is not clear, and its name does not say it")
        pitch = round(heard)
    if not LOWEST_PITCH <= pitch <= HIGHEST_PITCH:
        raise ValueError(f"its pitch is {pitch}, outside {LOWEST_PITCH} to {HIGHEST_PITCH}")
    at_key, off = tuned(audio, pitch)
    return RecordedNote(at_key, pitch, level_db, off)


def _tones(
    index: int, instrument: Instrument, note: RecordedNote
) -> tuple[list[AnalysedTone], ToneAnalysis]:
    """Return a note as it is learned: held, and as it was let go."""
    audio = note.audio / np.abs(note.audio).max()
    held = audio[:-_FADE_FRAMES] if instrument.is_struck else audio[: let_go(audio)]
    analysed = np.pad(held, (0, max(RATE_HZ - held.size, 0)))  # the analysis looks at a second
    analysis, positions = analyse_note(analysed, note.pitch, instrument.is_struck)
    if positions is not None:
        held = read_at(held, positions[: held.size])
    row = AnalysedTone(
        audio=held,
        instrument=index,
        pitch=note.pitch,
        hold_frames=HELD,
        cents=analysis.cents,
        split=TRAIN,
        wobble_db=analysis.wobble_db,
        wobble_hz=analysis.wobble_hz,
    )
    if instrument.is_struck:
        return [row], analysis
    longer = continued(held, HELD_SECONDS, np.random.default_rng((index, note.pitch)))
    end = audio[let_go(audio) : let_go(audio) + round(_RELEASE_SECONDS * RATE_HZ)]
    released = replace(row, audio=np.concatenate([held, end]), hold_frames=held.size)
    return [replace(row, audio=longer), released], analysis
