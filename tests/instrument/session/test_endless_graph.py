"""A model from somebody whose graph computes for an hour, while people play."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from instrument.midi.messages import note_on
from instrument.realtime.memory.constants import MODELS_BEATS
from instrument.realtime.memory.state import EngineState
from tests.helpers.live.home import users_home
from tests.helpers.live.jack_server import JackServer, running_jack
from tests.helpers.live.patience import wait_for
from tests.helpers.live.play import Keyboard, played
from tests.helpers.models.forged_bundle import never_return

A4 = 69
LIMIT_SECONDS = 40.0
"""Three seconds, a new process, a graph's own twelve, and a busy machine."""

pytestmark = [pytest.mark.serial, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with users_home(tmp_path_factory) as folder:
        never_return(folder / "latentkeys" / "models" / "tiny")
        yield folder


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(name="endless", is_synchronous=False) as running:
        yield running


def test_a_graph_that_never_returns_is_abandoned_while_the_stand_in_sounds(
    server: JackServer,
) -> None:
    keyboard = Keyboard(server)
    with played("--preset", "reed", server=server) as instrument:
        began, state = time.monotonic(), instrument.state
        keyboard.connect()
        keyboard.send(note_on(A4, 100))
        wait_for(lambda: state.meters["active_voices"] == 1, "the stand-in")
        first = instrument.child("models")
        wait_for(lambda: not first.is_running(), "the end of the first try")
        second = instrument.child("models")
        wait_for(lambda: rests(state), "the end of the second try", LIMIT_SECONDS)
        took = time.monotonic() - began
        before = len(keyboard.heard())
        time.sleep(0.5)
        assert np.abs(keyboard.heard()[before:]).max() > 1e-3  # it sounds all the while
        assert second.is_running() and instrument.engine.is_running()
        said = instrument.end()
    keyboard.close()
    assert took < LIMIT_SECONDS
    assert "the models process does not answer: started it again" in said
    assert "a graph has not answered within" in said
    assert "The built-in tone stands in" in said
    assert "Traceback" not in said


def rests(state: EngineState) -> bool:
    """Tell whether the models process has had nothing to do for a second."""
    beats = state.fields["heartbeats"][MODELS_BEATS]
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        if beats["works_since_ns"] or not beats["beat_ns"]:
            return False
        time.sleep(0.005)
    return True
