"""The service: one process per user that gives the plug-in's instances their sounds.

``python -m instrument.plugin.service``, started by the plug-in when it needs it (`launch_file`); it
ends a minute after its last instance. `instrument.plugin.listener` is what it does. Here is only
what has to be quick: hosts start it more than once while it loads, and all but the first end at
once.
"""

from __future__ import annotations

import os
import signal
import time

from instrument.plugin.places import service_file
from instrument.processes.held_file import HeldFile, is_held

STARTING = "starting"
START_SECONDS = 15.0
"""A service that does not listen after so long is taken for one that hangs."""


def main() -> None:
    """Leave the process that started this one, and serve, unless a service is there already."""
    if hasattr(os, "fork"):
        if os.fork():
            os._exit(0)  # the host has waited for this
        os.setsid()
    service_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if is_held(service_file()) and not _end_one_that_hangs():
        return
    HeldFile(service_file(), f"{STARTING}\n\n{os.getpid()}\n".encode())
    from instrument.plugin.listener import Service

    Service().serve()


def _end_one_that_hangs() -> bool:
    """End another service that has been starting for too long; tell whether there was one."""
    try:
        address, _, number = service_file().read_text(encoding="utf-8").split("\n")[:3]
        age_seconds = time.time() - service_file().stat().st_mtime
        if address != STARTING or age_seconds < START_SECONDS:
            return False
        os.kill(int(number), getattr(signal, "SIGKILL", signal.SIGTERM))  # it holds its file: it is
    except (OSError, ValueError):
        return False
    return True


if __name__ == "__main__":
    main()
