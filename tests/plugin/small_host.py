"""A host of ours in C, for other systems and processors: it plays four notes through a plug-in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrument.plugin.build import NATIVE
from tests.helpers.plugin.stage import RATE_HZ, four_notes, note_messages

BLOCK_FRAMES = 480
LONGEST_SECONDS = 300


def build_host(zig_target: str, path: Path, *options: str) -> Path:
    """Build it; return its file."""
    command = [sys.executable, "-m", "ziglang", "cc", "-target", zig_target, "-std=gnu11", "-O1"]
    command += ["-fms-extensions", "-Wno-microsoft-anon-tag", f"-I{NATIVE}", *options]
    source = Path(__file__).with_name("host.c")
    subprocess.run([*command, str(source), "-o", str(path)], check=True, capture_output=True)
    return path


def play_four_notes(
    command: Sequence[str],
    plugin: Path,
    scratch: Path,
    frames: int,
    spell: Callable[[Path], str] = str,
    environment: Mapping[str, str] = os.environ,
) -> NDArray[np.float32]:
    """Play four notes: float32, shape (2, frames).

    Parameters
    ----------
    command
        Runs the host.
    scratch
        For the notes and the sound.
    frames
        A multiple of `BLOCK_FRAMES`.
    spell
        How the host's system writes paths.
    """
    events, out = scratch / "events.txt", scratch / "played.f32"
    lines = (
        f"{round(at * RATE_HZ)} {' '.join(map(str, data))}\n"
        for data, at in note_messages(four_notes())
    )
    events.write_text("".join(lines))
    words = [*command, spell(plugin), spell(events), str(frames), spell(out)]
    done = subprocess.run(
        words, env=environment, capture_output=True, text=True, timeout=LONGEST_SECONDS
    )
    assert done.returncode == 0, f"{plugin.name}: {done.stdout[-500:]}{done.stderr[-500:]}"
    return np.fromfile(out, np.float32).reshape(-1, 2).T
