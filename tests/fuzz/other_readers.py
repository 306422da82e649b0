"""``python -m tests.fuzz.other_readers``: damaged MIDI files that others read, and we do not.

In: the tests' own MIDI files and the shipped pieces, damaged by chance. Out: how many we refuse
although mido or symusic find a note in them, and why; of how many we find less than half of the
notes that both of them find.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import mido
import symusic

from instrument.errors import LatentkeysError
from instrument.midi.song import read_midi_file
from tests.fuzz.mutation import mutated
from tests.helpers.places import GOLDEN, ROOT

ORIGINALS = (*sorted(GOLDEN.glob("midi/*.mid")), *sorted(ROOT.glob("presets/pieces/*.mid")))
_NONE = -1
_LARGEST_BYTES = 60_000


@dataclass(slots=True)
class Comparison:
    """How many files were tried, refused although another reads them, or read by half."""

    tried: int = 0
    refused: int = 0
    halved: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def compare(count: int, seed: int) -> Comparison:
    """Damage files and let everybody read them."""
    rng, found = random.Random(seed), Comparison()
    contents = [path.read_bytes() for path in ORIGINALS if path.stat().st_size < _LARGEST_BYTES]
    with tempfile.TemporaryDirectory(prefix="latentkeys-fuzz-") as folder:
        path = Path(folder) / "damaged.mid"
        for _ in range(count):
            path.write_bytes(mutated(rng.choice(contents), rng))
            others = _notes_of_mido(path), _notes_of_symusic(path)
            found.tried += 1
            try:
                if 2 * _our_notes(path) < min(others):
                    found.halved += 1
            except LatentkeysError as problem:
                if max(others) > 0:
                    found.refused += 1
                    found.reasons[problem.message.replace(str(path), "it")] += 1
    return found


def _our_notes(path: Path) -> int:
    messages = read_midi_file(path).messages
    return sum(m.data[0] & 0xF0 == 0x90 and m.data[2] > 0 for m in messages)


def _notes_of_mido(path: Path) -> int:
    try:
        file = mido.MidiFile(path, clip=True)
        return sum(bool(m.type == "note_on" and m.velocity) for track in file.tracks for m in track)
    except Exception:  # whatever it says, it does not read it
        return _NONE


def _notes_of_symusic(path: Path) -> int:
    try:
        score: Any = symusic.Score(path)  # its stubs do not have all of it
        return sum(len(track.notes) for track in score.tracks)
    except Exception:
        return _NONE


def main() -> None:
    """Print the figures; exit with 1 where we refuse what both others read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = compare(options.inputs, options.seed)
    click.echo(f"{found.tried:,} damaged files: {found.refused} refused that another reads,")
    click.echo(f"{found.halved} with less than half of the notes that both others find")
    for reason, times in found.reasons.most_common():
        click.echo(f"{times} x {reason}")
    sys.exit(found.refused > found.tried // 100)


if __name__ == "__main__":
    main()
