"""Mono, legato, glide, unison, transposition and tuning: what the keys come to sound."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.midi.messages import control_change as cc
from instrument.midi.messages import note_off, note_on
from instrument.preset.playing import Playing, playing_fields
from instrument.realtime.memory.constants import FREE, KIT_BANK, LEGATO, RELEASE, SILENT_KEY
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import RATE_HZ, held_keys, made_engine
from tests.helpers.sounds.tones import cents, heard_hz, largest_step

PAUSE = 4_800


def engine_of(playing: Playing, block_frames: int = 128, **sound: float) -> OfflineEngine:
    fields = {**playing_fields(playing), "release_seconds": 0.1, **sound}
    return made_engine(block_frames, **fields)


def played(engine: OfflineEngine, *messages: bytes, pause: int = PAUSE) -> np.ndarray:
    """Play messages one after the other and return the sound of it all, left side."""
    sound = []
    for message in messages:
        engine.send(-1, message)
        sound.append(engine.render(pause)[:, 0])
    return np.concatenate(sound)


def sounding(engine: OfflineEngine) -> list[int]:
    """Return the keys that sound, once per voice."""
    voices = engine.state.voices
    held = (voices["stage"] != FREE) & (voices["stage"] != RELEASE) & (voices["is_fading"] == 0)
    return sorted(int(key) for key in voices["key"][held])


@pytest.mark.parametrize("mode", ["mono", "legato"])
@pytest.mark.parametrize(
    ("priority", "while_three_are_held"),
    [("last", 64), ("highest", 67), ("lowest", 60)],
)
def test_one_of_the_held_keys_sounds(mode: str, priority: str, while_three_are_held: int) -> None:
    """60, 67 and 64 go down in this order; then the last one goes up, then 67 or 60."""
    engine = engine_of(Playing(mode=mode, priority=priority))  # type: ignore[arg-type]
    played(engine, note_on(60), note_on(67), note_on(64))
    assert sounding(engine) == [while_three_are_held]
    played(engine, note_off(64))
    first = {"last": 67, "highest": 67, "lowest": 60}[priority]
    assert sounding(engine) == [first]
    played(engine, note_off(first))
    assert sounding(engine) == [127 - first]  # 60 or 67: the one that is left
    played(engine, note_off(127 - first))
    assert sounding(engine) == []


def test_legato_moves_the_note_that_sounds_and_strikes_when_keys_do_not_overlap() -> None:
    engine = engine_of(Playing(mode="legato"))
    played(engine, note_on(60, 40), note_on(72, 127))
    (voice,) = engine.state.voices[engine.state.voices["stage"] != FREE]
    assert voice["key"] == 72 and voice["velocity"] == 40 and voice["start_frame"] == 128
    played(engine, note_off(60), note_off(72), note_on(64, 127))
    voices = engine.state.voices[engine.state.voices["stage"] != FREE]
    assert voices[voices["key"] == 64]["velocity"].tolist() == [127]


def test_a_legato_line_is_in_tune_reads_its_own_tones_and_never_clicks() -> None:
    engine = engine_of(Playing(mode="legato"))
    quiet = largest_step(played(engine_of(Playing()), note_on(84)))
    sound = played(engine, *(note_on(pitch) for pitch in (60, 79, 62, 84)), pause=RATE_HZ // 4)
    parts = sound.reshape(4, -1)[:, 4_000:]
    for part, pitch in zip(parts, (60, 79, 62, 84), strict=True):
        assert abs(cents(heard_hz(part), pitch)) < 1.0
    assert largest_step(sound) < 1.3 * quiet
    voices = engine.state.voices[engine.state.voices["stage"] != FREE]
    assert voices["source_pitch"].tolist() == [84]


def heard_at(sound: np.ndarray, seconds: float, window: int = 1_500) -> float:
    """Return the pitch around a moment, in semitones."""
    at = round(seconds * RATE_HZ) - window // 2
    return float(69.0 + 12.0 * np.log2(heard_hz(sound[at : at + window]) / 440.0))


@pytest.mark.parametrize("mode", ["poly", "mono", "legato"])
def test_a_glide_is_a_straight_line_in_semitones_of_the_time_given(mode: str) -> None:
    playing = Playing(mode=mode, glide="always", glide_seconds=0.8)  # type: ignore[arg-type]
    engine = engine_of(playing, release_seconds=0.005)
    if mode == "legato":
        played(engine, note_on(60))
    else:
        played(engine, note_on(60), note_off(60), pause=RATE_HZ // 4)
    sound = played(engine, note_on(72), pause=RATE_HZ)
    for seconds in (0.2, 0.4, 0.6):
        assert heard_at(sound, seconds) == pytest.approx(60 + 12 * seconds / 0.8, abs=0.15)
    assert heard_at(sound, 0.95) == pytest.approx(72.0, abs=0.01)
    assert largest_step(sound[4_800:]) < 0.1


def glide_seconds(engine: OfflineEngine, first: int, then: int) -> float:
    """Return how long the second of two overlapping notes is on its way."""
    played(engine, note_on(first), note_on(then), pause=128)
    waited = 0
    while np.any(engine.state.voices["glide"][engine.state.voices["key"] == then]):
        engine.render(128)
        waited += 128
        assert waited < 12 * RATE_HZ
    return (waited + 128) / RATE_HZ


def test_time_is_for_the_whole_way_and_rate_for_each_octave() -> None:
    time = Playing(glide="always", glide_seconds=0.3)
    rate = Playing(glide="always", glide_seconds=0.3, glide_timing="rate")
    assert glide_seconds(engine_of(time), 60, 84) == pytest.approx(0.3, abs=0.01)
    assert glide_seconds(engine_of(rate), 60, 84) == pytest.approx(0.6, abs=0.01)
    assert glide_seconds(engine_of(rate), 60, 63) == pytest.approx(0.075, abs=0.01)


def test_only_overlapping_notes_glide_if_so_wanted() -> None:
    playing = Playing(mode="mono", glide="overlapping", glide_seconds=1.0)
    engine = engine_of(playing)
    played(engine, note_on(60), note_off(60), note_on(72))
    assert not engine.state.voices["glide"].any()
    played(engine, note_on(64))
    assert engine.state.voices["glide"][engine.state.voices["key"] == 64].any()


def test_the_portamento_pedal_its_time_and_a_named_key() -> None:
    plain = Playing()
    assert glide_seconds(engine_of(plain), 60, 72) < 0.004
    pedal = engine_of(plain)
    played(pedal, cc(65, 127))
    assert glide_seconds(pedal, 60, 72) == pytest.approx(0.1, abs=0.01)
    timed = engine_of(plain)
    played(timed, cc(65, 127), cc(5, 64))
    assert glide_seconds(timed, 60, 72) == pytest.approx(0.01 * 2 ** (10 * 64 / 127), rel=0.03)
    off = engine_of(Playing(glide="always", glide_seconds=1.0))
    played(off, cc(65, 0))
    assert glide_seconds(off, 60, 72) < 0.004
    named = engine_of(plain)
    played(named, cc(5, 64), cc(84, 48), note_on(60), pause=32)
    assert float(named.state.voices["glide"][0]) == pytest.approx(-12.0, abs=0.1)
    played(named, note_off(60), note_on(64), pause=32)
    assert not named.state.voices["glide"][named.state.voices["key"] == 64].any()


def test_reset_all_controllers_gives_the_glide_back_to_the_preset() -> None:
    engine = engine_of(Playing(glide="always", glide_seconds=0.3))
    played(engine, cc(65, 0), cc(121, 0))
    assert glide_seconds(engine, 60, 72) == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("unison", [2, 5, 8])
def test_unison_spreads_detunes_and_stays_as_loud(unison: int) -> None:
    alone = engine_of(Playing())
    together = engine_of(Playing(unison=unison, unison_detune_cents=20.0, unison_spread=1.0))
    level = np.sqrt(np.mean(played(alone, note_on(69), pause=RATE_HZ)[4_800:] ** 2))
    played(together, note_on(69), pause=4_800)
    both = together.render(4 * RATE_HZ)
    assert sounding(together) == [69] * unison
    voices = together.state.voices[together.state.voices["stage"] != FREE]
    detune = np.sort(voices["detune"]) * 100.0
    assert detune == pytest.approx(np.linspace(-20.0, 20.0, unison), abs=0.01)
    assert np.sort(voices["pan"]) == pytest.approx(np.linspace(-1.0, 1.0, unison), abs=1e-6)
    loud = np.sqrt(np.mean(both**2))
    assert 20 * np.log10(loud / level) == pytest.approx(0.0, abs=1.5)
    played(together, note_off(69), pause=RATE_HZ)
    assert not together.state.voices["stage"].any()


def test_a_transposed_preset_reads_the_tones_of_its_new_pitches() -> None:
    engine = engine_of(Playing(transpose_semitones=-12))
    sound = played(engine, note_on(72), pause=RATE_HZ // 2)
    assert abs(cents(heard_hz(sound[4_800:]), 60)) < 0.5
    assert engine.state.voices[0]["source_pitch"] == 60 and held_keys(engine.state) == [(0, 60)]
    played(engine, note_off(72), pause=RATE_HZ)
    assert not engine.state.voices["stage"].any()


def test_a_tuned_key_sounds_its_pitch_a_silent_one_nothing_and_drums_stay() -> None:
    engine = engine_of(Playing())
    keys = engine.state.fields["key_semitones"]
    keys[69], keys[70] = 66.35, SILENT_KEY
    sound = played(engine, note_on(69), pause=RATE_HZ // 2)
    assert abs(cents(heard_hz(sound[4_800:]), 66) - 35.0) < 0.5
    assert engine.state.voices[0]["source_pitch"] == 66
    played(engine, note_off(69), note_on(70))
    assert sounding(engine) == []
    played(engine, note_off(70))
    engine.state.channels["bank"] = KIT_BANK
    played(engine, note_on(70))
    voices = engine.state.voices[engine.state.voices["stage"] != FREE]
    assert voices["pitch"].tolist() == [70]


@pytest.mark.parametrize("block_frames", [32, 47, 512])
def test_blocks_change_no_bit_of_a_gliding_legato_unison(block_frames: int) -> None:
    playing = Playing(
        mode="legato", glide="always", glide_seconds=0.2, unison=3, transpose_semitones=2
    )

    def sound(frames: int) -> np.ndarray:
        engine = engine_of(playing, frames, variation=1.0, vibrato_share=1.0)
        engine.render(-engine.state.clock % 18_048)  # 47, 32, 128 and 512 begin together
        for number, pitch in enumerate((60, 72, 65)):
            engine.send(20_000 + 7_001 * number, note_on(pitch))
        for number, pitch in enumerate((72, 65, 60)):
            engine.send(45_000 + 3_001 * number, note_off(pitch))
        return engine.render(80_000)

    assert np.array_equal(sound(block_frames), sound(128))


def test_in_an_mpe_zone_the_fingers_of_a_line_count_together() -> None:
    engine = engine_of(Playing(mode="mono"))
    for control, value in ((101, 0), (100, 6), (6, 4)):
        engine.send(-1, cc(control, value))
    played(engine, note_on(60, channel=1), note_on(64, channel=2))
    assert sounding(engine) == [64]
    played(engine, note_off(64, channel=2))
    assert sounding(engine) == [60]
    played(engine, note_off(60, channel=1))
    assert sounding(engine) == []


def test_mono_by_controller_strikes_anew_in_a_poly_preset_and_keeps_a_legato_one() -> None:
    engine = engine_of(Playing(mode="legato"))
    played(engine, cc(126, 1), note_on(60), note_on(64))
    assert int(engine.state.banks[1]["playing_mode"]) == LEGATO
    (voice,) = engine.state.voices[engine.state.voices["stage"] != FREE]
    assert voice["key"] == 64 and voice["is_fading"] == 0
