"""What the player plays, as notes in beats.

In: note-ons and note-offs of the hands, each with its position. Out: notes in order of their start,
ready to be fed to a composer. A key that stays down does not hold the others up: after a while its
note is taken as it is.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from instrument.midi.messages import (
    ALL_SOUND_OFF,
    DOWN,
    RESET_CONTROLLERS,
    SUSTAIN,
    channel_of,
    is_control,
    is_note_off,
    is_note_on,
)
from instrument.midi.note_tracker import NoteTracker
from instrument.music.meant import CHORD_BEATS
from instrument.music.note import Note

MOST_EQUAL = 16
PATIENCE_BEATS = 1.0
"""So long a composer waits for the end of a note that others have followed."""
_SHORTEST_BEATS = 1.0 / 24.0
_KEPT_NOTES = 512
_SHOWN_NOTES = 64


@dataclass(slots=True)
class _Key:
    """One strike of a key."""

    start_beats: float
    pitch: int
    velocity: int
    end_beats: float | None = None  # None while the key is down

    def note(self, now_beats: float) -> Note:
        """Return the note, as long as it has become by now."""
        end = now_beats if self.end_beats is None else self.end_beats
        length = max(end - self.start_beats, _SHORTEST_BEATS)
        return Note(max(0.0, self.start_beats), self.pitch, length, self.velocity)


class PlayerNotes:
    """The player's keys.

    Parameters
    ----------
    most_equal
        So many equal notes can be down at once; one more ends the oldest.
    keeps_chords
        The keys of a chord are ready together or not at all.

    Attributes
    ----------
    last_beats
        Position of the last strike or release; None before the first strike.
    pedal_is_down
        The sustain pedal.
    """

    def __init__(self, most_equal: int = MOST_EQUAL, *, keeps_chords: bool = True) -> None:
        self._chord_beats = CHORD_BEATS if keeps_chords else 0.0
        self.last_beats: float | None = None
        self.pedal_is_down = False
        self._waiting: list[_Key] = []  # not fed yet, in order of start
        self._down: NoteTracker[tuple[int, int], _Key] = NoteTracker(
            most_equal
        )  # by channel, pitch
        self._strikes: list[float] = []
        self._lately: deque[_Key] = deque(maxlen=_SHOWN_NOTES)
        self._velocity = 80.0
        self._usual_beats = 0.5

    @property
    def are_down(self) -> bool:
        """At least one key is held."""
        return bool(self._down)

    @property
    def velocity(self) -> int:
        """About how strongly the last notes were struck, 1-127."""
        return round(self._velocity)

    def lately(self, now_beats: float) -> list[Note]:
        """Return the last notes, those still held as long as they are by now."""
        return [key.note(now_beats) for key in self._lately]

    def strikes_since(self, beats: float) -> int:
        """Count the strikes since a position, as far as the last half thousand go."""
        return sum(start >= beats for start in self._strikes)

    def strokes_since(self, beats: float) -> int:
        """Count the strokes since a position: the keys of a chord are one."""
        starts = [start for start in self._strikes if start >= beats]
        return sum(b - a >= CHORD_BEATS for a, b in pairwise([-math.inf, *starts]))

    def hear(self, beats: float, data: bytes) -> bool:
        """Take one message; return whether it struck a key."""
        channel = channel_of(data)
        if is_note_on(data):
            self._strike(channel, data[1], data[2], beats)
            return True
        if is_note_off(data):
            self._end(self._down.release((channel, data[1])), beats)
        elif is_control(data, SUSTAIN):
            self.pedal_is_down = data[2] >= DOWN
        elif is_control(data) and data[1] >= ALL_SOUND_OFF and data[1] != RESET_CONTROLLERS:
            for _, key in self._down.release_all(lambda which: which[0] == channel):
                self._end(key, beats)
        return False

    def take_ready(self, now_beats: float) -> tuple[Note, ...]:
        """Take the notes that a composer can be fed with by now."""
        count, first = 0, -math.inf
        for number, key in enumerate(self._waiting):
            if key.start_beats - first >= self._chord_beats:  # it begins a chord, perhaps its own
                count, first = number, key.start_beats
            is_held = key.end_beats is None and now_beats - key.start_beats < PATIENCE_BEATS
            if is_held or now_beats - first < self._chord_beats:
                break
        else:
            count = len(self._waiting)
        return self._take(count, now_beats)

    def take_all(self, now_beats: float) -> tuple[Note, ...]:
        """Take every note; those still held end now."""
        return self._take(len(self._waiting), now_beats)

    def take_at_once(self) -> tuple[Note, ...]:
        """Take every note; those still held will be as long as notes have been of late."""
        taken, self._waiting = self._waiting, []
        return tuple(key.note(key.start_beats + self._usual_beats) for key in taken)

    def move(self, place: Callable[[float], float]) -> None:
        """Put everything elsewhere: the player's tempo is known now.

        Parameters
        ----------
        place
            Turns a position into the new one.
        """
        keys = {id(key): key for key in (*self._waiting, *self._lately)}
        for key in keys.values():
            key.start_beats = place(key.start_beats)
            key.end_beats = None if key.end_beats is None else place(key.end_beats)
        self._strikes = [place(start) for start in self._strikes]
        self.last_beats = None if self.last_beats is None else place(self.last_beats)

    def forget(self) -> None:
        """Begin anew, as after a jump: positions heard before mean nothing any more."""
        self._down.release_all()
        self._waiting, self._strikes = [], []
        self._lately.clear()
        self.last_beats = None

    def _take(self, count: int, now_beats: float) -> tuple[Note, ...]:
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return tuple(key.note(now_beats) for key in taken)

    def _strike(self, channel: int, pitch: int, velocity: int, beats: float) -> None:
        key = _Key(beats, pitch, velocity)
        self._end(self._down.strike((channel, pitch), key), beats)
        self._waiting = [*self._waiting[-_KEPT_NOTES:], key]
        self._strikes = [*self._strikes[-_KEPT_NOTES:], beats]
        self._lately.append(key)
        self._velocity += (velocity - self._velocity) / 4.0
        self.last_beats = beats

    def _end(self, key: _Key | None, beats: float) -> None:
        if key is not None:
            key.end_beats = beats
            self.last_beats = beats
            self._usual_beats += (beats - key.start_beats - self._usual_beats) / 4.0
