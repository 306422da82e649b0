"""``latentkeys play --part-outputs`` on a real JACK server: a split, recorded part by part."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from instrument.midi.messages import note_off, note_on
from instrument.preset.preset import find_preset
from instrument.realtime.memory.constants import FOURTH_BANK, PRESET_BANKS
from tests.helpers.live.home import users_home
from tests.helpers.live.jack_server import RATE_HZ, JackServer, Probe, running_jack
from tests.helpers.live.patience import wait_for
from tests.helpers.live.play import played

pytestmark = pytest.mark.serial

OUTPUTS = ("out", "part_2", "part_3", "part_4")
KEYS = ("A0-B2", "C3-B4", "C5-B6", "C7-C8")


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(name="part-outputs") as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's folders, with four presets."""
    with users_home(tmp_path_factory) as folder:
        for name in ("reed", "choir"):
            shutil.copy(find_preset(name), find_preset(name).with_stem(f"second_{name}"))
        yield folder


def test_four_parts_are_recorded_each_from_its_own_ports(server: JackServer) -> None:
    others = zip(("choir", "second_reed", "second_choir"), KEYS[1:], strict=True)
    parts = [word for name, keys in others for word in ("--part", f"{name} keys={keys}")]
    split = ("--preset", "reed", "--keys", KEYS[0], *parts)
    with played(*split, "--part-outputs", server=server) as instrument:
        state = instrument.state
        instrument.wait_for_notes()
        wait_for(lambda: int(state.fields["part_count"]) == 4, "the fourth part", 60)
        probe = Probe(server, outputs=[f"{name}_{side}" for name in OUTPUTS for side in "LR"])
        probe.listen_to()
        for pair, key in enumerate((45, 60, 80, 100)):
            heard = probe.play([(0, note_on(key)), (RATE_HZ // 2, note_off(key))], 3 * RATE_HZ)
            peaks = np.abs(heard).max(axis=0).reshape(4, 2).max(axis=1)
            assert [peak > 0.01 for peak in peaks] == [number == pair for number in range(4)]
        banks = state.channels["bank"][[int(part["plays"]) for part in state.fields["parts"]]]
        assert sorted(banks.tolist()) == [*PRESET_BANKS, FOURTH_BANK]
        probe.close()
        said = instrument.end()
    assert "Traceback" not in said
