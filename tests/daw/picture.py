"""Draw what Ardour has recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tracks import Recording

_COLOURS = {"Player": "#3b6ea5", "Answer": "#d1622b"}
_BAR_BEATS = 4


def draw(recording: Recording, path: Path) -> None:
    """Draw both MIDI regions over the sound, with Ardour's beats and bars."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (roll, wave) = pyplot.subplots(
        2, 1, figsize=(10, 4.6), sharex=True, height_ratios=(2, 1), layout="constrained"
    )
    for track, colour in _COLOURS.items():
        for index, note in enumerate(recording.notes(track)):
            end = recording.tempo.seconds_at(note.end_beats)
            label = {"Player": "track Player", "Answer": "track Answer: latentkeys:out"}[track]
            roll.barh(
                note.pitch,
                end - note.seconds,
                left=note.seconds,
                height=0.8,
                color=colour,
                label=label if index == 0 else None,
            )
    begins, audio, rate = recording.sound("Sound")
    step = rate // 200
    whole = audio[: len(audio) // step * step].reshape(-1, step)
    seconds = begins + np.arange(len(whole)) * step / rate
    wave.fill_between(seconds, whole.min(axis=1), whole.max(axis=1), color="#555555", linewidth=0)
    last = seconds[-1]
    for beat in range(int(recording.tempo.beats_at(last)) + 1):
        at, is_bar = recording.tempo.seconds_at(beat), beat % _BAR_BEATS == 0
        for axes in (roll, wave):
            axes.axvline(at, color="#999999", linewidth=0.9 if is_bar else 0.3, zorder=0)
        if is_bar:
            bar = beat // _BAR_BEATS + 1
            bpm = f"\n{recording.tempo.bpm_at(beat):g} bpm" if bar in (1, 5) else "\n"
            roll.annotate(f"{bar}{bpm}", (at, 1.01), xycoords=("data", "axes fraction"), fontsize=8)
    roll.set(ylabel="pitch", xlim=(0, last))
    roll.legend(loc="upper left", fontsize=8)
    wave.set(ylabel="track Sound", xlabel="seconds in Ardour's session")
    figure.savefig(path, dpi=100)
