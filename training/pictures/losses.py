"""A run's losses as a picture that needs no other program: ``losses.tsv`` and ``losses.png``.

In: figures, step by step. Out: both files in the run's folder; a resumed run goes on in them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from instrument.files import replacing_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLE, PICTURE = "losses.tsv", "losses.png"
_COLUMNS = "step\tfigure\tvalue\n"
_HELD_OUT = "held-out "


class LossTable:
    """What was lost so far.

    Parameters
    ----------
    folder
        The run's.
    step
        Where the run begins or goes on: what was written of later steps is forgotten.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = folder
        self._rows = [row for row in _read(folder / TABLE) if row[0] <= step]
        self._is_begun = False

    def add(self, step: int, figures: Mapping[str, float], *, is_held_out: bool = False) -> None:
        """Write down figures of a step."""
        prefix = _HELD_OUT if is_held_out else ""
        rows = [(step, prefix + name, float(value)) for name, value in figures.items()]
        self._rows += rows
        if self._is_begun:
            with (self._folder / TABLE).open("a", encoding="utf-8") as file:
                file.writelines(map(_line, rows))
            return
        text = _COLUMNS + "".join(map(_line, self._rows))
        with replacing_file(self._folder / TABLE) as temporary:
            temporary.write_text(text, encoding="utf-8")
        self._is_begun = True

    def draw(self) -> None:
        """Write the picture."""
        if self._rows:
            with replacing_file(self._folder / PICTURE) as temporary:
                draw_losses(self._rows).savefig(temporary, dpi=100)


def draw_losses(rows: list[tuple[int, str, float]]) -> Figure:
    """Draw figures over steps: lines of the training, points of what is held out.

    Parameters
    ----------
    rows
        Step, name and value.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for step, name, value in rows:
        lines[name].append((step, value))
    names = sorted({name.removeprefix(_HELD_OUT) for name in lines}, key=lambda n: (n != "loss", n))
    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, name in enumerate(names):
        colour = f"C{number % 10}"
        if trained := lines.get(name):
            axes.plot(*zip(*trained, strict=True), color=colour, linewidth=0.8, label=name)
        if held_out := lines.get(_HELD_OUT + name):
            points = tuple(zip(*held_out, strict=True))
            label = None if trained else name
            axes.plot(*points, "o--", color=colour, markersize=3, linewidth=0.8, label=label)
    axes.set(xlabel="steps", title="training (lines) and held-out pieces (points)")
    axes.legend(fontsize="small")
    return figure


def _line(row: tuple[int, str, float]) -> str:
    step, name, value = row
    return f"{step}\t{name}\t{value:.6g}\n"


def _read(path: Path) -> list[tuple[int, str, float]]:
    """Return the rows of a table; a line that was cut off by a crash is left out."""
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines()[1:]:
        cells = line.split("\t")
        try:
            rows.append((int(cells[0]), cells[1], float(cells[2])))
        except (ValueError, IndexError):
            continue
    return rows
