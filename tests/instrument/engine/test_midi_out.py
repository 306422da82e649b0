"""What goes out: to other programs, at its frame, and not back into our own ears."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from instrument.engine.audio_sinks import NullSink
from instrument.engine.clock import install_clock, now_ns, time_at
from instrument.engine.messages import EngineSettings
from instrument.engine.midi_ports import ScriptedMidiIn
from instrument.engine.midi_thread import MidiThread
from instrument.midi.messages import message_of, note_off, note_on, program_change
from instrument.realtime.memory.constants import ALL_CHANNELS, PARTNER_SOURCE, TO_OUT, USE_BANK
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine, prepare_state
from tests.helpers.live.engine import live_engine
from tests.helpers.live.jack_server import RATE_HZ, JackServer, Probe, running_jack
from tests.helpers.sounds.tones import fill_bank

pytestmark = pytest.mark.serial

CLOCK, START, SENSING, POSITION = b"\xf8", b"\xfa", b"\xfe", b"\xf2\x10\x01"


@pytest.fixture
def engine() -> OfflineEngine:
    engine = OfflineEngine(RATE_HZ, 128, note_seconds=1.0)
    fill_bank(engine.state, 1)
    engine.command(USE_BANK, 1, ALL_CHANNELS)
    engine.render(128)
    return engine


def sent(state: EngineState) -> list[tuple[int, bytes]]:
    """Take what has gone out."""
    messages = []
    while (event := state.out_ring.pop()) is not None:
        messages.append((int(event["time_frames"]), message_of(event)))
    return messages


def partner_plays(state: EngineState, frame: int, message: bytes, value: int = 0) -> None:
    padded = (*message, 0, 0)[:3]
    assert state.partner_ring.push(frame, *padded, source=PARTNER_SOURCE, value=value)


def test_what_is_meant_for_the_output_leaves_at_its_frame_and_makes_no_sound(
    engine: OfflineEngine,
) -> None:
    plan = [(700, note_on(60)), (1_000, program_change(3)), (1_001, CLOCK), (1_500, note_off(60))]
    for frame, message in plan:
        partner_plays(engine.state, frame, message, TO_OUT)
    assert not engine.render(4_000).any()
    assert sent(engine.state) == plan


def test_messages_pushed_out_of_order_leave_in_order(engine: OfflineEngine) -> None:
    partner_plays(engine.state, 900, note_on(64), TO_OUT)
    partner_plays(engine.state, 600, note_off(60), TO_OUT)
    engine.render(2_000)
    assert sent(engine.state) == [(600, note_off(60)), (900, note_on(64))]


def test_an_output_that_nobody_reads_does_no_harm(engine: OfflineEngine) -> None:
    for _ in range(3):
        for _ in range(4_000):
            partner_plays(engine.state, -1, CLOCK, TO_OUT)
        engine.render(128)
    assert engine.state.out_ring.dropped == 3 * 4_000 - 4_096


def test_what_hands_play_goes_through_only_if_asked_for(engine: OfflineEngine) -> None:
    engine.send(-1, note_on(60))
    engine.render(512)
    assert sent(engine.state) == []
    engine.state.fields["goes_through"] = 1
    engine.send(-1, note_off(60))
    partner_plays(engine.state, -1, note_on(72))
    engine.render(512)
    assert [message for _, message in sent(engine.state)] == [note_off(60)]


def test_our_own_note_that_comes_back_is_not_heard(engine: OfflineEngine) -> None:
    engine.state.fields["echo_frames"] = 2_400
    partner_plays(engine.state, 1_000, note_on(60, 90), TO_OUT)
    heard = engine.state.read_log()
    engine.send(1_800, note_on(60, 90))
    engine.send(1_900, note_on(60, 91))  # a hand, for it is stronger
    engine.send(3_399, note_on(60, 90))  # still the echo
    engine.send(3_400, note_on(60, 90))  # too late for one
    engine.render(8_000)
    hands = [event for event in heard.read() if event["source"] != PARTNER_SOURCE]
    assert [int(event["time_frames"]) for event in hands] == [1_900, 3_400]


def test_a_clock_is_logged_with_its_frames_and_is_nobody_playing(engine: OfflineEngine) -> None:
    engine.send(-1, note_on(60))
    engine.render(256)
    played = int(engine.state.meters["last_event_frame"])
    log = engine.state.read_log()
    for frame, message in ((1_000, POSITION), (1_001, START), (1_002, CLOCK), (2_002, CLOCK)):
        engine.send(frame, message)
    engine.send(2_500, SENSING)
    engine.render(4_000)
    found = [(int(event["time_frames"]), message_of(event)) for event in log.read()]
    assert found == [(1_000, POSITION), (1_001, START), (1_002, CLOCK), (2_002, CLOCK)]
    assert int(engine.state.meters["last_event_frame"]) < played + 1_500


def test_the_partner_is_heard_on_channels_that_hands_are_not(engine: OfflineEngine) -> None:
    engine.state.fields["channel_mask"] = 1
    engine.send(-1, note_on(60, channel=5))
    assert not engine.render(1_000).any()
    partner_plays(engine.state, -1, note_on(60, channel=5))
    assert engine.render(1_000).any()


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(128, "midi-out") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", server.name)
        yield server


def test_on_jack_every_message_leaves_at_its_very_frame(server: JackServer) -> None:
    rng = np.random.default_rng(4)
    gaps = np.cumsum(rng.integers(50, 900, 120))
    with live_engine(EngineSettings(audio="jack"), server.environment) as live:
        probe = Probe(server)
        probe.listen_to_midi("latentkeys:out")
        first = live.state.clock + 24_000
        for number, gap in enumerate(gaps):
            partner_plays(live.state, first + int(gap), note_on(number), TO_OUT)
        probe.play([], 24_000 + int(gaps[-1]) + 48_000)
        probe.close()
    frames = np.array([frame for frame, message in probe.messages if message[0] == 0x90])
    assert [message[1] for _, message in probe.messages] == list(range(len(gaps)))
    assert (frames - gaps == frames[0] - gaps[0]).all()


def test_without_jack_messages_leave_through_a_port_of_their_own(server: JackServer) -> None:
    with live_engine(EngineSettings(audio="null"), server.environment) as live:
        probe = Probe(server)
        probe.listen_to_midi("latentkeys out:latentkeys out")
        for number in range(40):
            partner_plays(live.state, live.state.clock + 500 * number, note_on(number), TO_OUT)
        probe.play([], 96_000)
        probe.close()
    assert [message[1] for _, message in probe.messages] == list(range(40))


class Notebook:
    """An output that writes down when it was given what."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, bytes]] = []

    def send(self, data: bytes) -> None:
        self.sent.append((now_ns(), data))

    def close(self) -> None:
        pass


def test_without_jack_messages_leave_at_their_time_on_the_audio_clock() -> None:
    sink, state, out = (
        NullSink(RATE_HZ, 128),
        EngineState.create(None, note_seconds=0.5),
        Notebook(),
    )
    sink.open(state)
    state.set_rate(sink.rate_hz)
    install_clock(state)
    prepare_state(state)
    sink.start()
    thread = MidiThread(state, ScriptedMidiIn([]), out, lowest_latency=False)
    thread.start()
    time.sleep(0.3)  # until the clock is tied to the blocks
    frames = state.clock + 2_000 + np.cumsum(np.random.default_rng(5).integers(100, 900, 60))
    for number, frame in enumerate(frames):
        partner_plays(state, int(frame), note_on(number), TO_OUT)
    time.sleep(1.0)
    due = [time_at(state, int(frame)) or 0 for frame in frames]
    thread.end()
    sink.close()
    assert [message[1] for _, message in out.sent] == list(range(60))
    late_ms = np.sort([(at - when) / 1e6 for (at, _), when in zip(out.sent, due, strict=True)])
    assert late_ms[0] > -2.0  # the tie itself moves a little while it settles
    assert late_ms[45] < 2.0  # a busy machine stalls at times
