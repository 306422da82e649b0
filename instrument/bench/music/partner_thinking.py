"""How soon the partner thinks: in virtual time, so that the clock counts nothing but the work.

Out: rows of ``latentkeys bench partner``. Nothing sounds.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from instrument.bench.harness import Goal, Row
from instrument.bench.report import Report
from instrument.engine.audio_sinks import raise_priority
from instrument.midi.messages import control_change, is_note_on, note_off, note_on
from instrument.partner.open_partner import open_partner
from instrument.partner.partner import Partner
from instrument.partner.process import PRIORITY
from instrument.preset.partner_options import ModeName, PartnerOptions

MODEL = "note_lstm_tunes"
_RATE_HZ, _BEAT = 48_000, 24_000
_LEAD_FRAMES = _RATE_HZ // 50
_PHRASES, _RETURNS = 60, 60
_BAR_BEATS = 4.0
_END = 67


def thinking_rows(report: Report) -> list[Row]:
    """Measure it; what answers owe to the player's feel is a fact of the report."""
    report.canary.sing()
    with _as_the_process():
        first, missed, behind = _first_notes()
    report.facts["first notes behind the beat, as the player was"] = (
        f"{percentile(behind, 50):.1f} ms, at most {percentile(behind, 100):.1f} ms"
    )
    report.canary.sing()
    with _as_the_process():
        refill, short = _refills()
    report.canary.sing()
    return [
        Row("phrase's end to the first note, median", "ms", percentile(first, 50), goal=most(2.0)),
        Row("phrase's end to the first note, p99", "ms", percentile(first, 99), goal=most(10.0)),
        Row("phrases not answered on the next beat", "%", 100.0 * missed, goal=most(0.0)),
        Row("a bar thought anew, median", "ms", percentile(refill, 50), goal=most(50.0)),
        Row("a bar thought anew, p99", "ms", percentile(refill, 99), goal=most(50.0)),
        Row("time with less than a bar ahead", "%", 100.0 * short, goal=most(0.1)),
    ]


@contextmanager
def _as_the_process() -> Iterator[None]:
    """Run as the partner's process does: before whatever is no music, where the system allows."""
    raise_priority({threading.get_native_id()}, PRIORITY)
    try:
        yield
    finally:
        if sys.platform == "linux":
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def due_frame(partner: Partner, end_frame: int) -> int:
    """Return when the first note of an answer is due: on the beat, as the player plays it.

    Whoever plays behind the beat is answered behind it, by as much as the partner has heard; no
    answer comes before its beat.

    Parameters
    ----------
    partner
        It has begun to answer.
    end_frame
        Where the phrase ended; the beat is the next one that is 20 ms away.
    """
    music = partner.transport
    zero = music.frame_at(0.0)
    line = -(-(end_frame + _LEAD_FRAMES - zero) // _BEAT)
    return music.frame_at(max(float(line), partner.phrasing.ear.feel.played(float(line))))


def _first_notes() -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Return milliseconds to first notes, the share not on time, and how far behind beats it is."""
    random, partner = np.random.default_rng(1), _partner("answer")
    times, missed, behind = [], 0, []
    for _ in range(_PHRASES):
        _play_phrase(partner, random)
        end = partner.frame
        began = time.perf_counter()
        partner.hear(end, control_change(_END, 127))
        struck: list[int] = []
        partner.step()
        while not partner.plan.notes:
            partner.step()
        times.append(1e3 * (time.perf_counter() - began))
        due = due_frame(partner, end)
        behind.append(1e3 * ((due - partner.transport.frame_at(0.0)) % _BEAT) / _RATE_HZ)
        while not struck:
            struck = [m.frame for m in partner.step() if is_note_on(m.data)]
        missed += struck[0] != due
        _live(partner, 9 * _BEAT)
    return np.array(times), missed / _PHRASES, np.array(behind)


def _refills() -> tuple[NDArray[np.float64], float]:
    """Return milliseconds for a bar after a strike, and the share of time with less to come.

    The player strikes every second bar at 120 beats per minute, and all is thought anew. What it
    takes is the work, or the virtual time if that is longer: far notes are thought at leisure.
    """
    partner, times, short = _partner("duet"), [], 0.0
    _strike(partner, 60)
    _live(partner, 8 * _BEAT)
    for number in range(_RETURNS):
        _strike(partner, 60 + number % 12)
        began, first = time.perf_counter(), partner.frame
        while (partner.plan.written_beats or 0.0) < partner.beats + _BAR_BEATS:
            step = time.perf_counter()
            partner.step()
            if (partner.plan.end_beats or 0.0) < partner.beats + _BAR_BEATS:
                short += time.perf_counter() - step
        lived = (partner.frame - first) / _RATE_HZ
        times.append(1e3 * max(time.perf_counter() - began, lived))
        _live(partner, 8 * _BEAT)
    return np.array(times), short / (_RETURNS * 8 * _BEAT / _RATE_HZ)


def _strike(partner: Partner, pitch: int) -> None:
    partner.hear(partner.frame, note_on(pitch, 90))
    partner.hear(partner.frame, note_off(pitch))


def _partner(mode: ModeName) -> Partner:
    options = PartnerOptions(mode=mode, model=MODEL, end_control=_END, silence_beats=16.0)
    partner = open_partner(options, _RATE_HZ)
    partner.begin_at(0)
    return partner


def _play_phrase(partner: Partner, random: np.random.Generator) -> None:
    for pitch in 60 + random.integers(-7, 12, 10):
        partner.hear(partner.frame, note_on(int(pitch), 90))
        _live(partner, int(random.integers(2_000, 9_000)))
        partner.hear(partner.frame, note_off(int(pitch)))
        _live(partner, int(random.integers(0, 6_000)))


def _live(partner: Partner, frames: int) -> None:
    until = partner.frame + frames
    while partner.frame < until:
        partner.step()


def percentile(values: NDArray[np.float64], percent: float) -> float:
    """Return a percentile, not a number if there are none; infinite ones count."""
    if not len(values):
        return float("nan")
    if np.isinf(values).any():
        return float(np.percentile(values, percent, method="higher"))
    return float(np.percentile(values, percent))


def most(limit: float) -> Goal:
    """Return the goal to stay below a figure of our own."""
    return Goal(limit, is_ratio=False)
