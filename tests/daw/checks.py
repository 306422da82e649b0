"""What must hold in what Ardour has recorded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from tracks import Recording, Struck

FIRST_NOTE_MS = 10.0
"""The clock reaches us at most a block late and our notes reach Ardour a block late: 2 x 5.33 ms."""
GRID_MS = 10.0
SIXTEENTH = 0.25
ONSET_MS = 25.0  # of the detector: a window of 21 ms
_WINDOW, _HOP = 1024, 128


def check(
    recording: Recording, phrases_begin: tuple[float, ...], left_down: str, was_down: int
) -> tuple[list[str], list[str]]:
    """Compare a recording with Ardour's beats.

    Returns
    -------
    lines, problems
        The figures, and what does not hold.
    """
    lines, problems = [], []
    answer, hands = recording.notes("Answer"), recording.notes("Player")
    tempos = [recording.tempo.bpm_at(begin) for begin in phrases_begin]
    lines.append(f"Ardour's tempo in the phrases: {', '.join(f'{bpm:g}' for bpm in tempos)} bpm")
    lines.append(f"track Player: {len(hands)} notes; track Answer: {len(answer)} notes")
    for begin, bpm in zip(phrases_begin, tempos, strict=True):
        answered = [note for note in answer if begin + 3.5 <= note.beats < begin + 8.0]
        if not answered:
            problems.append(f"the phrase at beat {begin:g} has no answer")
            continue
        first = off_ms(recording, answered[0], begin + 4.0)
        grid = [off_ms(recording, n, round(n.beats / SIXTEENTH) * SIXTEENTH) for n in answered]
        worst = max(map(abs, grid))
        lines.append(
            f"answer at beat {begin + 4.0:g}, {bpm:g} bpm: first note {first:+.2f} ms off the beat, "
            f"{len(grid)} notes at most {worst:.2f} ms off Ardour's sixteenths"
        )
        if abs(first) > FIRST_NOTE_MS:
            problems.append(f"the answer at beat {begin + 4.0:g} is off by {first:+.1f} ms")
        if worst > GRID_MS:
            problems.append(f"after beat {begin + 4.0:g} a note is {worst:.1f} ms off the grid")
    check_sound(recording, answer, lines, problems)
    lines.append(f"keys down when Ardour stopped: {was_down}; after it: {left_down or 'none'}")
    if left_down:
        problems.append(f"after Ardour's stop {left_down}")
    return lines, problems


def off_ms(recording: Recording, note: Struck, beats: float) -> float:
    """Return how late a note is against a position of Ardour's."""
    return 1000.0 * (note.seconds - recording.tempo.seconds_at(beats))


def check_sound(
    recording: Recording, answer: list[Struck], lines: list[str], problems: list[str]
) -> None:
    """Compare the sound's onsets with the answer's notes."""
    begins, audio, rate = recording.sound("Sound")
    onsets = begins + find_onsets(audio, rate)
    struck = np.unique([note.seconds for note in answer])
    if not len(onsets) or not len(struck):
        problems.append("the recorded sound is silent")
        return
    off = np.array([1000.0 * (onsets - at)[np.argmin(abs(onsets - at))] for at in struck])
    found = int(np.sum(abs(off) <= ONSET_MS))
    near = off[abs(off) <= ONSET_MS]
    lines.append(
        f"sound: peak {np.max(abs(audio)):.2f}; an onset within {ONSET_MS:g} ms of "
        f"{found} of {len(struck)} answered notes, median {np.median(near):+.1f} ms"
    )
    if found < 0.9 * len(struck):
        problems.append("the sound's onsets are not where the notes are")


def find_onsets(audio: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Return where sounds begin, in seconds: peaks of the spectrum's growth in decibels."""
    frames = np.lib.stride_tricks.sliding_window_view(audio, _WINDOW)[::_HOP]
    level = np.log10(1e-3 + abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1)))
    growth = np.maximum(level[4:] - level[:-4], 0.0).sum(axis=1)
    half = round(0.03 * rate / _HOP)
    padded = np.pad(growth, half)
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).max(axis=1)
    is_peak = (growth == highest) & (growth > 0.15 * growth.max())
    # Growth is greatest when the sound has just come into the middle of the later window.
    return (np.flatnonzero(is_peak) + 2) * _HOP / rate + _WINDOW / 2 / rate
