"""Held notes that are streamed: when they go over, when they loop, and that nothing clicks."""

from collections.abc import Callable

import numpy as np
import pytest

from instrument.midi.messages import note_off, note_on, pitch_bend
from instrument.realtime.memory.constants import (
    ALL_CHANNELS,
    CARRY_BANK,
    CHUNK_SECONDS,
    PANIC,
    STREAM_COUNT,
    USE_BANK,
)
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import RATE_HZ, made_engine
from tests.helpers.sounds.tones import cents, fill_bank, frequency_hz, heard_hz, largest_step

CHUNK = round(CHUNK_SECONDS * RATE_HZ)
BANK, A3 = 1, 57
LOOP_START = RATE_HZ // 4


class SineServer:
    """Continues every held sine, at another level so that one hears where it comes from."""

    def __init__(self, state: EngineState, level: float = 1.0, keep: float = 1.0) -> None:
        self.state, self.level, self.keep = state, level, keep
        self.is_there = True

    def __call__(self) -> None:
        for stream, ring in zip(self.state.streams, self.state.rings, strict=True):
            while self.is_there and stream["holders"] > 0 and self._is_due(stream):
                first = int(stream["frames_ready"])
                turns = (
                    np.arange(first, first + CHUNK) * frequency_hz(int(stream["pitch"])) / RATE_HZ
                )
                at = first % len(ring)
                weights = float(stream["soft_weight"] + stream["loud_weight"])
                fallen = self.keep ** np.maximum(np.arange(first, first + CHUNK) - LOOP_START, 0)
                sines = fallen * np.sin(2 * np.pi * turns)
                ring[at : at + CHUNK] = 0.5 * self.level * weights * sines
                stream["frames_ready"] = first + CHUNK

    def _is_due(self, stream: np.void) -> bool:
        position = int(stream["position"])
        if stream["answered"] != stream["request"] or stream["frames_ready"] < position - 64:
            start = (position - 64) // CHUNK * CHUNK
            stream["frames_ready"] = stream["first_frame"] = start
            stream["answered"] = stream["request"]
        return bool(stream["frames_ready"] - position < 2 * CHUNK)


def streaming(level: float = 1.0, block_frames: int = 128) -> tuple[OfflineEngine, SineServer]:
    engine = made_engine(streams=1, variation=0.0, block_frames=block_frames)
    server = SineServer(engine.state, level)
    engine.stream_from(server)
    return engine, server


def level_of(audio: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(audio[:, 0], dtype=np.float64))))


def test_a_held_note_goes_over_to_its_stream_in_phase() -> None:
    engine, _ = streaming(level=2.0)
    engine.send(-1, note_on(A3, 100))
    audio = engine.render(4 * RATE_HZ)
    before, after = audio[RATE_HZ // 2 : RATE_HZ * 3 // 4], audio[3 * RATE_HZ :]
    assert level_of(after) / level_of(before) == pytest.approx(2.0, rel=1e-3)
    assert largest_step(audio) < 1.01 * largest_step(after)
    assert abs(cents(heard_hz(after[:, 0]), A3)) < 0.1
    meters = engine.state.meters
    assert meters["streams"] == 1 and meters["late_streams"] == 0 and meters["active_voices"] == 1


def test_a_stream_that_says_the_same_changes_nothing() -> None:
    engine, _ = streaming()
    engine.send(-1, note_on(A3, 100))
    audio = engine.render(3 * RATE_HZ)[RATE_HZ // 2 :, 0].astype(np.float64)
    turns = np.arange(len(audio)) * frequency_hz(A3) / RATE_HZ
    wave = np.exp(2j * np.pi * turns)
    fitted = (2.0 * (audio @ wave.conj()) / len(audio) * wave).real
    assert np.abs(audio - fitted).max() < 2e-3 * np.abs(audio).max()


def test_a_note_loops_until_its_stream_is_there_and_is_counted_once() -> None:
    engine, server = streaming(level=2.0)
    server.is_there = False
    engine.send(-1, note_on(A3, 100))
    early = engine.render(3 * RATE_HZ)
    assert engine.state.meters["late_streams"] == 1 and engine.state.meters["streams"] == 0
    server.is_there = True
    late = engine.render(RATE_HZ)
    assert engine.state.meters["streams"] == 1
    loop, stream = level_of(early[RATE_HZ:]), level_of(late[RATE_HZ // 2 :])
    assert stream / loop == pytest.approx(2.0, rel=1e-3)
    audio = np.concatenate([early, late])
    assert largest_step(audio) < 1.01 * largest_step(late[RATE_HZ // 2 :])


def test_a_stream_that_runs_dry_gives_way_to_the_loop_and_may_come_back() -> None:
    engine, server = streaming(level=2.0)
    engine.send(-1, note_on(A3, 100))
    first = engine.render(2 * RATE_HZ)
    server.is_there = False
    dry = engine.render(3 * RATE_HZ)
    assert engine.state.meters["streams"] == 0 and engine.state.meters["late_streams"] == 1
    server.is_there = True
    again = engine.render(RATE_HZ)
    assert engine.state.meters["streams"] == 1
    assert level_of(dry[-RATE_HZ:]) == pytest.approx(
        level_of(first[RATE_HZ // 4 : RATE_HZ // 2]), rel=1e-2
    )
    audio = np.concatenate([first, dry, again])
    assert largest_step(audio) < 1.01 * largest_step(again[RATE_HZ // 2 :])


def test_what_dies_away_does_so_in_its_loop_and_in_its_stream_alike() -> None:
    keep = 10.0 ** (-12.0 / 20.0 / RATE_HZ)  # 12 dB in a second
    engine = made_engine(streams=1, variation=0.0)
    engine.state.slots["loop_decay_per_frame"][BANK] = keep
    server = SineServer(engine.state, keep=keep)
    engine.stream_from(server)
    engine.send(-1, note_on(A3, 100))
    parts, streamed = [], []
    for second in range(6):
        server.is_there = second not in (3, 4)
        parts.append(engine.render(RATE_HZ))
        streamed.append(int(engine.state.meters["streams"]))
    assert streamed == [1, 1, 1, 0, 0, 1]
    audio = np.concatenate(parts)
    window = RATE_HZ // 10
    levels = [level_of(audio[at : at + window]) for at in range(RATE_HZ // 2, 6 * RATE_HZ, window)]
    falls = np.diff(20.0 * np.log10(levels))
    assert falls == pytest.approx(np.full(len(falls), -1.2), abs=0.1)


@pytest.mark.parametrize("end", ["note-off", "panic"])
def test_a_note_that_ends_gives_its_ring_back(end: str) -> None:
    engine, _ = streaming()
    for pitch in (50, 57, 64):
        engine.send(-1, note_on(pitch, 100))
    engine.render(3 * RATE_HZ)
    assert (engine.state.streams["holders"] > 0).sum() == 3
    if end == "panic":
        engine.command(PANIC)
    else:
        for pitch in (50, 57, 64):
            engine.send(-1, note_off(pitch))
    audio = engine.render(RATE_HZ)
    assert not engine.state.streams["holders"].any()
    assert not engine.state.meters["active_voices"]
    assert np.abs(audio[-100:]).max() == 0.0


def test_a_note_that_is_let_go_early_asks_for_nothing() -> None:
    engine = OfflineEngine(RATE_HZ, 128, note_seconds=3.0)
    fill_bank(engine.state, BANK, frames=3 * RATE_HZ)
    engine.state.banks["streams"] = 1
    engine.stream_from(SineServer(engine.state))
    engine.command(USE_BANK, BANK, ALL_CHANNELS)
    engine.send(-1, note_on(A3, 100))
    engine.render(RATE_HZ)
    engine.send(-1, note_off(A3))
    engine.render(3 * RATE_HZ)
    assert not engine.state.streams["request"].any()


def test_notes_beyond_the_rings_loop() -> None:
    engine, _ = streaming()
    for channel in (0, 1):
        for pitch in range(40, 70):
            engine.send(-1, bytes([0x90 | channel, pitch, 60]))
    engine.render(4 * RATE_HZ)
    meters = engine.state.meters
    assert meters["active_voices"] == 60 and meters["streams"] == STREAM_COUNT
    assert meters["late_streams"] == 60 - STREAM_COUNT


def test_a_bend_moves_a_streamed_note() -> None:
    engine, _ = streaming()
    engine.send(-1, note_on(A3, 100))
    engine.render(3 * RATE_HZ)
    engine.send(-1, pitch_bend(8191))
    audio = engine.render(2 * RATE_HZ)
    assert abs(cents(heard_hz(audio[RATE_HZ:, 0]), A3 + 2)) < 0.5
    assert engine.state.meters["late_streams"] == 0


def test_a_note_that_is_carried_to_another_sound_streams_that_one() -> None:
    engine, _ = streaming()
    fill_bank(engine.state, 2)
    engine.state.banks[2] = engine.state.banks[BANK]
    engine.send(-1, note_on(A3, 100))
    before = engine.render(3 * RATE_HZ)
    for bank, to in ((BANK, 2), (2, BANK), (BANK, 2)):
        engine.command(CARRY_BANK, bank, to)
        after = engine.render(RATE_HZ // 2)
        assert largest_step(after) < 1.01 * largest_step(before[-RATE_HZ:])
        assert level_of(after) == pytest.approx(level_of(before[-RATE_HZ:]), rel=0.02)
        assert engine.state.meters["streams"] == 1
        held = engine.state.streams[engine.state.streams["holders"] > 0]
        assert [int(stream["bank"]) for stream in held] == [to]


def test_blocks_change_no_bit_of_it() -> None:
    def play(block_frames: int) -> np.ndarray:
        engine, _ = streaming(level=1.5, block_frames=block_frames)
        engine.render(960 - engine.state.clock)
        for at, pitch in ((1_000, 48), (9_000, 60), (30_007, 61)):
            engine.send(at, note_on(pitch, 90))
        engine.send(150_001, note_off(60))
        return engine.render(4 * RATE_HZ)

    assert np.array_equal(play(64), play(480))


@pytest.mark.parametrize(
    "is_heard", [lambda _: None, lambda e: e.state.banks.__setitem__("streams", 0)]
)
def test_without_anybody_who_streams_a_note_loops(
    is_heard: Callable[[OfflineEngine], None],
) -> None:
    engine = made_engine(streams=1, variation=0.0)
    is_heard(engine)
    engine.send(-1, note_on(A3, 100))
    engine.render(4 * RATE_HZ)
    assert not engine.state.streams["request"].any()
    assert engine.state.meters["late_streams"] == 0
