"""Parts leave by their own outputs: all of each, nothing of the others, and the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.midi.messages import note_off, note_on
from instrument.preset.parts import SoundPart, write_part
from instrument.realtime.memory.constants import FADE_OUT, FOURTH_BANK, MASTER_GAIN, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.part_outputs import RATE_HZ, SPLIT, PairsEngine, three_parts
from tests.helpers.sounds.tones import cents, fill_bank, heard_hz

LAYER = (SoundPart(), SoundPart("pad"), SoundPart("bell"))


def pairs_of(block_frames: int = 128, parts: tuple[SoundPart, ...] = SPLIT) -> PairsEngine:
    pairs = PairsEngine(block_frames)
    three_parts(pairs.engine.state, parts)
    pairs.render(block_frames)
    return pairs


def loudest(sound: np.ndarray) -> list[float]:
    """Return the peak of every pair."""
    peaks: list[float] = np.abs(sound).max(axis=0).reshape(-1, 2).max(axis=1).tolist()
    return peaks


@pytest.mark.parametrize(("key", "pair"), [(65, 0), (40, 1), (90, 2)])
def test_a_part_leaves_by_its_own_pair_and_by_no_other(key: int, pair: int) -> None:
    pairs = pairs_of()
    pairs.engine.send(-1, note_on(key))
    sound = pairs.render(RATE_HZ)
    assert [peak > 0.01 for peak in loudest(sound)] == [number == pair for number in range(3)]
    assert [peak == 0.0 for peak in loudest(sound)] == [number != pair for number in range(3)]
    assert abs(cents(heard_hz(sound[9_600:, 2 * pair]), key)) < 3.0


def test_a_fourth_part_has_a_bank_and_a_pair_of_its_own() -> None:
    pairs = PairsEngine(pairs=3)
    state = pairs.engine.state
    three_parts(state)
    fill_bank(state, FOURTH_BANK)
    pairs.engine.command(USE_BANK, FOURTH_BANK, 3)
    write_part(state, 3, SoundPart("high", keys=(100, 127)), 3, ())
    pairs.engine.send(-1, note_on(100))
    sound = pairs.render(RATE_HZ)
    assert [peak > 0.01 for peak in loudest(sound)] == [False, False, True, True]
    assert abs(cents(heard_hz(sound[9_600:, 6]), 100)) < 3.0


def test_all_outputs_together_are_what_one_pair_would_have() -> None:
    pairs, alone = pairs_of(parts=LAYER), OfflineEngine(RATE_HZ, 128, note_seconds=1.0)
    three_parts(alone.state, LAYER)
    alone.render(128)
    for engine in (pairs.engine, alone):
        for number in range(6):
            engine.send(1_000 + 3_000 * number, note_on(48 + 5 * number, 70))
        for number in range(6):
            engine.send(20_000 + 3_000 * number, note_off(48 + 5 * number))
    apart = pairs.render(RATE_HZ)
    together = apart.reshape(-1, 3, 2).sum(axis=1)
    expected = alone.render(RATE_HZ)
    assert np.abs(expected).max() > 0.05
    assert int(alone.state.meters["limited_frames"]) == 0
    assert np.abs(together - expected).max() < 1e-6


def test_the_first_parts_bits_are_those_of_playing_alone() -> None:
    pairs, alone = pairs_of(), OfflineEngine(RATE_HZ, 128, note_seconds=1.0)
    three_parts(alone.state)
    alone.render(128)
    pairs.engine.send(-1, note_on(65))
    alone.send(-1, note_on(65))
    assert np.array_equal(pairs.render(RATE_HZ)[:, :2], alone.render(RATE_HZ))


@pytest.mark.parametrize("block_frames", [32, 47, 512])
def test_blocks_change_no_bit_of_any_output(block_frames: int) -> None:
    def sound(frames: int) -> np.ndarray:
        pairs = PairsEngine(frames)
        three_parts(pairs.engine.state)
        pairs.render(18_048)  # 47, 32, 128 and 512 begin together
        struck = [(20_000 + 701 * n, note_on(30 + 3 * n)) for n in range(30)]
        let_go = [(23_000 + 701 * n, note_off(30 + 3 * n)) for n in range(30)]
        for frame, message in sorted(struck + let_go):
            pairs.engine.send(frame, message)
        return pairs.render(50_000)

    assert np.array_equal(sound(block_frames), sound(128))


def test_gain_and_fade_are_the_masters() -> None:
    pairs = pairs_of()
    pairs.engine.send(-1, note_on(40))
    loud = loudest(pairs.render(RATE_HZ)[RATE_HZ // 2 :])[1]
    pairs.engine.command(MASTER_GAIN, value=-600)
    pairs.render(RATE_HZ // 2)
    assert loudest(pairs.render(RATE_HZ // 2))[1] == pytest.approx(loud * 10**-0.3, rel=0.02)
    pairs.engine.command(FADE_OUT)
    pairs.render(RATE_HZ // 20)
    assert loudest(pairs.render(4_800)) == [0.0, 0.0, 0.0]


def test_a_loud_part_is_bent_below_full_scale_and_the_others_are_not_touched() -> None:
    pairs, quiet = pairs_of(), pairs_of()
    pairs.engine.state.banks[2]["gain_db"] = 20.0
    for each in (pairs, quiet):
        each.engine.send(-1, note_on(65))
    pairs.engine.send(-1, note_on(40))
    sound = pairs.render(RATE_HZ)
    assert 0.9 < loudest(sound)[1] < 1.0
    assert np.array_equal(sound[:, :2], quiet.render(RATE_HZ)[:, :2])


def test_another_preset_of_the_first_part_leaves_the_other_pairs_alone() -> None:
    pairs = pairs_of()
    pairs.engine.send(-1, note_on(40))
    pairs.render(4_800)
    pairs.engine.command(USE_BANK, 3, 0)  # the third part's: what two share is the first one's
    pairs.engine.send(-1, note_on(65))
    pairs.engine.send(-1, note_on(90))
    peaks = loudest(pairs.render(RATE_HZ)[4_800:])
    assert peaks[0] > 0.01 and peaks[1] > 0.01 and peaks[2] == 0.0


def test_parts_without_a_pair_leave_by_the_main_one() -> None:
    pairs = PairsEngine(pairs=1)
    three_parts(pairs.engine.state)
    pairs.engine.send(-1, note_on(90))
    assert [peak > 0.01 for peak in loudest(pairs.render(RATE_HZ))] == [True, False]


def test_hostile_parts_reach_no_output_that_is_not_there() -> None:
    pairs = pairs_of()
    fields = pairs.engine.state.fields
    fields["part_count"] = 2**40
    fields["bank_pair"][1:4] = 2
    fields["parts"]["plays"] = (-5, 2**31 - 1, 16, -(2**31))
    fields["parts"]["hears"] = 0
    pairs.engine.send(-1, note_on(65))
    assert np.isfinite(pairs.render(RATE_HZ)).all()


def test_invalid_sound_of_a_part_is_silenced_and_counted() -> None:
    pairs = pairs_of()
    state = pairs.engine.state
    state.tones[2] = np.nan
    pairs.engine.send(-1, note_on(40))
    pairs.engine.send(-1, note_on(65))
    sound = pairs.render(RATE_HZ)
    assert np.isfinite(sound).all() and loudest(sound)[0] > 0.01
    assert int(state.meters["invalid_samples"]) > 0


def test_a_part_that_comes_later_has_its_pair_from_the_next_tick_on() -> None:
    pairs = PairsEngine()
    three_parts(pairs.engine.state, SPLIT[:1])
    pairs.render(128)
    pairs.engine.command(USE_BANK, 2, 1)
    write_part(pairs.engine.state, 1, SPLIT[1], 1, ())
    pairs.engine.send(-1, note_on(40))
    assert loudest(pairs.render(RATE_HZ))[1] > 0.01
