"""The systems that the plug-in is built for, and kernels for the processors of each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from instrument.errors import EngineError


@dataclass(frozen=True, slots=True)
class Target:
    """One system that the plug-in is built for.

    Attributes
    ----------
    processors
        Names of `instrument.plugin.kernels.kernel_object.PROCESSORS`; where it runs, the
        best is chosen.
    triple
        LLVM's name of the system.
    zig
        zig's name, with the oldest version of the system that it shall run on.
    """

    processors: tuple[str, ...]
    triple: str
    zig: str
    libraries: tuple[str, ...] = ()


_X86 = ("x86-64-v3", "x86-64-v2")
TARGETS = {
    "linux-x86_64": Target(
        _X86, "x86_64-unknown-linux-gnu", "x86_64-linux-gnu.2.17", ("-lpthread", "-lm")
    ),
    "linux-arm64": Target(
        ("arm64",), "aarch64-unknown-linux-gnu", "aarch64-linux-gnu.2.17", ("-lpthread", "-lm")
    ),
    "windows-x86_64": Target(_X86, "x86_64-w64-windows-gnu", "x86_64-windows-gnu", ("-lws2_32",)),
    "macos-x86_64": Target(_X86, "x86_64-apple-macosx11.0.0", "x86_64-macos.11.0"),
    "macos-arm64": Target(("arm64",), "arm64-apple-macosx11.0.0", "aarch64-macos.11.0"),
}


def make_objects(wanted: Mapping[str, Sequence[str]], work: Path) -> None:
    """Compile each kernel that is not there: a process for each processor, two at a time.

    Parameters
    ----------
    wanted
        The names of targets by purpose: "plugin" or "play". What both want of a processor is
        compiled in half of the time.
    work
        Where `object_file` goes.
    """
    missing: dict[str, list[str]] = {}
    for purpose, names in wanted.items():
        for name in names:
            for processor in TARGETS[name].processors:
                made = work / object_file(purpose, name, processor)
                if not made.exists():
                    one = (purpose, TARGETS[name].triple, str(made))
                    missing.setdefault(processor, []).extend(one)
    commands = [
        [sys.executable, "-m", "instrument.plugin.kernels.kernel_object", processor, *objects]
        for processor, objects in missing.items()
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, commands))


def object_file(purpose: str, name: str, processor: str) -> str:
    """Return the file name of a target's kernel for one of its processors."""
    return f"{purpose}-{name}-{processor}.o"


def run(command: Sequence[str]) -> None:
    """Run a compiler.

    Raises
    ------
    EngineError
        It refuses, with its last words.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-20:])
        raise EngineError(f"the plug-in cannot be built: {command[-1]}\n{last}")
