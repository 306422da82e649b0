"""``python -m tests.overlaps FOLDER``: how many notes of real files lose half of their length.

What a note's length is, another reader (symusic) says, track by track. What sounds of it is the
part of that time in which its key is down on its channel, by the messages that the kernel gets.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import click
import symusic

from instrument.errors import LatentkeysError
from instrument.midi.messages import channel_of, is_note_off, is_note_on
from instrument.midi.note_tracker import NoteTracker
from instrument.midi.song import Song, read_midi_file

SHORTEST_SECONDS = 0.08
Times = dict[tuple[int, bool], list[tuple[float, float]]]


def main() -> None:
    """Print the share over all files of a folder."""
    notes = short = files = 0
    for path in sorted(Path(sys.argv[1]).rglob("*.[mM][iI][dD]")):
        try:
            wanted, sounding = as_written(path), as_played(read_midi_file(path))
        except (LatentkeysError, RuntimeError, ValueError) as reason:
            click.echo(f"{path.name}: {str(reason)[:80]}", err=True)
            continue
        found, lost = compare(wanted, sounding)
        notes, short, files = notes + found, short + lost, files + 1
        if lost:
            click.echo(f"{path.name}: {lost} of {found}")
    share = 100 * short / max(notes, 1)
    click.echo(
        f"{short} of {notes} notes of {files} files lose half of their length: {share:.4f} %"
    )


def as_written(path: Path) -> Times:
    """Return when each key is held, by pitch and whether it is a drum, in seconds."""
    times: Times = defaultdict(list)
    score: Any = symusic.Score(path, ttype="second")
    for track in score.tracks:
        for note in track.notes:
            times[note.pitch, track.is_drum].append((note.time, note.time + note.duration))
    return times


def as_played(song: Song) -> Times:
    """Return when each key is down, by the messages that the kernel gets."""
    down: NoteTracker[tuple[int, int], float] = NoteTracker()
    times: Times = defaultdict(list)
    for message in song.messages:
        data = message.data
        if is_note_on(data):
            down.strike((channel_of(data), data[1]), message.time_seconds)
        elif is_note_off(data):
            key = (channel_of(data), data[1])
            if (began := down.release(key)) is not None:
                times[data[1], key[0] in song.drum_channels].append((began, message.time_seconds))
    for (channel, pitch), began in down:
        times[pitch, channel in song.drum_channels].append((began, song.length_seconds))
    return times


def compare(wanted: Times, sounding: Times) -> tuple[int, int]:
    """Return how many notes there are, and of how many less than half sounds."""
    count = lost = 0
    for key, spans in wanted.items():
        played = sorted(sounding.get(key, []))
        for begin, end in spans:
            if end - begin >= SHORTEST_SECONDS:
                count += 1
                lost += _covered(played, begin, end) < 0.5 * (end - begin)
    return count, lost


def _covered(spans: list[tuple[float, float]], begin: float, end: float) -> float:
    covered, reached = 0.0, begin
    for first, last in spans:
        if last > reached and first < end:
            covered += min(last, end) - max(first, reached)
            reached = min(last, end)
    return covered


if __name__ == "__main__":
    main()
