"""Make a tone set of the user's own notes: a folder of sound files, one note each.

In: WAV, FLAC, OGG or AIFF files of any rate. Out: a tone set of one instrument for the frame voice,
and what was found out about every file. The pitch comes from the file's name, or is estimated; a
recording that is in tune with itself but not with its name is brought to the key that the name
says. Velocities come from names ("v12", "pp", "127"), or from how loud the files of one pitch are.
A file that cannot be used is named and skipped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from instrument.errors import FileError
from training.audio.format import HIGHEST_PITCH, LOWEST_PITCH
from training.audio.format import SAMPLE_RATE_HZ as RATE_HZ
from training.data.audio.analysis import ToneAnalysis, analyse_note, read_at
from training.data.audio.note_names import named_velocity, parse_note_name
from training.data.audio.recorded.note import (
    FARTHEST_RETUNING,
    SHORTEST_SECONDS,
    STRUCK_DB,
    Samples,
    falls_db,
    from_onset,
    heard_pitch,
    held_part,
    lowered,
    one_channel,
)
from training.data.audio.render import set_tuning
from training.data.audio.tone_set import (
    HELD,
    TEST,
    TRAIN,
    AnalysedTone,
    Instrument,
    ToneSet,
    TuningTables,
    strongest_rms,
    write_notes,
)
from training.data.audio.wave_files import read_recording
from training.data.audio.wave_folder import sound_files

LONGEST_SECONDS = 15.0
MOST_FILES = 2_000
FEWEST_PITCHES_TO_TEST = 4
"""With fewer there is no key between two others to hide."""

_IN_TUNE = 0.8  # semitones that the analysis can follow by itself
_SURE_OF_OCTAVE = 0.7

Show = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class OwnNote:
    """One recording, ready to be learned.

    Attributes
    ----------
    file
        Its path inside the folder.
    audio
        float32, shape (frames,), at 48 kHz, from its onset.
    pitch
        MIDI number.
    velocity
        0 to 1.
    level_db
        RMS of its strongest 50 ms, in dB of full scale, before anything was changed.
    remark
        What was done to it that its owner may want to know; often empty.
    octaves_off
        How many octaves it sounds above the key that its name says; None if that is not known.
    """

    file: str
    audio: Samples
    pitch: int
    velocity: float
    level_db: float
    remark: str = ""
    octaves_off: int | None = None


@dataclass(frozen=True, slots=True)
class OwnNotes:
    """What a folder holds: the usable notes in order of pitch, and (file, reason) of the others."""

    notes: tuple[OwnNote, ...]
    skipped: tuple[tuple[str, str], ...]

    @property
    def pitches(self) -> tuple[int, ...]:
        """The keys that were recorded, each once, from low to high."""
        return tuple(sorted({note.pitch for note in self.notes}))

    @property
    def dies_away(self) -> bool:
        """Whether most of the notes sound struck or plucked."""
        falls = [falls_db(note.audio) < STRUCK_DB for note in self.notes]
        return sum(falls) * 2 > len(falls)


def read_own_notes(path: Path, show: Show) -> OwnNotes:
    """Read a folder of notes.

    Parameters
    ----------
    path
        The folder; files in folders inside it count too.
    show
        Told after each file: its name, how many are done and how many there are.

    Raises
    ------
    FileError
        There are no sound files, too many, or none of them can be used.
    """
    files = sound_files(path)
    if len(files) > MOST_FILES:
        raise FileError(
            f"{path} has {len(files)} sound files, more than {MOST_FILES}",
            "`latentkeys data waves folder` and `latentkeys train` are for sets of that size.",
        )
    notes, skipped = [], []
    for done, file in enumerate(files, start=1):
        try:
            notes.append(_read(path / file, file))
        except ValueError as reason:
            skipped.append((file, str(reason)))
        show(file, done, len(files))
    if not notes:
        listed = "; ".join(f"{file}: {reason}" for file, reason in skipped[:3])
        raise FileError(
            f"no file of {path} can be used ({listed})",
            "Put one note into each file, and its pitch into the name, like rhodes_C4.wav.",
        )
    return OwnNotes(tuple(_with_velocities(_with_octaves(notes))), tuple(skipped))


def hidden_pitches(pitches: Sequence[int]) -> tuple[int, ...]:
    """Choose keys to hide from training and judge by: every fourth one that has two neighbours."""
    if len(pitches) < FEWEST_PITCHES_TO_TEST:
        return ()
    return tuple(pitches[2:-1:4]) or (pitches[1],)


def write_own_notes(notes: OwnNotes, folder: Path, name: str, source: str) -> ToneSet:
    """Analyse notes and write them as a tone set of one instrument.

    Parameters
    ----------
    name
        The instrument's.
    source
        Where the notes come from, for the card.

    Raises
    ------
    FileError
        The folder cannot be written.
    """
    is_struck = notes.dies_away
    hidden = hidden_pitches(notes.pitches)
    analyses: dict[int, ToneAnalysis] = {}
    levels: dict[int, list[float]] = defaultdict(list)
    tones = []
    for note in notes.notes:
        analysis, positions = _analysed(note, is_struck)
        analyses.setdefault(note.pitch, analysis)
        levels[note.pitch].append(note.level_db)
        audio = note.audio if positions is None else read_at(note.audio, positions)
        tones.append(
            AnalysedTone(
                audio=audio,
                instrument=0,
                pitch=note.pitch,
                hold_frames=HELD,
                cents=analysis.cents,
                split=TEST if note.pitch in hidden else TRAIN,
                velocity=note.velocity,
                wobble_db=analysis.wobble_db,
                wobble_hz=analysis.wobble_hz,
            )
        )
    tables = TuningTables.harmonic(1)
    known = {pitch: found for pitch, found in analyses.items() if pitch not in hidden}
    set_tuning(tables, 0, known, {pitch: max(levels[pitch]) for pitch in known})
    instrument = Instrument(name, 0, is_struck, is_held_out=False, velocity_tilt=_tilt(notes))
    return write_notes(folder, (instrument,), tones, tables, source, "")


def _read(path: Path, file: str) -> OwnNote:
    """Read one file; ValueError says in a few words why it cannot be used."""
    sound, rate_hz = read_recording(path, LONGEST_SECONDS)
    audio = from_onset(np.asarray(soxr.resample(one_channel(sound), rate_hz, RATE_HZ, "VHQ")))
    if audio.size < SHORTEST_SECONDS * RATE_HZ:
        raise ValueError(f"it is shorter than {SHORTEST_SECONDS} s")
    level_db = 20.0 * float(np.log10(strongest_rms(audio)))
    audio, pitch, remark, octaves_off = _in_tune(audio, Path(file).stem)
    if not LOWEST_PITCH <= pitch <= HIGHEST_PITCH:
        raise ValueError(f"its pitch is {pitch}, outside {LOWEST_PITCH} to {HIGHEST_PITCH}")
    velocity = named_velocity(file)
    return OwnNote(file, held_part(audio), pitch, velocity, level_db, remark, octaves_off)


def _in_tune(audio: Samples, stem: str) -> tuple[Samples, int, str, int | None]:
    """Return the note at its key, a remark if name and sound disagreed, and by how many octaves."""
    named = parse_note_name(stem)
    heard = heard_pitch(audio)
    if named is None and heard is None:
        raise ValueError("its pitch is not clear, and its name does not say it, as rhodes_C4 would")
    if named is None:
        assert heard is not None
        return audio, round(heard), f"pitch {heard:.2f}, estimated", None
    if heard is None:
        return audio, named.pitch, "", None
    octaves = round((heard - named.pitch) / 12.0)  # one note's may be the estimate's error
    off = heard - named.pitch - 12.0 * octaves
    if abs(off) <= _IN_TUNE:
        return audio, named.pitch, "", octaves
    if abs(off) > FARTHEST_RETUNING:
        raise ValueError(f"it sounds like pitch {heard:.1f}, but its name says {named.pitch}")
    remark = f"was {100 * off:+.0f} cents off, re-tuned"
    return lowered(audio, off), named.pitch, remark, octaves


def _with_octaves(notes: list[OwnNote]) -> list[OwnNote]:
    """Move all names by octaves if nearly all notes sound so: some makers call middle C C3."""
    known = [note.octaves_off for note in notes if note.octaves_off is not None]
    usual = max(set(known), key=known.count) if known else 0
    if not usual or known.count(usual) < _SURE_OF_OCTAVE * len(known):
        return notes
    remark = f"its name is {abs(usual)} octave{'s' * (abs(usual) > 1)} off"
    moved = [
        note
        if note.octaves_off is None
        else replace(note, pitch=note.pitch + 12 * usual, remark=note.remark or remark)
        for note in notes
    ]
    return [note for note in moved if LOWEST_PITCH <= note.pitch <= HIGHEST_PITCH]


def _with_velocities(notes: list[OwnNote]) -> list[OwnNote]:
    """Give every note a velocity: its name's; else by loudness among the files of its pitch."""
    by_pitch: dict[int, list[OwnNote]] = defaultdict(list)
    for note in notes:
        by_pitch[note.pitch].append(note)
    layered = []
    # "v1" to "v16" are layers of a sampler, not MIDI velocities.
    top = max(note.velocity for note in notes)
    scale = 1.0 / top if 0.0 < top < 0.2 else 1.0
    for pitch in sorted(by_pitch):
        layers = sorted(by_pitch[pitch], key=lambda note: note.level_db)
        for place, note in enumerate(layers, start=1):
            said = min(note.velocity * scale, 1.0)
            layered.append(replace(note, velocity=said or (0.25 + 0.75 * place / len(layers))))
    return layered


def _analysed(note: OwnNote, is_struck: bool) -> tuple[ToneAnalysis, NDArray[np.float64] | None]:
    audio = note.audio / np.abs(note.audio).max()
    missing = RATE_HZ - audio.size  # the analysis looks at a second; a shorter note is followed
    return analyse_note(np.pad(audio, (0, max(missing, 0))), note.pitch, is_struck)


def _tilt(notes: OwnNotes) -> float:
    """Return how much duller soft notes are, in dB per octave above the fourth partial.

    From pairs of layers of one pitch: their difference in level above 4 f0, less that below it,
    over the octaves up there and the difference of velocities. Without layers, the usual 6.
    """
    usual, found = 6.0, []
    by_pitch: dict[int, list[OwnNote]] = defaultdict(list)
    for note in notes.notes:
        by_pitch[note.pitch].append(note)
    for pitch, layers in by_pitch.items():
        soft = min(layers, key=lambda note: note.velocity)
        loud = max(layers, key=lambda note: note.velocity)
        if loud.velocity - soft.velocity < 0.2:
            continue
        corner = min(4.0 * 440.0 * 2.0 ** ((pitch - 69) / 12.0), 2000.0)
        slope = _slope_db(loud.audio, corner) - _slope_db(soft.audio, corner)
        found.append(slope / (loud.velocity - soft.velocity))
    return float(np.clip(np.median(found), 0.0, 18.0)) if found else usual


def _slope_db(audio: Samples, corner_hz: float) -> float:
    """Return the level per octave above a corner against the level below it, in dB."""
    part = audio[: RATE_HZ // 2]
    power = np.abs(np.fft.rfft(part * np.hanning(part.size))) ** 2
    hz = np.fft.rfftfreq(part.size, 1.0 / RATE_HZ)
    below = power[(hz > corner_hz / 8) & (hz <= corner_hz)].sum()
    above = power[(hz > corner_hz) & (hz <= 4.0 * corner_hz)].sum()
    return float(10.0 * np.log10((above + 1e-20) / (below + 1e-20)))
