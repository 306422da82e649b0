"""The MIDI Tuning Standard and master tuning: which pitch is heard, when, and where."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from instrument.midi.messages import control_change as cc
from instrument.midi.messages import note_off, note_on
from instrument.preset.parts import SoundPart, write_part
from instrument.realtime.memory.constants import FREE, KIT_BANK, SILENT_KEY
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import RATE_HZ, made_engine
from tests.helpers.music.tunings import dump, exclusive, octave, octave_dump, retune
from tests.helpers.sounds.tones import cents, heard_hz

STRETCHED = [min(21.0 + 0.97 * key, 127.9) for key in range(128)]
MEANTONE = [0.0, -24, -7, 10, -14, 3, -21, -3, -27, -10, 7, -17]  # quarter comma, whole cents
SETTLES = 4_800


def heard(engine: OfflineEngine, *, frames: int = 2 * RATE_HZ) -> float:
    """Return the pitch that sounds, in semitones, 69 = 440 Hz."""
    engine.render(SETTLES)
    return 69.0 + cents(heard_hz(engine.render(frames)[:, 0]), 69) / 100.0


def heard_of(engine: OfflineEngine, key: int, channel: int = 0) -> float:
    """Strike a key, return its pitch, let it go."""
    engine.send(-1, note_on(key, channel=channel))
    pitch = heard(engine)
    engine.send(-1, note_off(key, channel))
    engine.render(RATE_HZ)
    return pitch


def send(engine: OfflineEngine, *messages: bytes) -> None:
    for message in messages:
        engine.send(-1, message)
    engine.render(128)


def select_program(engine: OfflineEngine, program: int, channel: int = 0) -> None:
    for control, value in ((101, 0), (100, 3), (6, program)):
        engine.send(-1, cc(control, value, channel))
    engine.render(128)


def within_a_tenth_of_a_cent(pitch: float) -> object:
    return pytest.approx(pitch, abs=0.001)


@pytest.mark.parametrize("bank", [None, 0])
def test_single_keys_are_retuned_and_others_are_not(bank: int | None) -> None:
    engine = made_engine()
    send(engine, retune({60: 60.5, 69: 68.75, 127: 40.1}, bank=bank))
    for key, pitch in {60: 60.5, 61: 61.0, 69: 68.75, 127: 40.1}.items():
        assert heard_of(engine, key) == within_a_tenth_of_a_cent(pitch)


@pytest.mark.parametrize("bank", [None, 0])
def test_a_dump_retunes_every_key(bank: int | None) -> None:
    engine = made_engine()
    send(engine, dump(STRETCHED, bank=bank))
    for key in (0, 40, 60, 90):
        assert heard_of(engine, key) == within_a_tenth_of_a_cent(STRETCHED[key])


@pytest.mark.parametrize("wide", [False, True])
def test_the_notes_of_an_octave_are_moved_in_every_octave(wide: bool) -> None:
    engine = made_engine()
    send(engine, octave(MEANTONE, wide=wide))
    for key in (48, 49, 64, 80, 95):
        expected = key + MEANTONE[key % 12] / 100.0
        assert heard_of(engine, key) == within_a_tenth_of_a_cent(expected)
    send(engine, octave_dump([50] * 12, wide=wide))  # a program's: the channel's is added to it
    assert heard_of(engine, 64) == within_a_tenth_of_a_cent(64.5 - 0.14)


def test_an_octave_is_the_channels_that_are_meant() -> None:
    engine = made_engine()
    send(engine, octave([30.0] * 12, (0, 6, 7, 14, 15)))
    moved = engine.state.channels["octave_tuning"].any(axis=1)
    assert np.flatnonzero(moved).tolist() == [0, 6, 7, 14, 15]
    assert heard_of(engine, 60, 6) == within_a_tenth_of_a_cent(60.3)
    assert heard_of(engine, 60, 5) == within_a_tenth_of_a_cent(60.0)


@pytest.mark.parametrize(
    "message",
    [retune({60: 60.4}), retune({60: 60.4}, bank=0), octave([40.0] * 12)],
    ids=["key", "key of a bank", "octave"],
)
def test_real_time_retunes_what_sounds(message: bytes) -> None:
    engine = made_engine()
    send(engine, note_on(60), message)
    assert heard(engine) == within_a_tenth_of_a_cent(60.4)
    assert int(engine.state.voices[0]["source_pitch"]) == 60


def test_what_sounds_goes_over_to_the_tone_of_its_new_pitch_without_a_click() -> None:
    engine = made_engine()
    send(engine, note_on(60))
    engine.render(RATE_HZ // 2)
    before = np.abs(np.diff(engine.render(RATE_HZ // 2)[:, 0])).max()
    send(engine, retune({60: 64.2}))
    after = engine.render(RATE_HZ // 2)[:, 0]
    assert np.abs(np.diff(after)).max() < before * 2 ** (4.2 / 12) * 1.5  # two tones cross
    assert heard(engine) == within_a_tenth_of_a_cent(64.2)
    sounding = engine.state.voices[engine.state.voices["stage"] != FREE]
    assert sounding["source_pitch"].tolist() == [64]
    send(engine, note_off(60))
    engine.render(RATE_HZ)
    assert not engine.state.voices["stage"].any()


@pytest.mark.parametrize(
    "message",
    [
        *(retune({60: 60.4}, bank=0, now=False), dump([key + 0.4 for key in range(127)] + [127.4])),
        *(octave([40.0] * 12, now=False), octave_dump([40.0] * 12)),
    ],
    ids=["key", "dump", "octave", "octave dump"],
)
def test_the_rest_is_for_the_next_strike(message: bytes) -> None:
    engine = made_engine()
    send(engine, note_on(60), message)
    assert heard(engine) == within_a_tenth_of_a_cent(60.0)
    send(engine, note_off(60))
    assert heard_of(engine, 60) == within_a_tenth_of_a_cent(60.4)


def test_channels_choose_their_tuning_program() -> None:
    engine = made_engine()
    send(engine, retune({60: 60.2}, program=0), retune({60: 60.7}, program=9))
    select_program(engine, 9, channel=2)
    assert heard_of(engine, 60, 2) == within_a_tenth_of_a_cent(60.7)
    assert heard_of(engine, 60, 0) == within_a_tenth_of_a_cent(60.2)
    send(engine, cc(97, 0, 2))
    assert int(engine.state.channels[2]["tuning_program"]) == 8
    assert heard_of(engine, 60, 2) == within_a_tenth_of_a_cent(60.0)


def test_a_zone_chooses_and_moves_together() -> None:
    engine = made_engine()
    for control, value in ((101, 0), (100, 6), (6, 3)):
        engine.send(-1, cc(control, value))
    send(engine, retune({60: 60.7}, program=9), octave([10.0] * 12, (0,)))
    select_program(engine, 9)
    assert engine.state.channels["tuning_program"].tolist()[:5] == [9, 9, 9, 9, 0]
    assert heard_of(engine, 60, 2) == within_a_tenth_of_a_cent(60.8)


def test_parts_that_hear_a_channel_have_its_octave() -> None:
    engine = made_engine()
    for number, part in enumerate((SoundPart(channel=3), SoundPart("pad", channel=4))):
        write_part(engine.state, number, part, number, ())
    send(engine, octave([25.0] * 12, (2,)))
    moved = engine.state.channels["octave_tuning"][:, 0]
    assert np.flatnonzero(moved).tolist() == [0]


def test_a_retuned_key_counts_before_the_players_own_scale_and_drums_stay() -> None:
    engine = made_engine()
    keys = engine.state.fields["key_semitones"]
    keys[60], keys[61] = SILENT_KEY, SILENT_KEY
    send(engine, retune({60: 72.1, 62: 50.0}), octave([30.0] * 12))
    assert heard_of(engine, 60) == within_a_tenth_of_a_cent(72.4)
    send(engine, note_on(61))
    assert not engine.state.voices["stage"].any()
    engine.state.channels["bank"] = KIT_BANK
    send(engine, note_on(62))
    assert engine.state.voices["pitch"][engine.state.voices["stage"] != FREE].tolist() == [62]


def test_the_whole_instrument_is_tuned_and_turned_down() -> None:
    engine = made_engine()
    send(engine, exclusive(b"\x04\x03\x00\x50", now=True))  # fine: 1/4 of a semitone up
    send(engine, exclusive(b"\x04\x04\x00\x3e", now=True))  # coarse: two down
    engine.send(-1, note_on(60))
    assert heard(engine) == within_a_tenth_of_a_cent(58.25)
    loud = np.abs(engine.render(RATE_HZ)).max()
    send(engine, exclusive(b"\x04\x01\x00\x40", now=True))
    engine.render(RATE_HZ)
    quiet = np.abs(engine.render(RATE_HZ)).max()
    assert 20 * np.log10(quiet / loud) == pytest.approx(40 * np.log10(8192 / 16383), abs=0.01)
    send(engine, b"\xff", note_on(60))
    assert heard(engine) == within_a_tenth_of_a_cent(60.0)
    assert np.abs(engine.render(RATE_HZ)).max() == pytest.approx(loud, rel=0.01)


def test_the_drums_leave_the_master_tuning_alone() -> None:
    engine = made_engine()
    engine.state.channels["bank"][9] = KIT_BANK
    send(engine, exclusive(b"\x04\x04\x00\x41", now=True))
    engine.render(RATE_HZ)
    assert engine.state.channels["bend_semitones"].tolist() == [1.0] * 9 + [0.0] + [1.0] * 6


def test_a_reset_forgets_every_tuning() -> None:
    engine = made_engine()
    clean = engine.state.fields["tunings"].tobytes()
    send(engine, dump(STRETCHED, program=77), retune({60: 61.0}), octave([30.0] * 12))
    assert engine.state.fields["tunings"].tobytes() != clean
    send(engine, bytes.fromhex("f07e7f0901f7"))
    assert engine.state.fields["tunings"].tobytes() == clean
    assert heard_of(engine, 60) == within_a_tenth_of_a_cent(60.0)


DUMP = dump(STRETCHED)
HOSTILE = {
    "a wrong checksum": DUMP[:-2] + bytes((DUMP[-2] ^ 1, 0xF7)),
    "a wrong checksum of an octave": octave_dump([40.0] * 12)[:-2] + b"\x00\xf7",
    "cut off": DUMP[:200] + b"\xf7",
    "a byte too many": DUMP[:-1] + b"\x00\xf7",
    "much too long": DUMP[:-1] + b"\x01" * 5000 + b"\xf7",
    "more keys announced than there are": bytes.fromhex("f07f7f0802007f3c3d0000f7"),
    "fewer keys announced than there are": bytes.fromhex("f07f7f080200003c3d0000f7"),
    "no key": bytes.fromhex("f07f7f08020000f7"),
    "another bank": retune({60: 61.0}, bank=1),
    "a dump for another bank": dump(STRETCHED, bank=3),
    "a key that stays as it is": bytes.fromhex("f07f7f080200013c7f7f7ff7"),
    "a request": bytes.fromhex("f07e7f080000f7"),
    "a request of a bank": bytes.fromhex("f07e7f08030000f7"),
    "an octave for no channel": octave([40.0] * 12, ()),
    "an octave cut off": octave([40.0] * 12)[:-4] + b"\xf7",
    "real-time dump": DUMP.replace(b"\xf0\x7e", b"\xf0\x7f", 1),
    "another maker's": DUMP.replace(b"\xf0\x7e", b"\xf0\x41", 1),
    "no tuning": bytes.fromhex("f07f7f080a00000000f7"),
    "master balance": bytes.fromhex("f07f7f04020010f7"),
    "master volume, cut off": bytes.fromhex("f07f7f040100f7"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_tuning_changes_nothing(name: str) -> None:
    engine = made_engine()
    before = tuning_of(engine)
    log = engine.state.read_log()
    send(engine, note_on(60), HOSTILE[name])
    assert tuning_of(engine) == before
    assert len(log.read()) == 1
    assert heard(engine) == within_a_tenth_of_a_cent(60.0)
    assert int(engine.state.meters["stray_bytes"]) == 0


def tuning_of(engine: OfflineEngine) -> tuple[bytes, ...]:
    names = ("tunings", "is_retuned", "master_tune", "master_volume")
    channels = engine.state.channels
    own = (channels["tuning_program"].tobytes(), channels["octave_tuning"].tobytes())
    return (*(engine.state.fields[name].tobytes() for name in names), *own)


@pytest.mark.parametrize("seed", range(4))
def test_made_up_entries_of_a_ring_reach_nothing_outside(seed: int) -> None:
    """Whoever writes F0 into a ring with whatever value: the tables' neighbours stay."""
    rng = random.Random(seed)
    engine = made_engine()
    for _ in range(400):
        value = rng.randrange(-(2**31), 2**31)
        engine.state.control_ring.push(
            -1, 0xF0, rng.randrange(256), rng.randrange(256), value=value
        )
    engine.send(-1, note_on(60))
    sound = engine.render(RATE_HZ)
    assert np.isfinite(sound).all() and np.abs(sound).max() <= 1.0
    assert int(engine.state.meters["invalid_samples"]) == 0
    assert np.abs(engine.state.channels["octave_tuning"]).max() <= 1 << 14


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_pieces_and_clocks_inside_change_nothing(pieces: int) -> None:
    engine = made_engine()
    for cut in cuts(DUMP, pieces):
        send(engine, cut, b"\xf8")
    assert heard_of(engine, 40) == within_a_tenth_of_a_cent(STRETCHED[40])


def cuts(data: bytes, count: int) -> Sequence[bytes]:
    size = -(-len(data) // count)
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("block_frames", [32, 47, 512])
def test_blocks_change_no_bit(block_frames: int) -> None:
    def sound(frames: int) -> np.ndarray:
        engine = made_engine(frames, variation=1.0, vibrato_share=1.0)
        engine.render(-engine.state.clock % 18_048)  # 47, 32, 128 and 512 begin together
        for number in range(40):
            engine.send(20_000 + 701 * number, note_on(40 + number))
            engine.send(20_300 + 701 * number, retune({40 + number: 41.3 + 1.1 * number}))
        engine.send(50_000, octave(MEANTONE))
        engine.send(51_111, dump(STRETCHED))
        return engine.render(60_000)

    assert np.array_equal(sound(block_frames), sound(128))
