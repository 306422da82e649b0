"""Cables on a real JACK server: named, pulled, plugged in again, and full of nonsense."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import jack
import numpy as np
import pytest

from instrument.engine.messages import EngineSettings
from instrument.midi.messages import control_change, note_on
from instrument.processes.json_lines import Notice
from instrument.realtime.control_input import ControlInput
from instrument.realtime.memory.constants import OUR_SOURCE, PANIC
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.engine import PRESET_BANK, LiveEngine, live_engine
from tests.helpers.live.held import held_keys
from tests.helpers.live.jack_server import RATE_HZ, JackServer, Probe, running_jack
from tests.helpers.music.wild_bytes import random_packets
from tests.helpers.sounds.tones import fill_bank

FOUND_SECONDS = 2.0
pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(256, "cables") as running:
        yield running


class OtherProgram:
    """A program with a MIDI output, which is no hardware."""

    def __init__(self, server: JackServer, name: str) -> None:
        self._client = jack.Client(name, no_start_server=True, servername=server.name)
        self._port = self._client.midi_outports.register("keys")
        self._due: list[bytes] = []
        self._is_there = True
        self._client.set_process_callback(self._process)
        self._client.activate()

    def _process(self, _frames: int) -> None:
        self._port.clear_buffer()
        while self._due:
            self._port.write_midi_event(0, self._due.pop(0))

    def send(self, *messages: bytes) -> None:
        self._due.extend(messages)

    def end(self) -> None:
        """Leave the server, whose name another one may have then; again does nothing."""
        if self._is_there:
            self._is_there = False
            self._client.close()


Programs = Callable[[str], OtherProgram]


@pytest.fixture
def other_program(server: JackServer) -> Iterator[Programs]:
    """Start programs by name; those that are still there leave when the test ends."""
    started: list[OtherProgram] = []

    def start(name: str) -> OtherProgram:
        started.append(OtherProgram(server, name))
        return started[-1]

    yield start
    for program in started:
        program.end()


def wait_for(condition: Callable[[], bool], seconds: float = FOUND_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def struck(program: OtherProgram, state: EngineState) -> bool:
    """Strike a key until it is heard."""

    def is_heard() -> bool:
        program.send(note_on(60))
        return bool(state.fields["held_by"][OUR_SOURCE].any())

    return wait_for(is_heard)


def test_a_named_port_of_another_program_is_played_and_others_are_not(
    server: JackServer, other_program: Programs
) -> None:
    asked_for = other_program("stage piano")
    other_program("drum machine")
    settings = EngineSettings(audio="jack", midi_in=("STAGE", "organ"))
    with live_engine(settings, server.environment) as engine:
        assert engine.ready.midi == ("latentkeys:midi_in", "stage piano:keys")
        notice = engine.wait_for(Notice)
        assert notice.message == "no MIDI input matches 'organ'"
        assert "stage piano:keys" in notice.remedy and "drum machine:keys" in notice.remedy
        assert struck(asked_for, engine.state)


@pytest.fixture
def played(
    server: JackServer, other_program: Programs
) -> Iterator[tuple[LiveEngine, OtherProgram]]:
    program = other_program("stage piano")
    settings = EngineSettings(audio="jack", midi_in=("stage",))
    with live_engine(settings, server.environment) as engine:
        assert struck(program, engine.state)
        yield engine, program


def test_a_cable_that_is_pulled_lets_go_and_is_found_again(
    other_program: Programs, played: tuple[LiveEngine, OtherProgram]
) -> None:
    engine, program = played
    state = engine.state
    program.send(control_change(64, 127))
    ControlInput(state).send(note_on(72, 100, 3))  # somebody else's hand
    assert wait_for(lambda: held_keys(state) == [(0, 60), (3, 72)])
    program.end()
    assert wait_for(lambda: held_keys(state) == [(3, 72)])
    assert int(state.channels[0]["sustain"]) == 0
    gone = engine.wait_for(Notice)
    assert (gone.message, bool(gone.remedy)) == ("MIDI input 'stage piano:keys' is gone", True)
    again = other_program("stage piano")
    begin = time.monotonic()
    assert engine.wait_for(Notice).message == "MIDI input 'stage piano:keys' is open"
    assert time.monotonic() - begin < FOUND_SECONDS
    assert struck(again, state)


def test_a_program_that_is_back_at_once_has_let_go_all_the_same(
    other_program: Programs, played: tuple[LiveEngine, OtherProgram]
) -> None:
    engine, program = played
    program.end()
    again = other_program("stage piano")
    assert wait_for(lambda: held_keys(engine.state) == [])
    assert struck(again, engine.state)


@pytest.mark.slow
def test_nonsense_on_a_real_cable_leaves_nothing_behind(server: JackServer) -> None:
    seconds = 4
    with live_engine(EngineSettings(audio="jack"), server.environment) as engine:
        state = engine.state
        probe = Probe(server, "nonsense")
        probe.listen_to()
        sound = state.read_recording()
        begin = int(state.fields["record_ring"]["head"])
        heard = probe.play(random_packets(1, 20_000, seconds * RATE_HZ), (seconds + 1) * RATE_HZ)
        live = sound.read()
        log = state.fields["log_ring"]
        events = log["events"][: int(log["head"])].copy()
        state.command(PANIC)
        probe.play([], RATE_HZ // 4)
        probe.close()
        assert not state.voices["stage"].any()
        assert not state.fields["held_by"].any()
        meters = state.meters
        assert int(meters["invalid_samples"]) == int(meters["lost_events"]) == 0
        assert int(meters["stray_bytes"]) > 0
    assert np.isfinite(heard).all() and np.abs(heard).max() <= 1.0 and heard.any()
    offline = OfflineEngine(RATE_HZ, 100)
    fill_bank(offline.state, PRESET_BANK)
    offline.send_log(events)
    assert np.array_equal(offline.render(begin + len(live))[begin:], live)
