"""Processes that are stopped or killed while people play, on a server as players have it.

The server is asynchronous here: a client that stands still costs the others nothing.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from instrument.midi.messages import note_off, note_on
from instrument.realtime.memory.constants import MODELS_BEATS, PARTNER_BEATS
from tests.helpers.live.home import users_home
from tests.helpers.live.jack_server import JackServer, running_jack
from tests.helpers.live.patience import wait_for
from tests.helpers.live.play import Keyboard, Played, played

A4 = 69

pytestmark = pytest.mark.serial


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(name="hangs", is_synchronous=False) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with users_home(tmp_path_factory) as folder:
        yield folder


@pytest.fixture
def keyboard(server: JackServer) -> Iterator[Keyboard]:
    keys = Keyboard(server)
    yield keys
    keys.close()


def another(instrument: Played, name: str, than: psutil.Process) -> psutil.Process | None:
    found = instrument.find(name)
    return found if found and found.pid != than.pid else None


def wait_for_a_beat(instrument: Played, whose: int) -> None:
    """Wait until a process that was started again runs: control has said so by then."""
    beats, now_ns = instrument.state.fields["heartbeats"][whose], time.monotonic_ns()
    wait_for(lambda: beats["beat_ns"] > now_ns, "its first beat")


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_an_engine_that_stands_still_is_followed_by_another_within_two_seconds(
    server: JackServer, keyboard: Keyboard, number: signal.Signals
) -> None:
    with played("--preset", "reed", server=server) as instrument:
        state = instrument.state
        keyboard.connect()
        instrument.wait_for_notes()
        wait_for(lambda: "keyboard:out" in cables(instrument), "the cables to be seen")
        keyboard.send(note_on(A4, 100))
        wait_for(lambda: state.meters["active_voices"] == 1, "the note")
        old, before = instrument.engine, state.clock
        old.send_signal(number)
        began = time.monotonic()
        time.sleep(0.1)
        stood = state.clock
        wait_for(lambda: state.clock > stood, "the next engine's sound")
        took = time.monotonic() - began
        assert another(instrument, "engine", old)
        assert state.clock >= before
        assert not old.is_running()
        assert state.meters["active_voices"] == 0  # the held note has been let go
        wait_for(lambda: connected(server, "keyboard:out") == ["latentkeys:midi_in"], "the cable")
        keyboard.send(note_off(A4), note_on(A4, 100))
        wait_for(lambda: state.meters["active_voices"] == 1, "a new note")
        said = instrument.end()
    assert took < 2.0
    assert "the engine" in said and "started it again" in said
    assert "Traceback" not in said
    assert instrument.command.returncode == 130
    assert not instrument.folder.exists()


def test_models_that_stand_still_are_seen_within_a_second_and_replaced(
    server: JackServer, keyboard: Keyboard
) -> None:
    with played("--preset", "reed", server=server) as instrument:
        keyboard.connect()
        instrument.wait_for_notes()
        keyboard.send(note_on(A4, 100))
        wait_for(lambda: instrument.state.meters["active_voices"] == 1, "the note")
        old = instrument.child("models")
        time.sleep(1.0)
        old.suspend()
        began = time.monotonic()
        wait_for(lambda: not old.is_running(), "the end of the old one")
        assert time.monotonic() - began < 1.0
        wait_for(lambda: another(instrument, "models", old), "the new one")
        wait_for_a_beat(instrument, MODELS_BEATS)
        assert instrument.state.meters["active_voices"] == 1
        said = instrument.end()
    assert "the models process does not answer: started it again" in said


def test_a_partner_that_stands_still_is_replaced(server: JackServer) -> None:
    arguments = ("--preset", "reed", "--partner", "answer", "--model", "ngram")
    with played(*arguments, server=server) as instrument:
        beats = instrument.state.fields["heartbeats"][PARTNER_BEATS]
        wait_for(lambda: beats["works_since_ns"] and beats["limit_ns"] < 5e9, "the partner")
        old = instrument.child("partner")
        old.suspend()
        began = time.monotonic()
        wait_for(lambda: not old.is_running(), "the end of the old one")
        assert time.monotonic() - began < 1.0
        wait_for(lambda: another(instrument, "partner", old), "the new one")
        wait_for_a_beat(instrument, PARTNER_BEATS)
        said = instrument.end()
    assert "the partner does not answer: started it again" in said


def test_an_engine_that_cannot_stay_alive_ends_the_session_with_words(server: JackServer) -> None:
    with played("--preset", "reed", server=server) as instrument:
        instrument.wait_for_notes()  # before it plays, its end is told in other words
        time.sleep(0.1)
        engine = instrument.engine
        for _ in range(3):
            engine.kill()
            killed = engine
            wait_for(lambda: another(instrument, "engine", killed), "another")  # noqa: B023
            stood = instrument.state.clock
            wait_for(lambda: instrument.state.clock > stood, "its sound")  # noqa: B023
            time.sleep(0.5)  # it says that it is ready
            engine = instrument.child("engine")
        engine.kill()
        _, said = instrument.command.communicate(timeout=10)
    assert instrument.command.returncode == 2
    assert "the engine ended (exit code -9), 4 times within 60 s" in said
    assert not instrument.folder.exists()


def test_an_engine_that_somebody_ends_is_not_started_again(server: JackServer) -> None:
    with played("--preset", "reed", server=server) as instrument:
        instrument.wait_for_notes()  # before it plays, its end is told in other words
        time.sleep(0.1)
        instrument.engine.terminate()
        _, said = instrument.command.communicate(timeout=10)
    assert "the engine was ended by another program" in said


def test_a_second_instance_says_so_and_plays(server: JackServer) -> None:
    with played("--preset", "reed", server=server) as first:
        with played("--preset", "reed", server=server) as second:
            said = second.end()
        assert f"latentkeys is playing already (process {first.command.pid})" in said
        assert first.engine.is_running()
        assert "playing already" not in first.end()


def test_the_next_start_ends_what_a_killed_session_has_left_playing(server: JackServer) -> None:
    with played("--preset", "reed", server=server) as killed:
        models = killed.child("models")
        beats = killed.state.fields["heartbeats"][MODELS_BEATS]
        wait_for(lambda: int(beats["beat_ns"]), "the models' first beat")
        models.suspend()  # so it cannot see that control is gone
        killed.command.kill()
        killed.command.wait()
        assert not is_gone(killed.engine)
        with played("--preset", "reed", server=server) as instrument:
            assert is_gone(killed.engine) and is_gone(models)
            assert not killed.folder.exists()
            said = instrument.end()
    assert "playing already" not in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_control_that_is_asked_to_end_ends_in_order(
    server: JackServer, number: signal.Signals
) -> None:
    with played("--preset", "reed", server=server) as instrument:
        family = [instrument.engine, instrument.child("models")]
        instrument.command.send_signal(number)
        _, said = instrument.command.communicate(timeout=10)
        assert not any(process.is_running() for process in family)
    assert instrument.command.returncode == 128 + number
    assert "Traceback" not in said
    assert not instrument.folder.exists()


def is_gone(process: psutil.Process) -> bool:
    """Tell whether it has ended, even if nobody has asked how: an orphan in a container."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def cables(instrument: Played) -> str:
    file = instrument.folder / "cables.json"
    return file.read_text() if file.exists() else ""


def connected(server: JackServer, port: str) -> list[str]:
    """Return what a port is connected to, as another program sees it."""
    command = ["jack_lsp", "-c", port]
    listing = subprocess.run(command, env=server.environment, capture_output=True, text=True)
    return [line.strip() for line in listing.stdout.splitlines() if line.startswith("   ")]
