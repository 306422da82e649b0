"""Folders of processes that were killed, and of those that were not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from instrument.processes.held_folder import HALF_MADE_SECONDS, LOCK, HeldFolder, sweep_folders

PREFIX = "latentkeys-swept-"
HOLDER = """
import sys, time
from instrument.processes.held_folder import HeldFolder
print(HeldFolder(sys.argv[1]).path, flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A system's temporary folder of one's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield tmp_path
    tempfile.tempdir = None


def test_it_is_private_and_goes_with_all_that_is_in_it() -> None:
    held = HeldFolder(PREFIX)
    assert held.path.stat().st_mode & 0o777 == 0o700
    (held.path / "in it").mkdir()
    held.release()
    assert not held.path.exists()


def test_a_killed_processs_is_swept_and_a_living_ones_is_not() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, PREFIX], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    with holder.stdout:
        theirs, ours = Path(holder.stdout.readline().strip()), HeldFolder(PREFIX)
        sweep_folders(PREFIX)
        assert theirs.exists()
        holder.kill()
        holder.wait()
    sweep_folders("latentkeys-another-kind-")
    assert theirs.exists()
    sweep_folders(PREFIX)
    assert not theirs.exists()
    assert ours.path.exists()


def left_behind(place: Path) -> Path:
    folder = place / f"{PREFIX}left"
    folder.mkdir()
    (folder / LOCK).write_text("1")
    return folder


def test_another_users_is_left_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, stranger = left_behind(place), os.getuid() + 1
    with monkeypatch.context() as patched:
        patched.setattr(os, "getuid", lambda: stranger)
        sweep_folders(PREFIX)
    assert folder.exists()
    sweep_folders(PREFIX)
    assert not folder.exists()


def test_what_a_link_leads_to_is_left_alone(place: Path) -> None:
    elsewhere = place / "elsewhere"
    left_behind(place).rename(elsewhere)
    (place / f"{PREFIX}link").symlink_to(elsewhere)
    sweep_folders(PREFIX)
    assert (elsewhere / LOCK).exists()


def test_one_that_is_just_being_made_is_swept_only_when_it_is_old(place: Path) -> None:
    folder = place / f"{PREFIX}half"
    folder.mkdir()
    sweep_folders(PREFIX)
    assert folder.exists()
    long_ago = time.time() - 2 * HALF_MADE_SECONDS
    os.utime(folder, (long_ago, long_ago))
    sweep_folders(PREFIX)
    assert not folder.exists()
