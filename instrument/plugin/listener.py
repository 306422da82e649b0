"""The service's inside: it listens, and attends to each instance of the plug-in.

It listens where nobody but its user may connect, and asks for the token of `service_file`. What it
says to an instance is in `instrument.plugin.instances`.

Never in the way of the audio: an instance plays on when this process dies, and starts it again.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from instrument.plugin.instances import Instance
from instrument.plugin.places import service_file
from instrument.plugin.streaming.memory import sweep
from instrument.plugin.streaming.supervisor import Streaming
from instrument.plugin.tables.rendering import Renderings
from instrument.plugin.tables.table_file import tables_folder
from instrument.processes.held_file import HeldFile
from instrument.processes.held_folder import HeldFolder, sweep_folders

IDLE_SECONDS = 60.0
FOLDER_PREFIX = "latentkeys-service-"
"""Of folders with a service's socket and the presets that are being rendered."""


class Service:
    """Listen, and serve each connection in a thread of its own.

    Parameters
    ----------
    idle_seconds
        How long it goes on without any instance.
    """

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._held = HeldFolder(FOLDER_PREFIX)
        self._folder = self._held.path
        self._token = secrets.token_hex(16)
        self._instances = 0
        self._last = time.monotonic()
        self._lock = threading.Lock()
        self._renderings, self._streaming = Renderings(self._folder), Streaming()
        if hasattr(socket, "AF_UNIX"):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.bind(str(self._folder / "socket"))
            self.address = f"unix {self._folder / 'socket'}"
        else:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._socket.bind(("127.0.0.1", 0))
            self.address = f"tcp {self._socket.getsockname()[1]}"

    def serve(self) -> None:
        """Serve until nobody has been there for a while."""
        path = service_file()
        content = f"{self.address}\n{self._token}\n{os.getpid()}\n".encode()
        self._socket.listen(64)
        self._socket.settimeout(0.5)
        held = HeldFile(path, content)
        self._renderings.keep_ready()
        sweep()
        sweep_folders(FOLDER_PREFIX)
        for old in tables_folder().glob("*.part"):
            with suppress(OSError):
                old.unlink()
        try:
            while self._instances or time.monotonic() - self._last < self._idle_seconds:
                with suppress(TimeoutError):
                    connection = self._socket.accept()[0]
                    with self._lock:
                        self._instances += 1
                    threading.Thread(target=self._attend, args=(connection,), daemon=True).start()
        finally:
            held.release()
            self._renderings.close()
            self._socket.close()
            self._held.release()

    def _attend(self, connection: socket.socket) -> None:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            with connection, connection.makefile("rb") as stream:
                shared = self._renderings, self._streaming
                instance = Instance(*shared, connection, stream, folder)
                try:
                    instance.attend(self._token)
                finally:
                    instance.leave()
        except (OSError, ValueError):
            pass  # it is gone, or talks nonsense: its connection ends
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with self._lock:
                self._instances -= 1
                self._last = time.monotonic()
