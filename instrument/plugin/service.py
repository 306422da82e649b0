"""The service: one process per user that gives the plug-in's instances their sounds.

``python -m instrument.plugin.service``, started by the plug-in when it needs it (`launch_file`); it
ends a minute after its last instance. `instrument.plugin.instances` is what it does. Here is only
what has to be quick: hosts start it more than once while it loads, and all but the first end at
once.
"""

from __future__ import annotations

import os

from instrument.plugin.places import service_file
from instrument.processes.held_file import HeldFile, is_held


def main() -> None:
    """Leave the process that started this one, and serve, unless a service is there already."""
    if hasattr(os, "fork"):
        if os.fork():
            os._exit(0)  # the host has waited for this
        os.setsid()
    service_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if is_held(service_file()):
        return
    HeldFile(service_file(), f"starting\n\n{os.getpid()}\n".encode())
    from instrument.plugin.instances import Service

    Service().serve()


if __name__ == "__main__":
    main()
