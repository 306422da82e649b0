"""The rack beside a playing engine on JACK: heard in time, and missed without a click."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from instrument.engine.messages import EngineSettings
from instrument.preset.rack import RackChoice, RackOptions
from instrument.realtime.control_input import ControlInput
from instrument.realtime.memory.aux_memory import FADE_OUT_FRAMES
from instrument.realtime.memory.constants import ALL_CHANNELS, RACK_BEATS, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from instrument.session.children.rack_link import RackLink
from tests.helpers.live.engine import PRESET_BANK, LiveEngine, live_engine
from tests.helpers.live.jack_server import running_jack
from tests.helpers.sounds.tones import fill_bank

pytestmark = pytest.mark.serial

BLOCK_FRAMES = 128
WIRE = "def build(pyo, inlet):\n    return inlet.sound\n"


class Played:
    """A held chord, an engine with a rack, and what was heard of both."""

    def __init__(self, engine: LiveEngine, rack: str) -> None:
        self.engine, self.state = engine, engine.state
        self.said: list[str] = []
        self._recording, self._log = self.state.read_recording(), self.state.read_log()
        self.first = self._recording.position
        self.wants = RackOptions()
        choice = RackChoice(rack)
        self.link = RackLink(
            self.state, engine.folder, choice, lambda message, _: self.said.append(message)
        )

    def hold(self, *pitches: int) -> None:
        for pitch in pitches:
            ControlInput(self.state).send(bytes([0x90, pitch, 100]))

    def until(self, is_there: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 20.0
        while not is_there():
            assert time.monotonic() < deadline, f"waited for {what}; {self.said}"
            self.link.follow(self.wants)
            time.sleep(0.005)

    def pass_time(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end, "time")

    def heard_and_dry(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return what was heard, and what is heard without a rack: the log, played offline."""
        heard = self._recording.read()
        twin = OfflineEngine(self.state.rate_hz, BLOCK_FRAMES)
        fill_bank(twin.state, PRESET_BANK)
        twin.state.command(USE_BANK, PRESET_BANK, ALL_CHANNELS)
        twin.send_log(self._log.read())
        dry = twin.render(self.first + len(heard))[self.first :]
        return heard, dry

    @property
    def is_heard(self) -> bool:
        return float(self.state.fields["rack"]["fade"]) == 1.0


@pytest.fixture
def engine() -> Iterator[LiveEngine]:
    with (
        running_jack(BLOCK_FRAMES, "rack") as server,
        live_engine(EngineSettings(audio="jack"), server.environment) as running,
    ):
        yield running


def steps(audio: npt.NDArray[np.float32]) -> float:
    """Return how much the slope jumps at most: what a click is."""
    return float(np.abs(np.diff(audio, 2, axis=0)).max())


def test_the_return_comes_two_blocks_later_and_the_dry_sound_stays(
    engine: LiveEngine, tmp_path: Path
) -> None:
    (tmp_path / "wire.py").write_text(WIRE)
    played = Played(engine, str(tmp_path / "wire.py"))
    try:
        played.hold(84, 91)
        played.until(lambda: played.is_heard, "the return")
        played.pass_time(1.0)
    finally:
        played.link.end()
    played.pass_time(0.3)
    heard, dry = played.heard_and_dry()
    wet = heard - dry
    loud = np.flatnonzero(np.abs(wet).max(axis=1) > 0.01)
    middle = slice(loud[0] + 12_000, loud[0] + 36_000)
    lags = [
        float(np.abs(wet[middle] - dry[middle.start - lag : middle.stop - lag]).max())
        for lag in range(4 * BLOCK_FRAMES)
    ]
    latency = 2 * BLOCK_FRAMES + FADE_OUT_FRAMES
    assert int(np.argmin(lags[latency - 16 : latency + 16])) == 16
    assert lags[latency] < 0.02  # its filter against DC, at 38 Hz
    assert not wet[: loud[0] - 500].any() and not wet[-BLOCK_FRAMES:].any()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_rack_that_is_killed_or_stopped_fades_without_a_click_and_comes_back(
    engine: LiveEngine, how: signal.Signals
) -> None:
    played = Played(engine, "tape")
    try:
        played.hold(60, 67)
        played.until(lambda: played.is_heard, "the return")
        played.pass_time(0.5)
        victim = played.link.process_id
        assert victim is not None
        os.kill(victim, how)
        died = played.state.clock
        played.until(lambda: not played.is_heard, "the fade")
        played.until(lambda: played.is_heard, "another rack")
        played.pass_time(0.3)
    finally:
        played.link.end()
    heard, dry = played.heard_and_dry()
    wet = heard - dry
    gone = died - played.first + 4_800
    silent = np.flatnonzero(~wet[gone:].any(axis=1))
    assert len(silent) > 2_000, "the return did not end"
    assert np.array_equal(heard[gone + silent[0]], dry[gone + silent[0]])
    before = wet[: died - played.first]
    assert steps(wet) < 4.0 * steps(before[-12_000:]), "a click"
    assert np.abs(wet).max() < 1.1 * np.abs(before[-12_000:]).max()
    assert any("started it again" in line for line in played.said)
    if how == signal.SIGSTOP:  # of one that is gone the kernel may be told before it misses it
        assert int(played.state.meters["late_racks"]) >= 1
    assert int(played.state.fields["heartbeats"][RACK_BEATS]["beat_ns"]) > 0


def test_a_preset_changes_the_rack_and_its_knobs_and_lets_it_go(engine: LiveEngine) -> None:
    played = Played(engine, "")
    memory = played.state.fields["rack"]
    try:
        played.hold(60)
        played.wants = RackOptions("tape", level=0.5, knobs={"wow": 0.75})
        played.until(lambda: played.is_heard, "the tape")
        assert float(memory["knobs"][0]) == 0.75 and float(memory["return_level"]) == 0.5
        first = played.link.process_id
        played.wants = RackOptions("tape", knobs={"wow": 0.25})
        played.pass_time(0.1)
        assert float(memory["knobs"][0]) == 0.25 and played.link.process_id == first
        played.wants = RackOptions("pan_delay")
        played.until(lambda: not played.is_heard, "the fade")
        played.until(lambda: played.is_heard, "the echoes")
        assert played.link.plays == "pan_delay"
        played.wants = RackOptions()
        played.until(lambda: played.link.process_id is None, "its end")
        played.pass_time(0.1)
    finally:
        played.link.end()
    heard, dry = played.heard_and_dry()
    assert np.array_equal(heard[-BLOCK_FRAMES:], dry[-BLOCK_FRAMES:])
    assert played.said == ["The rack tape plays", "The rack pan_delay plays"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def build(pyo, inlet):\n    return inlet.nonsense\n", "line 2: AttributeError"),
        ("def build(pyo, inlet):\n    return inlet.sound * float('nan')\n", "no sound"),
    ],
)
def test_a_rack_that_raises_is_told_once_and_the_sound_goes_on(
    engine: LiveEngine, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "mine.py").write_text(text)
    played = Played(engine, str(tmp_path / "mine.py"))
    try:
        played.hold(60)
        played.until(lambda: bool(played.said), "a word")
        played.pass_time(0.5)
    finally:
        played.link.end()
    heard, dry = played.heard_and_dry()
    (told,) = [line for line in played.said if not line.endswith(" plays")]
    assert said in told
    assert played.link.plays == ""
    assert np.array_equal(heard, dry) and np.abs(heard).max() > 0.05


def test_a_rack_that_hangs_is_ended_and_started_anew(engine: LiveEngine, tmp_path: Path) -> None:
    """Here in pyo's own thread: a callback of the graph that never returns."""
    began = tmp_path / "began"
    (tmp_path / "mine.py").write_text(
        "import pathlib, time\n"
        f"mark = pathlib.Path({str(began)!r})\n"
        "calls = []\n"
        "def stall():\n"
        "    calls.append(1)\n"  # it has been heard by the fifth
        "    while len(calls) > 4 and not mark.exists():\n"
        "        mark.touch()\n        time.sleep(60)\n"
        "def build(pyo, inlet):\n    pyo.Pattern(stall, 0.4).play()\n    return inlet.sound\n"
    )
    played = Played(engine, str(tmp_path / "mine.py"))
    try:
        played.hold(60)
        played.until(lambda: played.is_heard, "the return")
        played.until(lambda: not played.is_heard, "the fade")
        played.until(lambda: played.is_heard, "another one")
    finally:
        played.link.end()
    assert any("does not answer: started it again" in line for line in played.said)
