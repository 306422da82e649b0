"""Ableton Link: one tempo and one beat for every program on the network.

In: nothing but the network. Out: the position and the tempo at this moment, which the partner's
process turns into `FollowLink`, so that they are part of a take. Needs the optional
package aalink, which is GPL-2.0-or-later as Link itself is.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

from instrument.errors import MissingExtraError


@dataclass(frozen=True, slots=True)
class LinkTime:
    """Where Link is at one moment.

    Attributes
    ----------
    beats
        Position; whole numbers are beats.
    bpm
        Tempo.
    peers
        Other programs in the session.
    """

    beats: float
    bpm: float
    peers: int


class LinkClock:
    """Join the session of the network; a thread of its own serves it.

    Parameters
    ----------
    bpm
        The tempo, if there is nobody else.
    bar_beats
        Bars begin together with those of others.

    Raises
    ------
    MissingExtraError
        aalink is not installed.
    """

    def __init__(self, bpm: float, bar_beats: float) -> None:
        try:
            import aalink
        except ImportError as missing:
            raise MissingExtraError("--clock link", "aalink", "link") from missing
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="link", daemon=True)
        self._thread.start()

        async def join() -> Any:
            link = aalink.Link(bpm)
            link.quantum = bar_beats
            link.enabled = True
            return link

        self._link = asyncio.run_coroutine_threadsafe(join(), self._loop).result(timeout=5.0)

    def look(self) -> LinkTime:
        """Return where Link is now."""
        link = self._link
        return LinkTime(float(link.beat), float(link.tempo), int(link.num_peers))

    def close(self) -> None:
        """Leave the session."""
        self._link.enabled = False
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1.0)
        del self._link  # it may not outlive its loop
        self._loop.close()
