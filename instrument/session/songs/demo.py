"""The demonstration piece: what the instrument plays when nobody can, and a first thing to hear.

Composed for this project: a broken-chord prelude under the pedal, a preset change into a held chord
that keeps its old sound, a melody with the mod wheel, and a slow close. Written in beats, handed
out as timed MIDI messages like any file's.
"""

from __future__ import annotations

from collections.abc import Iterator

from instrument.midi.messages import (
    MOD_WHEEL,
    SUSTAIN,
    control_change,
    note_off,
    note_on,
    program_change,
)
from instrument.midi.song import Song, SongMessage

BEATS_PER_MINUTE = 76.0
FIRST_PROGRAM, SECOND_PROGRAM = 0, 4

# Bass, then the pitches of the arpeggio; one bar of four beats each. D major, add9 colours.
_PRELUDE = (
    (38, (50, 57, 62, 64, 66, 69)),  # D add9
    (35, (47, 54, 59, 62, 66, 73)),  # B minor 9
    (43, (50, 55, 59, 62, 66, 69)),  # G major 7 add9
    (45, (52, 57, 62, 64, 69, 71)),  # A suspended
)
# Beat, length in beats, pitch, velocity.
_MELODY = (
    (0.5, 0.5, 78, 64),
    (1.0, 0.5, 76, 70),
    (1.5, 1.0, 74, 78),
    (2.5, 0.5, 73, 72),
    (3.0, 1.0, 74, 84),
    (4.0, 1.5, 81, 100),
    (5.5, 0.5, 79, 84),
    (6.0, 2.0, 78, 92),
    (8.0, 0.75, 76, 80),
    (8.75, 0.25, 78, 72),
    (9.0, 3.0, 74, 88),
)
_CHORDS = (
    (0.0, 4.0, (43, 55, 59, 66)),
    (4.0, 4.0, (45, 57, 61, 64)),
    (8.0, 4.0, (38, 54, 57, 62)),
)
_RISE = (62, 66, 69, 74, 76, 81, 86)


def demonstration() -> Song:
    """Return the piece: half a minute of channel messages on MIDI channel 1.

    Its two program changes ask for the presets with the program numbers `FIRST_PROGRAM` and
    `SECOND_PROGRAM`.
    """
    timed = sorted(_score(), key=lambda event: event[0])  # stable: same time, written order
    seconds_per_beat = 60.0 / BEATS_PER_MINUTE
    messages = tuple(SongMessage(beat * seconds_per_beat, data) for beat, data in timed)
    return Song(messages, messages[-1].time_seconds)


def _score() -> Iterator[tuple[float, bytes]]:
    yield 0.0, program_change(FIRST_PROGRAM)
    yield from _prelude(start=0.5)
    # The pedal of the last bar stays down across the change: what rings keeps its sound.
    yield 16.5, program_change(SECOND_PROGRAM)
    yield from _song(start=17.5)
    yield from _close(start=29.5)


def _prelude(start: float) -> Iterator[tuple[float, bytes]]:
    for bar, (bass, arpeggio) in enumerate(_PRELUDE):
        first = start + 4 * bar
        yield from _pedal(first, down=True)
        yield from _note(first, 3.9, bass, 70 + 6 * bar)
        wave = (*arpeggio, *reversed(arpeggio[1:-1]), *arpeggio[:6])
        for index, pitch in enumerate(wave):
            # Each bar swells and ebbs, and each is a little louder than the last.
            velocity = 46 + 7 * bar + 3 * min(index, 10)
            yield from _note(first + index * 0.25, 0.24, pitch, velocity)
        if bar < len(_PRELUDE) - 1:
            yield from _pedal(first + 3.95, down=False)


def _song(start: float) -> Iterator[tuple[float, bytes]]:
    yield from _pedal(start - 0.1, down=False)
    for beat, length, chord in _CHORDS:
        for index, pitch in enumerate(chord):
            yield from _note(start + beat + 0.03 * index, length - 0.1, pitch, 58)
    for beat, length, pitch, velocity in _MELODY:
        yield from _note(start + beat, length, pitch, velocity)
    for beat in (4.0, 9.0):
        yield from _wheel(start + beat + 0.4, 1.2 if beat == 4.0 else 2.4)


def _close(start: float) -> Iterator[tuple[float, bytes]]:
    yield from _pedal(start, down=True)
    yield from _note(start, 3.0, 38, 80)
    beat = start
    for index, pitch in enumerate(_RISE):
        yield from _note(beat, 1.0, pitch, 84 - 6 * index)
        beat += 0.25 + 0.06 * index  # slower and slower
    yield from _pedal(start + 5.5, down=False)


def _note(beat: float, length: float, pitch: int, velocity: int) -> Iterator[tuple[float, bytes]]:
    yield beat, note_on(pitch, velocity)
    yield beat + length, note_off(pitch, velocity=64)


def _pedal(beat: float, *, down: bool) -> Iterator[tuple[float, bytes]]:
    yield beat, control_change(SUSTAIN, 127 if down else 0)


def _wheel(beat: float, length: float) -> Iterator[tuple[float, bytes]]:
    """Move the mod wheel up over the first two thirds, and down again at once."""
    for step in range(17):
        yield beat + length * 0.66 * step / 16, control_change(MOD_WHEEL, round(110 * step / 16))
    yield beat + length, control_change(MOD_WHEEL, 0)
