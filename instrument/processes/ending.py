"""End when the system asks for it, whatever the main thread is doing."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable

LAST_SECONDS = 3.0
"""Whoever has not ended so long after SIGTERM never will."""


def end_on_sigterm(ask: Callable[[], None]) -> None:
    """Call `ask` when SIGTERM comes, and end this process if that does not. Main thread.

    Python runs its own handlers in the main thread, between two instructions: one that waits for
    a device that hangs would never see the signal. So a thread of its own reads it from a socket.

    Parameters
    ----------
    ask
        Called in that thread; begins an end in good order.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)

    def wait() -> None:
        with reader, writer:
            while signal.SIGTERM not in reader.recv(1):
                pass
            ask()
            time.sleep(LAST_SECONDS)
            os._exit(128 + signal.SIGTERM)

    threading.Thread(target=wait, name="sigterm", daemon=True).start()
