"""``latentkeys render``: pitches, times, presets and speed of the file that comes out."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile

from instrument.errors import MidiFileError
from instrument.offline.render_song import render_song
from instrument.preset.parts import parts_of
from instrument.session.songs.demo import FIRST_PROGRAM, SECOND_PROGRAM, demonstration
from tests.helpers.live.home import users_home
from tests.helpers.places import ROOT

RATE_HZ = 48_000


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with users_home(tmp_path_factory):
        yield


def a_song(path: Path, *messages: mido.Message | mido.MetaMessage) -> Path:
    """Write a file of 480 ticks per beat, 120 beats per minute until told otherwise."""
    song = mido.MidiFile(ticks_per_beat=480)
    song.add_track().extend(messages)
    song.save(path)
    return path


def note(kind: str, pitch: int, ticks: int) -> mido.Message:
    return mido.Message(kind, note=pitch, velocity=100 if kind == "note_on" else 0, time=ticks)


def rendered(tmp_path: Path, song: Path, **options: Any) -> np.ndarray:
    out = tmp_path / "out.wav"
    render_song(song, out, preset="reed", replace=True, **options)
    sound, rate = soundfile.read(out, dtype="float32")
    assert rate == options.get("rate_hz", RATE_HZ)
    return np.asarray(sound[:, 0])


def partial(sound: np.ndarray, pitch: int, rate_hz: int = RATE_HZ) -> float:
    """Return the strongest peak as a multiple of the pitch's frequency."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**19))
    return float(np.argmax(spectrum)) * rate_hz / 2**19 / (440 * 2 ** ((pitch - 69) / 12))


@pytest.mark.slow
@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_notes_sound_at_their_times_and_pitches(tmp_path: Path, rate_hz: int) -> None:
    slower = mido.MetaMessage("set_tempo", tempo=1_000_000, time=0)
    song = a_song(
        tmp_path / "song.mid",
        note("note_on", 57, 480),  # 0.5 s
        note("note_off", 57, 480),
        slower,
        note("note_on", 64, 960),  # 1.0 + 2.0 s
        note("note_off", 64, 480),
    )
    sound = rendered(tmp_path, song, rate_hz=rate_hz)
    assert not sound[: rate_hz // 2].any()
    assert np.abs(sound[rate_hz // 2 : rate_hz // 2 + 480]).max() > 1e-4
    gap = sound[int(2.9 * rate_hz) : 3 * rate_hz]
    assert np.abs(gap).max() < 1e-3
    for pitch, start in ((57, 0.6), (64, 3.1)):
        part = sound[int(start * rate_hz) : int((start + 0.35) * rate_hz)]
        found = partial(part, pitch, rate_hz)
        assert found == pytest.approx(round(found), rel=0.002)
    assert len(sound) / rate_hz < 6


def test_a_key_and_a_pedal_left_down_end_with_the_song(tmp_path: Path) -> None:
    pedal = mido.Message("control_change", control=64, value=127)
    song = a_song(tmp_path / "song.mid", pedal, note("note_on", 60, 0), note("note_on", 64, 480))
    sound = rendered(tmp_path, song)
    assert len(sound) / RATE_HZ < 3
    assert np.abs(sound[-100:]).max() < 1e-4


@pytest.mark.slow
def test_program_changes_count_only_when_asked(tmp_path: Path) -> None:
    program = mido.Message("program_change", program=0)
    song = a_song(tmp_path / "a.mid", program, note("note_on", 60, 0), note("note_off", 60, 480))
    plain = a_song(tmp_path / "b.mid", note("note_on", 60, 0), note("note_off", 60, 480))
    as_asked = rendered(tmp_path, plain)
    np.testing.assert_array_equal(rendered(tmp_path, song), as_asked)
    assert not np.array_equal(rendered(tmp_path, song, follow_programs=True), as_asked)


def test_the_same_song_gives_the_same_bits_and_faster_than_it_sounds(tmp_path: Path) -> None:
    chord = [note("note_on", pitch, 0) for pitch in (48, 55, 60, 64, 67, 72)]
    ends = [note("note_off", 48, 9600), *(note("note_off", p, 0) for p in (55, 60, 64, 67, 72))]
    song = a_song(tmp_path / "song.mid", *chord, *ends)
    first = rendered(tmp_path, song)
    began = time.monotonic()
    second = rendered(tmp_path, song)
    assert time.monotonic() - began < len(second) / RATE_HZ
    np.testing.assert_array_equal(first, second)


def test_the_demonstration_shows_what_the_instrument_can_do() -> None:
    piece = demonstration()
    assert 20 <= piece.length_seconds <= 30
    kinds = {message.data[0] & 0xF0 for message in piece.messages}
    assert kinds == {0x80, 0x90, 0xB0, 0xC0}
    velocities = {m.data[2] for m in piece.messages if m.data[0] & 0xF0 == 0x90}
    assert max(velocities) - min(velocities) > 40
    controls = {m.data[1] for m in piece.messages if m.data[0] & 0xF0 == 0xB0}
    assert controls == {1, 64}
    programs = [m.data[1] for m in piece.messages if m.data[0] & 0xF0 == 0xC0]
    assert programs == [FIRST_PROGRAM, SECOND_PROGRAM]
    struck = [m.data[1] for m in piece.messages if m.data[0] & 0xF0 == 0x90]
    released = [m.data[1] for m in piece.messages if m.data[0] & 0xF0 == 0x80]
    assert sorted(struck) == sorted(released)


FILES = ROOT / "tests" / "golden" / "midi"


def test_without_drums_a_file_sounds_as_if_it_had_none(tmp_path: Path) -> None:
    melody = rendered(tmp_path, FILES / "00_plain.mid")
    np.testing.assert_array_equal(rendered(tmp_path, FILES / "13_drums.mid", drums=False), melody)
    both = rendered(tmp_path, FILES / "13_drums.mid")
    drums = both[: len(melody)] - melody
    assert 0.01 < np.abs(drums).max() < 0.7
    assert np.abs(drums).max() < 4 * np.abs(melody).max()


@pytest.mark.slow
def test_drums_are_the_kit_s_and_no_pitches_of_the_preset(tmp_path: Path) -> None:
    beats = rendered(tmp_path, FILES / "22_drums_only.mid")
    assert np.abs(beats[: RATE_HZ // 10]).max() > 0.05
    out = tmp_path / "other.wav"
    render_song(FILES / "22_drums_only.mid", out, preset="choir")
    np.testing.assert_array_equal(soundfile.read(out, dtype="float32")[0][:, 0], beats)


def test_drums_alone_are_nothing_to_hear_without_them(tmp_path: Path) -> None:
    with pytest.raises(MidiFileError, match="nothing to hear without its drums"):
        render_song(FILES / "22_drums_only.mid", tmp_path / "out.wav", preset="reed", drums=False)
    assert not (tmp_path / "out.wav").exists()


def test_volume_and_bend_are_back_after_general_midi_on(tmp_path: Path) -> None:
    sound = rendered(tmp_path, FILES / "37_gm_reset_between.mid")
    assert np.abs(sound[RATE_HZ // 2 :]).max() > 0.02
    assert partial(sound[int(0.6 * RATE_HZ) : int(0.9 * RATE_HZ)], 60) == pytest.approx(1, rel=0.01)


def test_the_channels_of_two_ports_do_not_touch_each_other(tmp_path: Path) -> None:
    song = mido.MidiFile(ticks_per_beat=480)
    song.add_track().extend(
        [
            mido.MetaMessage("midi_port", port=0),
            note("note_on", 57, 0),
            note("note_off", 57, 960),
        ]
    )
    song.add_track().extend(
        [
            mido.MetaMessage("midi_port", port=1),
            mido.Message("control_change", control=7, value=0),
            mido.Message("pitchwheel", pitch=8191),
            note("note_on", 81, 240),  # when the volume has come down
            note("note_off", 81, 720),
        ]
    )
    song.save(tmp_path / "ports.mid")
    sound = rendered(tmp_path, tmp_path / "ports.mid")
    alone = a_song(tmp_path / "alone.mid", note("note_on", 57, 0), note("note_off", 57, 960))
    np.testing.assert_array_equal(sound, rendered(tmp_path, alone))


@pytest.mark.slow
def test_parts_of_a_split_are_what_each_plays_alone(tmp_path: Path) -> None:
    song = a_song(
        tmp_path / "song.mid",
        note("note_on", 48, 0),
        note("note_on", 72, 240),
        note("note_off", 48, 480),
        note("note_off", 72, 240),
    )
    low = note("note_on", 48, 0), note("note_off", 48, 720)
    high = note("note_on", 72, 240), note("note_off", 72, 720)
    parts = parts_of("C4-C8", ("celesta_snow keys=A0-B3 level=-6",))
    both = rendered(tmp_path, song, parts=parts)
    right = rendered(tmp_path, a_song(tmp_path / "high.mid", *high))
    left_part = parts_of("C9-G9", ("celesta_snow keys=A0-B3 level=-6",))
    left = rendered(tmp_path, a_song(tmp_path / "low.mid", *low), parts=left_part)
    begun = both[: RATE_HZ // 8]
    np.testing.assert_array_equal(begun, left[: len(begun)])
    assert np.abs(begun).max() > 1e-3
    frames = min(map(len, (both, left, right)))
    alike = np.corrcoef(both[:frames], left[:frames] + right[:frames])[0, 1]
    assert alike > 0.99  # not 1: strikes vary by their number


@pytest.mark.slow
def test_a_layer_sounds_on_top(tmp_path: Path) -> None:
    song = a_song(tmp_path / "song.mid", note("note_on", 60, 0), note("note_off", 60, 960))
    alone = rendered(tmp_path, song)
    layered = rendered(tmp_path, song, parts=parts_of(None, ("silver_strings",)))
    late = slice(RATE_HZ // 4, RATE_HZ // 2)
    assert np.sum(layered[late] ** 2) > 1.3 * np.sum(alone[late] ** 2)
