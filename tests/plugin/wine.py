"""The Windows CLAP and VST3 in Wine, in a host of ours: the same samples as on Linux."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from instrument.plugin.build import build
from instrument.plugin.places import Binary
from instrument.plugin.tables.table_file import tables_folder
from tests.helpers.plugin.stage import SMALL, four_notes, rendered
from tests.plugin.small_host import BLOCK_FRAMES, build_host, play_four_notes

TARGET = "windows-x86_64"


def play_in_wine(home: Path, _: Path, say: Callable[[str], None]) -> None:
    """Build both formats for Windows, and play four notes through each."""
    if shutil.which("wine") is None:
        say("Wine is not installed: the Windows plug-ins are not tried")
        return
    binaries = home / "windows"
    build([TARGET], binaries)
    host = build_host("x86_64-windows-gnu", home / "host.exe")
    environment = {**os.environ, "WINEPREFIX": str(home / "wine"), "WINEDEBUG": "-all"}
    subprocess.run(["wineboot", "--init"], env=environment, check=True, capture_output=True)
    for folder in Path(home, "wine", "drive_c", "users").glob("*/AppData/Local"):
        shutil.copytree(tables_folder(), folder / "latentkeys" / "latentkeys" / "Cache" / "tables")
    expected = rendered(four_notes())
    frames = expected.shape[1] // BLOCK_FRAMES * BLOCK_FRAMES
    for kind in ("clap", "vst3"):
        plugin = binaries / Binary(TARGET, kind).file
        command = ["wine", str(host)]
        assert plugin.stat().st_size <= SMALL
        audio = play_four_notes(command, plugin, home, frames, _windows, environment)
        np.testing.assert_array_equal(audio, expected[:, :frames])
        say(f"Wine: the Windows {kind.upper()}: {frames} frames as `latentkeys render` has them")


def _windows(path: Path) -> str:
    return "Z:" + str(path).replace("/", "\\")
