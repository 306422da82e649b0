"""Draw what Ardour has recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.daw.tracks import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TRACKS: dict[str, tuple[str, str | None]] = {
    "Player": ("#3b6ea5", "track Player"),
    "Answer": ("#d1622b", "track Answer, from latentkeys:out"),
}
_BAR_BEATS = 4


def draw(recordings: list[Recording], path: Path) -> None:
    """Draw each session: both MIDI regions over the sound, with Ardour's beats and bars."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        2, len(recordings), figsize=(11, 4.6), sharex="col", sharey="row",
        height_ratios=(2, 1), layout="constrained",
    )  # fmt: skip
    for roll, wave, recording in zip(*axes, recordings, strict=True):
        draw_notes(roll, recording)
        seconds = draw_sound(wave, recording)
        roll.set(xlim=(0, seconds), title=f"Ardour at {recording.tempo.bpm_at(0.0):g} bpm\n")
        wave.set(xlabel="seconds in Ardour's session")
        for beat in range(int(recording.tempo.beats_at(seconds)) + 1):
            at, is_bar = recording.tempo.seconds_at(beat), beat % _BAR_BEATS == 0
            for one in (roll, wave):
                one.axvline(at, color="#999999", linewidth=0.9 if is_bar else 0.3, zorder=0)
            if is_bar:
                bar = f"bar {beat // _BAR_BEATS + 1}"
                roll.annotate(bar, (at, 1.01), xycoords=("data", "axes fraction"), fontsize=8)
    axes[0][0].set(ylabel="pitch")
    axes[0][0].legend(loc="upper left", fontsize=8)
    axes[1][0].set(ylabel="track Sound")
    figure.savefig(path, dpi=100)


def draw_notes(roll: Axes, recording: Recording) -> None:
    """Draw the MIDI tracks as a piano roll."""
    for track, (colour, label) in _TRACKS.items():
        for note in recording.notes(track):
            end = recording.tempo.seconds_at(note.end_beats)
            length = end - note.seconds
            roll.barh(note.pitch, length, left=note.seconds, height=0.8, color=colour, label=label)
            label = None  # once in the legend


def draw_sound(wave: Axes, recording: Recording) -> float:
    """Draw the audio track; return its end in seconds."""
    audio, rate = recording.sound("Sound")
    step = rate // 200
    whole = audio[: len(audio) // step * step].reshape(-1, step)
    seconds = np.arange(len(whole)) * step / rate
    wave.fill_between(seconds, whole.min(axis=1), whole.max(axis=1), color="#555555", linewidth=0)
    return float(seconds[-1])
