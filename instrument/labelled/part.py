"""Write one part of a labelled set: its sound files, and a file of labels that says it is whole.

In: a `NotePlan` and a part's number. Out: files under the set's folder. Whatever was left of a part
that was interrupted is written again, to the same names and bytes.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from instrument.bundle.bundle import Bundle
from instrument.files import cannot_write, flush_to_disk, replacing_file
from instrument.labelled.plan import NotePlan, PlannedNote, notes_of
from instrument.labelled.play import NotePlayer
from instrument.labelled.sounds import FAMILIES, LabelledSound, SoundSource
from instrument.labelled.tfrecord import QUALITIES, note_record
from instrument.rendering.open_renderer import open_renderer

PARTS = ".parts"
_SYNTHETIC = 2  # NSynth's number of the source

Shard = Callable[[dict[str, Any], NDArray[np.float32]], object]
"""Takes the labels and the samples of a note."""


class PartWriter:
    """Makes parts, one after the other, on one thread.

    Parameters
    ----------
    plan, folder
        What, and where to.
    bundle
        The plan's voice.
    presets
        Where the plan's presets lie.
    """

    def __init__(
        self, plan: NotePlan, folder: Path, bundle: Bundle, presets: Sequence[Path]
    ) -> None:
        self._plan, self._folder, self._bundle = plan, folder, bundle
        self._source = SoundSource(plan, bundle, open_renderer(bundle, threads=1), presets)
        self._player = NotePlayer(plan, self._source, bundle.sound)

    def write(self, part: int) -> int:
        """Write a part; return how many notes it has.

        Raises
        ------
        FileError
            The folder cannot be written.
        """
        lines: list[str] = []
        written: list[Path] = []
        path = part_path(self._folder, part)
        try:
            with ExitStack() as stack:
                shards: dict[str, Shard] = {}
                for note in notes_of(self._plan, part):
                    sound = self._source.sound(note.sound)
                    if note.number % self._plan.notes_per_sound == 0:
                        lines.append(json.dumps({"sound": self._said_of(sound, note.sound)}))
                    entry = self._label(sound, note)
                    samples = self._player.play(sound, note)
                    if self._plan.layout == "nsynth":
                        file = self._write_file(entry["note_str"], note.split, samples)
                        written.append(file)
                    else:
                        if note.split not in shards:
                            shards[note.split] = self._shard(stack, note.split, part)
                        more = {**entry, "latent": list(sound.preset.sound.latent)}
                        shards[note.split](more, samples)
                    lines.append(json.dumps({"split": note.split, "note": entry}))
            for file in written:
                flush_to_disk(file)
            with replacing_file(path) as building:  # last: now the part is whole
                building.write_text("\n".join(lines) + "\n", "utf-8")
        except OSError as problem:
            raise cannot_write(path, problem) from problem
        return sum('"note_str"' in line for line in lines)

    def _said_of(self, sound: LabelledSound, number: int) -> dict[str, Any]:
        """Return what is said of a sound once, in ``sounds.jsonl``."""
        return {
            "instrument": number,
            "instrument_str": sound.name,
            "preset": sound.preset.name if sound.seed is None else None,
            "seed": sound.seed,
            "sharpness": sound.sharpness,
            "mix": dict(sound.mix),
            "latent": list(sound.preset.sound.latent),
        }

    def _label(self, sound: LabelledSound, note: PlannedNote) -> dict[str, Any]:
        """Return a note's entry: NSynth's keys, then ours."""
        return {
            "note": note.number,
            "note_str": f"{sound.name}-{note.pitch:03d}-{note.velocity:03d}",
            "instrument": note.sound,
            "instrument_str": sound.name,
            "pitch": note.pitch,
            "velocity": note.velocity,
            "sample_rate": self._plan.rate_hz,
            "qualities": [0] * len(QUALITIES),
            "qualities_str": [],
            "instrument_family": FAMILIES.index(sound.family),
            "instrument_family_str": sound.family,
            "instrument_source": _SYNTHETIC,
            "instrument_source_str": "synthetic",
            "mix": dict(sound.mix),
            "seed": sound.seed,
            "preset": sound.preset.name if sound.seed is None else None,
            "model": f"{self._plan.model} {self._plan.version}",
            "licence": self._bundle.card.licence.weights,
        }

    def _file(self, samples: NDArray[np.float32]) -> bytes:
        buffer = io.BytesIO()
        soundfile.write(
            buffer,
            samples,
            self._plan.rate_hz,
            "PCM_16",
            format=self._plan.file_type.upper(),
        )
        return buffer.getvalue()

    def _write_file(self, name: str, split: str, samples: NDArray[np.float32]) -> Path:
        folder = self._folder / split / "audio"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.{self._plan.file_type}"
        path.write_bytes(self._file(samples))
        return path

    def _shard(self, stack: ExitStack, split: str, part: int) -> Shard:
        """Begin one file for a part's notes of a split; it appears whole, or not at all."""
        ending = {"webdataset": "tar", "tfrecord": "tfrecord"}[self._plan.layout]
        path = self._folder / split / f"{part:06d}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        building = stack.enter_context(replacing_file(path))
        if self._plan.layout == "tfrecord":
            records = stack.enter_context(building.open("wb"))
            return lambda entry, samples: records.write(note_record(entry, samples))
        archive = stack.enter_context(tarfile.TarFile(building, "w"))

        def add(entry: dict[str, Any], samples: NDArray[np.float32]) -> None:
            name = entry["note_str"]
            _add(archive, f"{name}.{self._plan.file_type}", self._file(samples))
            _add(archive, f"{name}.json", json.dumps(entry).encode())

        return add


def part_path(folder: Path, part: int) -> Path:
    """Return the file that a whole part has."""
    return folder / PARTS / f"{part:06d}.jsonl"


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)  # of no time and nobody: the same bytes everywhere
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
