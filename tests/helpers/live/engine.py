"""The engine process on a private JACK server, with a test in the roles of control and models."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from instrument.engine.messages import REPORTS, EngineSettings, Ready
from instrument.realtime.memory.constants import ALL_CHANNELS, FADE_OUT, USE_BANK
from instrument.realtime.memory.state import EngineState
from tests.helpers.sounds.tones import fill_bank

PRESET_BANK = 1
R = TypeVar("R")


@dataclass
class LiveEngine:
    """A running engine."""

    state: EngineState
    process: subprocess.Popen[bytes]
    folder: Path
    ready: Ready

    def wait_for(self, kind: type[R]) -> R:
        """Read its lines until it says something of a kind."""
        assert self.process.stdout is not None
        while not isinstance(report := REPORTS.decode(self.process.stdout.readline()), kind):
            pass
        return report


@contextlib.contextmanager
def live_engine(
    settings: EngineSettings,
    environment: Mapping[str, str],
    command: Sequence[str] = ("-m", "instrument.engine.process"),
) -> Iterator[LiveEngine]:
    """Run the engine for as long as the body lasts, bank 1 filled with sines and in use."""
    with tempfile.TemporaryDirectory(prefix="latentkeys-test-") as name:
        folder = Path(name)
        settings.save(folder)
        state = EngineState.create(folder)
        process = subprocess.Popen(
            [sys.executable, *command, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            ready = REPORTS.decode(process.stdout.readline())
            assert isinstance(ready, Ready), ready
            fill_bank(state, PRESET_BANK)
            state.command(USE_BANK, PRESET_BANK, ALL_CHANNELS)
            yield LiveEngine(state, process, folder, ready)
        finally:
            state.command(FADE_OUT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
