"""Linux's plug-in on processors that are not here, in QEMU: ARM64, and x86-64 without AVX."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from instrument.bench.clap.host import Plugin
from instrument.plugin.build import build
from instrument.plugin.places import Binary, this_target
from tests.helpers.plugin.stage import four_notes, rendered
from tests.plugin.small_host import BLOCK_FRAMES, build_host, play_four_notes

ARM_LIBRARIES = Path("/usr/aarch64-linux-gnu")  # Debian's libc6-arm64-cross
PROCESSORS = {
    "ARM64": (
        *("linux-arm64", "aarch64-linux-gnu.2.17"),
        ["qemu-aarch64", "-L", str(ARM_LIBRARIES)],
    ),
    "Nehalem": ("linux-x86_64", "x86_64-linux-gnu.2.17", ["qemu-x86_64", "-cpu", "Nehalem"]),
}
MOST_DBFS = {"ARM64": -np.inf, "Nehalem": -140.0}
"""Without fused multiply-adds the last bits are others."""


def play_emulated(home: Path, binaries: Path, say: Callable[[str], None]) -> None:
    """Build for each processor, and play four notes through both formats."""
    if shutil.which("qemu-aarch64") is None or not ARM_LIBRARIES.is_dir():
        say("QEMU or ARM's C library is not installed: other processors are not tried")
        return
    ready = Plugin(binaries / Binary(this_target(), "clap").file)
    ready.start()
    ready.process(1)  # its tones are in the cache then
    ready.close()
    expected = rendered(four_notes())
    frames = expected.shape[1] // BLOCK_FRAMES * BLOCK_FRAMES
    for name, (target, zig_target, emulator) in PROCESSORS.items():
        built = home / f"emulated-{target}"
        build([target], built)
        host = build_host(zig_target, built / "host", "-ldl")
        for kind in ("clap", "vst3"):
            plugin = built / Binary(target, kind).file
            audio = play_four_notes([*emulator, str(host)], plugin, built, frames)
            worst = np.max(np.abs(audio.astype(np.float64) - expected[:, :frames]))
            worst_dbfs = 20 * np.log10(worst) if worst else -np.inf
            apart = f"{worst_dbfs:.0f} dBFS at most from what" if worst else "as"
            say(f"QEMU, {name}: {kind.upper()}: {frames} frames {apart} `latentkeys render` has")
            assert worst_dbfs <= MOST_DBFS[name]
