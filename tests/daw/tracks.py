"""Read what Ardour 7 has recorded: session file, MIDI files, sound; in beats and seconds.

Ardour counts time in superclocks (``a`` in front) and beats in ticks of 1/1920 (``b`` in front).
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import soundfile
from numpy.typing import NDArray

SUPERCLOCKS_PER_SECOND = 282_240_000
TICKS_PER_BEAT = 1920


@dataclass(frozen=True, slots=True)
class Struck:
    """A recorded note, in seconds and in Ardour's beats since bar 1."""

    seconds: float
    beats: float
    end_beats: float
    pitch: int


class TempoMap:
    """Ardour's tempo map, of constant tempos."""

    def __init__(self, session: ElementTree.Element) -> None:
        self.steps = [
            (
                int(tempo.attrib["sclock"]) / SUPERCLOCKS_PER_SECOND,
                _beats_of(tempo.attrib["quarters"]),
                float(tempo.attrib["npm"]),
            )
            for tempo in session.iterfind(".//TempoMap/Tempos/Tempo")
        ]

    def beats_at(self, seconds: float) -> float:
        """Return the position at a time."""
        start, beats, bpm = [step for step in self.steps if step[0] <= seconds + 1e-9][-1]
        return beats + (seconds - start) * bpm / 60.0

    def seconds_at(self, beats: float) -> float:
        """Return the time of a position."""
        start, first, bpm = [step for step in self.steps if step[1] <= beats + 1e-9][-1]
        return start + (beats - first) * 60.0 / bpm

    def bpm_at(self, beats: float) -> float:
        """Return the tempo at a position."""
        return [step for step in self.steps if step[1] <= beats + 1e-9][-1][2]


class Recording:
    """A session that Ardour has saved.

    Parameters
    ----------
    folder
        Of the session.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._session = ElementTree.parse(next(folder.glob("*.ardour"))).getroot()
        self.tempo = TempoMap(self._session)

    def notes(self, track: str) -> list[Struck]:
        """Return a MIDI track's notes, in order of time."""
        notes = [note for region in self._regions(track) for note in self._notes_of(region)]
        return sorted(notes, key=lambda note: (note.seconds, note.pitch))

    def _notes_of(self, region: ElementTree.Element) -> list[Struck]:
        offset = self._position_beats(region)
        song = mido.MidiFile(self._file(region.attrib["source-0"]))
        now, down, notes = 0, dict[int, int](), []
        for message in mido.merge_tracks(song.tracks):
            now += message.time
            is_strike = message.type == "note_on" and message.velocity > 0
            if is_strike:
                down[message.note] = now
            elif message.type in ("note_on", "note_off") and message.note in down:
                start = offset + down.pop(message.note) / song.ticks_per_beat
                end = offset + now / song.ticks_per_beat
                notes.append(Struck(self.tempo.seconds_at(start), start, end, message.note))
        assert not down, f"{region.attrib['name']}: keys {sorted(down)} have no end"
        return notes

    def sound(self, track: str) -> tuple[NDArray[np.float32], int]:
        """Return an audio track from the session's beginning: float32, (frames,), and the rate."""
        whole, rate = np.zeros(0, np.float32), 48_000
        for region in self._regions(track):
            sides = []
            for side in (0, 1):
                path = self._file(region.attrib[f"source-{side}"])
                audio, rate = soundfile.read(path, dtype="float32")
                sides.append(audio)
            begins = round(self.tempo.seconds_at(self._position_beats(region)) * rate)
            part = np.pad(np.mean(sides, axis=0), (begins, 0))
            whole = np.pad(whole, (0, max(0, len(part) - len(whole))))
            whole[: len(part)] += part
        return whole, rate

    def _regions(self, track: str) -> list[ElementTree.Element]:
        found = [
            region
            for playlist in self._session.iterfind(".//Playlists/Playlist")
            if playlist.attrib["name"].startswith(track)
            for region in playlist.iterfind("Region")
        ]
        assert found, f"Ardour has recorded nothing on track {track}"
        return found

    def _position_beats(self, region: ElementTree.Element) -> float:
        position = region.attrib["length"].split("@")[1]
        number = int(position[1:])
        if position[0] == "b":
            return number / TICKS_PER_BEAT
        return self.tempo.beats_at(number / SUPERCLOCKS_PER_SECOND)

    def _file(self, source: str) -> Path:
        found = self._session.find(f".//Sources/Source[@id='{source}']")
        assert found is not None
        return next(self._folder.rglob(found.attrib["name"]))


def _beats_of(quarters: str) -> float:
    beats, ticks = quarters.split(":")
    return int(beats) + int(ticks) / TICKS_PER_BEAT
