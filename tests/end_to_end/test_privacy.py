"""Nothing of ours talks over the network, and no library of ours writes down who the user is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from instrument.midi.phrases import write_phrase
from instrument.music.note import Note, Phrase

STRACE = shutil.which("strace")
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="strace is Linux's")
NETWORKS = ("AF_INET", "AF_PACKET", "AF_BLUETOOTH")


@pytest.mark.slow
@ON_LINUX
@pytest.mark.parametrize(
    "arguments",
    [
        ("bundle", "check", "note_lstm_tunes"),
        ("continue", "in.mid", "out.mid", "--model", "note_lstm_tunes", "--bars", "1"),
        ("render", "in.mid", "out.wav", "--preset", "breathing_piano"),
        ("play", "--midi", "in.mid", "--audio", "null", "--partner", "answer", "--no-panel"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_process_opens_a_network_socket(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert STRACE, "strace is missing: make setup"
    write_phrase(tmp_path / "in.mid", Phrase.of([Note(0.0, 60, 1.0), Note(1.0, 64, 1.0)]))
    log = tmp_path / "calls.txt"
    strace = [STRACE, "-f", "-qq", "-e", "trace=socket", "-o", str(log)]
    home = tmp_path / "home"
    folders = {f"XDG_{name}_HOME": str(home / name) for name in ("DATA", "CACHE", "CONFIG")}
    run = subprocess.run(
        [*strace, sys.executable, "-m", "instrument", *arguments],
        env={**os.environ, **folders, "HOME": str(home), "JACK_NO_START_SERVER": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    calls = log.read_text().splitlines()
    assert not [call for call in calls if any(family in call for family in NETWORKS)]
    written = {path.relative_to(home).parts[1] for path in home.rglob("*") if path.is_file()}
    assert written <= {"latentkeys"}, written


@pytest.mark.slow
@ON_LINUX
def test_the_panel_listens_to_this_machine_alone_and_calls_nobody(tmp_path: Path) -> None:
    assert STRACE, "strace is missing: make setup"
    write_phrase(tmp_path / "in.mid", Phrase.of([Note(0.0, 60, 1.0), Note(4.0, 64, 1.0)]))
    log = tmp_path / "calls.txt"
    strace = [STRACE, "-f", "-qq", "-e", "trace=bind,connect", "-o", str(log)]
    run = subprocess.run(
        [
            *strace,
            sys.executable,
            "-m",
            "instrument",
            "play",
            "--midi",
            "in.mid",
            "--audio",
            "null",
        ],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "JACK_NO_START_SERVER": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert run.returncode == 0 and "Panel: http://127.0.0.1:" in run.stderr, run.stderr
    calls = [call for call in log.read_text().splitlines() if "AF_INET" in call]
    assert calls and all("bind(" in call and "127.0.0.1" in call for call in calls), calls


@ON_LINUX
def test_strace_would_see_a_network_socket(tmp_path: Path) -> None:
    assert STRACE, "strace is missing: make setup"
    log = tmp_path / "calls.txt"
    script = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
    command = [STRACE, "-f", "-qq", "-e", "trace=socket", "-o", str(log), sys.executable, "-c"]
    subprocess.run([*command, script], check=True)
    assert "AF_INET" in log.read_text()
