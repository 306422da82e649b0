"""Recordings of sessions that were killed: what was written is found, and saved bit for bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from instrument.cli.main import run
from instrument.unfinished import entries_folder, unfinished_recordings, write_down
from instrument.wav_files import WavFile

RATE_HZ = 48_000

RECORDS = """
import sys, time
from pathlib import Path
import numpy as np
from instrument.unfinished import write_down
from instrument.wav_files import WavFile
path = Path(sys.argv[1])
wav = WavFile(path, 48_000)
entry = write_down(path, wav.temporary, 48_000)
rng = np.random.default_rng(1)
for _ in range(30):
    wav.write(rng.uniform(-1, 1, (4800, 2)).astype(np.float32))
print("recorded", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def killed_recording(path: Path) -> np.ndarray:
    """Record three seconds in another process, kill it, and return what it has played."""
    command = [sys.executable, "-c", RECORDS, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "recorded\n"
        assert unfinished_recordings() == []  # it is still going on
        process.kill()
    rng = np.random.default_rng(1)
    blocks = [rng.uniform(-1, 1, (4800, 2)).astype(np.float32) for _ in range(30)]
    return np.concatenate(blocks)


def test_what_a_killed_process_recorded_is_saved_to_the_last_frame(tmp_path: Path) -> None:
    played = killed_recording(tmp_path / "take.wav")
    [recording] = unfinished_recordings()
    assert recording.seconds == pytest.approx(3.0)
    assert recording.save() == tmp_path / "take.wav"
    audio, rate = soundfile.read(tmp_path / "take.wav", dtype="float32")
    assert rate == RATE_HZ
    np.testing.assert_array_equal(audio, played)
    assert unfinished_recordings() == []
    assert {path.name for path in tmp_path.iterdir()} == {"take.wav", "data"}


def test_another_take_of_that_name_is_left_alone(tmp_path: Path) -> None:
    killed_recording(tmp_path / "take.wav")
    (tmp_path / "take.wav").write_bytes(b"another")
    [recording] = unfinished_recordings()
    assert recording.save() == tmp_path / "take-2.wav"
    assert (tmp_path / "take.wav").read_bytes() == b"another"


def test_the_command_lists_and_saves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    killed_recording(tmp_path / "take.wav")
    assert run(["recover", "--list"]) == 0
    assert capsys.readouterr().out.startswith("take.wav, 0:03 of ")
    assert not (tmp_path / "take.wav").exists()
    assert run(["recover"]) == 0
    assert f"saved as {tmp_path / 'take.wav'}" in capsys.readouterr().out
    assert run(["recover"]) == 0
    assert capsys.readouterr().out == "There is no unfinished recording.\n"


def test_a_recording_that_was_finished_is_none_of_them(tmp_path: Path) -> None:
    wav = WavFile(tmp_path / "take.wav", RATE_HZ)
    entry = write_down(wav.path, wav.temporary, RATE_HZ)
    wav.write(np.zeros((100, 2), np.float32))
    wav.finish()
    entry.release()
    assert unfinished_recordings() == []
    assert list(entries_folder().iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[" * 5000,
        b'{"format":2,"path":"a.wav","temporary":"/dev/zero","rate_hz":48000,"began":0}',
        b'{"format":1,"path":"a.wav","temporary":"/dev/zero","rate_hz":0,"began":0}',
        b" " * 100_000,
    ],
    ids=["empty", "no fields", "deep", "later format", "a device", "huge"],
)
def test_an_entry_that_is_none_does_no_harm(content: bytes) -> None:
    entries_folder().mkdir(parents=True)
    (entries_folder() / "x.json").write_bytes(content)
    assert unfinished_recordings() == []


def test_a_recording_on_a_disk_that_is_away_is_remembered(tmp_path: Path) -> None:
    killed_recording(tmp_path / "take.wav")
    [entry] = entries_folder().iterdir()
    text = entry.read_text()
    entry.write_text(text.replace(str(tmp_path), str(tmp_path / "away")))
    assert unfinished_recordings() == []
    assert entry.exists()
