"""The service: one process per user that gives the plug-in's instances their sounds.

``python -m instrument.plugin.service``, started by the plug-in when it needs it (`launch_file`); it
ends a minute after its last instance. It listens where nobody but its user may connect, and asks
for the token of `service_file`. Each instance has a connection and a thread of its own::

    HELLO 1 token rate layout   →  OK 1, then NAMES: which program change is which preset
    PRESET n, n bytes           →  SOUND: its fields and recipe, then TABLE path, FAILED why
    PROGRAM number              →  PRESET: that preset's file, then as above
    WANT pitch                     a key that was struck and has no tone yet

Never in the way of the audio: an instance plays on when this process dies, and starts it again.
"""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from instrument.errors import LatentkeysError
from instrument.plugin.places import service_file
from instrument.plugin.rendering import Renderers, Rendering
from instrument.plugin.table_file import layout_number, recipe_of, table_path, tables_folder
from instrument.preset.banks import program_table
from instrument.preset.preset import list_presets, load_preset
from instrument.preset.voice_parameters import sound_fields
from instrument.processes.held_file import HeldFile, is_held

IDLE_SECONDS = 60.0
MOST_PRESET_BYTES = 1 << 20


class Service:
    """Listen, and serve each connection in a thread of its own.

    Parameters
    ----------
    idle_seconds
        How long it goes on without any instance.
    """

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._folder = Path(tempfile.mkdtemp(prefix="latentkeys-"))  # only its user may enter
        self._token = secrets.token_hex(16)
        self._instances = 0
        self._last = time.monotonic()
        self._rendering: dict[Path, Rendering] = {}
        self._lock = threading.Lock()
        self._renderers = Renderers()
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
        self._renderers.keep_ready()
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
            self._renderers.close()
            self._socket.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def rendering(self, preset: Path, rate_hz: int, recipe: str) -> Rendering:
        """Return the rendering of a table: the one that goes on, or a new one."""
        target = table_path(recipe, rate_hz)
        with self._lock:
            found = self._rendering.get(target)
            if found is None or found.is_over:
                found = self._rendering[target] = Rendering(self._renderers, preset, rate_hz)
            return found

    def _attend(self, connection: socket.socket) -> None:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            with connection, connection.makefile("rb") as stream:
                instance = Instance(self, connection, stream, folder)
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


class Instance:
    """One plug-in instance's connection.

    Parameters
    ----------
    service
        Renders for all of them.
    connection, stream
        What to write to and read from.
    folder
        Where its presets are put while they are rendered.
    """

    def __init__(
        self, service: Service, connection: socket.socket, stream: BinaryIO, folder: Path
    ) -> None:
        self._service, self._connection, self._stream = service, connection, stream
        self._folder = folder
        self._rate_hz = 0
        self._rendering: Rendering | None = None
        self._lines: SimpleQueue[str] = SimpleQueue()  # what the rendering says
        self._number = 0
        self._write = threading.Lock()

    def attend(self, token: str) -> None:
        """Answer until it is gone."""
        words = self._stream.readline(300).split()
        if (
            len(words) != 5
            or words[0] != b"HELLO"
            or not hmac.compare_digest(words[2], token.encode())
        ):
            return
        if words[1] != b"1" or int(words[4], 16) != layout_number():
            self._say("NO The plug-in is of another version: latentkeys plugin install")
            return
        self._rate_hz = int(words[3])
        if not 8_000 <= self._rate_hz <= 768_000:
            return
        self._say("OK 1")
        programs = program_table(list_presets())
        names = "".join(
            f"{n} {entry.preset.name}\n" for n, entry in programs.items() if entry.preset
        )
        self._send("NAMES", names)
        while line := self._stream.readline(300):
            verb, number = line.split()
            if verb == b"PRESET":
                self._take(int(number))
            elif verb == b"PROGRAM":
                self._choose(int(number))
            elif verb == b"WANT" and self._rendering:
                self._rendering.want(int(number))

    def _take(self, count: int) -> None:
        if not 0 <= count <= MOST_PRESET_BYTES:
            raise ValueError(f"a preset of {count} bytes")
        path, content = self._folder / f"song_{self._number}.toml", self._stream.read(count)
        try:
            path.write_bytes(content)
        except OSError as problem:
            self._fail(f"the song's preset cannot be kept: {problem.strerror}. Free some space")
            return
        self._supply(path)

    def _choose(self, number: int) -> None:
        entry = program_table(list_presets()).get(number)
        if entry is None:
            self._fail(f"there is no preset {number}. Choose another one")
            return
        try:
            text = entry.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            self._fail(f'"{entry.path}" cannot be read: {problem}')
            return
        self._send("PRESET", text)
        self._supply(entry.path)

    def _supply(self, path: Path) -> None:
        """Say what a preset's sound is and where its table lies; have it rendered if need be."""
        self._number += 1
        self.leave()
        try:
            recipe = recipe_of(path)
            fields = sound_fields(load_preset(path))
        except LatentkeysError as problem:
            self._fail(f"{problem.message}. {problem.remedy}")
            return
        lines = "".join(f"{name} {value!r}\n" for name, value in fields.items())
        self._send("SOUND", f"{lines}recipe {recipe}\n")
        table = table_path(recipe, self._rate_hz)
        if table.is_file():
            with suppress(OSError):
                os.utime(table)  # most recently used
            self._say(f"TABLE {table}")
            return
        try:
            self._rendering = self._service.rendering(path, self._rate_hz, recipe)
        except OSError as problem:
            self._fail(f"no tone can be rendered: {problem.strerror}. Free some space")
            return
        self._lines = self._rendering.follow()
        arguments = (self._lines, table)
        threading.Thread(target=self._follow, args=arguments, daemon=True).start()

    def leave(self) -> None:
        """Follow no rendering any more."""
        if self._rendering:
            self._rendering.leave(self._lines)
        self._rendering = None

    def _follow(self, lines: SimpleQueue[str], table: Path) -> None:
        while (line := lines.get()) != "LEFT":
            if line == "WHOLE":
                line = f"TABLE {table}"
            elif line.startswith("TABLE") and os.name == "nt":
                continue  # Windows renames nothing that somebody has mapped
            with suppress(OSError):
                if line.startswith("FAILED"):
                    self._fail(line.removeprefix("FAILED "))
                else:
                    self._say(line)
            if line.startswith("FAILED") or line == f"TABLE {table}":
                return

    def _fail(self, why: str) -> None:
        """Say what the player reads as the plug-in's status."""
        why = why.replace("\n", " ")
        self._say(f"FAILED {why[:1].upper()}{why[1:]}")

    def _say(self, line: str) -> None:
        with self._write:
            self._connection.sendall(f"{line[:900]}\n".encode())

    def _send(self, verb: str, text: str) -> None:
        content = text.encode()
        with self._write:
            self._connection.sendall(f"{verb} {len(content)}\n".encode() + content)


def main() -> None:
    """Leave the process that started this one, and serve, unless a service is there already."""
    if hasattr(os, "fork"):
        if os.fork():
            os._exit(0)  # the host has waited for this
        os.setsid()
    service_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_held(service_file()):
        Service().serve()


if __name__ == "__main__":
    main()
