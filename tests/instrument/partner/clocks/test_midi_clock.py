"""Following a MIDI clock: how exactly, and what a bad clock does."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from instrument.music.transport import TapTempo, Transport
from instrument.partner.clocks.midi_clock import ClockFollower

RATE = 48_000.0
MS = RATE / 1000.0
TICK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"


def follower() -> ClockFollower:
    return ClockFollower(Transport.at_tempo(100.0, RATE))


def ticks(bpm: float, count: int, first: float = 0.0) -> NDArray[np.float64]:
    return first + np.arange(count, dtype=np.float64) * 60.0 * RATE / bpm / 24.0


def run(
    clock: ClockFollower, frames: Iterable[float], each: Callable[[int], None] = lambda _: None
) -> None:
    for number, frame in enumerate(frames):
        clock.hear(float(frame), TICK)
        clock.look(float(frame))
        each(number)


@pytest.mark.parametrize("bpm", [40.0, 93.7, 120.0, 240.0])
def test_ten_minutes_of_a_jittering_clock_are_followed_within_a_millisecond(bpm: float) -> None:
    exact = ticks(bpm, round(10 * bpm * 24), first=1_000.0)
    random = np.random.default_rng(1)
    clock, errors = follower(), []

    def compare(number: int) -> None:
        if number > 4 * 24:
            when = clock.transport.tie.frame_at(number / 24.0)
            errors.append(abs(when - exact[number]) / MS)

    clock.hear(0.0, START)
    run(clock, exact + random.uniform(-MS, MS, len(exact)), compare)
    assert np.mean(errors) < 0.3  # wanted: 1 ms
    assert np.quantile(errors, 0.99) < 0.8  # wanted: 2 ms
    assert clock.transport.bpm == pytest.approx(bpm, rel=2e-3)
    assert clock.is_locked
    assert not clock.news


def test_the_position_is_the_clocks_and_not_only_the_tempo() -> None:
    clock = follower()
    clock.hear(0.0, START)
    run(clock, ticks(120.0, 24 * 6 + 1))
    assert clock.transport.beats_at(6 * RATE / 2) == pytest.approx(6.0, abs=1e-6)


def test_ticks_before_a_start_tell_the_tempo_but_move_nothing() -> None:
    clock = follower()
    run(clock, ticks(150.0, 96))
    assert not clock.transport.is_running
    assert [news.message for news in clock.news] == ["a MIDI clock ticks, but it has sent no start"]
    assert clock.transport.beats_at(1e9) == 0.0
    first = float(ticks(150.0, 97)[-1])
    clock.hear(first - 10.0, START)
    clock.hear(first, TICK)
    assert clock.transport.bpm == pytest.approx(150.0, rel=1e-3)
    assert clock.transport.beats_at(first) == pytest.approx(0.0, abs=1e-3)


def test_stop_holds_the_position_and_continue_goes_on_from_it() -> None:
    clock = follower()
    clock.hear(0.0, START)
    run(clock, ticks(120.0, 36))
    clock.hear(36 * 1_000.0 - 500.0, STOP)
    assert not clock.transport.is_running
    held = clock.transport.beats_at(10 * RATE)
    assert held == pytest.approx(35.5 / 24, abs=0.01)
    clock.hear(10 * RATE, CONTINUE)
    run(clock, ticks(120.0, 12, first=10 * RATE + 100.0))
    assert clock.transport.is_running
    assert clock.transport.beats_at(10 * RATE + 100.0 + 12_000) == pytest.approx(2.0, abs=0.03)


def test_a_song_position_is_a_jump() -> None:
    clock = follower()
    clock.hear(0.0, START)
    run(clock, ticks(120.0, 30))
    before = clock.transport.jumps
    clock.hear(30_000.0, STOP)
    clock.hear(30_100.0, bytes((0xF2, 0x20, 0x01)))  # 160 sixteenths
    clock.hear(30_200.0, CONTINUE)
    run(clock, ticks(120.0, 3, first=31_000.0))
    assert clock.transport.jumps == before + 1
    assert clock.transport.beats_at(31_000.0) == pytest.approx(40.0, abs=0.01)


@pytest.mark.parametrize("away", [300.0, 500.0, 700.0])
def test_a_start_soon_after_a_stop_begins_with_its_first_tick_wherever_that_lies(
    away: float,
) -> None:
    clock = follower()
    clock.hear(0.0, START)
    run(clock, ticks(120.0, 30))
    clock.hear(29_100.0, STOP)
    clock.hear(29_200.0, bytes((0xF2, 0x20, 0x01)))  # 160 sixteenths
    clock.hear(29_300.0, CONTINUE)
    run(clock, ticks(120.0, 49, first=30_000.0 + away))
    assert clock.transport.beats_at(78_000.0 + away) == pytest.approx(42.0, abs=0.005)


def test_ticks_that_come_ever_sooner_lead_to_no_tempo_without_end() -> None:
    clock, at, gap, fastest = follower(), 0.0, 1_000.0, 0.0
    clock.hear(0.0, START)
    for _ in range(2_000):
        clock.hear(round(at), TICK)
        fastest = max(fastest, clock.transport.bpm)
        gap = max(1.0, 0.9 * gap)
        at += gap
    assert fastest <= 800.0 + 1e-6


@pytest.mark.parametrize("after", [60.0, 97.0, 133.0, 180.0, 240.0])
def test_a_new_tempo_is_taken_within_a_beat(after: float) -> None:
    clock = follower()
    clock.hear(0.0, START)
    before = ticks(120.0, 24 * 8)
    run(clock, before)
    run(clock, ticks(after, 24 * 3, first=before[-1] + 60.0 * RATE / after / 24.0))
    assert clock.transport.bpm == pytest.approx(after, rel=0.02)
    assert not clock.news


@pytest.mark.parametrize("ratio", [0.5, 0.66, 0.8, 0.93, 1.07, 1.26, 1.5, 1.77, 2.0])
@pytest.mark.parametrize("jitter", [0.0, 5.0, 64.0])
def test_a_new_tempo_loses_no_tick_of_the_position(ratio: float, jitter: float) -> None:
    clock, random = follower(), np.random.default_rng(1)
    clock.hear(0.0, START)
    before = ticks(100.0, 24 * 16)
    after = ticks(100.0 * ratio, 24 * 10, first=before[-1] + 72_000.0 / 60.0 / ratio)
    frames = np.concatenate([before, after])
    run(clock, frames + random.uniform(-jitter, jitter, len(frames)))
    assert clock.transport.bpm == pytest.approx(100.0 * ratio, rel=5e-3)
    expected = (len(frames) - 1) / 24.0
    assert clock.transport.beats_at(frames[-1]) == pytest.approx(expected, abs=0.01)
    assert not clock.news


def test_a_single_late_tick_counts_and_changes_nothing() -> None:
    clock = follower()
    clock.hear(0.0, START)
    frames = ticks(120.0, 24 * 8)
    frames[[50, 90, 120]] += 450.0
    run(clock, frames)
    assert clock.transport.bpm == pytest.approx(120.0, rel=1e-3)
    assert clock.transport.beats_at(frames[-1]) == pytest.approx((len(frames) - 1) / 24, abs=0.01)
    assert not clock.news


def test_a_slow_change_of_tempo_is_followed_within_two_milliseconds() -> None:
    bpm = np.linspace(100.0, 140.0, 24 * 40)  # one per beat
    exact = np.cumsum(60.0 * RATE / bpm / 24.0)
    clock, errors = follower(), []
    clock.hear(0.0, START)
    noise = np.random.default_rng(2).uniform(-0.3 * MS, 0.3 * MS, len(exact))
    run(
        clock,
        exact + noise,
        lambda n: errors.append(abs(clock.transport.tie.frame_at(n / 24) - exact[n]) / MS),
    )
    assert np.quantile(errors[48:], 0.99) < 2.0


def test_a_clock_that_goes_silent_is_noticed_once_and_taken_up_again() -> None:
    clock = follower()
    clock.hear(0.0, START)
    run(clock, ticks(120.0, 30))
    for frame in np.arange(30_000.0, 90_000.0, 480.0):
        clock.look(float(frame))
    assert not clock.transport.is_running
    assert [news.message for news in clock.news] == ["the MIDI clock has stopped in the middle"]
    held = clock.transport.tie.beats
    run(clock, ticks(120.0, 24, first=90_000.0))
    assert clock.transport.is_running
    assert clock.transport.beats_at(90_000.0) == pytest.approx(held, abs=0.05)


def test_of_two_clocks_the_first_is_followed_and_the_player_is_told() -> None:
    clock = follower()
    clock.hear(0.0, START)
    mixed = sorted(
        [(float(frame), 0) for frame in ticks(120.0, 480)]
        + [(float(frame), 1) for frame in ticks(121.7, 480, first=333.0)]
    )
    for frame, source in mixed:
        clock.hear(frame, TICK, source)
    assert clock.transport.bpm == pytest.approx(120.0, rel=1e-3)
    assert len(clock.news) == 1 and "two MIDI clocks" in clock.news[0].message


def test_two_clocks_in_one_port_do_not_double_the_tempo() -> None:
    clock = follower()
    clock.hear(0.0, START)
    run(clock, ticks(120.0, 96))
    mixed = np.sort(np.concatenate([ticks(120.0, 480, 96_000.0), ticks(120.0, 480, 96_270.0)]))
    run(clock, mixed)
    assert clock.transport.bpm == pytest.approx(120.0, rel=0.02)
    assert len(clock.news) == 1


def test_nonsense_does_no_harm() -> None:
    clock, random = follower(), np.random.default_rng(3)
    frame = 0.0
    for _ in range(20_000):
        frame += float(random.exponential(500.0)) * int(random.integers(0, 2))
        status = int(random.choice([0xF8, 0xF8, 0xF8, 0xFA, 0xFB, 0xFC, 0xF2, 0xFE, 0x90]))
        data = bytes([status, *random.integers(0, 128, 2)])
        clock.hear(frame, data if status in (0xF2, 0x90) else data[:1], int(random.integers(0, 3)))
        clock.look(frame)
        assert np.isfinite(clock.transport.beats_at(frame + 1_000.0))
        assert 19.0 < clock.transport.bpm < 420.0


def test_taps_give_their_median_tempo_and_a_pause_begins_anew() -> None:
    tap = TapTempo(RATE)
    assert tap.tap(0.0) is None and tap.tap(24_000.0) is None
    assert tap.tap(48_000.0) == pytest.approx(120.0)
    assert tap.tap(60_000.0) == pytest.approx(120.0)  # one slip
    assert tap.tap(500_000.0) is None


def test_a_change_of_tempo_keeps_the_position() -> None:
    music = Transport.at_tempo(120.0, RATE)
    faster = music.with_tempo(180.0, 36_000.0)
    assert faster.beats_at(36_000.0) == pytest.approx(1.5)
    assert faster.frame_at(2.5) == 36_000 + 16_000
    assert faster.jumps == music.jumps
