"""Devices that change, stall or are files, while people play through them."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from instrument.cli.main import run
from tests.helpers.live.home import users_home
from tests.helpers.live.jack_server import running_jack
from tests.helpers.live.patience import wait_for
from tests.helpers.live.play import Played, played, start

pytestmark = pytest.mark.serial


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with users_home(tmp_path_factory):
        yield


def test_a_server_that_is_back_at_another_rate_is_played_at_that_rate(tmp_path: Path) -> None:
    recording = tmp_path / "take.wav"
    with running_jack(name="rate", is_synchronous=False) as server:
        command = start("play", "--preset", "reed", "--record", str(recording), server=server)
        first = Played(command)
        first.wait_for_notes()
    try:
        with running_jack(name="rate", is_synchronous=False, rate_hz=44_100):
            wait_for(lambda: not first.folder.exists(), "the end of the first session")
            second = Played(command)
            assert second.state.rate_hz == 44_100.0
            second.wait_for_notes()
            said = second.end()
    finally:
        command.kill()
        command.communicate()
    assert "JACK is back, at 44100 Hz" in said
    assert "Traceback" not in said
    assert command.returncode == 130
    rates = [soundfile.info(tmp_path / name).samplerate for name in ("take.wav", "take-2.wav")]
    assert rates == [48_000, 44_100]


def test_a_device_that_asks_for_nothing_is_said_and_waited_for() -> None:
    with (
        running_jack(name="stall", is_synchronous=False) as server,
        played("--preset", "reed", server=server) as instrument,
    ):
        instrument.wait_for_notes()
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        server.process.send_signal(signal.SIGCONT)
        stood = instrument.state.clock
        wait_for(lambda: instrument.state.clock > stood, "the sound")
        time.sleep(0.3)
        said = instrument.end()
    assert "JACK asks for no audio" in said
    assert "JACK asks for audio again" in said
    assert instrument.command.returncode == 130


def test_what_a_killed_engine_has_written_into_a_file_is_not_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.wav"
    with (
        running_jack(name="none", is_synchronous=False) as server,  # -S waits for the killed one
        played("--preset", "reed", "--audio", str(target), server=server) as instrument,
    ):
        instrument.wait_for_notes()
        time.sleep(0.5)
        old = instrument.engine
        old.kill()
        wait_for(lambda: not old.is_running(), "its end")
        stood = instrument.state.clock
        wait_for(lambda: instrument.state.clock > stood, "the next engine's sound")
        time.sleep(0.3)
        said = instrument.end()
    assert "the file of --audio begins anew" in said
    assert soundfile.info(target).duration > 0.1
    assert run(["recover"]) == 0
    assert "out-2.wav" in capsys.readouterr().out
    assert soundfile.info(tmp_path / "out-2.wav").duration > 0.4
