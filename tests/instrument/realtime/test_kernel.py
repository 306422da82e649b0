"""The kernel as a whole: block size, determinism, timing of events, limits."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instrument.midi.messages import control_change, note_off, note_on, pitch_bend
from instrument.realtime.memory.constants import (
    FADE_OUT,
    PANIC,
    POLYPHONY,
)
from tests.helpers.live.sine_engine import RATE_HZ, SECOND, engine_with_sines
from tests.helpers.sounds.tones import largest_step


def soup(seed: int, count: int = 2_000) -> list[tuple[int, bytes]]:
    """Return messages of all kinds at irregular frames."""
    rng = random.Random(seed)
    frame = 0
    messages = []
    for _ in range(count):
        frame += rng.randrange(60)
        channel = rng.randrange(3)
        kind = rng.choice((0x80, 0x90, 0x90, 0x90, 0xA0, 0xB0, 0xD0, 0xE0))
        data1 = rng.choice((1, 7, 10, 11, 64, 66, 67, 74)) if kind == 0xB0 else rng.randrange(128)
        messages.append((frame, bytes((kind | channel, data1, rng.randrange(128)))))
    return messages


def play(block_frames: int, seed: int) -> np.ndarray:
    engine = engine_with_sines(
        block_frames,
        cutoff_hz=5_000.0,
        resonance=0.5,
        attack_seconds=0.01,
        decay_seconds=0.1,
        sustain_level=0.6,
        gain_db=-6.0,
        stereo_width=0.7,
    )
    for pitch in range(50, 109, 3):  # some notes on stand-ins, some without a loop
        engine.state.slots[1, :, pitch - 21]["frames_ready"] = 0
    for pitch in range(51, 109, 3):
        engine.state.slots[1, :, pitch - 21]["loop_end"] = 0
    for frame, message in soup(seed):
        engine.send(frame, message)
    return engine.render(SECOND)


def test_the_sound_does_not_depend_on_the_block_size() -> None:
    expected = play(64, seed=1)
    assert np.abs(expected).max() > 0.1
    for block_frames in (1, 33, 100, 128, 256, 1000):
        assert np.array_equal(play(block_frames, seed=1), expected), block_frames


@pytest.mark.parametrize("frame", [0, 1, 31, 32, 33, 127, 128, 1000, 4095])
def test_a_note_starts_at_its_own_frame(frame: int) -> None:
    engine = engine_with_sines()
    engine.render(2_048)
    engine.send(2_048 + frame, note_on(96, 127))
    sounding = np.flatnonzero(np.abs(engine.render(8_192)).max(axis=1))
    assert sounding[0] == frame + 1  # the sine's first frame is 0


def test_release_starts_at_the_events_frame() -> None:
    held, released = (engine_with_sines(release_seconds=0.05) for _ in range(2))
    for engine in (held, released):
        engine.send(0, note_on(60, 127))
    released.send(10_007, note_off(60))
    difference = np.abs(held.render(20_000) - released.render(20_000)).max(axis=1)
    assert np.flatnonzero(difference)[0] in (10_007, 10_008)


def test_events_of_one_frame_keep_their_order() -> None:
    engine = engine_with_sines()
    history = engine.state.read_log()
    messages = [note_on(60), control_change(64, 127), note_off(60), control_change(64, 0)]
    for message in messages:
        engine.send(500, message)
    engine.render(1_000)
    applied = [bytes((e["status"], e["data1"], e["data2"])) for e in history.read()[1:]]
    assert applied == messages


def test_an_event_that_comes_late_is_played_at_once_and_counted() -> None:
    engine = engine_with_sines()
    engine.render(1_024)
    history = engine.state.read_log()
    engine.send(1_000, note_on(60))
    engine.render(256)
    assert int(engine.state.meters["late_events"]) == 1
    assert history.read()["time_frames"].tolist() == [1_024]


def test_128_notes_sound_and_one_more_takes_the_place_of_one() -> None:
    engine = engine_with_sines()
    keys = [(channel, pitch) for channel in (0, 1) for pitch in range(32, 96)]
    for channel, pitch in keys:
        engine.send(0, note_on(pitch, 50, channel))
    engine.render(SECOND // 4)
    assert int(engine.state.meters["active_voices"]) == POLYPHONY
    engine.send(-1, note_on(100, 50, 2))
    engine.render(SECOND // 4)
    meters = engine.state.meters
    assert int(meters["active_voices"]) == POLYPHONY
    assert int(meters["stolen_voices"]) == 1
    assert int(meters["fading_voices"]) == 0


def test_the_quietest_released_note_is_stolen_first() -> None:
    engine = engine_with_sines(release_seconds=5.0)
    for pitch in range(21, 85):
        engine.send(0, note_on(pitch, 100, 0))
        engine.send(0, note_on(pitch, 100, 1))
    engine.send(1, note_off(60, 1))
    engine.send(4_000, note_off(50, 0))
    engine.render(8_192)
    engine.send(-1, note_on(100, 100, 2))
    engine.render(4_096)
    voices = engine.state.voices
    sounding = {(int(v["channel"]), int(v["pitch"])) for v in voices if v["stage"]}
    assert (1, 60) not in sounding  # released longest, so the quietest of the released
    assert (0, 50) in sounding
    assert len(sounding) == POLYPHONY


def test_stealing_does_not_click() -> None:
    engine = engine_with_sines(gain_db=-30.0)
    for pitch in range(40, 104):
        engine.send(0, note_on(pitch, 100, 0))
        engine.send(0, note_on(pitch, 100, 1))
    engine.render(SECOND // 4)
    steady = largest_step(engine.render(SECOND // 4))
    for index in range(100):
        engine.send(engine.state.clock + 40 * index, note_on(40 + index % 60, 100, 2 + index // 60))
    assert largest_step(engine.render(SECOND // 4)) < 1.5 * steady
    assert int(engine.state.meters["stolen_voices"]) == 100
    assert int(engine.state.meters["cut_steals"]) == 0


def test_the_limiter_is_transparent_below_its_threshold_and_a_wall_above() -> None:
    quiet = engine_with_sines(gain_db=-12.0)
    loud = engine_with_sines(gain_db=-6.0)
    for engine in (quiet, loud):
        engine.send(0, note_on(60, 127))
    expected = 10.0 ** (6.0 / 20.0) * quiet.render(SECOND // 4)
    assert np.allclose(loud.render(SECOND // 4), expected, rtol=1e-5, atol=1e-7)
    assert int(loud.state.meters["limited_frames"]) == 0
    wall = engine_with_sines(gain_db=20.0)
    for pitch in range(48, 72):
        wall.send(0, note_on(pitch, 127))
    audio = wall.render(SECOND)
    assert 0.8 < np.abs(audio[SECOND // 2 :]).max() <= 1.0
    assert np.abs(audio).max() <= 1.0
    assert int(wall.state.meters["limited_frames"]) > SECOND // 2


def test_fade_out_reaches_silence_in_30_ms_and_says_so() -> None:
    engine = engine_with_sines()
    engine.send(0, note_on(60, 127))
    steady = engine.render(SECOND // 4)[SECOND // 8 :]
    engine.command(FADE_OUT, 0, 0)
    audio = engine.render(4_096)
    assert largest_step(audio) <= 1.01 * largest_step(steady)
    assert np.abs(audio[: int(0.025 * RATE_HZ)]).max() > 0.0
    assert np.abs(audio[int(0.031 * RATE_HZ) :]).max() == 0.0
    assert int(engine.state.fields["stopped"]) == 1


events = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.integers(0x80, 0xFF),
        st.integers(0, 127),
        st.integers(0, 127),
    ),
    max_size=300,
)


@given(events=events, block_frames=st.sampled_from((64, 100, 256)))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_after_any_events_the_output_is_bounded_and_panic_ends_every_voice(
    events: list[tuple[int, int, int, int]], block_frames: int
) -> None:
    engine = engine_with_sines(
        block_frames, frames=4_800, gain_db=6.0, resonance=1.0, cutoff_hz=800.0
    )
    frame = 0
    for wait, status, data1, data2 in events:
        frame += wait
        engine.send(frame, (status, data1, data2))
    audio = engine.render(frame + 2_000)
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() <= 1.0
    engine.command(PANIC, 0, 0)
    engine.render(2_000)
    assert not engine.state.voices["stage"].any()
    assert np.abs(engine.render(500)).max() == 0.0
    engine.send(-1, note_on(60))  # and it still plays
    engine.render(2_000)
    assert int(engine.state.meters["active_voices"]) == 1


def test_pitch_bend_moves_a_voice_through_every_fraction_without_a_click() -> None:
    engine = engine_with_sines()
    engine.send(0, note_on(60, 127))
    steady = largest_step(engine.render(SECOND // 4)[4_096:])
    start = engine.state.clock
    for step in range(512):
        engine.send(start + 40 * step, pitch_bend(min(16 * step, 8191)))
    audio = engine.render(SECOND // 2)
    assert largest_step(audio) <= 1.15 * steady  # two semitones up: 1.12 times as steep
