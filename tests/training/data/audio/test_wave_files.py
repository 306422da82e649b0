"""Sound files of strangers: every rate and format arrives as the same sound, damage is named."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.helpers.sounds.heard import heard_pitch
from tests.helpers.sounds.tones import sine
from training.data.audio.wave_files import read_note, read_tiles


@pytest.mark.parametrize(
    ("name", "rate_hz", "channels"),
    [
        ("a.wav", 44100, 2),
        ("a.wav", 8000, 1),
        ("a.flac", 48000, 1),
        ("a.aiff", 96000, 3),
        ("a.ogg", 22050, 2),
    ],
)
def test_any_rate_and_format_keeps_pitch_and_level(
    tmp_path: Path, name: str, rate_hz: int, channels: int
) -> None:
    wave = sine(69, 2 * rate_hz, rate_hz)
    soundfile.write(tmp_path / name, np.stack([wave] * channels, axis=1), rate_hz)
    found = read_note(tmp_path / name)
    assert found.shape == (32000,)
    assert found.dtype == np.float32
    assert heard_pitch(found) == pytest.approx(69.0, abs=0.01)
    middle = found[8000:-8000]
    tolerance = 0.02 if name == "a.ogg" else 0.001  # Vorbis is lossy
    assert np.abs(middle).max() == pytest.approx(0.5, abs=tolerance)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), abs=tolerance)


def test_channels_are_averaged(tmp_path: Path) -> None:
    wave = sine(60, 16000, 16000)
    soundfile.write(tmp_path / "a.wav", np.stack([wave, -0.5 * wave], axis=1), 16000, "FLOAT")
    np.testing.assert_allclose(read_note(tmp_path / "a.wav"), 0.25 * wave, atol=1e-7)


def test_sixteen_bits_at_16_khz_come_bit_for_bit_and_are_cut_at_four_seconds() -> None:
    whole = np.random.default_rng(1).integers(-32768, 32767, 70000, np.int16)
    file = io.BytesIO()
    soundfile.write(file, whole, 16000, format="WAV")
    file.seek(0)
    np.testing.assert_array_equal(read_note(file) * 32768.0, whole[:64000])


def wav_bytes(content: np.ndarray, subtype: str = "FLOAT") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, content, 16000, subtype, format="WAV")
    return file.getvalue()


SOUND = sine(60, 16000, 16000)
WITH_NAN = np.where(np.arange(16000) == 9000, np.nan, SOUND).astype(np.float32)
WITH_INF = np.where(np.arange(16000) == 9000, np.inf, SOUND).astype(np.float32)
MANY_CHANNELS = struct.pack(
    "<4sI4s4sIHHIIHH4sI", b"RIFF", 436, b"WAVE", b"fmt ", 16, 1, 200, 16000, 6400000, 400, 16,
    b"data", 400,
) + bytes(400)  # fmt: skip


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"not a sound at all", "cannot be read"),
        (wav_bytes(SOUND)[:30000], "it is cut off: 30000 of"),
        (wav_bytes(SOUND)[:20], "it is cut off"),
        (wav_bytes(np.zeros(0, np.float32)), "it is empty"),
        (wav_bytes(WITH_NAN), "values that are no numbers"),
        (wav_bytes(WITH_INF), "values that are no numbers"),
        (wav_bytes(np.zeros(16000, np.float32)), "it is silent"),
        (MANY_CHANNELS, "200 channels"),
    ],
    ids=range(9),  # the bytes of a float WAV file tell the time, and every worker needs one name
)
def test_damage_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_note(path)


def test_a_cut_off_flac_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(1).uniform(-0.5, 0.5, 60000), 16000)
    path.write_bytes(path.read_bytes()[:40000])
    with pytest.raises(ValueError, match=r"cut off|cannot be read"):
        read_note(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file"):
        read_note(tmp_path / "missing.wav")


def test_tiles_are_a_recording_cut_every_four_seconds(tmp_path: Path) -> None:
    whole = np.random.default_rng(1).uniform(-0.5, 0.5, 150000).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", whole, 16000, "FLOAT")
    tiles = np.concatenate(list(read_tiles(tmp_path / "a.wav")))
    np.testing.assert_allclose(tiles, whole[:128000], atol=1e-6)


def test_tiles_of_another_rate_join_without_a_seam(tmp_path: Path) -> None:
    wave = sine(69, 10 * 44100, 44100)
    soundfile.write(tmp_path / "a.wav", np.stack([wave, wave], axis=1), 44100, "FLOAT")
    tiles = list(read_tiles(tmp_path / "a.wav"))
    assert [tile.shape for tile in tiles] == [(64000,), (64000,)]
    around_the_seam = slice(32000, 96000)
    expected = sine(69, 128000, 16000)
    np.testing.assert_allclose(
        np.concatenate(tiles)[around_the_seam], expected[around_the_seam], atol=1e-3
    )


def test_a_recording_shorter_than_a_tile_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", SOUND, 16000)
    with pytest.raises(ValueError, match="shorter than 4 s"):
        list(read_tiles(tmp_path / "a.wav"))
