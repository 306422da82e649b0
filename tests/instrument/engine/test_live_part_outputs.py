"""Parts on a real JACK server: own ports, own cables, and the bits of an offline twin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from instrument.engine.messages import EngineSettings
from instrument.engine.open_sink import ONE_PAIR, open_sink
from instrument.midi.messages import note_off, note_on
from instrument.realtime.memory.state import EngineState
from tests.helpers.live.engine import LiveEngine, live_engine
from tests.helpers.live.jack_server import RATE_HZ, JackServer, Probe, running_jack
from tests.helpers.live.part_outputs import PairsEngine, three_parts

pytestmark = pytest.mark.serial

OUTPUTS = ("out_L", "out_R", "part_2_L", "part_2_R", "part_3_L", "part_3_R")


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(256, "parts") as running:
        yield running


@pytest.fixture
def engine(server: JackServer) -> Iterator[LiveEngine]:
    settings = EngineSettings(audio="jack", part_pairs=2)
    with live_engine(settings, server.environment) as running:
        three_parts(running.state)
        yield running


@pytest.fixture
def probe(server: JackServer, engine: LiveEngine) -> Iterator[Probe]:
    opened = Probe(server, outputs=OUTPUTS)
    opened.listen_to()
    opened.play([], 4_096)
    yield opened
    opened.close()


def audio_ports(probe: Probe) -> list[str]:
    ports = probe.client.get_ports("latentkeys:.*", is_audio=True, is_output=True)
    return [port.shortname for port in ports]


def test_every_part_has_its_ports_and_all_are_plugged_into_the_sound_card(probe: Probe) -> None:
    assert audio_ports(probe) == list(OUTPUTS)
    for name in OUTPUTS:
        port = probe.client.get_port_by_name(f"latentkeys:{name}")
        cables = {other.name for other in probe.client.get_all_connections(port)}
        side = 1 if name.endswith("L") else 2
        assert cables == {f"system:playback_{side}", f"probe:ear {name}"}


def test_each_part_is_recorded_from_its_own_ports(probe: Probe) -> None:
    keys = (65, 40, 90)  # of the first part, the second, the third
    for number, key in enumerate(keys):
        heard = probe.play([(0, note_on(key)), (20_000, note_off(key))], 2 * RATE_HZ)
        peaks = np.abs(heard).max(axis=0).reshape(3, 2).max(axis=1)
        assert [float(peak) > 0.01 for peak in peaks] == [each == number for each in range(3)]


def test_all_that_is_recorded_equals_an_offline_replay(engine: LiveEngine, probe: Probe) -> None:
    history = engine.state.read_log()
    first_frame = int(engine.state.fields["clock"])
    struck = [(300 + 997 * n, note_on(30 + 3 * n, 30 + 3 * n)) for n in range(30)]
    let_go = [(9_000 + 991 * n, note_off(30 + 3 * n)) for n in range(30)]
    heard = probe.play(struck + let_go, 2 * RATE_HZ)
    twin = PairsEngine(100)
    three_parts(twin.engine.state)
    twin.engine.state.fields["clock"] = first_frame // 32 * 32
    twin.engine.send_log(history.read())
    expected = twin.render(2 * RATE_HZ)
    start, expected_start = onset(heard), onset(expected)
    count = min(len(heard) - start, len(expected) - expected_start)
    assert count > 1.8 * RATE_HZ
    ours, theirs = heard[start:][:count], expected[expected_start:][:count]
    assert np.array_equal(ours, theirs)
    assert (np.abs(ours).max(axis=0) > 0.01).all()


def onset(audio: np.ndarray) -> int:
    """Return the first frame that sounds."""
    return int(np.flatnonzero(np.abs(audio).max(axis=1) > 0.0)[0])


def test_without_the_option_there_are_two_ports_and_all_leave_by_them(server: JackServer) -> None:
    with live_engine(EngineSettings(audio="jack"), server.environment) as running:
        three_parts(running.state)
        probe = Probe(server)
        probe.listen_to()
        probe.play([], 4_096)
        assert audio_ports(probe) == ["out_L", "out_R"]
        for key in (65, 40, 90):
            assert np.abs(probe.play([(0, note_on(key))], RATE_HZ // 4)).max() > 0.01
        probe.close()


def test_a_device_that_is_not_jack_says_that_all_leave_together() -> None:
    state = EngineState.create(None, 48_000.0, 0.1)
    sink, notices = open_sink(EngineSettings(audio="null", part_pairs=1), state)
    assert notices == [ONE_PAIR] and int(state.fields["part_pairs"]) == 0
    assert open_sink(EngineSettings(audio="null"), state)[1] == []
    sink.close()
