"""CC 74 of a note's own channel: its timbre alone, at once, in tune, without a click."""

from collections.abc import Iterable

import numpy as np
import pytest

from instrument.midi.messages import control_change, note_off, note_on
from instrument.realtime.memory.constants import CARRY_BANK, TICK_FRAMES
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import RATE_HZ, made_engine
from tests.helpers.sounds.tones import fill_bank, frequency_hz, largest_step

BANK, A3, E4 = 1, 57, 64
MPE = (control_change(101, 0), control_change(100, 6), control_change(6, 15))
FIRST = round(0.08 * RATE_HZ)


class OctaveServer:
    """Goes on with every held sine; what a slide adds is the octave."""

    def __init__(self, state: EngineState) -> None:
        self.state = state
        self.is_there = True
        self.chunk = state.rings.shape[1] // 4

    def __call__(self) -> None:
        for stream, ring in zip(self.state.streams, self.state.rings, strict=True):
            while self.is_there and stream["holders"] > 0 and self._is_due(stream):
                first = int(stream["frames_ready"])
                turns = np.arange(first, first + self.chunk) / RATE_HZ
                turns *= frequency_hz(int(stream["pitch"])) * (1 + int(stream["slides"]))
                at = first % len(ring)
                level = 0.5 * float(stream["soft_weight"] + stream["loud_weight"])
                ring[at : at + self.chunk] = level * np.sin(2 * np.pi * turns)
                stream["frames_ready"] = first + self.chunk

    def _is_due(self, stream: np.void) -> bool:
        position = max(int(stream["position"]) - 64, 0)
        if stream["answered"] != stream["request"] or stream["frames_ready"] <= position:
            start = position // self.chunk * self.chunk
            stream["frames_ready"] = stream["first_frame"] = start
            stream["answered"] = stream["request"]
        return bool(stream["frames_ready"] - stream["position"] < 2 * self.chunk)


def sliding(block_frames: int = 128, **sound: float) -> tuple[OfflineEngine, OctaveServer]:
    engine = made_engine(block_frames, streams=1, slides=1, variation=0.0, **sound)
    server = OctaveServer(engine.state)
    engine.stream_from(server)
    for message in MPE:
        engine.send(-1, message)
    return engine, server


def slide(value: int, channel: int = 1) -> bytes:
    return control_change(74, value, channel)


def level(audio: np.ndarray, pitch: float) -> float:
    """Return the amplitude of a sine in some sound."""
    turns = np.arange(len(audio)) * frequency_hz(pitch) / RATE_HZ
    window = np.hanning(len(audio))
    return float(np.abs((audio[:, 0] * window) @ np.exp(-2j * np.pi * turns)) / window.sum())


def play(
    messages: Iterable[tuple[float, bytes]], seconds: float = 1.0, block_frames: int = 128
) -> np.ndarray:
    engine, _ = sliding(block_frames)
    begin = 4800
    engine.render(begin - engine.state.clock)
    for at, message in messages:
        engine.send(begin + round(at * RATE_HZ), message)
    return engine.render(round(seconds * RATE_HZ))


@pytest.mark.parametrize("at", [0.3, 3.0], ids=["over its slot", "over its stream"])
def test_it_moves_its_own_note_and_no_other(at: float) -> None:
    notes = [(0.0, note_on(A3, 100, 1)), (0.0, note_on(E4, 100, 2))]
    audio = play([*notes, (at, slide(127))], at + 1.0)
    plain = play(notes, at + 1.0)
    late = slice(round((at + 0.5) * RATE_HZ), None)
    assert level(audio[late], A3 + 12) == pytest.approx(level(plain[late], A3), rel=0.01)
    assert level(audio[late], A3) == pytest.approx(level(plain[late], A3), rel=0.01)
    assert level(audio[late], E4 + 12) < 0.002 * level(plain[late], E4)
    assert largest_step(audio) < 1.02 * largest_step(audio[late])


def test_the_first_time_it_is_heard_after_80_milliseconds_and_then_at_once() -> None:
    note = (0.0, note_on(A3, 100, 1))
    moved = [(0.2, slide(100)), (0.5, slide(30)), (0.6, slide(100))]
    still, one, all_of_them = play([note]), play([note, moved[0]]), play([note, *moved])

    def differ(a: np.ndarray, b: np.ndarray) -> int:
        return int(np.flatnonzero(np.any(a != b, axis=1))[0])

    assert 0 <= differ(still, one) - (round(0.2 * RATE_HZ) + FIRST) <= 3 * TICK_FRAMES
    assert 0 <= differ(one, all_of_them) - round(0.5 * RATE_HZ) <= 2 * TICK_FRAMES


def test_a_slide_that_is_up_before_the_note_is_heard_soon_after_it_begins() -> None:
    audio = play([(0.0, slide(127)), (0.0, note_on(A3, 100, 1))])
    late = audio[round(0.15 * RATE_HZ) : round(0.35 * RATE_HZ)]
    assert level(late, A3 + 12) == pytest.approx(level(late, A3), rel=0.02)


def test_blocks_change_no_bit_of_it() -> None:
    rng = np.random.default_rng(0)
    messages = [(0.01, note_on(A3, 100, 1)), (0.02, note_on(E4, 80, 2))]
    for at in np.sort(rng.uniform(0.05, 3.5, 60)):
        messages.append((float(at), slide(int(rng.integers(128)), int(rng.integers(1, 3)))))
    messages = sorted([*messages, (3.2, note_off(E4, 2))])
    expected = play(messages, 4.0, 64)
    assert np.array_equal(play(messages, 4.0, 480), expected)
    assert np.array_equal(play(messages, 4.0, 1000), expected)


def test_above_its_middle_it_leaves_the_filter_alone_and_below_closes_it() -> None:
    levels = []
    for value in (64, 127, 0):
        engine, _ = sliding(cutoff_hz=300.0)
        engine.send(-1, slide(value))
        engine.send(-1, note_on(A3, 100, 1))
        levels.append(level(engine.render(RATE_HZ)[RATE_HZ // 2 :], A3))
    assert levels[1] == pytest.approx(levels[0], rel=0.01)
    assert levels[2] < 0.2 * levels[0]


def test_where_nobody_streams_it_opens_the_filter() -> None:
    levels = []
    for value in (64, 127):
        engine = made_engine(streams=1, slides=1, variation=0.0, cutoff_hz=150.0)
        for message in (*MPE, slide(value), note_on(A3, 100, 1)):
            engine.send(-1, message)
        levels.append(level(engine.render(RATE_HZ)[RATE_HZ // 2 :], A3))
    assert levels[1] > 1.5 * levels[0]


def test_what_comes_late_is_counted_and_heard_when_it_is_there() -> None:
    engine, server = sliding()
    server.is_there = False
    engine.send(-1, note_on(A3, 100, 1))
    engine.send(-1, slide(127))
    early = engine.render(RATE_HZ // 2)
    assert engine.state.meters["late_streams"] == 1
    server.is_there = True
    late = engine.render(RATE_HZ // 2)
    assert level(early[RATE_HZ // 4 :], A3 + 12) < 1e-3 * level(early[RATE_HZ // 4 :], A3)
    assert level(late[RATE_HZ // 4 :], A3 + 12) > 0.98 * level(late[RATE_HZ // 4 :], A3)
    both = np.concatenate([early, late])
    assert largest_step(both) < 1.02 * largest_step(late[RATE_HZ // 4 :])


def test_a_note_that_was_let_go_keeps_its_timbre_and_gives_its_rings_back() -> None:
    engine, _ = sliding(release_seconds=2.0)
    engine.send(-1, note_on(A3, 100, 1))
    engine.send(-1, slide(127))
    engine.render(RATE_HZ // 2)
    engine.send(-1, note_off(A3, 1))
    engine.send(-1, slide(0))
    audio = engine.render(RATE_HZ // 2)[RATE_HZ // 8 :]
    ratio = level(audio, A3 + 12) / level(audio, A3)
    assert ratio == pytest.approx(1.0, rel=0.05)
    engine.render(4 * RATE_HZ)
    assert not engine.state.streams["holders"].any()


def test_a_note_that_is_carried_to_another_sound_slides_on_that_one() -> None:
    engine, _ = sliding()
    fill_bank(engine.state, 2)
    engine.state.banks[2] = engine.state.banks[BANK]
    engine.send(-1, note_on(A3, 100, 1))
    engine.send(-1, slide(127))
    before = engine.render(RATE_HZ)
    for bank, to in ((BANK, 2), (2, BANK)):
        engine.command(CARRY_BANK, bank, to)
        after = engine.render(RATE_HZ)
        assert largest_step(after) < 1.02 * largest_step(before[RATE_HZ // 2 :])
        late = after[RATE_HZ // 2 :]
        assert level(late, A3 + 12) == pytest.approx(level(late, A3), rel=0.02)
        held = engine.state.streams[engine.state.streams["holders"] > 0]
        assert {int(stream["bank"]) for stream in held} == {to}
