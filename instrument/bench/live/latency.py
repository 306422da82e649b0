"""Note to audio through JACK, counted in frames by a probe client."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence

import numpy as np

from instrument.bench.harness import Goal, Row, not_measured
from instrument.bench.live.jack_server import JackServer, private_jack
from instrument.bench.live.live_instrument import LiveInstrument, live_instrument
from instrument.bench.live.note_probe import NoteProbe
from instrument.bench.peers.child import PeerMissing
from instrument.bench.report import Report
from instrument.midi.messages import ALL_SOUND_OFF, control_change, note_off, note_on

NOTES = 40
PITCH, VELOCITY = 72, 110
NOTE_FRAMES = 2_400
GAP_FRAMES = 12_000
LEAD_FRAMES = 4_800
SILENT_FRAMES = 1  # a table's first sample may be zero, which nobody can hear
_SILENCE = control_change(ALL_SOUND_OFF, 0)


def latency_rows(
    report: Report, arguments: Sequence[str], block_frames: int = 128, notes: int = NOTES
) -> list[Row]:
    """Strike notes at random frames; return mean and deviation of note to first sample.

    The server is synchronous, so that nothing is lost to the machine: what is measured is how the
    instrument places notes, exactly. Within a cycle of the graph a note may start on its own frame;
    whoever plays and listens from outside waits for the next cycle: one block.
    """
    name = "note to audio"
    try:
        with private_jack(
            block_frames, wants_realtime=False, is_synchronous=True, name="latency"
        ) as server:
            report.facts["latency on"] = str(server)
            with live_instrument(arguments, server.environment) as played:
                played.wait_for(lambda: played.has_note(PITCH), "a rendered note", 60.0)
                return [
                    *_rows(f"{name}, within the cycle", played, server, notes, False),
                    *_rows(f"{name}, from outside", played, server, notes, True),
                ]
    except PeerMissing as reason:
        return [not_measured(name, "frames", str(reason))]


def _rows(
    name: str, played: LiveInstrument, server: JackServer, notes: int, is_one_client: bool
) -> list[Row]:
    with NoteProbe(server, is_one_client=is_one_client) as probe:
        played.wait_for(probe.connect, "its JACK ports", 20.0)
        delays = measure_delays(probe, notes)
    mean, deviation = statistics.fmean(delays), statistics.pstdev(delays)
    block = Goal(server.block_frames + SILENT_FRAMES, is_ratio=False)
    exact = Goal(0.0, is_ratio=False)
    note = f"{notes} notes, {min(delays)} to {max(delays)} frames, block {server.block_frames}"
    return [
        Row(f"{name}, mean", "frames", mean, goal=block, note=note, needs_quiet=False),
        Row("  standard deviation", "frames", deviation, goal=exact, needs_quiet=False),
    ]


def measure_delays(probe: NoteProbe, notes: int) -> list[int]:
    """Strike `notes` notes out of silence; return each one's frames to the first sample.

    Raises
    ------
    PeerMissing
        There was sound before a note, or none after it.
    """
    dice = random.Random(1)
    delays = []
    for _ in range(notes):
        probe.sent.clear()
        due = probe.now + LEAD_FRAMES + dice.randrange(2_000)
        probe.send(due, note_on(PITCH, VELOCITY))
        probe.send(due + NOTE_FRAMES, note_off(PITCH))
        probe.send(due + NOTE_FRAMES, _SILENCE)
        probe.wait_until(due + GAP_FRAMES)
        struck = probe.sent[0][0]
        if np.any(probe.heard(struck - 1_000, struck)):
            raise PeerMissing("the instrument was not silent before a note")
        sounding = np.flatnonzero(probe.heard(struck, struck + GAP_FRAMES))
        if len(sounding) == 0:
            raise PeerMissing("a note was not heard")
        delays.append(int(sounding[0]))
        time.sleep(0.001)
    return delays
