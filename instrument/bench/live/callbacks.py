"""Under-runs of a native and of a Python callback while Python is busy in the same process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from instrument.bench.harness import Goal, Row, Verdict, not_measured
from instrument.bench.live.jack_server import JackServer, private_jack
from instrument.bench.peers import stream_child
from instrument.bench.peers.child import ChildPeer, PeerMissing
from instrument.bench.peers.stream_child import COUNT, KINDS, PYTHON, START, STOP
from instrument.bench.report import Report

GOAL = Goal(1 / 20)
FEWEST = 20
"""With fewer under-runs than this on Python's side, a twentieth cannot be told from none."""

SETTLE_SECONDS = 0.4
VOICES, BLOCK_FRAMES = 32, 128


def callback_rows(report: Report, rounds: int = 4, seconds: float = 2.0) -> list[Row]:
    """Play through each kind of callback in turn on one server; a silent client is the referee.

    The referee counts the server's xruns while only one player is there: the same measure for all.
    """
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    missing: dict[str, str] = {}
    try:
        with (
            private_jack(BLOCK_FRAMES, name="callbacks") as server,
            ChildPeer("instrument.bench.peers.silent_client", server.name) as referee,
        ):
            report.facts["callbacks on"] = str(server)
            for _ in range(rounds):
                report.canary.listen()
                for kind in [kind for kind in KINDS if kind not in missing]:
                    try:
                        counts[kind].update(_play(kind, server, referee, seconds))
                    except PeerMissing as reason:
                        missing[kind] = str(reason)
    except PeerMissing as reason:
        missing |= dict.fromkeys(KINDS, str(reason))
    return [_row(kind, counts, missing, rounds * seconds) for kind in KINDS[1:]]


def _row(
    kind: str, counts: Mapping[str, Counter[str]], missing: Mapping[str, str], seconds: float
) -> Row:
    name = f"{kind}, under-runs in {seconds:g} s"
    if reason := missing.get(kind) or missing.get(PYTHON):
        return not_measured(name, "", reason, PYTHON, GOAL)
    ours, peer = counts[kind], counts[PYTHON]
    enough = peer["xruns"] >= FEWEST
    return Row(
        name,
        "",
        ours["xruns"],
        PYTHON,
        peer["xruns"],
        ratio=ours["xruns"] / peer["xruns"] if enough else None,
        goal=GOAL,
        verdict=Verdict.REPORTED if enough else Verdict.NOT_JUDGED,
        note="busy Python thread in the same process; flagged to the callbacks themselves: "
        f"{ours['flagged']} and {peer['flagged']}",
    )


def _play(kind: str, server: JackServer, referee: ChildPeer, seconds: float) -> dict[str, int]:
    arguments = [kind, str(VOICES), str(server.block_frames)]
    with ChildPeer(stream_child.__name__, *arguments, environment=server.environment) as player:
        player.ask(START)
        time.sleep(SETTLE_SECONDS)
        xruns, flagged = referee.ask()["xruns"], player.ask(COUNT)["flagged"]
        time.sleep(seconds)
        xruns = referee.ask()["xruns"] - xruns
        after = player.ask(COUNT)
        player.ask(STOP)
    if after["callbacks"] == 0:
        raise PeerMissing(f"the {kind} was never called")
    return {"xruns": int(xruns), "flagged": int(after["flagged"] - flagged)}
