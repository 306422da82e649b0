"""``latentkeys play --part-outputs`` on a real JACK server: a split, recorded part by part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from instrument.midi.messages import note_off, note_on
from tests.helpers.jack_server import RATE_HZ, JackServer, Probe, running_jack
from tests.helpers.live_play import played, users_home, wait_for

pytestmark = pytest.mark.serial

OUTPUTS = ("out_L", "out_R", "part_2_L", "part_2_R")


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(name="part-outputs") as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with users_home(tmp_path_factory) as folder:
        yield folder


def test_the_second_part_of_a_split_is_recorded_from_its_own_ports(server: JackServer) -> None:
    split = ("--preset", "reed", "--keys", "C4-C8", "--part", "choir keys=A0-B3")
    with played(*split, "--part-outputs", server=server) as instrument:
        state = instrument.state
        instrument.wait_for_notes()
        wait_for(lambda: int(state.fields["part_count"]) == 2, "the second part", 60)
        probe = Probe(server, outputs=OUTPUTS)
        probe.listen_to()
        for key, pair in ((72, 0), (45, 1)):
            heard = probe.play([(0, note_on(key)), (RATE_HZ // 2, note_off(key))], 3 * RATE_HZ)
            peaks = np.abs(heard).max(axis=0).reshape(2, 2).max(axis=1)
            assert peaks[pair] > 0.01 and peaks[1 - pair] == 0.0
        probe.close()
        said = instrument.end()
    assert "Traceback" not in said
