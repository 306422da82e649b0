"""Everything that was played, by both, as one phrase that only goes forward.

Positions of a followed clock may jump and stand still; a file of notes may not. So the journal has
its own line of beats: the transport's while it runs, moved on evenly where it jumps or stops.
"""

from __future__ import annotations

import struct

from instrument.errors import FileError
from instrument.midi.messages import channel_of, is_note_off, is_note_on
from instrument.midi.note_tracker import NoteTracker
from instrument.music.note import Meter, Note, Phrase, Tempo, Track
from instrument.music.transport import Transport
from instrument.partner.append_log import AppendLog
from instrument.partner.clocks.metronome import CLICK_CHANNEL
from instrument.partner.player_notes import MOST_EQUAL
from instrument.partner.sounding_notes import Message
from instrument.realtime.memory.constants import TO_VOICES

_SHORTEST_BEATS = 1.0 / 240.0
_TEMPO_STEP = 0.002  # smaller changes of tempo are the clock's jitter
_JUMP_BEATS = 0.25  # smaller moves are the clock's corrections
_PLAYER = "player"
_RECORD = struct.Struct("<BddBB")  # a note: track, start, length, pitch, velocity
_TEMPO = 255  # in the place of a track: position, beats per minute
_MOST_BYTES = 1 << 26

_Key = tuple[str, int, int]  # who, channel, pitch


class PerformanceLog:
    """Notes of both in beats, from the first step to the last; on disk, so that hours may pass.

    Parameters
    ----------
    transport
        Where the music begins; its beat 0 is the journal's.
    most_equal
        See `instrument.partner.player_notes.PlayerNotes`.

    Attributes
    ----------
    count
        Notes and changes of tempo so far.
    """

    def __init__(self, transport: Transport, most_equal: int = MOST_EQUAL) -> None:
        self.count = 0
        self._bar_beats = transport.bar_beats
        self._music = transport
        self._offset = -transport.tie.beats
        self._tempo = Tempo(0.0, transport.bpm)  # the last one; those before it are on disk
        self._down: NoteTracker[_Key, tuple[float, int]] = NoteTracker(most_equal)
        self._who = [_PLAYER]  # of each track
        self._records = AppendLog(_MOST_BYTES)
        self._last = 0.0
        self._end: float | None = None

    def follow(self, transport: Transport, frame: float) -> None:
        """Know what the transport says from a frame on."""
        if self._end is not None:
            return
        before = self.position(frame)
        self._music = transport
        moved = before - (transport.tie.beats_at(frame) + self._offset)
        if abs(moved) > _JUMP_BEATS:
            self._offset += moved
        last = self._tempo
        if abs(transport.bpm / last.bpm - 1.0) > _TEMPO_STEP:
            if before > last.start_beats:
                self._record(_TEMPO, last.start_beats, last.bpm)
            self._tempo = Tempo(max(before, last.start_beats), transport.bpm)

    def position(self, frame: float) -> float:
        """Return the journal's position of a frame; it never goes back."""
        self._last = max(self._last, self._music.tie.beats_at(frame) + self._offset)
        return self._last

    def hear(self, frame: int, data: bytes) -> None:
        """Write down what the player did."""
        if self._end is None:
            self._write(_PLAYER, self.position(frame), data)

    def send(self, message: Message) -> None:
        """Write down what the partner plays among our own voices, or elsewhere if not there."""
        is_click = channel_of(message.data) == CLICK_CHANNEL and message.to == TO_VOICES
        if is_click or self._end is not None:
            return
        where = "partner" if message.to == TO_VOICES else "partner out"
        beats = max(0.0, self._music.tie.beats_at(message.frame) + self._offset)
        self._write(where, beats, message.data)

    def close(self, frame: float) -> None:
        """Write nothing down from a frame on: `phrase` ends there for good."""
        self._end = self.position(frame)

    def phrase(self, frame: float) -> Phrase:
        """Return everything until a frame; what still sounds ends there.

        Raises
        ------
        FileError
            It could not be kept on disk.
        """
        end = self.position(frame) if self._end is None else self._end
        notes, tempos = self._read()
        for (who, _, pitch), struck in self._down:
            notes[self._who.index(who)].append(_note(pitch, *struck, end))
        tracks = [
            Track(tuple(notes[number]), who, channel=number) for number, who in enumerate(self._who)
        ]
        length = max([end, *(note.end_beats for track in tracks for note in track.notes)])
        meter = Meter(0.0, round(self._bar_beats), 4)
        return Phrase(tuple(tracks), length, (*tempos, self._tempo), (meter,))

    def _write(self, who: str, beats: float, data: bytes) -> None:
        key = (who, channel_of(data), data[1] if len(data) > 1 else 0)
        if is_note_on(data):
            if who not in self._who:
                self._who.append(who)
            ended = self._down.strike(key, (beats, data[2]))
        else:
            ended = self._down.release(key) if is_note_off(data) else None
        if ended:
            note = _note(key[2], *ended, beats)
            place = note.start_beats, note.length_beats
            self._record(self._who.index(who), *place, note.pitch, note.velocity)

    def _record(
        self, what: int, beats: float, value: float, pitch: int = 0, velocity: int = 0
    ) -> None:
        self.count += 1
        self._records.append(_RECORD.pack(what, beats, value, pitch, velocity))

    def _read(self) -> tuple[list[list[Note]], list[Tempo]]:
        """Return the notes of each track, and the tempos."""
        if self._records.problem:
            raise FileError(f"the notes are lost: {self._records.problem}", "Free some space.")
        notes: list[list[Note]] = [[] for _ in self._who]
        tempos = []
        for what, beats, value, pitch, velocity in _RECORD.iter_unpack(self._records.read()):
            if what == _TEMPO:
                tempos.append(Tempo(beats, value))
            else:
                notes[what].append(Note(beats, pitch, value, velocity))
        return notes, tempos


def _note(pitch: int, start: float, velocity: int, end: float) -> Note:
    return Note(start, pitch, max(end - start, _SHORTEST_BEATS), velocity)
