"""Which generated notes sound: what has been struck will be let go.

Every note-on that leaves goes through here, and so does its note-off: at the note's end, when the
player returns, when the clock stops, and when everything ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from instrument.midi.messages import note_off, note_on

SHORTEST_FRAMES = 48
_ENDING = 16


@dataclass(frozen=True, slots=True)
class Message:
    """One MIDI message of the partner.

    Attributes
    ----------
    frame
        When.
    data
        Its bytes.
    to
        `constants.TO_VOICES` or `TO_OUT`.
    """

    frame: int
    data: bytes
    to: int


@dataclass(frozen=True, slots=True)
class SentNote:
    """A note-on that was sent: where, on which channel, at which frame."""

    to: int
    channel: int
    frame: int


@dataclass(frozen=True, slots=True)
class Sounding:
    """A note that sounds, wherever it was sent, until a position."""

    pitch: int
    keys: tuple[SentNote, ...]
    end_beats: float


class SoundingNotes:
    """Strikes and releases, in pairs.

    Parameters
    ----------
    frame_of
        The frame of a position, for where a note goes.
    leaves_at_once
        See `instrument.partner.planning.rules.PlayRules`.
    """

    def __init__(self, frame_of: Callable[[int, float], int], *, leaves_at_once: bool) -> None:
        self._frame_of, self._leaves_at_once = frame_of, leaves_at_once
        self._sounding: list[Sounding] = []  # in order of their strike
        self._ending: deque[Sounding] = deque(maxlen=_ENDING)  # their ends have been sent ahead

    def __len__(self) -> int:
        return len(self._sounding)

    def strike(
        self, pitch: int, velocity: int, keys: tuple[SentNote, ...], end_beats: float
    ) -> list[Message]:
        """Strike a note; whatever sounds on one of its keys is let go first."""
        messages = []
        places = {(key.to, key.channel) for key in keys}
        for old in list(self._sounding):
            if old.pitch == pitch and places & {(key.to, key.channel) for key in old.keys}:
                messages += self._let_go(old, min(key.frame for key in keys))
                self._ending.append(old)
        self._sounding.append(Sounding(pitch, keys, end_beats))
        return messages + [
            Message(key.frame, note_on(pitch, velocity, key.channel), key.to) for key in keys
        ]

    def let_go_until(self, beats: float) -> list[Message]:
        """Let the notes go that end before a position, each at its end."""
        messages = []
        for note in [note for note in self._sounding if note.end_beats <= beats]:
            messages += self._let_go(note, None)
            self._ending.append(note)
        return messages

    def make_room(self, most: int, frame: int, beats: float) -> list[Message]:
        """Let the oldest notes go until no more than `most` sound.

        Parameters
        ----------
        frame, beats
            Where they end, which may still be to come.
        """
        messages = []
        while len(self._sounding) > most:
            oldest = self._sounding[0]
            messages += self._let_go(oldest, frame)
            if self._leaves_at_once:
                self._ending.append(replace(oldest, end_beats=beats))
        return messages

    def let_all_go(self, frame: int) -> list[Message]:
        """Let everything go at a frame, also what would end by itself soon after it."""
        messages = []
        while self._sounding:
            messages += self._let_go(self._sounding[0], frame)
        while self._ending:
            note = self._ending.pop()
            if max(self._frame_of(key.to, note.end_beats) for key in note.keys) > frame:
                messages += self._ends(note, frame)
        return messages

    def _let_go(self, note: Sounding, frame: int | None) -> list[Message]:
        """End a note at a frame or at its own end, but never before it has begun."""
        self._sounding.remove(note)
        return self._ends(note, frame)

    def _ends(self, note: Sounding, frame: int | None) -> list[Message]:
        messages = []
        for key in note.keys:
            at = self._frame_of(key.to, note.end_beats) if frame is None else frame
            at = max(at, key.frame + SHORTEST_FRAMES)
            messages.append(Message(at, note_off(note.pitch, key.channel), key.to))
        return messages
