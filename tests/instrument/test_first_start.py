"""The first start on a machine that has compiled nothing yet."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from instrument.realtime.compiled import machine_code
from tests.helpers.places import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def bare_machine(tmp_path: Path) -> dict[str, str]:
    """Copy the kernel to where nothing is compiled; nothing else of the checkout changes."""
    package = tmp_path / "instrument"
    shutil.copytree(ROOT / "instrument", package)
    (tmp_path / "presets").symlink_to(ROOT / "presets")
    for stored in package.rglob("audio-thread.*.o"):
        stored.unlink()
    home = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}
    return {**os.environ, **home}


def test_the_engine_is_compiled_once_and_the_player_is_told(
    bare_machine: dict[str, str], tmp_path: Path
) -> None:
    begun = time.monotonic()
    first = subprocess.run(
        [sys.executable, "-c", "import instrument.first_start as f; f.compile_once()"],
        cwd=tmp_path,
        env=bare_machine,
        capture_output=True,
        text=True,
        check=True,
    )
    took = time.monotonic() - begun
    assert "Compiling the audio engine, once" in first.stderr
    stored = list(tmp_path.rglob(machine_code.object_name()))
    assert len(stored) == 1 and stored[0].stat().st_size > 50_000
    begun = time.monotonic()
    again = subprocess.run(
        [sys.executable, "-c", "import instrument.first_start as f; f.compile_once()"],
        cwd=tmp_path,
        env=bare_machine,
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stderr == "" and time.monotonic() - begun < took / 2


def test_ctrl_c_while_it_compiles_leaves_no_process_and_no_traceback_of_the_compiler(
    bare_machine: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "instrument", "render", "none.mid", "none.wav"]
    (tmp_path / "none.mid").write_bytes(
        (ROOT / "presets" / "pieces" / "cello_prelude.mid").read_bytes()
    )
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=bare_machine,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        assert started.stderr is not None
        assert "Compiling" in started.stderr.readline()
        time.sleep(0.5)
        os.killpg(started.pid, signal.SIGINT)
        rest = started.stderr.read()
        assert started.wait(10) == 130
    assert "Traceback" not in rest
    assert not (tmp_path / "none.wav").exists()
    assert not [p for p in psutil.process_iter() if _runs_in_group(p, started.pid)]


def _runs_in_group(process: psutil.Process, group: int) -> bool:
    with contextlib.suppress(psutil.Error, ProcessLookupError):
        is_running = process.status() != psutil.STATUS_ZOMBIE
        return is_running and os.getpgid(process.pid) == group
    return False
