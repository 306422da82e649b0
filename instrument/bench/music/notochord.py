"""The rows of ``latentkeys bench partner`` beside Notochord, which needs a Python of its own.

A note of ours is drawn and fed back as one of its events is: on one thread, in interleaved rounds.
It plays a note with two events, one that strikes and one that lets go. Its weights are a download
of its own; random ones take as long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from instrument.bench.harness import Goal, Row, compare, interleave, not_measured
from instrument.bench.music.partner_thinking import MODEL
from instrument.bench.peers.child import ChildPeer, PeerMissing
from instrument.bench.report import Report
from instrument.composers.continuer import NoteModel
from instrument.errors import LatentkeysError
from instrument.music.constraints import Constraints
from instrument.music.note import Note
from instrument.music.sampling import NoteRandom
from instrument.partner.open_partner import open_note_model

NOTOCHORD = "Notochord"
INSTALL = (
    "needs an older torch than this one, so a virtual environment of its own: python -m venv DIR; "
    "DIR/bin/pip install notochord; then latentkeys bench partner --notochord DIR/bin/python"
)
_DRAWN, _HEARD = "a note or event drawn, 1 thread", "a note or event heard, 1 thread"
_AS_FAST = Goal(1.0)
_EVENTS, _ROUNDS = 20, 9


def notochord_rows(report: Report, python: Path | None) -> list[Row]:
    """Time notes of ours beside its events.

    Parameters
    ----------
    report
        Is told what was measured.
    python
        Of the virtual environment that has Notochord; None is not measured.
    """
    try:
        if python is None:
            raise PeerMissing(INSTALL)
        model = open_note_model(MODEL)
        assert model is not None, "only the counts have no network"
        with ChildPeer("export.composers.notochord_model", python=python) as child:
            report.facts[NOTOCHORD] = ", ".join(f"{k} {v}" for k, v in child.facts.items())
            drawn, heard = _times(report, model, child)
    except (PeerMissing, LatentkeysError, OSError) as missing:
        why = str(missing)
        return [not_measured(name, "ms", why, NOTOCHORD, _AS_FAST) for name in (_DRAWN, _HEARD)]
    note = "its weights are random"
    return [
        compare(_DRAWN, "ms", *drawn, goal=_AS_FAST, note=note),
        compare(_HEARD, "ms", *heard, goal=_AS_FAST),
    ]


Sides = tuple[list[float], str, list[float]]


def _times(report: Report, model: NoteModel[Any], child: ChildPeer) -> tuple[Sides, Sides]:
    """Return milliseconds of drawing and of hearing, ours and its, round by round.

    Our drawing feeds the note back already; its does not, so its feeding counts as drawing, too.
    """
    ours, theirs = _ours(model), _theirs(child)
    fed: list[float] = []
    heard: list[float] = []

    def draw() -> float:
        both = ours()
        heard.append(both[1])
        return both[0]

    def query() -> float:
        both = theirs()
        fed.append(both[1])
        return sum(both)

    times = interleave({"ours": draw, NOTOCHORD: query}, _ROUNDS, report.canary)
    return (times["ours"], NOTOCHORD, times[NOTOCHORD]), (heard, NOTOCHORD, fed)


def _theirs(child: ChildPeer) -> Callable[[], tuple[float, float]]:
    def play() -> tuple[float, float]:
        found = child.ask(_EVENTS)
        return 1e3 * found["query"], 1e3 * found["feed"]

    return play


def _ours(model: NoteModel[Any]) -> Callable[[], tuple[float, float]]:
    """Return what times notes drawn, and notes heard, in milliseconds for one."""
    state = model.feed(model.begin(4.0, 0.0), Note(0.0, 60, 1.0))
    random, controls = NoteRandom(1), Constraints()

    def play() -> tuple[float, float]:
        now, start = state, time.perf_counter()
        for index in range(_EVENTS):
            _, now = model.draw(now, controls, random.at(index))
        drawn = time.perf_counter()
        now = state
        for index in range(_EVENTS):
            now = model.feed(now, Note(float(index), 60 + index % 5, 1.0))
        return 1e3 * (drawn - start) / _EVENTS, 1e3 * (time.perf_counter() - drawn) / _EVENTS

    play()
    return play
