"""MIDI as on a hardware synthesizer, one line per rule, with the bugs of others as regressions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from instrument.midi.messages import control_change as cc
from instrument.midi.messages import note_off, note_on, pitch_bend, program_change
from instrument.realtime.memory.constants import (
    ALL_CHANNELS,
    PRESSURE_CUTOFF,
    PRESSURE_LEVEL,
    USE_BANK,
)
from tests.helpers.live.held import RATE_HZ, held_keys, made_engine
from tests.helpers.sounds.tones import cents, frequency_hz, heard_hz

STEP_FRAMES = 1_000  # between two messages of a script: well over the shortest note


def held_after(*messages: bytes) -> list[tuple[int, int]]:
    """Play a script; return (channel, pitch) of what still sounds and is not on its way out."""
    engine = made_engine()
    for message in messages:
        engine.send(-1, message)
        engine.render(STEP_FRAMES)
    return held_keys(engine.state)


ON, OFF = note_on(60), note_off(60)
PEDAL, NO_PEDAL = cc(64, 127), cc(64, 0)
SOSTENUTO, NO_SOSTENUTO = cc(66, 127), cc(66, 0)
ALL_OFF, SOUND_OFF, RESET = cc(123, 0), cc(120, 0), cc(121, 0)
EVERY_CHANNEL_STOPS = [cc(number, 0, ch) for ch in range(1, 16) for number in (64, 123)]
NOTHING: list[tuple[int, int]] = []
SIXTY = [(0, 60)]

SCRIPTS = {
    "a key that is down sounds": ([ON], SIXTY),
    "letting it go ends it": ([ON, OFF], NOTHING),
    "velocity 0 is a note-off": ([ON, note_on(60, 0)], NOTHING),
    "a note-off for another key ends nothing": ([ON, note_off(61)], SIXTY),
    "a note-off on another channel ends nothing": ([ON, note_off(60, 1)], SIXTY),
    "a note-off that nothing was struck for does no harm": ([OFF, ON], SIXTY),
    "the pedal holds": ([PEDAL, ON, OFF], SIXTY),
    "the pedal up lets go": ([PEDAL, ON, OFF, NO_PEDAL], NOTHING),
    "the pedal up spares keys that are down": ([PEDAL, ON, OFF, ON, NO_PEDAL], SIXTY),
    "the pedal after the key holds as well": ([ON, PEDAL, OFF], SIXTY),
    "the pedal too late catches nothing": ([ON, OFF, PEDAL], NOTHING),
    "64 holds": ([cc(64, 64), ON, OFF], SIXTY),
    "63 does not": ([cc(64, 63), ON, OFF], NOTHING),
    "a half pedal going up past 64 holds until below": (
        [cc(64, 100), ON, OFF, cc(64, 70)],
        SIXTY,
    ),
    "repeated pedal messages change nothing": ([PEDAL, PEDAL, ON, OFF, PEDAL], SIXTY),
    "a pedal on another channel holds nothing": ([cc(64, 127, 1), ON, OFF], NOTHING),
    "sostenuto holds what was down": ([ON, SOSTENUTO, OFF], SIXTY),
    "sostenuto holds nothing that came later": ([SOSTENUTO, ON, OFF], NOTHING),
    "sostenuto up lets go": ([ON, SOSTENUTO, OFF, NO_SOSTENUTO], NOTHING),
    "sostenuto up spares keys that are down": ([ON, SOSTENUTO, NO_SOSTENUTO], SIXTY),
    "sostenuto and pedal: the pedal goes on holding": (
        [ON, SOSTENUTO, PEDAL, OFF, NO_SOSTENUTO],
        SIXTY,
    ),
    "pedal and sostenuto: sostenuto goes on holding": (
        [ON, PEDAL, SOSTENUTO, OFF, NO_PEDAL],
        SIXTY,
    ),
    "both up ends it, sostenuto first": (
        [ON, SOSTENUTO, PEDAL, OFF, NO_SOSTENUTO, NO_PEDAL],
        NOTHING,
    ),
    "both up ends it, pedal first": ([ON, SOSTENUTO, PEDAL, OFF, NO_PEDAL, NO_SOSTENUTO], NOTHING),
    "a second sostenuto message catches nothing new": (
        [ON, SOSTENUTO, note_on(64), cc(66, 100), note_off(64)],
        SIXTY,
    ),
    "all notes off ends keys that are down": ([ON, ALL_OFF], NOTHING),
    "all notes off leaves the pedal its notes": ([PEDAL, ON, ALL_OFF], SIXTY),
    "and then the pedal ends them": ([PEDAL, ON, ALL_OFF, NO_PEDAL], NOTHING),
    "all sound off ends notes under the pedal too": ([PEDAL, ON, OFF, SOUND_OFF], NOTHING),
    "omni and mono messages imply all notes off": ([ON, cc(126, 1)], NOTHING),
    "reset lets the pedals go": ([PEDAL, ON, OFF, RESET], NOTHING),
    "reset spares keys that are down": ([PEDAL, ON, RESET], SIXTY),
    "a system reset ends everything": ([PEDAL, ON, OFF, b"\xff"], NOTHING),
    "clock, start, stop and active sensing do nothing": (
        [ON, b"\xf8", b"\xfa", b"\xfc", b"\xfe", b"\xf8"],
        SIXTY,
    ),
    "two channels' equal keys are two notes": ([ON, note_on(60, 90, 1), OFF], [(1, 60)]),
    # -- bugs of others, each of which held a note for ever or cut one off
    "surge#1554, tulipcc#450: a key re-struck under the pedal ends with the pedal": (
        [PEDAL, ON, OFF, ON, OFF, NO_PEDAL],
        NOTHING,
    ),
    "bitKlavier#56, RNBO#16: a key re-struck under the pedal and kept outlives the pedal": (
        [PEDAL, ON, OFF, ON, NO_PEDAL],
        SIXTY,
    ),
    "struck twice, each note-off takes back one": ([ON, ON, OFF], SIXTY),
    "and the second one ends it": ([ON, ON, OFF, OFF], NOTHING),
    "six-sines#88: a pedal that goes up on another channel ends nothing here": (
        [PEDAL, ON, OFF, cc(64, 0, 3)],
        SIXTY,
    ),
    "six-sines#88: nor does it hold notes here": ([cc(64, 127, 3), ON, OFF, cc(64, 0, 3)], NOTHING),
    "Hammer-and-Meiszel#4, BespokeSynth#276: panic ends notes under the pedal": (
        [PEDAL, ON, OFF, cc(120, 0), ALL_OFF],
        NOTHING,
    ),
    "a sequencer's stop on the other channels cuts nothing here": (
        [PEDAL, ON, OFF, *EVERY_CHANNEL_STOPS],
        SIXTY,
    ),
    "a sequencer's stop on all channels leaves nothing": (
        [PEDAL, ON, OFF, cc(64, 0), cc(123, 0), *EVERY_CHANNEL_STOPS],
        NOTHING,
    ),
    "plinkysynth#23, zynthian#791: a note ends while the clock runs": (
        [ON, b"\xf8", OFF, b"\xf8"],
        NOTHING,
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_held(name: str) -> None:
    messages, expected = SCRIPTS[name]
    assert held_after(*messages) == expected


def test_a_note_released_in_the_same_frame_still_sounds_once() -> None:
    engine = made_engine()
    engine.send(1_000, ON)
    engine.send(1_000, OFF)
    audio = np.abs(engine.render(RATE_HZ)).max(axis=1)
    assert audio[: 1_000 + 960].max() > 0.01
    assert audio[-4_096:].max() == 0.0


def test_only_the_chosen_channel_is_heard() -> None:
    engine = made_engine()
    engine.state.fields["channel_mask"] = 1 << 4
    history = engine.state.read_log()
    for channel in range(16):
        engine.send(-1, note_on(60, 100, channel))
    engine.render(1_000)
    assert int(engine.state.meters["active_voices"]) == 1
    assert [int(e["status"]) for e in history.read()] == [0x94]


def released_level(pedal: int) -> float:
    """Return what is left of a note 0.3 s after it was let go, in a release of 0.3 s."""
    engine = made_engine(release_seconds=0.3)
    for message in (cc(64, pedal), note_on(60, 127)):
        engine.send(-1, message)
    before = np.abs(engine.render(RATE_HZ // 2)[-4_800:]).max()
    engine.send(-1, OFF)
    engine.render(int(0.3 * RATE_HZ))
    return float(np.abs(engine.render(4_800)).max() / before)


def test_half_pedal_stretches_the_release() -> None:
    levels = [released_level(pedal) for pedal in (0, 20, 40, 63)]
    assert levels[0] == pytest.approx(1e-3, rel=0.1)  # -60 dB after the release time
    assert levels == sorted(levels)
    assert levels[3] == pytest.approx(10 ** (-3 / 8), rel=0.1)  # eight times as long


def pitch_after(*messages: bytes, pitch: int = 69) -> float:
    """Return how many cents the messages move a note."""
    engine = made_engine()
    for message in (*messages, note_on(pitch, 127)):
        engine.send(-1, message)
    return cents(heard_hz(engine.render(RATE_HZ)[4_096:, 0]), pitch)


RANGE_12 = [cc(101, 0), cc(100, 0), cc(6, 12)]
UP, DOWN = pitch_bend(8191), pitch_bend(-8192)
TUNINGS = {
    "no bend": ([], 0.0),
    "up is two semitones": ([UP], 200.0),
    "down is two semitones": ([DOWN], -200.0),
    "half way is half of it": ([pitch_bend(4096)], 100.0),
    "RPN 0 sets the range": ([*RANGE_12, UP], 1200.0),
    "its LSB is cents": ([*RANGE_12, cc(38, 50), UP], 1250.0),
    "the range comes after the bend as well": ([UP, *RANGE_12], 1200.0),
    "null ends the selection": ([*RANGE_12, cc(101, 127), cc(100, 127), cc(6, 3), UP], 1200.0),
    "an NRPN ends it too": ([*RANGE_12, cc(99, 0), cc(98, 0), cc(6, 3), UP], 1200.0),
    "increment and decrement": ([*RANGE_12, cc(96, 0), cc(96, 0), cc(97, 0), UP], 1300.0),
    "reset centres the bend": ([UP, RESET], 0.0),
    "reset keeps the range": ([*RANGE_12, RESET, UP], 1200.0),
    "RPN 1 tunes finely": ([cc(101, 0), cc(100, 1), cc(6, 96)], 50.0),
    "RPN 2 tunes by semitones": ([cc(101, 0), cc(100, 2), cc(6, 67)], 300.0),
    "another channel's bend does nothing": ([pitch_bend(8191, 1)], 0.0),
    "another channel's range does nothing": (
        [cc(101, 0, 1), cc(100, 0, 1), cc(6, 12, 1), UP],
        200.0,
    ),
}


@pytest.mark.parametrize("name", TUNINGS)
def test_tuning(name: str) -> None:
    messages, expected = TUNINGS[name]
    assert pitch_after(*messages) == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(("before", "expected"), [((), 700.0), (RANGE_12, 1200.0)])
def test_a_preset_brings_its_own_bend_range_unless_one_was_given(
    before: tuple[bytes, ...], expected: float
) -> None:
    engine = made_engine(bend_range_semitones=7.0)
    for message in before:
        engine.send(-1, message)
    engine.command(USE_BANK, 1, ALL_CHANNELS)
    for message in (UP, note_on(69, 127)):
        engine.send(-1, message)
    assert cents(heard_hz(engine.render(RATE_HZ)[4_096:, 0]), 69) == pytest.approx(expected, abs=1)


def level_after(*messages: bytes, **sound: Any) -> float:
    """Return the level in dB that the messages give a note, against none."""

    def peak(before: tuple[bytes, ...]) -> float:
        engine = made_engine(**sound)
        for message in (note_on(60, 127), *before):
            engine.send(-1, message)
        return float(np.abs(engine.render(RATE_HZ // 2)[-9_600:]).max())

    return float(20 * np.log10(peak(messages) / peak(())))


LEVELS = {
    "volume 127": ([cc(7, 127)], 40 * np.log10(127 / 100)),
    "volume 50": ([cc(7, 50)], 40 * np.log10(50 / 100)),
    "expression 64": ([cc(11, 64)], 40 * np.log10(64 / 127)),
    "reset brings expression back": ([cc(11, 64), RESET], 0.0),
    "reset leaves volume": ([cc(7, 50), RESET], 40 * np.log10(50 / 100)),
    "another channel's volume": ([cc(7, 20, 1)], 0.0),
}


@pytest.mark.parametrize("name", LEVELS)
def test_levels_follow_general_midis_square_law(name: str) -> None:
    messages, expected = LEVELS[name]
    assert level_after(*messages) == pytest.approx(expected, abs=0.05)


def test_pressure_can_play_the_level_of_a_channel_or_a_key() -> None:
    for pressure in (bytes((0xD0, 127)), bytes((0xA0, 60, 127))):
        assert level_after(pressure, pressure_target=PRESSURE_LEVEL) == pytest.approx(6.02, abs=0.1)
    assert level_after(bytes((0xA0, 61, 127)), pressure_target=PRESSURE_LEVEL) == 0.0
    assert level_after(bytes((0xD0, 127)), RESET, pressure_target=PRESSURE_LEVEL) == 0.0


def test_brightness_and_pressure_move_the_cut_off_in_octaves() -> None:
    """The low-pass is a second-order Butterworth: 1 / (1 + (f / cut-off)^4) in power."""
    base_hz, pitch_hz = 120.0, frequency_hz(60)

    def power(cutoff_hz: float) -> float:
        return 1.0 / (1.0 + (pitch_hz / cutoff_hz) ** 4)

    for message, octaves in ((cc(74, 32), -2.0), (cc(74, 127), 4.0), (bytes((0xD0, 127)), 2.0)):
        level = level_after(message, cutoff_hz=base_hz, pressure_target=PRESSURE_CUTOFF)
        expected = 10 * np.log10(power(base_hz * 2**octaves) / power(base_hz))
        assert level == pytest.approx(expected, abs=0.2)


def test_pan_is_of_constant_power() -> None:
    powers = []
    for pan in (0, 1, 32, 64, 96, 127):
        engine = made_engine()
        engine.send(-1, cc(10, pan))
        engine.send(-1, note_on(60, 127))
        engine.render(9_600)
        left, right = np.abs(engine.render(9_600)).max(axis=0)
        powers.append(left**2 + right**2)
        if pan in (0, 127):
            assert min(left, right) < 1e-6
    assert powers == pytest.approx([powers[0]] * len(powers), rel=1e-3)


def test_the_mod_wheel_plays_vibrato() -> None:
    engine = made_engine(vibrato_depth_cents=50.0, vibrato_rate_hz=5.0)
    engine.send(-1, cc(1, 127))
    engine.send(-1, note_on(81, 127))
    audio = engine.render(RATE_HZ)[:, 0].astype(np.float64)
    crossings = np.flatnonzero((audio[:-1] < 0) & (audio[1:] >= 0))
    fraction = -audio[crossings] / (audio[crossings + 1] - audio[crossings])
    periods = np.diff(crossings + fraction)[40:]
    moved = 1200 * np.log2(RATE_HZ / periods / 880.0)
    assert moved.max() == pytest.approx(50.0, abs=2.0)
    assert moved.min() == pytest.approx(-50.0, abs=2.0)
    centred = moved - moved.mean()
    turns = np.count_nonzero((centred[:-1] < 0) & (centred[1:] >= 0))
    assert turns in (4, 5)  # 5 Hz for 0.95 s


def test_the_soft_pedal_softens_notes_that_are_struck_under_it() -> None:
    def peak(pedal: int) -> float:
        engine = made_engine()
        engine.send(-1, cc(67, pedal))
        engine.send(-1, note_on(60, 100))
        return float(np.abs(engine.render(9_600)).max())

    assert peak(127) == pytest.approx(0.75**2 * peak(0), rel=0.02)  # square law of velocity
    assert peak(127) < peak(64) < peak(0)


def test_velocity_follows_its_curve() -> None:
    def peak(velocity: int, curve: float, amount: float) -> float:
        engine = made_engine(velocity_curve=curve, velocity_to_gain=amount)
        engine.send(-1, note_on(60, velocity))
        return float(np.abs(engine.render(9_600)).max())

    full = peak(127, 1.0, 1.0)
    for velocity, curve in ((1, 0.5), (1, 2.0), (20, 1.0), (64, 2.0), (100, 0.5)):
        expected = (velocity / 127) ** curve
        assert peak(velocity, curve, 1.0) / full == pytest.approx(expected, rel=2e-3)
    assert peak(20, 2.0, 0.0) == pytest.approx(full, rel=1e-3)


def test_a_program_change_asks_control_and_changes_nothing_here() -> None:
    engine = made_engine()
    engine.send(-1, cc(0, 2, 5))
    engine.send(-1, program_change(17, 5))
    engine.render(256)
    request = engine.state.request_ring.pop()
    assert request is not None
    assert (int(request["status"]), int(request["data1"]), int(request["data2"])) == (0xC5, 17, 2)
    assert engine.state.request_ring.pop() is None
    assert engine.state.channels["bank"].tolist() == [1] * 16


def test_controllers_are_smoothed() -> None:
    """A volume pedal that jumps makes no step in the sound larger than the sound's own."""
    engine = made_engine()
    engine.send(-1, note_on(36, 127))
    steady = np.abs(np.diff(engine.render(RATE_HZ // 2)[9_600:, 0])).max()
    engine.send(-1, cc(7, 0))
    down = engine.render(9_600)[:, 0]
    engine.send(-1, cc(7, 100))
    up = engine.render(9_600)[:, 0]
    assert np.abs(down[-100:]).max() < 1e-4
    # at worst the full level (0.18) falls with a time constant of 5 ms (240 frames)
    for jump in (down, up):
        assert np.abs(np.diff(jump)).max() <= steady + 0.18 / 240
