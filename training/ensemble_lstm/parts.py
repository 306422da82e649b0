"""Deal a piece out to a player and to us.

In: a piece. Out: a `Scene`: a stretch of it in some key, every note either the player's, perhaps as
an ear makes it out when somebody plays it, or our own. In some scenes both play beside each other,
in others they take turns by bars, in a few everything is our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from instrument.music.meant import Ear
from instrument.music.note import Note
from instrument.music.note_tuples import GRID, MAX_DURATION
from instrument.music.pitch import PITCHES
from training.data.symbolic.corpus import Piece

KEYS = range(-5, 7)
MOST_NOTES = 256
_BESIDE, _TURNS = 0.5, 0.35  # of pieces with several voices; the rest is ours alone
_TURNS_OF_A_LINE = 0.75
_MELODY = 0.5  # the player has the highest voice alone
_TURN_BARS = (1, 2, 4, 8)
_HUMAN, _KNOWN_AHEAD, _PLAYER_FIRST = 0.5, 0.5, 0.6
_TRIES = 8


@dataclass(frozen=True, slots=True)
class Event:
    """A note of a scene, in ticks from its beginning."""

    start: int
    pitch: int
    duration: int
    velocity: int
    is_own: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """A stretch of a piece with its roles.

    Attributes
    ----------
    events
        In the order in which they become known.
    bar_beats, pickup_beats
        Its bars.
    player_first
        Of notes that start together the player's are known before ours are drawn.
    knows_ahead
        The player's next notes are known.
    has_velocities
        The piece says how loud it is.
    """

    events: tuple[Event, ...]
    bar_beats: float
    pickup_beats: float
    player_first: bool
    knows_ahead: bool
    has_velocities: bool


def draw_scene(piece: Piece, random: np.random.Generator) -> Scene | None:
    """Draw a scene of a piece; None where chance left us nothing to play."""
    for _ in range(_TRIES):
        scene = _deal(piece, random)
        if scene is not None and any(event.is_own for event in scene.events):
            return scene
    return None


def scene_of(
    piece: Piece,
    own_voices: Sequence[int],
    *,
    begin_beats: float = 0.0,
    most_notes: int = MOST_NOTES,
    knows_ahead: bool = True,
) -> Scene:
    """Return a piece as written, some voices ours and the player's before ours: for measuring.

    Parameters
    ----------
    begin_beats
        A bar line from which on it is played.
    """
    rows = _rows(piece, begin_beats, most_notes)
    events = [
        Event(start, pitch, duration, velocity, voice in own_voices)
        for start, pitch, duration, velocity, voice in rows
    ]
    pickup = piece.pickup_beats if begin_beats == 0.0 else 0.0
    return _scene(events, piece, pickup, player_first=True, knows_ahead=knows_ahead)


def has_velocities(piece: Piece) -> bool:
    """Say whether a piece says how loud it is."""
    return int(piece.velocity.min()) != int(piece.velocity.max())


def _deal(piece: Piece, random: np.random.Generator) -> Scene | None:
    begin = _beginning(piece, random)
    rows = _rows(piece, begin, MOST_NOTES)
    pickup = piece.pickup_beats if begin == 0.0 else 0.0
    voices = sorted({row[4] for row in rows})
    if len(rows) < 8:
        return None
    ways = (_BESIDE, _TURNS) if len(voices) > 1 else (0.0, _TURNS_OF_A_LINE)
    way = random.random()
    if way < ways[0]:
        player = _players(voices, random)
        owns = [voice not in player for *_, voice in rows]
    elif way < sum(ways):
        if len(voices) > 1 and random.random() < 0.5:  # one hand, one fiddle
            voice = int(random.choice(voices))
            rows = [row for row in rows if row[4] == voice]
        turn = GRID * piece.bar_beats * int(random.choice(_TURN_BARS))
        owns = [int((row[0] - GRID * pickup) // turn) % 2 == 1 for row in rows]
    else:
        owns = [True] * len(rows)
    key = _key([row[1] for row in rows], random)
    events = [
        Event(start, pitch + key, duration, velocity, own)
        for (start, pitch, duration, velocity, _), own in zip(rows, owns, strict=True)
    ]
    if random.random() < _HUMAN:
        events = _as_heard(events, random)
    knows_ahead = way < ways[0] and random.random() < _KNOWN_AHEAD
    first = knows_ahead or random.random() < _PLAYER_FIRST
    return _scene(events, piece, pickup, player_first=first, knows_ahead=knows_ahead)


def _scene(
    events: Sequence[Event], piece: Piece, pickup: float, *, player_first: bool, knows_ahead: bool
) -> Scene:
    ordered = sorted(events, key=lambda e: (e.start, e.is_own == player_first, -e.pitch))
    return Scene(
        tuple(ordered), piece.bar_beats, pickup, player_first, knows_ahead, has_velocities(piece)
    )


def _beginning(piece: Piece, random: np.random.Generator) -> float:
    """Return the piece's beginning, or a bar line after which there is still some music."""
    bars = int((piece.length - piece.pickup_beats) / piece.bar_beats) - 4
    if bars < 1 or piece.pitch.size <= MOST_NOTES // 2 or random.random() < 0.15:
        return 0.0
    return piece.pickup_beats + piece.bar_beats * int(random.integers(1, bars + 1))


def _rows(piece: Piece, begin: float, most: int) -> list[tuple[int, int, int, int, int]]:
    """Return start, pitch, duration, velocity and voice of the notes from a position on."""
    first = int(piece.start_beats.searchsorted(begin - 1e-6))
    last = first + most
    starts = np.round((piece.start_beats[first:last] - begin) * GRID).astype(np.int64)
    durations = np.round(piece.length_beats[first:last] * GRID).astype(np.int64)
    columns = (
        np.maximum(starts, 0),
        piece.pitch[first:last],
        durations.clip(1, MAX_DURATION),
        piece.velocity[first:last],
        piece.voice[first:last],
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _players(voices: Sequence[int], random: np.random.Generator) -> set[int]:
    """Choose the player's voices: often the melody, sometimes the bass, sometimes any."""
    way = random.random()
    if way < _MELODY:
        return {voices[0]}
    if way < _MELODY + 0.15:
        return {voices[-1]}
    count = int(random.integers(1, len(voices)))
    return {int(voice) for voice in random.choice(voices, count, replace=False)}


def _key(pitches: Sequence[int], random: np.random.Generator) -> int:
    key = int(random.choice(KEYS))
    return key if min(pitches) + key >= 0 and max(pitches) + key < PITCHES else 0


def _as_heard(events: Sequence[Event], random: np.random.Generator) -> list[Event]:
    """Let somebody play the player's notes, and an ear hear what was meant."""
    jitter, swing = random.uniform(0.0, 0.05), random.choice((0.5, 0.5, random.uniform(0.55, 0.67)))
    held, with_pedal = random.uniform(0.5, 1.0), random.random() < 0.2
    played = []
    for event in events:
        if event.is_own:
            continue
        start, length = event.start / GRID, held * event.duration / GRID
        if abs(start % 1.0 - 0.5) < 1e-6:
            start += swing - 0.5
        if with_pedal:  # until the next half bar
            length = max(length, 2.0 - start % 2.0)
        start = max(0.0, start + random.uniform(-jitter, jitter))
        velocity = min(max(round(event.velocity + random.normal(0.0, 8.0)), 1), 127)
        played.append(Note(start, event.pitch, length, velocity))
    ear = Ear()
    heard = [_event(ear.hear(note)) for note in sorted(played)]
    return [event for event in events if event.is_own] + heard


def _event(note: Note) -> Event:
    duration = min(max(round(note.length_beats * GRID), 1), MAX_DURATION)
    return Event(round(note.start_beats * GRID), note.pitch, duration, note.velocity, False)
