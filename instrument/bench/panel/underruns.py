"""Under-runs with the panel open and busy, and closed, beside a silent client on its own server."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from instrument.bench.harness import Goal, Row, Verdict, not_measured
from instrument.bench.live.jack_server import private_jack
from instrument.bench.live.live_instrument import LiveInstrument, live_instrument
from instrument.bench.peers.child import ChildPeer, PeerMissing
from instrument.midi.messages import note_off, note_on
from instrument.realtime.control_input import ControlInput

SECONDS = 20.0
CHORD = (48, 55, 60, 64, 67, 72)
_TURN_SECONDS = 0.03
_SILENT = "instrument.bench.peers.silent_client"


def underrun_rows(open_page: Callable[[LiveInstrument], Any]) -> list[Row]:
    """Hold a chord for `SECONDS` without a page, then while the map is dragged on one.

    Parameters
    ----------
    open_page
        Returns a playwright page that shows the panel's map, closed by the caller.
    """
    what = f"chord held for {SECONDS:g} s"
    try:
        with (
            private_jack(name="panel") as server,
            private_jack(name="silent") as other,
            ChildPeer(_SILENT, other.name, environment=other.environment) as silent,
            live_instrument(
                ["--audio", "jack"], {**server.environment, "DISPLAY": ""}, panel=True
            ) as playing,
        ):
            playing.wait_for(lambda: playing.has_notes(CHORD), "rendered notes", 60.0)
            is_valid = server.is_realtime
            closed = _count(f"{what}, no page", playing, silent, time.sleep, is_valid)
            page = open_page(playing)
            busy = _count(
                f"{what}, map dragged", playing, silent, lambda s: _drag(page, s), is_valid
            )
        return [closed, busy]
    except PeerMissing as reason:
        return [not_measured(f"{what}, under-runs", "", str(reason), "silent client")]


def _count(
    name: str,
    playing: LiveInstrument,
    silent: ChildPeer,
    pass_time: Callable[[float], None],
    is_valid: bool,
) -> Row:
    for pitch in CHORD:
        ControlInput(playing.state).send(note_on(pitch, 90))
    before, quiet_before = int(playing.state.meters["underruns"]), silent.ask()["xruns"]
    pass_time(SECONDS)
    ours = int(playing.state.meters["underruns"]) - before
    quiet = silent.ask()["xruns"] - quiet_before
    for pitch in CHORD:
        ControlInput(playing.state).send(note_off(pitch))
    return Row(
        name,
        "",
        ours,
        "silent client",
        quiet,
        goal=Goal(quiet, is_ratio=False),
        verdict=Verdict.REPORTED if is_valid else Verdict.NOT_JUDGED,
    )


def _drag(page: Any, seconds: float) -> None:
    """Go round on the map, as fast as a hand."""
    box = page.locator(".plane.map").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        turn = 2 * math.pi * passed / 4
        page.mouse.move(
            x + 0.3 * box["width"] * math.cos(turn), y + 0.3 * box["height"] * math.sin(turn)
        )
        time.sleep(_TURN_SECONDS)
    page.mouse.up()
