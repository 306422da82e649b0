"""What must hold in what Ardour has recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.daw.tracks import Recording, Struck

GRID_MS = 8.0
"""One block of 256 frames (5.33 ms), which a loop through JACK takes, and half as much again."""
SIXTEENTH = 0.25
ONSET_MS = 25.0  # of the detector: a window of 21 ms
_WINDOW, _HOP = 1024, 128


@dataclass(frozen=True, slots=True)
class Take:
    """What Ardour has recorded, and what was seen after its stop.

    Attributes
    ----------
    bpm
        The tempo that was asked for.
    left_down
        Which notes have no end; empty if none.
    was_down
        How many of the partner's keys were down when Ardour stopped.
    """

    bpm: float
    recording: Recording
    left_down: str
    was_down: int


def check(takes: list[Take], phrases_begin: tuple[float, ...]) -> tuple[list[str], list[str]]:
    """Compare recordings with Ardour's beats.

    Returns
    -------
    lines, problems
        The figures, and what does not hold.
    """
    lines: list[str] = []
    problems: list[str] = []
    for take in takes:
        lines.append(f"Ardour at {take.recording.tempo.bpm_at(0.0):g} bpm")
        for begin in phrases_begin:
            check_answer(take.recording, begin, lines, problems)
        check_sound(take.recording, lines, problems)
        left = take.left_down or "none"
        lines.append(f"  keys down when Ardour stopped: {take.was_down}; after it: {left}")
        if take.left_down:
            problems.append(f"after Ardour's stop {take.left_down}")
        if take.recording.tempo.bpm_at(0.0) != take.bpm:
            problems.append(f"Ardour does not play at {take.bpm:g} bpm")
    return lines, problems


def check_answer(recording: Recording, begin: float, lines: list[str], problems: list[str]) -> None:
    """Compare the answer to the phrase of a bar that began at `begin` with Ardour's beats."""
    line = begin + 4.0
    answered = [n for n in recording.notes("Answer") if line - 0.5 <= n.beats < line + 4.0]
    if not answered:
        problems.append(f"the phrase at beat {begin:g} has no answer")
        return
    first = off_ms(recording, answered[0], line)
    grid = [off_ms(recording, n, round(n.beats / SIXTEENTH) * SIXTEENTH) for n in answered]
    worst = max(map(abs, grid))
    lines.append(
        f"  answer in bar {line / 4 + 1:g}: first note {first:+.2f} ms off the bar line, "
        f"{len(grid)} notes at most {worst:.2f} ms off Ardour's sixteenths"
    )
    if worst > GRID_MS or abs(first) > GRID_MS:
        problems.append(f"bar {line / 4 + 1:g}: off by {first:+.1f} ms, {worst:.1f} ms")


def off_ms(recording: Recording, note: Struck, beats: float) -> float:
    """Return how late a note is against a position of Ardour's."""
    return 1000.0 * (note.seconds - recording.tempo.seconds_at(beats))


def check_sound(recording: Recording, lines: list[str], problems: list[str]) -> None:
    """Compare the sound's onsets with the answer's notes."""
    audio, rate = recording.sound("Sound")
    onsets = find_onsets(audio, rate)
    struck = np.unique([note.seconds for note in recording.notes("Answer")])
    if not len(onsets) or not len(struck):
        problems.append("the recorded sound is silent")
        return
    off = np.array([1000.0 * (onsets - at)[np.argmin(abs(onsets - at))] for at in struck])
    found = int(np.sum(abs(off) <= ONSET_MS))
    near = off[abs(off) <= ONSET_MS]
    lines.append(
        f"  sound: peak {np.max(abs(audio)):.2f}; an onset within {ONSET_MS:g} ms of "
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
