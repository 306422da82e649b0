"""A set of analysed notes on disk, as the trainer and the metrics read it.

A folder of three files: ``notes.json`` (what the set is), ``notes.npz`` (one row per tone and one
per instrument) and ``audio.i16`` (all tones one after the other, read through a memory map, so that
four gigabytes cost no memory). It is written once and never changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from instrument.errors import FileError
from instrument.schema import NO_JSON
from training.audio.format import PITCH_COUNT, REFERENCE_RMS, SAMPLE_RATE_HZ
from training.data.audio.analysis import MOTION_BANDS
from training.data.named_sets import NamedSets

FORMAT = 1
MODE_COUNT = 12
HELD = -1
"""`hold_frames` of a tone whose key stays down to its end."""

DESCRIPTION = "notes.json"
TONE_SETS = NamedSets("note set", "", DESCRIPTION, "Make one with: latentkeys data soundfont")
_FILES = ("audio.i16", "notes.npz", DESCRIPTION)

TRAIN, TEST, UNSEEN, VALIDATE = 0, 1, 2, 3
"""Values of `AnalysedTone.split`: learn from it; a hidden pitch; a hidden instrument; a hidden
pitch that says when to stop."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument of a tone set; `velocity_tilt` is in dB per octave at pianissimo."""

    name: str
    program: int
    is_struck: bool
    is_held_out: bool
    velocity_tilt: float


@dataclass(frozen=True, slots=True)
class AnalysedTone:
    """One analysed tone.

    Attributes
    ----------
    audio
        float32, shape (frames,), at 48 kHz.
    instrument, pitch
        Index into the set's instruments, and MIDI number.
    hold_frames
        Frames from note-on to note-off, or `HELD`.
    cents
        How far its f0 is from the tempered pitch.
    split
        `TRAIN`, `TEST`, `UNSEEN` or `VALIDATE`.
    velocity
        How hard the key was struck, 0 to 1.
    wobble_db, wobble_hz
        float, shape (8,): motion by band, NaN where unknown.
    """

    audio: NDArray[np.float32]
    instrument: int
    pitch: int
    hold_frames: int
    cents: float
    split: int
    velocity: float = 1.0
    wobble_db: NDArray[np.float64] = field(default_factory=lambda: _unknown_motion())
    wobble_hz: NDArray[np.float64] = field(default_factory=lambda: _unknown_motion())


@dataclass(frozen=True, slots=True)
class TuningTables:
    """What an instrument's partials are tuned to; one row per instrument.

    Attributes
    ----------
    log2_inharmonicity
        float32, shape (instruments, 88): log2 of B at pitches 21-108; -20 means harmonic.
    mode_ratios, mode_gates
        float32, shape (instruments, 12): frequency ratios to f0 of peaks outside the series, and 1
        where there is one, else 0.
    level_db
        float32, shape (instruments, 88): loudness of each key against the instrument's median.
    """

    log2_inharmonicity: NDArray[np.float32]
    mode_ratios: NDArray[np.float32]
    mode_gates: NDArray[np.float32]
    level_db: NDArray[np.float32]

    @classmethod
    def harmonic(cls, count: int) -> TuningTables:
        """Return the tables of `count` plain harmonic instruments."""
        return cls(
            np.full((count, PITCH_COUNT), -20.0, np.float32),
            np.ones((count, MODE_COUNT), np.float32),
            np.zeros((count, MODE_COUNT), np.float32),
            np.zeros((count, PITCH_COUNT), np.float32),
        )


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    sample_rate_hz: int
    source: str
    notice: str
    instruments: list[Instrument]


@dataclass(frozen=True, slots=True)
class ToneSet:
    """A tone set, open for reading.

    The per-tone arrays have one row per tone: `instrument`, `pitch`, `hold_frames`, `offset`,
    `frames`, `split` (integers), `cents`, `velocity`, `scale` (float32; audio times scale has
    `REFERENCE_RMS`), `wobble_db` and `wobble_hz` (float32, (tones, 8)).
    """

    path: Path
    source: str
    notice: str
    instruments: tuple[Instrument, ...]
    tuning: TuningTables
    samples: NDArray[np.int16]
    instrument: NDArray[np.int64]
    pitch: NDArray[np.int64]
    hold_frames: NDArray[np.int64]
    offset: NDArray[np.int64]
    frames: NDArray[np.int64]
    split: NDArray[np.int64]
    cents: NDArray[np.float32]
    velocity: NDArray[np.float32]
    scale: NDArray[np.float32]
    wobble_db: NDArray[np.float32]
    wobble_hz: NDArray[np.float32]

    @property
    def name(self) -> str:
        """Where it is: what ``--data`` calls it."""
        return str(self.path)

    @property
    def sha256(self) -> str:
        """Of everything but the audio, each tone's loudness and place included."""
        digest = hashlib.sha256(repr((self.source, self.notice, self.instruments)).encode())
        for table in (self, self.tuning):
            for column in fields(table):
                array = getattr(table, column.name)
                if column.name != "samples" and isinstance(array, np.ndarray):
                    digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @property
    def trained_instruments(self) -> tuple[Instrument, ...]:
        """The instruments that a model learns: they come first."""
        return tuple(i for i in self.instruments if not i.is_held_out)

    def audio(self, tone: int, start: int = 0, frames: int | None = None) -> NDArray[np.float32]:
        """Return a tone, shape (frames,), at the reference loudness, with silence outside it.

        Parameters
        ----------
        tone
            Row number.
        start, frames
            First frame (may be negative) and length; all of it by default.
        """
        frames = int(self.frames[tone]) if frames is None else frames
        first, last = max(start, 0), min(start + frames, int(self.frames[tone]))
        out = np.zeros(frames, np.float32)
        if last > first:
            base = int(self.offset[tone])
            out[first - start : last - start] = self.samples[base + first : base + last]
        return out * np.float32(self.scale[tone] / 32767.0)


def write_notes(
    folder: Path,
    instruments: tuple[Instrument, ...],
    tones: Iterable[AnalysedTone],
    tuning: TuningTables,
    source: str,
    notice: str,
) -> ToneSet:
    """Write a tone set; `notice` is the licence text that must go with it.

    Silent tones are left out. Raises FileError when the disk is full or the folder not writable.
    """
    with ToneSetWriter(folder) as writer:
        for tone in tones:
            writer.add(tone)
        writer.finish(instruments, tuning, source, notice)
    return open_notes(folder)


class ToneSetWriter:
    """Writes a tone set tone by tone; what was in the folder stays until `finish` replaces it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: list[dict[str, object]] = []
        self._frames = 0
        with self._disk_errors():
            folder.mkdir(parents=True, exist_ok=True)
            self._audio = self._part("audio.i16").open("wb")

    def __enter__(self) -> ToneSetWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._audio.close()
        for name in _FILES:
            self._part(name).unlink(missing_ok=True)

    def add(self, tone: AnalysedTone) -> None:
        """Append a tone, unless it is silent."""
        peak = float(np.abs(tone.audio).max(initial=0.0))
        if peak < 1e-4:
            return
        samples = np.round(tone.audio * (32000.0 / peak)).astype("<i2")
        row = {f.name: getattr(tone, f.name) for f in fields(tone) if f.name != "audio"}
        loudness = strongest_rms(np.asarray(samples, np.float32) / np.float32(32767.0))
        row |= {"offset": self._frames, "frames": samples.size, "scale": REFERENCE_RMS / loudness}
        with self._disk_errors():
            self._audio.write(samples.tobytes())
        self._frames += samples.size
        self._rows.append(row)

    def finish(
        self, instruments: tuple[Instrument, ...], tuning: TuningTables, source: str, notice: str
    ) -> None:
        """Write the tables and put everything in place; `tones.json` comes last.

        Raises
        ------
        FileError
            When no tone sounds, or the disk is full.
        """
        if not self._rows:
            raise FileError(f"{self._folder}: no note makes a sound, so there is nothing to write")
        columns = {name: np.array([row[name] for row in self._rows]) for name in self._rows[0]}
        arrays: dict[str, Any] = columns | asdict(tuning)
        header = _Header(FORMAT, SAMPLE_RATE_HZ, source, notice, list(instruments))
        described = msgspec.json.format(msgspec.json.encode(header), indent=1)
        with self._disk_errors():
            self._audio.close()
            with self._part("notes.npz").open("wb") as file:
                np.savez(file, **arrays)
            self._part(DESCRIPTION).write_bytes(described)
            for name in _FILES:
                self._part(name).replace(self._folder / name)

    def _part(self, name: str) -> Path:
        return self._folder / f"{name}.part"

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise FileError(
                f"cannot write a note set to {self._folder}: {error.strerror}",
                "A set of all instruments needs 4.4 GB; --out chooses another folder.",
            ) from error


def open_notes(name_or_path: str | Path) -> ToneSet:
    """Open a tone set by its name or its folder.

    Raises
    ------
    FileError
        When it is missing, incomplete, or of another version.
    """
    folder, remedy = TONE_SETS.find(name_or_path), TONE_SETS.remedy
    try:
        header = msgspec.json.decode((folder / DESCRIPTION).read_bytes(), type=_Header)
        with np.load(folder / "notes.npz", allow_pickle=False) as archive:
            rows = {name: archive[name] for name in archive.files}
        samples = np.memmap(folder / "audio.i16", "<i2", "r")
    except FileNotFoundError as error:
        raise FileError(
            f"{folder} is not a note set: {error.filename} is missing", remedy
        ) from error
    except (OSError, ValueError, *NO_JSON) as error:
        raise FileError(f"{folder} is not a complete note set: {error}", remedy) from error
    if header.format != FORMAT:
        raise FileError(f"{folder}: format must be {FORMAT}, got {header.format}", remedy)
    tuning = TuningTables(**{f.name: rows.pop(f.name) for f in fields(TuningTables)})
    rows.setdefault("velocity", np.ones(len(rows["pitch"])))  # older sets do not say it
    integers = ("instrument", "pitch", "hold_frames", "offset", "frames", "split")
    columns = {n: a.astype(np.int64 if n in integers else np.float32) for n, a in rows.items()}
    return ToneSet(
        path=folder,
        source=header.source,
        notice=header.notice,
        instruments=tuple(header.instruments),
        tuning=tuning,
        samples=samples,
        **columns,
    )


def strongest_rms(audio: NDArray[np.float32], window_frames: int = 2400) -> float:
    """Return the RMS of the loudest 50 ms: steadier from key to key than the peak."""
    power = np.concatenate([[0.0], np.cumsum(np.asarray(audio, np.float64) ** 2)])
    width = min(window_frames, audio.size)
    return float(np.sqrt((power[width:] - power[:-width]).max() / width))


def _unknown_motion() -> NDArray[np.float64]:
    return np.full(len(MOTION_BANDS), np.nan)
