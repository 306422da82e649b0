"""LFOs and routes: each source and each target, heard; no click, and no way to a wrong place."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.midi.messages import control_change as cc
from instrument.midi.messages import note_on, pitch_bend
from instrument.preset.modulation import Lfo, Modulation, Route, modulation_fields
from instrument.realtime.memory.constants import TICK_FRAMES, TO_CUTOFF, TO_LEVEL, TO_PAN, TO_PITCH
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import RATE_HZ, made_engine
from tests.helpers.sounds.tones import heard_hz, largest_step

SECOND = RATE_HZ
A4 = 69


def engine_of(*routes: Route, block_frames: int = 128, **lfos: Lfo) -> OfflineEngine:
    return made_engine(
        block_frames, **modulation_fields(Modulation(routes=routes, **lfos)), velocity_to_gain=0.0
    )


def moved(engine: OfflineEngine, target: int) -> float:
    return float(engine.state.voices["moved"][0][target])


def path(engine: OfflineEngine, target: int, seconds: float) -> np.ndarray:
    """Return where a target is after each tick."""
    ticks = round(seconds * SECOND / TICK_FRAMES)
    values = []
    for _ in range(ticks):
        engine.render(TICK_FRAMES)
        values.append(moved(engine, target))
    return np.array(values)


@pytest.mark.parametrize("shape", ["sine", "triangle", "saw", "square", "steps"])
def test_an_lfo_turns_at_its_rate_and_goes_all_the_way(shape: str) -> None:
    lfo = Lfo(shape, rate_hz=5.0)  # type: ignore[arg-type]
    engine = engine_of(Route("lfo_1", "level", 6.0), lfo_1=lfo)
    engine.send(-1, note_on(A4))
    way = path(engine, TO_LEVEL, 2.0)
    if shape == "steps":
        heights = {round(value, 1) for value in way[20 :: round(0.2 * SECOND / TICK_FRAMES)]}
        assert len(heights) >= 7  # of ten turns
        assert np.abs(way).max() <= 6.0
        return
    assert way.max() == pytest.approx(6.0, abs=0.8)
    assert way.min() == pytest.approx(-6.0, abs=0.8)
    spectrum = np.abs(np.fft.rfft(way - way.mean()))
    assert np.argmax(spectrum) == 10  # turns in two seconds


def test_wandering_begins_at_rest_goes_far_and_never_jumps() -> None:
    engine = engine_of(Route("lfo_1", "level", 6.0), lfo_1=Lfo("wander", rate_hz=4.0))
    engine.send(-1, note_on(A4))
    way = path(engine, TO_LEVEL, 10.0)
    assert abs(way[0]) < 0.1
    assert 1.5 < way.std() < 4.0 and np.abs(way).max() <= 6.0
    turned = 4.0 * 2 * TICK_FRAMES / SECOND  # every other tick
    assert np.abs(np.diff(way)).max() <= 12.0 * 1.5 * turned  # the steepest of a smooth step
    spectrum = np.abs(np.fft.rfft(way - way.mean())) ** 2
    assert spectrum[: 10 * 8].sum() > 0.99 * spectrum.sum()  # nothing faster than 8 Hz


def test_tremolo_is_heard_as_deep_as_its_amount() -> None:
    engine = engine_of(Route("lfo_1", "level", 6.0), lfo_1=Lfo(rate_hz=2.0))
    engine.send(-1, note_on(A4))
    sound = engine.render(2 * SECOND)[SECOND:, 0]
    windows = np.sqrt(np.mean(sound.reshape(-1, 480) ** 2, axis=1))
    assert 20 * np.log10(windows.max() / windows.min()) == pytest.approx(12.0, abs=0.7)


def test_a_route_to_pitch_is_heard_in_cents() -> None:
    engine = engine_of(Route("wheel", "pitch", 100.0))
    engine.send(-1, cc(1, 127))
    engine.state.banks[1]["vibrato_depth_cents"] = 0.0
    engine.send(-1, note_on(A4))
    heard = heard_hz(engine.render(SECOND)[SECOND // 2 :, 0])
    assert 1200 * np.log2(heard / 440.0) == pytest.approx(100.0, abs=1.0)


def test_beats_follow_the_tempo() -> None:
    engine = engine_of(Route("lfo_1", "pan", 1.0), lfo_1=Lfo(beats=1.0))
    engine.state.fields["tempo"] = 90.0
    engine.send(-1, note_on(A4))
    way = path(engine, TO_PAN, 4.0)
    assert np.argmax(np.abs(np.fft.rfft(way))) == 6  # 1.5 turns a second


def test_one_lfo_for_all_notes_moves_them_together_and_one_each_does_not() -> None:
    for of, alike in (("all", True), ("voice", False)):
        lfo = Lfo(rate_hz=1.0, of=of)  # type: ignore[arg-type]
        engine = engine_of(Route("lfo_1", "level", 6.0), lfo_1=lfo)
        engine.send(-1, note_on(60))
        engine.render(round(0.3 * SECOND))
        engine.send(-1, note_on(64))
        engine.render(round(0.3 * SECOND))
        first, second = engine.state.voices["moved"][:2, TO_LEVEL]
        assert (abs(first - second) < 0.05) == alike


@pytest.mark.parametrize(
    ("source", "before", "expected"),
    [
        ("velocity", b"", 64 / 127),
        ("key", b"", (A4 - 60) / 12),
        ("wheel", cc(1, 127), 1.0),
        ("pressure", bytes((0xD0, 127)), 1.0),
        ("slide", cc(74, 1), -1.0),
        ("cc20", cc(20, 127), 1.0),
        ("envelope", b"", 1.0),
    ],
)
def test_sources(source: str, before: bytes, expected: float) -> None:
    engine = engine_of(Route(source, "cutoff", 2.0))
    if before:
        engine.send(-1, before)
    engine.send(-1, note_on(A4, 64))
    engine.render(SECOND // 4)
    assert moved(engine, TO_CUTOFF) == pytest.approx(2.0 * expected, abs=0.01)


def test_a_strike_falls_as_the_filters_envelope_does() -> None:
    engine = engine_of(Route("strike", "pitch", 1200.0))
    engine.state.banks[1]["cutoff_decay_seconds"] = 0.5
    engine.send(-1, note_on(A4))
    way = path(engine, TO_PITCH, 0.6)
    assert way[0] == pytest.approx(12.0, abs=1.0)
    assert abs(way[-1]) < 0.02


def test_random_differs_by_strike_and_is_the_same_in_every_render() -> None:
    def draws() -> list[float]:
        engine = engine_of(Route("random", "pan", 1.0))
        values = []
        for _ in range(6):
            engine.send(-1, note_on(A4))
            engine.render(256)
            newest = np.argmax(engine.state.voices["start_frame"])
            values.append(float(engine.state.voices["moved"][newest, TO_PAN]))
            engine.render(SECOND // 10)
        return values

    first = draws()
    assert first == draws()
    assert len({round(value, 3) for value in first}) == 6
    assert np.ptp(first) > 0.4


def test_a_route_to_an_lfo_says_how_much_of_it_there_is() -> None:
    engine = engine_of(
        Route("lfo_1", "cutoff", 2.0), Route("pressure", "lfo_1", 1.0), lfo_1=Lfo(rate_hz=4.0)
    )
    engine.send(-1, note_on(A4))
    assert np.abs(path(engine, TO_CUTOFF, 0.5)).max() == 0.0
    engine.send(-1, bytes((0xD0, 64)))
    assert np.abs(path(engine, TO_CUTOFF, 0.5)).max() == pytest.approx(1.0, abs=0.1)


def test_an_lfo_waits_and_swells() -> None:
    engine = engine_of(
        Route("lfo_1", "level", 6.0), lfo_1=Lfo("square", rate_hz=20.0, delay_seconds=0.3)
    )
    engine.send(-1, note_on(A4))
    assert np.abs(path(engine, TO_LEVEL, 0.28)).max() == 0.0
    half = np.abs(path(engine, TO_LEVEL, 0.19)).max()
    assert 2.0 < half < 4.5
    assert np.abs(path(engine, TO_LEVEL, 0.3)).max() > 5.5


def test_no_step_of_a_source_is_a_click() -> None:
    engine = engine_of(
        Route("lfo_1", "level", 12.0), Route("lfo_2", "pan", 1.0), lfo_1=Lfo("square", rate_hz=9.0)
    )
    engine.send(-1, note_on(A4))
    engine.render(SECOND // 4)
    sound = engine.render(SECOND)[:, 0]
    # A sine of the loudest level, whose gain moves by a fortieth of 24 dB in a millisecond
    steepest = np.abs(sound).max() * 2 * np.pi * 440 / RATE_HZ
    assert largest_step(sound) < 1.5 * steepest


@pytest.mark.parametrize("frames", [32, 100, 333])
def test_blocks_do_not_matter_to_a_bit(frames: int) -> None:
    def played(block: int) -> np.ndarray:
        engine = engine_of(
            Route("lfo_1", "pitch", 30.0),
            Route("lfo_2", "cutoff", 1.0),
            Route("random", "level", 3.0),
            block_frames=block,
            lfo_1=Lfo(rate_hz=6.0),
            lfo_2=Lfo("steps", beats=0.25, of="all"),
        )
        begun = engine.state.clock
        engine.send(1000, note_on(A4))
        engine.send(9000, pitch_bend(3000))
        sound = engine.render(block * (30_000 // block))
        return np.asarray(sound[1000 - begun :][:20_000])

    sound = played(128)
    assert np.abs(sound).max() > 0.01
    np.testing.assert_array_equal(played(frames), sound)


def test_numbers_of_a_hostile_bank_reach_nothing() -> None:
    engine = engine_of(Route("lfo_1", "level", 1.0))
    bank = engine.state.banks[1]
    bank["route_count"] = 1_000_000
    bank["route_target"] = 2**31 - 1
    bank["route_source"] = -(2**31)
    bank["route_amount"] = 1e9
    engine.send(-1, note_on(A4))
    assert np.isfinite(engine.render(SECOND // 4)).all()
    assert moved(engine, TO_LEVEL) == 0.0


def test_all_routes_together_lift_a_note_by_no_more_than_one_could() -> None:
    engine = engine_of(*(Route("velocity", "level", 24.0) for _ in range(8)))
    engine.send(-1, note_on(A4, 127))
    engine.render(SECOND // 4)
    assert moved(engine, TO_LEVEL) == pytest.approx(24.0)
    engine.state.banks[1]["route_amount"] = -24.0
    engine.render(SECOND // 4)
    assert moved(engine, TO_LEVEL) == pytest.approx(-192.0, abs=0.1)
