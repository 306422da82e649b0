"""The kernel and the tones of its tables: some are missing, late, damaged, looped, or replaced."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.midi.messages import note_off, note_on
from instrument.realtime.memory.constants import (
    ALL_CHANNELS,
    CARRY_BANK,
    FADE_BANK,
    LOUD,
    PANIC,
    SOFT,
    TICK_FRAMES,
    USE_BANK,
)
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.sine_engine import RATE_HZ, SECOND, engine_with_sines
from tests.helpers.sounds.tones import fill_bank, largest_step


def test_invalid_numbers_in_a_slot_end_the_voice_and_nothing_else() -> None:
    engine = engine_with_sines()
    engine.state.tones[1, :, 60 - 21, 5_000:5_010] = np.nan
    engine.send(0, note_on(60, 127))
    engine.send(0, note_on(72, 127))
    audio = engine.render(SECOND // 2)
    assert np.isfinite(audio).all()
    assert 1 <= int(engine.state.meters["invalid_samples"]) <= 2 * TICK_FRAMES
    assert int(engine.state.meters["active_voices"]) == 1
    assert np.abs(audio[-4_096:]).max() > 0.01


def test_fade_bank_frees_a_bank_that_is_still_sounding() -> None:
    engine = engine_with_sines()
    engine.send(0, note_on(60, 127))
    steady = engine.render(SECOND // 4)[SECOND // 8 :]
    engine.command(USE_BANK, 0, ALL_CHANNELS)
    engine.command(FADE_BANK, 1, 0)
    audio = engine.render(4_096)
    assert largest_step(audio) <= 1.05 * largest_step(steady)
    assert engine.state.bank_is_free(1)
    engine.state.clear_bank(1)
    assert not engine.state.slots[1]["frames_ready"].any()


def test_a_struck_key_without_a_slot_is_wanted_and_sounds_at_once() -> None:
    engine = engine_with_sines()
    engine.state.slots[1, :, 60 - 21]["frames_ready"] = 0
    engine.send(777, note_on(60, 127))
    audio = engine.render(SECOND // 4)
    assert int(engine.state.wanted[1, 60 - 21]) == 778
    assert np.flatnonzero(np.abs(audio).max(axis=1))[0] == 778
    assert int(engine.state.meters["stand_ins"]) == 1


def test_a_stand_in_gives_way_to_the_true_note_without_a_click() -> None:
    engine = engine_with_sines()
    engine.state.slots[1, :, 60 - 21]["frames_ready"] = 0
    engine.send(0, note_on(60, 127))
    steady = engine.render(SECOND // 4)[4_096:]
    assert int(engine.state.voices[0]["source_pitch"]) in (59, 61)
    engine.state.slots[1, :, 60 - 21]["frames_ready"] = SECOND
    swap = engine.render(SECOND // 4)
    assert largest_step(swap) <= 1.5 * largest_step(steady)
    sounding = [v for v in engine.state.voices if v["stage"]]
    assert [(int(v["pitch"]), int(v["source_pitch"])) for v in sounding] == [(60, 60)]
    engine.send(-1, note_off(60))
    engine.render(SECOND)
    assert int(engine.state.meters["active_voices"]) == 0


def test_a_held_note_is_carried_to_another_bank_without_a_click() -> None:
    engine = engine_with_sines()
    fill_bank(engine.state, 2, frames=SECOND)
    engine.state.slots[2, :, 60 - 21]["frames_ready"] = 0  # still to be rendered
    engine.send(0, note_on(60, 127))
    steady = engine.render(SECOND // 4)[4_096:]
    engine.command(CARRY_BANK, 1, 2)
    waits = engine.render(SECOND // 8)
    assert int(engine.state.voices[0]["source_bank"]) == 1
    engine.state.slots[2, :, 60 - 21]["frames_ready"] = SECOND
    swap = engine.render(SECOND // 4)
    assert largest_step(np.concatenate([waits, swap])) <= 1.5 * largest_step(steady)
    sounding = [v for v in engine.state.voices if v["stage"]]
    assert [(int(v["pitch"]), int(v["source_bank"])) for v in sounding] == [(60, 2)]
    assert engine.state.bank_is_free(1) is False  # new notes play it still
    engine.send(-1, note_off(60))
    engine.render(SECOND)
    assert int(engine.state.meters["active_voices"]) == 0


def test_with_no_table_at_all_the_built_in_tone_sounds() -> None:
    engine = OfflineEngine(RATE_HZ, 128, note_seconds=1.0)
    engine.command(USE_BANK, 3, ALL_CHANNELS)
    engine.send(0, note_on(67, 127))
    assert np.abs(engine.render(SECOND // 4)).max() > 0.01


def test_a_note_whose_rest_is_late_goes_over_to_a_neighbour() -> None:
    engine = engine_with_sines()
    attack = SECOND // 5
    engine.state.slots[1, :, 60 - 21]["frames_ready"] = attack
    engine.send(0, note_on(60, 127))
    audio = engine.render(SECOND // 2)
    assert int(engine.state.meters["starved_voices"]) == 1
    level = np.abs(audio).max(axis=1)
    assert level[attack:].reshape(-1, 480).max(axis=1).min() > 0.3 * level.max()
    assert largest_step(audio[attack // 2 :]) <= 1.5 * largest_step(audio[4_096 : attack // 2])


def test_velocity_blends_two_coherent_layers() -> None:
    engine = engine_with_sines(velocity_to_gain=0.0)
    engine.state.tones[1, SOFT] = 0.25 * engine.state.tones[1, LOUD]

    def peak(velocity: int) -> float:
        engine.command(PANIC, 0, 0)
        engine.render(4_096)
        engine.send(-1, note_on(60, velocity))
        return float(np.abs(engine.render(8_192)).max())

    soft, middle, loud = peak(40), peak(78), peak(115)
    assert soft / loud == pytest.approx(0.25, rel=0.01)
    weight = (78 - 40) / (115 - 40)
    assert middle / loud == pytest.approx(0.25 * (1 - weight) + weight, rel=0.01)
    assert peak(20) == pytest.approx(soft, rel=1e-3)  # outside the layers: no extrapolation
    assert peak(127) == pytest.approx(loud, rel=1e-3)


def test_a_held_note_sounds_for_as_long_as_it_is_held() -> None:
    engine = engine_with_sines()
    engine.send(0, note_on(69, 127))
    early = engine.render(SECOND)[SECOND // 2 :]
    late = engine.render(20 * SECOND)[-SECOND // 2 :]
    assert np.abs(late).max() == pytest.approx(np.abs(early).max(), rel=0.01)
    assert largest_step(late) <= 1.05 * largest_step(early)


def test_a_loop_goes_on_decaying_at_the_slots_own_pace() -> None:
    engine = engine_with_sines()
    per_second = 0.5
    engine.state.slots[1]["loop_decay_per_frame"] = per_second ** (1.0 / RATE_HZ)
    engine.send(0, note_on(69, 127))
    audio = np.abs(engine.render(5 * SECOND)).max(axis=1)
    levels = [audio[int(s * SECOND) : int(s * SECOND) + 4_800].max() for s in (2.0, 3.0, 4.0)]
    assert levels[1] / levels[0] == pytest.approx(per_second, rel=0.02)
    assert levels[2] / levels[1] == pytest.approx(per_second, rel=0.02)


def test_a_note_that_was_struck_on_its_attack_loops_and_decays_once_it_is_whole() -> None:
    early, whole = engine_with_sines(), engine_with_sines()
    for engine in (early, whole):
        engine.state.slots[1]["loop_decay_per_frame"] = 0.5 ** (1.0 / RATE_HZ)
    early.state.slots[1, :, 69 - 21]["frames_ready"] = SECOND // 4
    for engine in (early, whole):
        engine.send(0, note_on(69, 127))
    first = early.render(SECOND // 8)
    early.state.slots[1, :, 69 - 21]["frames_ready"] = SECOND
    assert np.array_equal(
        np.concatenate([first, early.render(3 * SECOND)]), whole.render(3 * SECOND + SECOND // 8)
    )


def test_a_slot_without_a_loop_ends_the_note_without_a_click() -> None:
    engine = engine_with_sines()
    engine.state.slots[1]["loop_end"] = 0
    engine.send(0, note_on(69, 127))
    steady = largest_step(engine.render(SECOND // 2)[4_096:])
    assert largest_step(engine.render(SECOND)) <= 1.05 * steady
    assert int(engine.state.meters["active_voices"]) == 0


def test_a_preset_change_does_not_touch_held_notes() -> None:
    plain, changed = engine_with_sines(), engine_with_sines()
    fill_bank(changed.state, 2, frames=24_000, soft_scale=0.1)
    for engine in (plain, changed):
        engine.send(0, note_on(60, 90))
    changed.command(USE_BANK, 2, ALL_CHANNELS, frame=10_000)
    assert np.array_equal(plain.render(SECOND), changed.render(SECOND))
