"""The next bars as a small piano roll of letters, before they sound."""

from __future__ import annotations

from rich.text import Text

from instrument.partner.messages import View

COLUMNS_PER_BEAT = 4
_MOST_ROWS = 12
_BEFORE_BEATS = 2.0
_STYLES = ("green", "cyan", "magenta", "yellow")


def draw_roll(view: View, width: int) -> Text:
    """Draw the notes around now: time goes to the right, a row is a few pitches.

    Parameters
    ----------
    width
        Letters per row.
    """
    beats = max(4.0, width / COLUMNS_PER_BEAT)
    begins = view.beats - _BEFORE_BEATS
    notes = [n for n in view.notes if begins - n.length < n.start < begins + beats]
    low = min((n.pitch for n in notes), default=60)
    high = max((n.pitch for n in notes), default=71)
    per_row = max(1, -(-(high - low + 1) // _MOST_ROWS))
    rows = min(_MOST_ROWS, (high - low) // per_row + 1)
    columns = round(beats * COLUMNS_PER_BEAT)
    cells = [[_ground(begins, column, view) for column in range(columns)] for _ in range(rows)]
    for note in notes:
        row = rows - 1 - (note.pitch - low) // per_row
        first = round((note.start - begins) * COLUMNS_PER_BEAT)
        last = max(first + 1, round((note.start + note.length - begins) * COLUMNS_PER_BEAT))
        style = "white" if note.part < 0 else _STYLES[note.part % len(_STYLES)]
        for column in range(max(0, first), min(columns, last)):
            cells[row][column] = ("█" if column == first else "▬", style)
    text = Text()
    for row_cells in cells:
        for letter, style in row_cells:
            text.append(letter, style)
        text.append("\n")
    return text


def _ground(begins: float, column: int, view: View) -> tuple[str, str]:
    """Return what stands where no note is: now, bar lines, nothing."""
    at, next_at = (begins + (column + k) / COLUMNS_PER_BEAT for k in (0, 1))
    if at <= view.beats < next_at:
        return "│", "red"
    is_line = int(at // view.bar_beats) != int(next_at // view.bar_beats) and at >= -0.5
    return ("┊", "dim") if is_line else (" ", "")
