"""A rack in a render: aligned, the same every time, and one message if it fails."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from instrument.errors import RackError
from instrument.rack.find import SHIPPED
from instrument.rack.render import RackInRender
from instrument.realtime.memory.constants import ALL_CHANNELS, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.places import ROOT
from tests.helpers.sounds.tones import fill_bank

RATE_HZ = 48_000.0
FRAMES = 96_000
WIRE = "def build(pyo, inlet):\n    return inlet.sound\n"


HIGH, LOW = (84, 88, 91), (48, 55, 64)  # keys


def chord(engine: OfflineEngine, pitches: tuple[int, ...] = HIGH) -> npt.NDArray[np.float32]:
    fill_bank(engine.state, 1)
    engine.command(USE_BANK, 1, ALL_CHANNELS)
    for number, pitch in enumerate(pitches):
        engine.send(4_800 * number, [0x90, pitch, 100])
        engine.send(FRAMES // 2, [0x80, pitch, 0])
    return engine.render(FRAMES)


def through(
    rack: str, pitches: tuple[int, ...] = HIGH, *, level: float = 1.0, direct: float = 1.0
) -> npt.NDArray[np.float32]:
    with RackInRender(rack, {}, level=level, direct=direct) as racked:
        engine = OfflineEngine(RATE_HZ, 128, 2.5, racked.folder, shares_tones=False)
        racked.begin(engine)
        engine.stream_from(racked.wait)
        return np.concatenate(list(racked.aligned(iter([chord(engine, pitches)]))))


@pytest.fixture(scope="module")
def dry() -> npt.NDArray[np.float32]:
    return chord(OfflineEngine(RATE_HZ))


def test_a_silent_return_leaves_every_bit_of_the_dry_sound(dry: npt.NDArray[np.float32]) -> None:
    assert np.array_equal(through("tape", level=0.0)[:FRAMES], dry)


def test_the_return_is_aligned(dry: npt.NDArray[np.float32], tmp_path: Path) -> None:
    (tmp_path / "wire.py").write_text(WIRE)
    wet = through(str(tmp_path / "wire.py"), direct=0.0)[:FRAMES]
    held = slice(24_000, 40_000)
    at = [
        float(np.abs(wet[held] - dry[held.start - lag : held.stop - lag]).max())
        for lag in range(-8, 9)
    ]
    assert int(np.argmin(at)) == 8
    assert at[8] < 0.02  # the filter against DC


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_rack_sounds_and_is_the_same_every_time(
    name: str,
) -> None:
    first = through(name, LOW)
    assert np.array_equal(first, through(name, LOW))
    wet = first.copy()
    wet[:FRAMES] -= chord(OfflineEngine(RATE_HZ), LOW)
    assert 0.001 < np.sqrt(np.mean(np.square(wet[: 2 * FRAMES]))) < 0.3
    assert np.abs(first).max() < 1.0
    assert abs(float(wet.mean())) < 1e-3


def test_the_worked_example_of_the_docs_is_a_rack() -> None:
    assert len(through(str(ROOT / "docs" / "rack" / "swarm.py"))) > FRAMES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def build(pyo, inlet):\n    return pyo.Nonsense()\n", "line 2: AttributeError"),
        ("def build(pyo, inlet):\n    return 7\n", "returns int, not a pyo object"),
        ("def build(pyo, inlet):\n    return inlet.knob('a')\n", "declares no knob 'a'"),
        ("def build(pyo, inlet):\n    return inlet.sound * float('nan')\n", "no sound"),
        ("import os\ndef build(pyo, inlet):\n    os._exit(3)\n", "has ended"),
    ],
)
def test_a_rack_that_fails_ends_a_render_with_one_message(
    text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(RackError, match=said):
        through(str(tmp_path / "mine.py"))
