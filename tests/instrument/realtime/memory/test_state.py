"""The shared block: rings, publishing, attaching from another process, memory given back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from instrument.midi.messages import note_on
from instrument.realtime.control_input import ControlInput
from instrument.realtime.memory.constants import (
    ALL_CHANNELS,
    BANK_COUNT,
    LOUD,
    RECORD_FRAMES,
    REQUEST_EVENTS,
    RING_EVENTS,
    USE_BANK,
)
from instrument.realtime.memory.layout import STATE
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.music.tunings import dump


def test_what_one_process_writes_another_one_reads(tmp_path: Path) -> None:
    state = EngineState.create(tmp_path, 48_000.0, note_seconds=0.1)
    code = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from instrument.realtime.control_input import ControlInput\n"
        "from instrument.realtime.memory.state import EngineState\n"
        "state = EngineState.attach(Path(sys.argv[1]))\n"
        "state.write_slot(2, 1, 60, np.arange(100, dtype=np.float32), loop=(10, 90), gain=0.5)\n"
        "ControlInput(state).send((0x90, 60, 1), 77)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    slot = state.slots[2, LOUD, 60 - 21]
    assert (slot["frames_ready"], slot["loop_start"], slot["loop_end"]) == (100, 10, 90)
    assert float(slot["gain"]) == 0.5
    assert np.array_equal(state.tones[2, LOUD, 60 - 21, :100], np.arange(100))
    event = state.control_ring.pop()
    assert event is not None
    assert (int(event["time_frames"]), int(event["status"])) == (77, 0x90)


def test_the_pool_appears_when_the_engine_knows_its_rate(tmp_path: Path) -> None:
    control = EngineState.create(tmp_path, note_seconds=1.5)
    models = EngineState.attach(tmp_path)
    with pytest.raises(RuntimeError, match="not opened"):
        _ = models.tones
    engine = EngineState.attach(tmp_path)
    engine.set_rate(44_100.0)
    for state in (control, models, engine):
        assert state.rate_hz == 44_100.0
        assert state.tones.shape == (BANK_COUNT, 2, 88, 66_150)
    with pytest.raises(ValueError, match="already"):
        engine.set_rate(48_000.0)


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\0" * STATE.itemsize])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.bin"):
        EngineState.attach(tmp_path)


def test_a_session_is_private(tmp_path: Path) -> None:
    EngineState.create(tmp_path, 48_000.0, note_seconds=0.1)
    if sys.platform != "win32":
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_full_ring_refuses_and_counts() -> None:
    ring = EngineState.create(None).control_ring
    accepted = [ring.push(index, 0x90) for index in range(RING_EVENTS + 3)]
    assert accepted == [True] * RING_EVENTS + [False] * 3
    assert ring.dropped == 3
    events = list(iter(ring.pop, None))
    assert [int(event["time_frames"]) for event in events] == list(range(RING_EVENTS))


def test_a_flood_of_program_changes_is_counted_and_harmless() -> None:
    engine = OfflineEngine(48_000.0, 128, 0.1)
    for program in range(REQUEST_EVENTS + 10):
        engine.send(-1, (0xC0, program % 128, 0))
    engine.render(128)
    assert len(engine.state.request_ring) == REQUEST_EVENTS
    assert engine.state.request_ring.dropped == 10


def test_a_slow_reader_of_the_recording_is_told_what_it_missed() -> None:
    engine = OfflineEngine(48_000.0, 4_096, 0.1)
    reader = engine.state.read_recording()
    first = engine.render(10_000)
    assert np.array_equal(reader.read(), first)
    assert reader.lost == 0
    total = RECORD_FRAMES + 5_000
    audio = engine.render(total)
    late = reader.read()
    assert len(late) == RECORD_FRAMES // 2
    assert np.array_equal(late, audio[-len(late) :])
    assert reader.lost == total - len(late)


def test_a_cleared_bank_gives_its_memory_back(tmp_path: Path) -> None:
    engine = OfflineEngine(48_000.0, 128, 1.0, folder=tmp_path)
    state = engine.state
    for pitch in range(21, 109):
        state.write_slot(1, LOUD, pitch, np.ones(48_000, np.float32))
    engine.command(USE_BANK, 1, ALL_CHANNELS)
    engine.render(128)
    assert not state.bank_is_free(1)
    used = (tmp_path / "tones.bin").stat().st_blocks
    engine.command(USE_BANK, 2, ALL_CHANNELS)
    engine.render(128)
    assert state.bank_is_free(1)
    state.clear_bank(1)
    assert not state.slots[1]["frames_ready"].any()
    if sys.platform == "linux" and tmp_path.is_relative_to("/dev/shm"):
        assert (tmp_path / "tones.bin").stat().st_blocks < used / 10


def test_what_one_message_becomes_is_in_the_ring_whole_or_not_at_all() -> None:
    state = EngineState.create(None, 48_000.0, note_seconds=0.1)
    control, ring = ControlInput(state), state.control_ring
    while len(ring) < RING_EVENTS - 100:  # a dump is 128 keys
        assert control.send(note_on(60))
    scale = dump([float(key) for key in range(128)])
    for _ in range(3):  # who is refused tries again
        assert not control.send(scale)
        assert len(ring) == RING_EVENTS - 100
    assert ring.dropped == 3
    assert control.send(note_on(61))
    while ring.pop():
        pass
    assert control.send(scale)
    assert len(ring) == 128
