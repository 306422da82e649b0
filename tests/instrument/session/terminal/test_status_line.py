"""The status line against a kernel that plays."""

import io

from rich.console import Console

from instrument.midi.messages import note_on
from instrument.realtime.memory.constants import BUILT_IN_BANK
from instrument.realtime.offline_engine import OfflineEngine
from instrument.session.terminal.status_line import (
    LoadMeter,
    Situation,
    StatusLine,
    clock,
    status_text,
)


def an_engine() -> OfflineEngine:
    engine = OfflineEngine(48_000, 128)
    engine.state.channels["bank"] = BUILT_IN_BANK
    return engine


def test_the_line_says_preset_provider_block_latency_voices_and_underruns() -> None:
    engine = an_engine()
    engine.send(0, note_on(60))
    engine.send(0, note_on(64))
    engine.render(256)
    situation = Situation(
        preset="glass",
        notes="notes 12/88",
        provider="cpu",
        output="JACK 48 kHz",
        block_frames=128,
        latency_seconds=0.0053,
        recording=83.0,
    )
    line = status_text(engine.state, situation, 3.2).plain
    for part in ("glass", "notes 12/88", "cpu", "JACK 48 kHz", "128 frames 5.3 ms", "2 voices"):
        assert part in line
    assert "0 under-runs" in line and "load 3 %" in line and "● 1:23" in line
    assert line.startswith("● 1:23 ")  # a narrow window cuts the end off
    engine.state.meters["underruns"] = 1
    assert "1 under-run ·" in status_text(engine.state, situation, 0).plain


def test_a_terminal_gets_one_line_and_a_pipe_gets_only_notices() -> None:
    engine = an_engine()
    for is_terminal in (True, False):
        text = io.StringIO()
        console = Console(file=text, force_terminal=is_terminal, width=100, highlight=False)
        with StatusLine(engine.state, console) as status:
            status.update(preset="glass")
            status.say("MIDI input 'keys' is gone", "It is opened again when it comes back.")
            status.refresh()
        assert text.getvalue().count("MIDI input 'keys' is gone") == 1
        assert ("under-runs" in text.getvalue()) == is_terminal


def test_the_load_is_the_callbacks_share_of_time() -> None:
    engine = an_engine()
    meter = LoadMeter(engine.state)
    engine.state.meters["callback_ns_sum"] += 10_000_000_000  # ten seconds of work in no time
    assert meter.percent() > 1000
    assert meter.percent() == 0


def test_time_is_written_as_minutes_and_seconds() -> None:
    assert [clock(seconds) for seconds in (-0.3, 0, 59.9, 60, 3671)] == [
        "0:00", "0:00", "0:59", "1:00", "61:11",
    ]  # fmt: skip
