"""Run a rack's pyo graph, block by block: the same live and in renders."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from instrument.errors import LatentkeysError, MissingExtraError, RackError
from instrument.rack.find import Rack, raised
from instrument.rack.inlet import Inlet

BLOCK_FRAMES: Final = 64
"""Of pyo's server, whatever the engine's block is: a rack sounds the same at all of them."""
LOUDEST: Final = 4.0
"""What a rack gives back is held below this, 12 dB above full scale."""
_SEED: Final = 1


def import_pyo() -> ModuleType:
    """Return pyo, without the windows that it would open.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    os.environ["PYO_GUI_WX"] = "0"
    try:
        import pyo
    except ImportError as missing:
        raise MissingExtraError("a rack", "pyo", "rack") from missing
    return pyo  # type: ignore[no-any-return]


class RackRunner:
    """One rack, built; one at a time in a process, which ends by `os._exit`.

    Parameters
    ----------
    rack
        What to build.
    values
        Where its knobs stand.
    rate_hz
        Frames per second.
    impulse
        See `Inlet`.

    Raises
    ------
    RackError
        Its ``build`` raises, or returns nothing that can be heard.
    MissingExtraError
        There is no pyo.
    """

    def __init__(
        self,
        rack: Rack,
        values: tuple[float, ...],
        rate_hz: float,
        impulse: Callable[[], Path],
    ) -> None:
        pyo = import_pyo()
        self._name = rack.name
        self._server = pyo.Server(
            sr=rate_hz, nchnls=2, buffersize=BLOCK_FRAMES, duplex=0, audio="manual"
        )
        self._server.setVerbosity(1)
        self._server.boot()
        self._server.start()
        pyo.Server.setGlobalSeed(self._server, _SEED)
        seconds = BLOCK_FRAMES / rate_hz
        ins, outs = ([pyo.NewTable(seconds) for _ in range(2)] for _ in range(2))
        with _everything_kept(pyo) as self._kept:
            self._inlet = Inlet(pyo, ins, rack.knobs, values, rate_hz, BLOCK_FRAMES, impulse)
            heard = self._build(rack, pyo)
            self._last = pyo.TableFill(pyo.DCBlock(heard), outs)
        self._ins = [np.asarray(table.getBuffer())[:BLOCK_FRAMES] for table in ins]
        self._outs = [np.asarray(table.getBuffer())[:BLOCK_FRAMES] for table in outs]
        self._values, self._beat = values, 0.0

    def _build(self, rack: Rack, pyo: ModuleType) -> Any:
        try:
            heard = rack.build(pyo, self._inlet)
        except LatentkeysError:
            raise
        except Exception as reason:  # a player's own file: whatever it raises is told
            raise raised(f"{rack.name}.py", reason) from reason
        if not isinstance(heard, pyo.PyoObject):
            raise RackError(
                f"the rack {rack.name}: build returns {type(heard).__name__}, not a pyo object",
                "Return what is to be heard, for example: return pyo.Delay(inlet.sound)",
            )
        return heard.mix(2) if len(heard) > 1 else pyo.Mix([heard, heard], 2)

    def turn(self, values: tuple[float, ...]) -> None:
        """Turn the knobs, in order."""
        if values != self._values:
            self._values = values
            self._inlet.turn(values)

    def keep_time(self, bpm: float) -> None:
        """Follow a tempo."""
        seconds = 60.0 / max(bpm, 1.0)
        if seconds != self._beat:
            self._beat = seconds
            self._inlet.beat.value = seconds

    def strike(self, pitch: int, velocity: int) -> None:
        """Tell the rack of a note of the partner; velocity 0 lets it go."""
        self._inlet.strike(pitch, velocity)

    def process(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run one block through the rack: float32, shape (`BLOCK_FRAMES`, 2), in and out.

        Raises
        ------
        RackError
            What comes out is no sound.
        """
        for table, channel in zip(self._ins, sound.T, strict=True):
            table[:] = channel
        self._server.process()
        heard: NDArray[np.float32] = np.stack(self._outs, 1)
        if not np.isfinite(heard).all():
            raise RackError(f"the rack {self._name} gives numbers that are no sound")
        return np.clip(heard, -LOUDEST, LOUDEST, out=heard)


@contextlib.contextmanager
def _everything_kept(pyo: ModuleType) -> Iterator[list[Any]]:
    """Keep every pyo object that is made meanwhile: pyo stops those that Python forgets."""
    kept: list[Any] = []
    begin = pyo.PyoObjectBase.__init__

    def keep(made: Any, *args: Any, **named: Any) -> None:
        begin(made, *args, **named)
        kept.append(made)

    pyo.PyoObjectBase.__init__ = keep
    try:
        yield kept
    finally:
        pyo.PyoObjectBase.__init__ = begin
