"""Recording while playing, into files that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from instrument import wav_files
from instrument.engine.audio_sinks import WavSink
from instrument.errors import FileError, SettingError
from instrument.midi.messages import note_on
from instrument.realtime.memory.constants import BUILT_IN_BANK, RECORD_FRAMES
from instrument.realtime.offline_engine import OfflineEngine
from instrument.session.audio_history import AudioCapture
from instrument.wav_files import Recorder, WavFile, check_target, write_wav


def an_engine() -> OfflineEngine:
    engine = OfflineEngine(48_000, 128)
    engine.state.channels["bank"] = BUILT_IN_BANK
    engine.send(100, note_on(60))
    return engine


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """Let every file that grows beyond a size meet a full disk."""
    resource = pytest.importorskip("resource")
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_recording_is_what_was_heard_bit_for_bit(tmp_path: Path) -> None:
    engine = an_engine()
    recorder = Recorder(engine.state, tmp_path / "take.wav")
    heard = []
    for _ in range(20):
        heard.append(engine.render(3001))
        assert recorder.drain() is None
    assert recorder.seconds == pytest.approx(20 * 3001 / 48_000)
    assert [path.name for path in tmp_path.glob("take.wav")] == []
    recorder.finish()
    taken, rate = soundfile.read(tmp_path / "take.wav", dtype="float32")
    assert rate == 48_000
    np.testing.assert_array_equal(taken, np.concatenate(heard))
    assert recorder.lost_frames == 0


def test_what_nobody_drained_in_time_is_counted(tmp_path: Path) -> None:
    engine = an_engine()
    recorder = Recorder(engine.state, tmp_path / "take.wav")
    for _ in range(9):
        engine.render(RECORD_FRAMES // 8)
    recorder.drain()
    recorder.finish()
    assert recorder.lost_frames > 0


def test_trouble_with_the_file_ends_the_recording_and_keeps_its_beginning(tmp_path: Path) -> None:
    engine = an_engine()
    recorder = Recorder(engine.state, tmp_path / "take.wav")
    engine.render(24_000)
    assert recorder.drain() is None
    with files_of_at_most(24_000 * 8 + 4096):
        engine.render(24_000)
        problem = recorder.drain()
    assert isinstance(problem, FileError)
    assert "cannot write" in problem.message
    assert recorder.drain() is None
    taken, _ = soundfile.read(tmp_path / "take.wav", dtype="float32")
    assert len(taken) >= 24_000


def test_a_recording_that_reaches_4_gib_is_kept_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav_files, "MAX_BYTES", 10_000 * 8)
    engine = an_engine()
    recorder = Recorder(engine.state, tmp_path / "take.wav")
    engine.render(8_000)
    assert recorder.drain() is None
    engine.render(8_000)
    problem = recorder.drain()
    assert problem is not None
    assert "has reached 4 GiB" in problem.message
    assert soundfile.info(tmp_path / "take.wav").frames == 8_000


def test_a_file_that_does_not_get_whole_leaves_nothing(tmp_path: Path) -> None:
    with (
        files_of_at_most(20_000),
        pytest.raises(FileError, match="cannot write"),
        WavFile(tmp_path / "out.wav", 48_000) as file,
    ):
        for _ in range(100):
            file.write(np.zeros((1000, 2), np.float32))
    assert list(tmp_path.iterdir()) == []


def test_a_file_as_a_device_ends_with_a_full_disk_and_keeps_its_beginning(tmp_path: Path) -> None:
    sink = WavSink(tmp_path / "take.wav", 48_000.0, 128)
    sink.open(an_engine().state)
    with files_of_at_most(30_000):
        for _ in range(100):
            sink.take(np.zeros((128, 2), np.float32))
    sink.close()
    assert sink.problem is not None
    assert "cannot write" in sink.problem.message
    assert [path.name for path in tmp_path.iterdir()] == ["take.wav"]
    assert soundfile.info(tmp_path / "take.wav").frames > 3000


def test_audio_history_keeps_what_it_had_when_the_disk_is_full(tmp_path: Path) -> None:
    engine = an_engine()
    capture = AudioCapture(engine.state)
    heard = engine.render(24_000)
    assert capture.drain() is None
    assert capture.write(tmp_path / "one.wav") == 0.5
    with files_of_at_most(4_000):
        engine.render(48_000)
        assert isinstance(capture.drain(), FileError)
        assert capture.drain() is None
    assert capture.write(tmp_path / "two.wav") == 0.5
    capture.close()
    kept, _ = soundfile.read(tmp_path / "two.wav", dtype="float32")
    np.testing.assert_allclose(kept, heard, atol=2**-23)  # pieces have 24 bits


def test_an_array_becomes_a_file_and_replaces_one(tmp_path: Path) -> None:
    audio = np.linspace(-1, 1, 200, dtype=np.float32).reshape(100, 2)
    for _ in range(2):
        write_wav(str(tmp_path / "out.wav"), audio, 44_100)
    written, rate_hz = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert rate_hz == 44_100
    np.testing.assert_array_equal(written, audio)


def test_an_interrupted_file_goes_away(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), WavFile(tmp_path / "out.wav", 48_000) as file:
        file.write(np.zeros((100, 2), np.float32))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="its folder does not exist"):
        WavFile(tmp_path / "no" / "out.wav", 48_000)
    with pytest.raises(SettingError, match="must end in"):
        check_target(tmp_path / "out.flac", replace=True)
    (tmp_path / "out.wav").write_bytes(b"")
    with pytest.raises(SettingError, match="exists"):
        check_target(tmp_path / "out.wav", replace=False)
    check_target(tmp_path / "out.wav", replace=True)


@pytest.mark.parametrize(
    ("audio", "said"),
    [
        (np.zeros(8, np.float32), r"the shape \(frames, 2\), got \(8,\)\nOf one channel"),
        (np.zeros((8, 3), np.float32), r"got \(8, 3\)"),
        (np.zeros((8, 2), np.int16), "numbers with a fraction, full scale ±1, got int16"),
        (np.full((8, 2), np.nan, np.float32), "got float32 with NaN or infinity"),
    ],
)
def test_what_is_no_sound_is_not_written(
    tmp_path: Path, audio: np.ndarray[tuple[int, ...], np.dtype[np.float32]], said: str
) -> None:
    with pytest.raises(SettingError, match=said):
        write_wav(tmp_path / "a.wav", audio)
    assert not list(tmp_path.iterdir())
