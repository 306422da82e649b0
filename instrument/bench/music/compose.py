"""``latentkeys bench compose``: how fast notes are written.

A note of the note LSTM beside torch, notes with all that belongs to them, and a MuseGAN's phrases.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np

from instrument.bench.harness import Goal, Row, compare, interleave, not_measured
from instrument.bench.peers.child import ChildPeer, PeerMissing
from instrument.bench.report import Report
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.self_test import seeded_inputs
from instrument.composers.continuer import NoteModel, at_bar_line, pitched_notes
from instrument.composers.registry import NOTE_MODELS, composer_of, find_composer
from instrument.errors import LatentkeysError
from instrument.music.constraints import CANDIDATES, CARE, Constraints
from instrument.music.note import Note, Phrase
from instrument.music.sampling import NoteRandom

NOTE_MODEL, PHRASE_MODELS = "note_lstm_tunes", ("musegan", "musegan_accompany", "musegan_continue")
CHORALE_MODEL = "chorale_lstm"
FIVE_TIMES_FASTER = Goal(0.2)
ONE_BAR_AT_120 = Goal(2000.0, is_ratio=False)
A_MILLISECOND = Goal(1000.0, is_ratio=False)
_TORCH = "torch eager"
_NOTES_PER_ROUND, _NOTES = 50, 400
_MELODY = (60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 72, 71, 67, 65, 62)


def bench_compose(rounds: int = 15) -> Report:
    """Measure every composer that is installed; say so where one is not."""
    report = Report("compose")
    _for_each(report, (NOTE_MODEL,), lambda bundle: _note_rows(report, bundle, rounds))
    _for_each(report, (CHORALE_MODEL,), lambda bundle: _chorale_rows(report, bundle, rounds))
    _for_each(report, PHRASE_MODELS, lambda bundle: _phrase_rows(report, bundle, rounds))
    return report


def _for_each(report: Report, names: tuple[str, ...], rows: Callable[[Bundle], list[Row]]) -> None:
    for name in names:
        try:
            bundle = find_composer(name)
        except LatentkeysError as missing:
            report.rows.append(not_measured(name, "ms", missing.message))
            continue
        report.facts[name] = f"version {bundle.card.version}, {bundle.weights_sha256[:8]}"
        report.rows += rows(bundle)


def _note_rows(report: Report, bundle: Bundle, rounds: int) -> list[Row]:
    """Time the graphs of one note beside torch, then whole notes."""
    constants = bundle.music.constants
    sizes = f"{int(constants['layers'])}×{int(constants['units'])}"
    name = f"a note's graphs, LSTM {sizes}, 1 thread"
    with ExitStack() as stack:
        contestants: dict[str, Callable[[], float]] = {"ours": _graph_runs(bundle)}
        missing = ""
        try:
            config = json.dumps(bundle.card.training.get("config"))
            child = stack.enter_context(ChildPeer("export.composers.eager_composer", config))
            report.facts[_TORCH] = str(child.facts["version"])
            contestants[_TORCH] = lambda: 1e6 * child.measure(_NOTES_PER_ROUND)
        except PeerMissing as reason:
            missing = str(reason)
        times = interleave(contestants, rounds, report.canary)
    if missing:
        graphs = [
            Row(name, "µs", statistics.median(times["ours"])),
            not_measured(name, "µs", missing, _TORCH, FIVE_TIMES_FASTER),
        ]
    else:
        ours, theirs = times["ours"], times[_TORCH]
        graphs = [compare(name, "µs", ours, _TORCH, theirs, FIVE_TIMES_FASTER)]
    return [*graphs, *_whole_notes(report, bundle)]


def _graph_runs(bundle: Bundle) -> Callable[[], float]:
    """Return a timer of all graphs, in microseconds for one run of each."""
    runtime = Runtime(threads=1, device="cpu")
    work = [
        (bundle.open_graph(name, runtime), seeded_inputs(graph, 0))
        for name, graph in bundle.card.graphs.items()
    ]

    def play() -> float:
        start = time.perf_counter()
        for _ in range(_NOTES_PER_ROUND):
            for session, inputs in work:
                session.run(inputs)
        return 1e6 * (time.perf_counter() - start) / _NOTES_PER_ROUND

    play()
    return play


def _whole_notes(report: Report, bundle: Bundle) -> list[Row]:
    """Time notes as live play draws them: features, graphs, sampling; and one that is heard."""
    model = NOTE_MODELS[bundle.music.kind](bundle, Runtime(threads=1, device="cpu"))
    drawn, heard = _note_times(model)
    report.canary.sing()
    what = "with features and sampling"
    return [
        Row("a note drawn, median", "µs", statistics.median(drawn), goal=A_MILLISECOND, note=what),
        Row("a note drawn, p99", "µs", float(np.percentile(drawn, 99)), note=f"of {len(drawn)}"),
        Row("a note heard, median", "µs", statistics.median(heard)),
    ]


def _note_times(model: NoteModel[object]) -> tuple[list[float], list[float]]:
    """Return microseconds of notes drawn after a prompt, and of the prompt's own notes."""
    state, heard, drawn = model.begin(4.0, 0.0), [], []
    for note in pitched_notes(_melody()):
        start = time.perf_counter()
        state = model.feed(state, note)
        heard.append(1e6 * (time.perf_counter() - start))
    random, controls = NoteRandom(1), Constraints()
    for index in range(_NOTES):
        start = time.perf_counter()
        _, state = model.draw(state, controls, random.at(index))
        drawn.append(1e6 * (time.perf_counter() - start))
    return drawn, heard


def _chorale_rows(report: Report, bundle: Bundle, rounds: int) -> list[Row]:
    """Time four bars of three voices to a melody."""
    composer, melody = composer_of(bundle), _melody()
    work = {"ours": _timed(lambda: composer.generate(4, 1, Constraints(), condition=melody))}
    times = interleave(work, max(3, rounds // 5), report.canary)["ours"]
    return [Row("a melody of 4 bars harmonised", "ms", statistics.median(times))]


def _phrase_rows(report: Report, bundle: Bundle, rounds: int) -> list[Row]:
    """Time four bars from one draw, and from eight candidates that the critic ranks."""
    composer, asks, melody = composer_of(bundle), bundle.music.conditions, _melody()

    def write(candidates: int) -> object:
        controls = Constraints(candidates=candidates, care=CARE)
        if "track" in asks:
            return composer.generate(4, 1, controls, condition=melody)
        return composer.generate(4, 1, controls, previous=melody if "previous" in asks else None)

    work = {
        "one": _timed(lambda: write(1)),
        "many": _timed(lambda: write(CANDIDATES)),
    }
    times = interleave(work, rounds, report.canary)
    name = f"{bundle.card.name}, 4 bars"
    return [
        Row(f"{name}, 1 draw", "ms", statistics.median(times["one"])),
        Row(
            f"{name}, best of {CANDIDATES}",
            "ms",
            statistics.median(times["many"]),
            goal=ONE_BAR_AT_120,
            note="the goal is one bar at 120 beats per minute",
        ),
    ]


def _melody() -> Phrase:
    return at_bar_line(Phrase.of(Note(float(beat), p, 1.0) for beat, p in enumerate(_MELODY)))


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    """Return a timer in milliseconds."""
    work()

    def run() -> float:
        start = time.perf_counter()
        work()
        return 1000.0 * (time.perf_counter() - start)

    return run
