"""Pictures of phrases: where the bars, notes and lines lie."""

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from instrument.music.note import Note, Phrase, Track
from training.pictures.piano_rolls import draw_phrases

MELODY = Track((Note(0.0, 60, 1.0, 127), Note(1.5, 64, 0.5, 1)), name="melody")
BASS = Track((Note(0.0, 36, 4.0),), name="bass")


def test_each_note_is_a_bar_at_its_time_and_pitch() -> None:
    figure = draw_phrases({"two tracks": Phrase((MELODY, BASS), 4.0)})
    (axes,) = figure.axes
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    spans = {
        (round(bar.get_x(), 6), round(bar.get_width(), 6), round(bar.get_y() + 0.45))
        for bar in bars
    }
    assert spans == {(0.0, 1.0, 60), (1.5, 0.5, 64), (0.0, 4.0, 36)}
    assert axes.get_title() == "two tracks"
    legend = axes.get_legend()
    assert legend
    assert [text.get_text() for text in legend.get_texts()] == ["melody", "bass"]


def test_softer_notes_are_paler() -> None:
    figure = draw_phrases({"": Phrase((MELODY,), 4.0)})
    loud, soft = (to_rgba(patch.get_facecolor())[3] for patch in figure.axes[0].patches)
    assert loud == 1.0 and 0.3 < soft < 0.4


def test_bar_lines_follow_the_pickup() -> None:
    figure = draw_phrases({"": Phrase((MELODY,), 8.0, pickup_beats=1.0)})
    lines = [float(np.atleast_1d(line.get_xdata())[0]) for line in figure.axes[0].lines]
    assert lines == [1.0, 5.0]


def test_several_phrases_stand_below_each_other_and_one_may_be_empty() -> None:
    figure = draw_phrases({"a": Phrase((MELODY,), 4.0), "silence": Phrase((), 0.0)})
    assert [axes.get_title() for axes in figure.axes] == ["a", "silence"]
    figure.canvas.draw()


def test_a_very_long_phrase_stays_a_readable_picture() -> None:
    figure = draw_phrases({"": Phrase((MELODY,), 4000.0)})
    assert figure.get_size_inches()[0] <= 16.0 and len(figure.axes[0].lines) <= 64


def test_tracks_without_names_need_no_legend() -> None:
    track = Track((Note(0.0, 60, 1.0),))
    (axes,) = draw_phrases({"": Phrase((track, track), 4.0)}).axes
    assert axes.get_legend() is None
