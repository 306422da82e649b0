"""The models process keeps a GPU awake while somebody plays, and only then."""

import threading
import time
from queue import SimpleQueue

import pytest

from instrument.realtime.memory.state import EngineState
from instrument.rendering.messages import Fill, Hold
from instrument.rendering.process import HEARTBEAT_SECONDS, PLAYED_SECONDS, Models
from instrument.rendering.table_source import ToneTables
from tests.helpers.live.patience import wait_for

pytestmark = pytest.mark.serial

RATE_HZ = 48_000


class CountingSupply(ToneTables):
    """As if one of its models were open on a GPU, or on none."""

    def __init__(self, state: EngineState, *, on_gpu: bool) -> None:
        super().__init__(state)
        self._is_on_gpu = on_gpu
        self.beats = 0

    @property
    def on_gpu(self) -> bool:
        return self._is_on_gpu

    def keep_awake(self) -> None:
        self.beats += 1


@pytest.mark.parametrize(
    ("on_gpu", "rested_seconds", "beats"),
    [(True, 1.0, True), (True, PLAYED_SECONDS + 1, False), (False, 1.0, False)],
)
def test_the_gpu_is_kept_awake_while_somebody_plays(
    on_gpu: bool, rested_seconds: float, beats: bool
) -> None:
    state = EngineState.create(None, RATE_HZ, 0.5)
    state.fields["clock"] = round(100 * RATE_HZ)
    state.meters["last_event_frame"] = round((100 - rested_seconds) * RATE_HZ)
    supply = CountingSupply(state, on_gpu=on_gpu)
    requests: SimpleQueue[Fill | Hold | None] = SimpleQueue()
    models = threading.Thread(target=Models(state, requests, supply).serve)
    models.start()
    if beats:
        wait_for(lambda: supply.beats >= 2, "two heartbeats", 5.0)
    else:
        time.sleep(3 * HEARTBEAT_SECONDS)
        assert supply.beats == 0
    requests.put(None)
    models.join(5.0)
    assert not models.is_alive()
