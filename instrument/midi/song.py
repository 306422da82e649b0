"""What sounds of a MIDI file: its events in, channel messages on a clock in seconds out.

Sixteen channels are all that the engine has. A file's channels keep their numbers; those of further
ports, and those that play drums and notes by turns, take numbers that are free.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from instrument.errors import MidiFileError, SettingError
from instrument.midi.chunks import MAX_SECONDS
from instrument.midi.drums import DrumChannels
from instrument.midi.file_exclusive import FileExclusive
from instrument.midi.messages import (
    ALL_NOTES_OFF,
    BRIGHTNESS,
    CONTROL_CHANGE,
    DATA_ENTRY,
    DOWN,
    KEY_PRESSURE,
    NOTE_ON,
    PAN,
    PITCH_BEND,
    RESET_CONTROLLERS,
    SOSTENUTO,
    SUSTAIN,
    SYSEX,
    SYSEX_END,
    SYSTEM,
    SYSTEM_RESET,
    VOLUME,
    channel_of,
    control_change,
    is_note_off,
    is_note_on,
    pitch_bend,
)
from instrument.midi.midi_file import MidiFile, parse_midi, read_midi
from instrument.midi.note_tracker import NoteTracker
from instrument.midi.phrases import phrase_bytes
from instrument.midi.song_channels import (
    NOWHERE,
    FilePart,
    Timed,
    give_channels,
    move_to_channels,
)
from instrument.midi.sysex import SystemOn, read_sysex
from instrument.midi.track_events import DEFAULT_MICROSECONDS, SET_TEMPO, MidiEvent, tempo_of
from instrument.music.note import Phrase

LONGEST_REST_SECONDS = 10.0
"""Silence after the last note that belongs to the music; what is more is a forgotten end."""
LONGEST_PEDAL_SECONDS = 30.0
"""How long the last notes may be held by a pedal that is lifted then."""

_STATUS_BYTES = [bytes((status,)) for status in range(256)]
_DEFAULTS = (
    (SUSTAIN, 0),
    (SOSTENUTO, 0),
    (ALL_NOTES_OFF, 0),
    (RESET_CONTROLLERS, 0),
    (VOLUME, 100),
    (PAN, 64),
    (BRIGHTNESS, 64),
)
_BEND_RANGE_OF_TWO = ((101, 0), (100, 0), (DATA_ENTRY, 2), (38, 0), (101, 127), (100, 127))


@dataclass(frozen=True, slots=True)
class SongMessage:
    """One message of a file: a channel's, or system exclusive that the engine understands.

    Attributes
    ----------
    time_seconds
        When, from the start of the file.
    data
        The message's raw MIDI bytes, status first.
    """

    time_seconds: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Song:
    """All that sounds of all tracks, and what it is tuned by, in order of time.

    Attributes
    ----------
    messages
        Sorted by time; at the same time in the order of the tracks.
    length_seconds
        When the music ends: with the longest track, or some seconds after the last note.
    drum_channels
        Channels, 0-15, whose pitches stand for drums.
    warning
        What was wrong with the file and has been mended; empty if nothing was.
    """

    messages: tuple[SongMessage, ...]
    length_seconds: float
    drum_channels: frozenset[int] = field(default=frozenset())
    warning: str = ""

    def without_drums(self) -> Song:
        """Leave the channels out that play drums."""
        drums = self.drum_channels
        kept = [m for m in self.messages if m.data[0] >= SYSTEM or channel_of(m.data) not in drums]
        return replace(self, messages=tuple(kept), drum_channels=frozenset())

    @property
    def has_notes(self) -> bool:
        """At least one key is struck."""
        return any(is_note_on(message.data) for message in self.messages)


def read_midi_file(path: Path, *, drums: bool = True) -> Song:
    """Read what sounds of a Standard MIDI File, with its tempo changes, with its drums or without.

    Raises
    ------
    MidiFileError
        The file is missing, not MIDI, without anything to hear, or larger or longer than any piece.
    """
    song = _song(read_midi(path), keeps_end=False)
    if not song.has_notes:
        raise MidiFileError(
            f'MIDI file "{path}" has nothing to hear: no note is struck in it',
            "Choose a file with notes.",
        )
    if drums:
        return song
    melodic = song.without_drums()
    if not melodic.has_notes:
        raise MidiFileError(
            f'MIDI file "{path}" has nothing to hear without its drums',
            "Let them play, or choose a file with notes.",
        )
    return melodic


def song_from(music: Phrase | Song | Path | str) -> Song:
    """Return a phrase, a song, or what is in a MIDI file as a song.

    Raises
    ------
    SettingError
        It is none of these.
    MidiFileError
        The file cannot be read.
    """
    if isinstance(music, Song):
        return music
    if isinstance(music, Phrase):
        return song_of(music)
    if isinstance(music, (Path, str)):
        return read_midi_file(Path(music))
    raise SettingError(
        f"music must be a phrase, a song or the path of a MIDI file, got a {type(music).__name__}",
        "Of notes Phrase.of([Note(0.0, 60, 1.0)]) makes a phrase.",
    )


def song_of(phrase: Phrase) -> Song:
    """Return a phrase as timed messages, the same that its MIDI file has, to its end.

    Raises
    ------
    MidiFileError
        The phrase is longer than any file may be.
    """
    path = Path("phrase.mid")
    return _song(parse_midi(path, phrase_bytes(phrase, path=path)), keeps_end=True)


def _song(file: MidiFile, *, keeps_end: bool) -> Song:
    found = _Listener(file).listen()
    length, far = (found.end, "") if keeps_end else found.length()
    if length > MAX_SECONDS:
        raise MidiFileError(
            f'MIDI file "{file.path}" lasts {length / 3600:.1f} hours; the limit is '
            f"{MAX_SECONDS / 3600:.0f} hours",
            "Split it, or check its tempo.",
        )
    channels, shared = give_channels(found.struck)
    messages = (SongMessage(*each) for each in move_to_channels(found.timed, channels))
    drums = frozenset(channel for part, channel in channels.items() if part.is_drum)
    said = [f'MIDI file "{file.path}": {what}' for what in (shared, far) if what]
    return Song(
        tuple(message for message in messages if message.time_seconds <= length),
        length,
        drums,
        "\n".join(filter(None, [file.warning, *said])),
    )


class _Listener:
    """Goes through a file once, in order of time.

    Attributes
    ----------
    timed
        Every channel message with its time in seconds and its part.
    struck
        How many notes each part has.
    end
        When the last event of all happens, in seconds.
    """

    def __init__(self, file: MidiFile) -> None:
        self._file = file
        self._drums = DrumChannels()
        self._exclusive = FileExclusive()
        self._moved: dict[tuple[int, int], set[int]] = {}  # controls, by port and channel
        self._parts: dict[tuple[int, int, bool], FilePart] = {}
        self.timed: list[Timed] = []
        self.struck: Counter[FilePart] = Counter()
        self._last = self._lifted = self.end = 0.0

    def listen(self) -> _Listener:
        """Hear everything.

        Time is counted from each tempo change in whole ticks, so that rounding does not pile up.
        """
        header = self._file.header
        seconds = header.tick_seconds(DEFAULT_MICROSECONDS)
        tempo_seconds, tempo_tick, now = 0.0, 0, 0.0
        for track, port, event in self._file.in_time():
            tick, status, data = event
            now = tempo_seconds + (tick - tempo_tick) * seconds
            if status < KEY_PRESSURE:
                self._last = now
                part = self._part(port, status & 0x0F)
                if data[1] and status >= NOTE_ON:
                    self.struck[part] += 1
                self.timed.append((now, part, _STATUS_BYTES[status] + data))
            elif status < SYSTEM:
                self._take(now, port, event)
            elif event.status in (SYSEX, SYSEX_END):
                self._take_exclusive(now, track, port, event)
            elif event.status == SET_TEMPO and not header.seconds_per_tick and tempo_of(event):
                tempo_seconds, tempo_tick = now, event.tick
                seconds = header.tick_seconds(tempo_of(event) or 0)
        self.end = now
        return self

    def length(self) -> tuple[float, str]:
        """Return when the music ends, and a word if the file goes on for long.

        The last notes may be held by a pedal that is lifted within `LONGEST_PEDAL_SECONDS`.
        """
        last = self._last
        if last < self._lifted <= last + LONGEST_PEDAL_SECONDS:
            last = self._lifted
        if self.end <= last + LONGEST_REST_SECONDS:
            return self.end, ""
        far = f"its end, {self.end - last:.0f} s after the last note, is left out"
        return last + LONGEST_REST_SECONDS * self._is_something_down(), far

    def _take_exclusive(self, now: float, track: int, port: int, event: MidiEvent) -> None:
        """Take a piece of system exclusive, or all of one."""
        self._drums.take(port, event)
        if event.status == SYSEX and isinstance(read_sysex(event.data), SystemOn):
            self._put_back(now, port)
        elif data := self._exclusive.take(track, event):
            self.timed.append((now, FilePart(port, NOWHERE, False), data))

    def _take(self, now: float, port: int, event: MidiEvent) -> None:
        """Take a channel message that is no note."""
        _, status, data = event
        kind, channel = status & 0xF0, status & 0x0F
        self._drums.take(port, event)
        moved = data[0] if kind == CONTROL_CHANGE else -kind
        self._moved.setdefault((port, channel), set()).add(moved)
        if moved in (SUSTAIN, SOSTENUTO) and data[1] < DOWN:
            self._lifted = now
        self.timed.append((now, self._part(port, channel), _STATUS_BYTES[status] + data))

    def _part(self, port: int, channel: int) -> FilePart:
        key = (port, channel, self._drums.is_drum(port, channel))
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = FilePart(*key)
        return part

    def _put_back(self, now: float, port: int) -> None:
        """Bring a port's channels back to their beginning, as far as something has moved."""
        if self._exclusive.has_tuned:
            self._exclusive.has_tuned = False
            self.timed.append((now, FilePart(port, NOWHERE, False), bytes((SYSTEM_RESET,))))
        for where in [where for where in self._moved if where[0] == port]:
            moved, channel = self._moved.pop(where), where[1]
            controls = _DEFAULTS + (_BEND_RANGE_OF_TWO if DATA_ENTRY in moved else ())
            messages = [control_change(*each, channel) for each in controls]
            if -PITCH_BEND in moved:
                messages.append(pitch_bend(0, channel))
            part = self._part(port, channel)
            self.timed += [(now, part, data) for data in messages]

    def _is_something_down(self) -> bool:
        down: NoteTracker[tuple[FilePart, int], None] = NoteTracker()
        for _, part, data in self.timed:
            if is_note_on(data):
                down.strike((part, data[1]), None)
            elif is_note_off(data):
                down.release((part, data[1]))
        return bool(down)
