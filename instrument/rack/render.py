"""A rack in a render: the same process, waited for, and its return moved back to where it belongs.

Everything, the dry sound too, comes out `OFFLINE_FRAMES` later, which are left out at the beginning
and rendered once more at the end: what was sent and what came back of it sound at the same frame.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from instrument.errors import RackError
from instrument.processes.child_process import ChildProcess
from instrument.processes.json_lines import Failed
from instrument.rack.find import check_rack_name
from instrument.rack.messages import REPORTS, Built, RackSettings
from instrument.rack.process import OFFLINE_FRAMES
from instrument.realtime.memory.aux_memory import FADE_OUT_FRAMES
from instrument.realtime.offline_engine import OfflineEngine
from instrument.schema import NO_JSON

Stereo = NDArray[np.float32]

BUILD_SECONDS = 20.0
BLOCK_SECONDS = 10.0
"""A rack that takes longer for its part of a block is taken for one that hangs."""
TAIL_SECONDS = 12.0
"""So long a rack may ring on; a loop that never ends fades within the last two seconds."""
_FADE_SECONDS = 2.0
_STEP_SECONDS = 0.25
_QUIET = 1e-4  # -80 dB
_LAST_LINE_SECONDS = 0.1


class RackInRender:
    """Run an offline engine's send through a rack; use it in a ``with`` statement.

    Parameters
    ----------
    rack
        A shipped one's name, or a file.
    turned
        Knobs that do not stand where they usually do.
    impulse
        See `rack.messages.RackSettings`.
    send, level, direct
        Amplitude factors of what goes in, of what comes back and of the direct sound.

    Raises
    ------
    RackError
        There is no such rack.
    """

    def __init__(
        self,
        rack: str,
        turned: Mapping[str, float],
        impulse: str = "",
        *,
        send: float = 1.0,
        level: float = 1.0,
        direct: float = 1.0,
    ) -> None:
        check_rack_name(rack)
        self._levels = {"send_level": send, "return_level": level, "dry_level": direct}
        self._rack = rack
        self._settings = RackSettings(rack, impulse, dict(turned), waits=True)
        self._opened = ExitStack()
        self.folder = Path(
            self._opened.enter_context(tempfile.TemporaryDirectory(prefix="latentkeys-rack-"))
        )

    def __enter__(self) -> RackInRender:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    def begin(self, engine: OfflineEngine) -> None:
        """Start the rack's process, and wait until it plays.

        Parameters
        ----------
        engine
            Whose memory lies in `folder`.

        Raises
        ------
        RackError
            It cannot be built, with what is wrong.
        """
        self._engine = engine
        memory = self._memory = engine.state.fields["rack"]
        memory["dry_frames"] = OFFLINE_FRAMES
        for name, value in self._levels.items():
            memory[name] = value
        self._settings.save(self.folder)
        self._process = ChildProcess("instrument.rack.process", self.folder)
        self._opened.callback(self._process.end)
        self._wait_for(lambda: bool(memory["is_on"]), BUILD_SECONDS)

    def wait(self) -> None:
        """Wait for all of the return that the next block needs. Before each block.

        Raises
        ------
        RackError
            The rack has ended, or hangs.
        """
        ahead = self._engine.block_frames + FADE_OUT_FRAMES + 1
        needed = self._engine.state.clock + ahead - OFFLINE_FRAMES
        self._wait_for(lambda: int(self._memory["returned"]) >= needed, BLOCK_SECONDS)

    def aligned(self, sound: Iterator[Stereo]) -> Iterator[Stereo]:
        """Yield a render's sound without its delay, until the rack has rung out."""
        late = OFFLINE_FRAMES
        for piece in sound:
            if late < len(piece):
                yield piece[late:]
            late = max(late - len(piece), 0)
        rate_hz = self._engine.state.rate_hz
        yield self._engine.render(OFFLINE_FRAMES)
        step, count = round(_STEP_SECONDS * rate_hz), round(TAIL_SECONDS / _STEP_SECONDS)
        fade = np.clip(np.linspace(TAIL_SECONDS, 0, step * count) / _FADE_SECONDS, 0, 1)
        for index in range(count):
            piece = self._engine.render(step)
            yield piece * fade[index * step : (index + 1) * step, None].astype(np.float32)
            if np.abs(piece).max() < _QUIET:
                return

    def _wait_for(self, is_done: Callable[[], bool], seconds: float) -> None:
        patience = time.monotonic() + seconds
        while not is_done():
            has_ended = self._process.exit_code is not None
            if has_ended:
                time.sleep(_LAST_LINE_SECONDS)  # a thread reads what it said
            for line in self._process.lines():
                self._hear(line)
            if has_ended:
                raise RackError(f"the rack {self._rack} has ended: {self._process.last_words(1)}")
            if time.monotonic() > patience:
                self._process.kill()
                raise RackError(f"the rack {self._rack} does not answer within {seconds:g} s")
            time.sleep(0.0002)

    def _hear(self, line: bytes) -> None:
        try:
            report = REPORTS.decode(line)
        except NO_JSON:  # what a library or the rack itself prints
            self._process.note(line)
            return
        if isinstance(report, Failed):
            raise RackError(report.message, "Choose another rack, or leave it out.")
        assert isinstance(report, Built)
