"""A Ray cluster of several processes on this machine, one of which is killed at work."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from instrument.labelled.job import is_whole
from instrument.labelled.on_ray import FOLDER_PREFIX
from tests.helpers.places import ROOT

pytest.importorskip("ray", reason="Ray is an extra, and not on every platform")

COMMAND = ["generate", "notes", "--count", "400", "--seed", "3", "--seconds", "0.4", "--held"]
COMMAND += ["0.2", "--pitches", "48-72", "--workers", "2"]
BEGIN_SECONDS, END_SECONDS = 120.0, 240.0


def begin(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    temporary = folder.with_name("temporary")
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "instrument", *COMMAND, "--out", str(folder), *more],
        cwd=ROOT,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(temporary), "RAY_TMPDIR": tempfile.gettempdir()},
    )


def tasks_of(run: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return Ray's workers that are in the middle of one of our tasks."""
    found = []
    for process in psutil.Process(run.pid).children(recursive=True):
        try:
            if process.cmdline()[:1] == ["ray::_make"]:
                found.append(process)
        except psutil.Error:
            continue
    return found


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_a_lost_worker_costs_no_note_changes_no_byte_and_leaves_nothing(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    assert begin(here).wait(END_SECONDS) == 0
    run = begin(there, "--engine", "ray")
    killed: set[int] = set()
    deadline = time.monotonic() + BEGIN_SECONDS
    while len(killed) < 2 and run.poll() is None:
        assert time.monotonic() < deadline, "no task began"
        if len(list((there / ".parts").glob("*.jsonl"))) > 2 * len(killed):
            for process in tasks_of(run)[:1]:
                process.send_signal(signal.SIGKILL)
                killed.add(process.pid)
        time.sleep(0.02)
    assert len(killed) == 2, "it was done before a worker could be killed"
    assert run.wait(END_SECONDS) == 0
    assert is_whole(there)
    assert digests(there) == digests(here)
    # Ray kills its workers at the end: what they leave is for those of the next run to sweep.
    assert len(list((tmp_path / "temporary").glob(f"{FOLDER_PREFIX}*"))) <= 2
