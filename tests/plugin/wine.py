"""The Windows CLAP and VST3 in Wine, in a host of ours: the same samples as on Linux."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from instrument.plugin.build import NATIVE, build
from instrument.plugin.places import Binary
from instrument.plugin.table_file import tables_folder
from tests.helpers.plugin_stage import RATE_HZ, four_notes, note_messages, rendered

TARGET = "windows-x86_64"
BLOCK_FRAMES = 480


def play_in_wine(home: Path, _: Path, say: Callable[[str], None]) -> None:
    """Build both formats for Windows, and play four notes through each."""
    if shutil.which("wine") is None:
        say("Wine is not installed: the Windows plug-ins are not tried")
        return
    binaries = home / "windows"
    build([TARGET], binaries)
    host = _build_host(home)
    environment = {**os.environ, "WINEPREFIX": str(home / "wine"), "WINEDEBUG": "-all"}
    subprocess.run(["wineboot", "--init"], env=environment, check=True, capture_output=True)
    for folder in Path(home, "wine", "drive_c", "users").glob("*/AppData/Local"):
        shutil.copytree(tables_folder(), folder / "latentkeys" / "latentkeys" / "Cache" / "tables")
    expected = rendered(four_notes())
    frames = expected.shape[1] // BLOCK_FRAMES * BLOCK_FRAMES
    events = home / "events.txt"
    lines = [
        f"{round(at * RATE_HZ)} {' '.join(map(str, data))}"
        for data, at in note_messages(four_notes())
    ]
    events.write_text("\n".join(lines) + "\n")
    for kind in ("clap", "vst3"):
        plugin, out = binaries / Binary(TARGET, kind).file, home / f"wine-{kind}.f32"
        command = [
            "wine",
            str(host),
            _windows(plugin),
            _windows(events),
            str(frames),
            _windows(out),
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{kind} in Wine: {done.stdout[-500:]}{done.stderr[-500:]}"
        audio = np.fromfile(out, np.float32).reshape(-1, 2).T
        np.testing.assert_array_equal(audio, expected[:, :frames])
        say(f"Wine: the Windows {kind.upper()}: {frames} frames as `latentkeys render` has them")


def _build_host(home: Path) -> Path:
    host = home / "host.exe"
    source = Path(__file__).with_name("host.c")
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-windows-gnu"]
    options = ["-std=gnu11", "-O1", "-fms-extensions", "-Wno-microsoft-anon-tag", f"-I{NATIVE}"]
    subprocess.run(
        [*command, *options, str(source), "-o", str(host)], check=True, capture_output=True
    )
    return host


def _windows(path: Path) -> str:
    return "Z:" + str(path).replace("/", "\\")
