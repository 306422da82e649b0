"""Everything that was played, by both, as one phrase that only goes forward.

Positions of a followed clock may jump and stand still; a file of notes may not. So the journal has
its own line of beats: the transport's while it runs, moved on evenly where it jumps or stops.
"""

from __future__ import annotations

from instrument.midi.messages import channel_of, is_note_off, is_note_on
from instrument.midi.note_tracker import NoteTracker
from instrument.music.note import Meter, Note, Phrase, Tempo, Track
from instrument.music.transport import Transport
from instrument.partner.clocks.metronome import CLICK_CHANNEL
from instrument.partner.player_notes import MOST_EQUAL
from instrument.partner.sounding_notes import Message
from instrument.realtime.state import TO_VOICES

_SHORTEST_BEATS = 1.0 / 240.0
_TEMPO_STEP = 0.002  # smaller changes of tempo are the clock's jitter
_JUMP_BEATS = 0.25  # smaller moves are the clock's corrections
_PLAYER = "player"

_Key = tuple[str, int, int]  # who, channel, pitch


class PerformanceLog:
    """Notes of both in beats, from the first step to the last.

    Parameters
    ----------
    transport
        Where the music begins; its beat 0 is the journal's.
    most_equal
        See `instrument.partner.player_notes.PlayerNotes`.
    """

    def __init__(self, transport: Transport, most_equal: int = MOST_EQUAL) -> None:
        self._bar_beats = transport.bar_beats
        self._music = transport
        self._offset = -transport.tie.beats
        self._tempos = [Tempo(0.0, transport.bpm)]
        self._down: NoteTracker[_Key, tuple[float, int]] = NoteTracker(most_equal)
        self._notes: dict[str, list[Note]] = {_PLAYER: []}
        self._last = 0.0

    def follow(self, transport: Transport, frame: float) -> None:
        """Know what the transport says from a frame on."""
        before = self.position(frame)
        self._music = transport
        moved = before - (transport.tie.beats_at(frame) + self._offset)
        if abs(moved) > _JUMP_BEATS:
            self._offset += moved
        last = self._tempos[-1]
        if abs(transport.bpm / last.bpm - 1.0) > _TEMPO_STEP:
            self._tempos = [*self._tempos, Tempo(max(before, last.start_beats), transport.bpm)]

    def position(self, frame: float) -> float:
        """Return the journal's position of a frame; it never goes back."""
        self._last = max(self._last, self._music.tie.beats_at(frame) + self._offset)
        return self._last

    def hear(self, frame: int, data: bytes) -> None:
        """Write down what the player did."""
        self._write(_PLAYER, self.position(frame), data)

    def send(self, message: Message) -> None:
        """Write down what the partner plays among our own voices, or elsewhere if not there."""
        if channel_of(message.data) == CLICK_CHANNEL and message.to == TO_VOICES:
            return
        where = "partner" if message.to == TO_VOICES else "partner out"
        beats = max(0.0, self._music.tie.beats_at(message.frame) + self._offset)
        self._write(where, beats, message.data)

    def phrase(self, frame: float) -> Phrase:
        """Return everything until a frame; what still sounds ends there."""
        end = self.position(frame)
        tracks = []
        for channel, (who, notes) in enumerate(self._notes.items()):
            held = [_note(key, *struck, end) for key, struck in self._down if key[0] == who]
            tracks.append(Track((*notes, *held), who, channel=channel))
        length = max([end, *(note.end_beats for track in tracks for note in track.notes)])
        return Phrase(
            tuple(tracks), length, tuple(self._tempos), (Meter(0.0, round(self._bar_beats), 4),)
        )

    def _write(self, who: str, beats: float, data: bytes) -> None:
        key = (who, channel_of(data), data[1] if len(data) > 1 else 0)
        if is_note_on(data):
            self._notes.setdefault(who, [])
            ended = self._down.strike(key, (beats, data[2]))
        else:
            ended = self._down.release(key) if is_note_off(data) else None
        if ended:
            self._notes[who].append(_note(key, *ended, beats))


def _note(key: _Key, start: float, velocity: int, end: float) -> Note:
    return Note(start, key[2], max(end - start, _SHORTEST_BEATS), velocity)
