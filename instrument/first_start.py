"""Compile the audio engine before anything waits for it, once per machine and version.

The engine process only loads machine code. Where none is stored yet, this compiles it in a process
of its own, says so, and takes as long as the machine needs: an old laptop may need minutes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

from instrument.errors import EngineError
from instrument.realtime.compiled.machine_code import is_compiled

_LOOK_SECONDS = 0.25
_LAST_LINES = 6


def compile_once() -> None:
    """Compile the audio thread's code if it is not there yet; control's side, shows progress.

    Raises
    ------
    EngineError
        It cannot be compiled here.
    """
    if not is_compiled():
        _compile()


def _compile() -> None:
    from rich.console import Console  # what only a first start shows
    from rich.progress import TimeElapsedColumn

    from instrument.progress import LongWork

    console = Console(stderr=True)
    what = "Compiling the audio engine, once (about a minute)"
    if not console.is_terminal:
        console.print(what, highlight=False)
    with (
        tempfile.TemporaryFile("w+") as words,
        LongWork(console, TimeElapsedColumn()) as progress,
        subprocess.Popen(
            [sys.executable, "-m", "instrument.realtime.warm"],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
        ) as compiler,
    ):
        task = progress.add_task(what, total=None)
        try:
            while compiler.poll() is None:
                progress.advance(task, 0)
                try:
                    compiler.wait(_LOOK_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            compiler.kill()
        if compiler.returncode:
            words.seek(0)
            last = "\n".join(words.read().strip().splitlines()[-_LAST_LINES:])
            raise EngineError(
                f"the audio engine cannot be compiled on this machine:\n{last}",
                "Try `python -m instrument.realtime.warm`; is there space on the disk?",
            )
