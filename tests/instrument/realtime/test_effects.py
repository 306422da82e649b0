"""Effects: none where none is asked for, the same bits however blocks fall, and what each does."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.midi.messages import control_change, note_off, note_on
from instrument.realtime.memory.constants import FADE_BANK, PANIC, TEMPO, USE_BANK
from instrument.realtime.memory.effect_memory import CHORUSES, DELAY_FRAMES, ROOMS
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import RATE_HZ, made_engine
from tests.helpers.sounds.tones import cents, frequency_hz, heard_hz, largest_step

EVERYTHING = {
    "width": 0.5,
    "drive": 0.2,
    "glue": 0.5,
    "tone_low_db": 3.0,
    "tone_mid_db": -3.0,
    "tone_high_db": 2.0,
    "chorus_level": 0.5,
    "chorus_kind": 1.0,
    "delay_level": 0.4,
    "reverb_level": 0.5,
    "reverb_room": 2.0,
    "reverb_modulation_milliseconds": 2.0,
}
ONE_EACH = [
    {name: value}
    for name, value in EVERYTHING.items()
    if name not in ("chorus_kind", "reverb_room", "reverb_modulation_milliseconds")
]


def play(engine: OfflineEngine, seconds: float = 1.0, pitch: int = 60) -> np.ndarray:
    """Hold a key for a quarter of a second: float32, shape (frames, 2)."""
    start = engine.state.clock
    engine.send(start + 101, note_on(pitch, 100))
    engine.send(start + RATE_HZ // 4, note_off(pitch))
    return engine.render(round(seconds * RATE_HZ))


def level_db(audio: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(audio, dtype=np.float64))) + 1e-12))


@pytest.mark.parametrize("block_frames", [32, 37, 480])
@pytest.mark.parametrize("effects", [EVERYTHING, *ONE_EACH], ids=lambda found: "+".join(found)[:20])
def test_blocks_change_no_bit(effects: dict[str, float], block_frames: int) -> None:
    sounds = []
    for frames in (128, block_frames):
        engine = made_engine(frames, **effects)
        engine.render(RATE_HZ // 10 - engine.state.clock)
        sounds.append(play(engine))
    assert np.array_equal(sounds[0], sounds[1])


def test_without_effects_nothing_runs() -> None:
    engine = made_engine()
    play(engine)
    assert not engine.state.fields["chains"]["is_awake"].any()


@pytest.mark.parametrize("effects", ONE_EACH, ids=lambda found: next(iter(found)))
def test_every_effect_is_heard_and_begins_and_ends_without_a_click(
    effects: dict[str, float],
) -> None:
    dry = play(made_engine(gain_db=6.0), 0.6)
    wet = play(made_engine(128, gain_db=6.0, **effects), 0.6)
    assert level_db(wet - dry) > level_db(dry) - 50.0
    assert largest_step(wet) < 3.0 * largest_step(dry)


def test_width_is_lost_in_mono_and_the_sum_stays_as_it_was() -> None:
    dry, wide = play(made_engine()), play(made_engine(width=0.5))
    np.testing.assert_allclose(wide.sum(axis=1), dry.sum(axis=1), atol=1e-6)
    half = slice(RATE_HZ // 20, RATE_HZ // 5)
    assert np.corrcoef(wide[half].T)[0, 1] < 0.9
    assert level_db(wide[half, 0] - wide[half, 1]) - level_db(wide[half].sum(axis=1)) > -14.0


@pytest.mark.parametrize(
    ("band", "pitch"), [("tone_low_db", 33), ("tone_mid_db", 83), ("tone_high_db", 108)]
)
@pytest.mark.parametrize("db", [-6.0, 6.0])
def test_a_band_raises_what_lies_in_it(band: str, pitch: int, db: float) -> None:
    """Shelves reach their gain well beyond their frequency, the bell at its own (B5 is 988 Hz)."""
    where = {"tone_low_hz": 800.0, "tone_high_hz": 1000.0, "tone_mid_hz": frequency_hz(83)}
    half = slice(RATE_HZ // 10, RATE_HZ // 5)
    dry = play(made_engine(128, **where), pitch=pitch)[half]
    wet = play(made_engine(128, **where, **{band: db}), pitch=pitch)[half]
    assert level_db(wet) - level_db(dry) == pytest.approx(db, abs=0.7)


def test_echoes_come_when_the_preset_says_and_on_both_sides_by_turns() -> None:
    engine = made_engine(
        delay_level=0.5, delay_seconds=0.4, delay_feedback=0.5, release_seconds=0.01
    )
    audio = play(engine, 1.5)
    first = audio[int(0.42 * RATE_HZ) : int(0.6 * RATE_HZ)]
    second = audio[int(0.85 * RATE_HZ) : int(1.0 * RATE_HZ)]
    assert level_db(first[:, 0]) > level_db(first[:, 1]) + 20.0
    assert level_db(second[:, 1]) > level_db(second[:, 0]) + 20.0


def test_a_delay_in_beats_follows_the_tempo() -> None:
    engine = made_engine(delay_level=1.0, delay_beats=0.5, release_seconds=0.01, delay_feedback=0.0)
    engine.command(TEMPO, value=60 * 100)  # half a beat = half a second
    audio = play(engine, 1.0)
    silent = audio[int(0.3 * RATE_HZ) : int(0.49 * RATE_HZ)]
    echo = audio[int(0.52 * RATE_HZ) : int(0.7 * RATE_HZ)]
    assert level_db(silent) < -60.0 < level_db(echo) - 20.0


def test_a_midi_clock_sets_the_tempo() -> None:
    engine = made_engine()
    for tick in range(240):
        engine.send(round(tick * RATE_HZ * 60 / (90 * 24)) + 1000, [0xF8])
    engine.render(7 * RATE_HZ)
    assert engine.state.fields["tempo"] == pytest.approx(90.0, rel=0.01)


@pytest.mark.parametrize("room", range(len(ROOMS)))
def test_a_room_dies_away_as_fast_as_it_shall(room: int) -> None:
    sound = {"reverb_level": 1.0, "reverb_room": room, "reverb_seconds": 1.0}
    engine = made_engine(128, **sound, reverb_damping_hz=20_000.0, release_seconds=0.01)
    audio = play(engine, 1.2)
    levels = [level_db(audio[int(t * RATE_HZ) : int((t + 0.2) * RATE_HZ)]) for t in (0.4, 0.9)]
    assert levels[0] - levels[1] == pytest.approx(30.0, abs=5.0)  # 60 dB in a second


@pytest.mark.parametrize("room", range(len(ROOMS)))
def test_walls_that_sway_make_keys_even_and_keep_the_pitch(room: int) -> None:
    """A resonance rings where a key happens to lie on it; no key lies on one that moves."""
    ranges = []
    for sway in (0.0, 2.0):
        sound = {"reverb_level": 0.3, "reverb_room": room, "reverb_seconds": 1.8}
        engine = made_engine(128, **sound, reverb_modulation_milliseconds=sway)
        audio = {pitch: held(engine, pitch) for pitch in range(60, 84)}
        ranges.append(np.ptp([level_db(sound) for sound in audio.values()]))
        assert abs(cents(heard_hz(audio[69][:, 0]), 69)) < 3.0
    assert ranges[1] < 0.7 * ranges[0]


def held(engine: OfflineEngine, pitch: int) -> np.ndarray:
    """Return the last second of a key held for two, after whatever rang before has died."""
    engine.send(-1, note_on(pitch, 100))
    audio = engine.render(2 * RATE_HZ)[RATE_HZ:]
    engine.send(-1, note_off(pitch))
    engine.render(4 * RATE_HZ)
    return audio


def test_controllers_91_and_93_are_the_sends() -> None:
    for control in (91, 93):
        engine = made_engine()
        engine.send(-1, control_change(control, 100))
        assert level_db(play(engine) - play(made_engine())) > -60.0
        engine = made_engine(reverb_level=0.5, chorus_level=0.5)
        engine.send(-1, control_change(91, 0))
        engine.send(-1, control_change(93, 0))
        engine.render(RATE_HZ // 2)
        play(engine)
        fields = engine.state.fields["chains"][1]
        assert abs(float(fields["reverb_level"])) < 1e-6 > abs(float(fields["chorus_level"]))


@pytest.mark.parametrize("kind", range(len(CHORUSES)))
def test_a_chorus_keeps_the_pitch(kind: int) -> None:
    engine = made_engine(chorus_level=0.7, chorus_kind=kind)
    engine.send(-1, note_on(69, 100))
    audio = engine.render(3 * RATE_HZ)
    assert abs(cents(heard_hz(audio[RATE_HZ:, 0]), 69)) < 3.0


@pytest.mark.parametrize("command", [PANIC, FADE_BANK])
def test_panic_and_a_fading_bank_end_what_rings(command: int) -> None:
    engine = made_engine(reverb_level=1.0, reverb_seconds=10.0, delay_level=0.5, delay_feedback=0.9)
    play(engine)
    assert engine.state.meters["bank_voices"][1] == 1
    engine.command(command, 1)
    engine.render(RATE_HZ // 10)
    assert not engine.render(RATE_HZ).any()
    assert engine.state.meters["bank_voices"][1] == 0


def test_a_chain_sleeps_when_nothing_is_heard_and_wakes_as_new() -> None:
    engine = made_engine(128, **EVERYTHING, release_seconds=0.05)
    first = play(engine, 8.0)
    assert not engine.state.fields["chains"]["is_awake"].any()
    engine.render(-engine.state.clock % (8 * RATE_HZ))
    assert np.array_equal(play(engine, 8.0), first)


def test_a_chain_that_is_struck_as_it_falls_asleep_wakes_as_new() -> None:
    """Its lines are cleaned bit by bit; what wakes it does not hear what is left."""
    engine, other = (made_engine(128, **EVERYTHING, release_seconds=0.05) for _ in range(2))
    play(engine)
    chain = engine.state.fields["chains"][1]
    while chain["is_awake"]:
        engine.render(128)
    engine.render(128)
    assert 0 < chain["unclean"] < DELAY_FRAMES
    other.render(engine.state.clock)
    assert np.array_equal(play(engine), play(other))


def test_two_banks_keep_their_own_effects() -> None:
    """A bank without effects sounds the same beside one that has them all."""
    engine = made_engine(128, **EVERYTHING)
    alone = made_engine()
    dry = play(alone)
    state = engine.state
    for layer in (0, 1):
        for pitch in range(30, 100):
            slot = state.slots[1, layer, pitch - 21]
            samples = state.tones[1, layer, pitch - 21, : int(slot["frames_ready"])]
            loop = (int(slot["loop_start"]), int(slot["loop_end"]))
            state.write_slot(2, layer, pitch, samples, loop=loop)
    engine.command(USE_BANK, 2, 5)
    engine.render(128)
    start = state.clock
    engine.send(start + 50, note_on(72, 100))
    engine.send(start + 101, note_on(60, 100, 5))
    engine.send(start + RATE_HZ // 4, note_off(60, channel=5))
    both = engine.render(RATE_HZ)
    one = made_engine(128, **EVERYTHING)
    one.render(128)
    one.send(one.state.clock + 50, note_on(72, 100))
    wet = one.render(RATE_HZ)
    np.testing.assert_allclose(both - wet, dry, atol=1e-6)


def test_an_orbit_goes_from_side_to_side_at_constant_power() -> None:
    engine = made_engine(orbit_depth=1.0, orbit_rate_hz=1.0)
    engine.send(-1, note_on(69, 100))
    audio = engine.render(2 * RATE_HZ)[RATE_HZ:]
    power = (audio.reshape(20, -1, 2) ** 2).mean(axis=1)
    assert power[:, 0].max() > 50 * power[:, 1].min()
    assert power.sum(axis=1).max() < 1.05 * power.sum(axis=1).min()


def test_glue_counts_the_peaks_between_samples() -> None:
    """A sine at a quarter of the rate, sampled halfway up, is 3 dB higher than its samples."""
    phase = np.pi / 2 * np.arange(RATE_HZ) + np.pi / 4
    gains = []
    for glue in (0.0, 1e-6):
        engine = made_engine(gain_db=0.0, velocity_to_gain=0.0, glue=glue, width=1e-9)
        for layer in (0, 1):
            engine.state.write_slot(1, layer, 60, (1.6 * np.sin(phase)).astype(np.float32))
        engine.send(-1, note_on(60, 127))
        engine.render(128)  # the compressor itself takes 10 ms
        gains.append(float(engine.state.meters["limiter_gain"]))
    assert gains[0] == 1.0
    assert gains[1] == pytest.approx(0.89125 / (1.6 * 2**-0.5), rel=0.1)  # pan in the middle
