"""Where an instance's tables lie: from the cache, or rendered while it is told of what is ready."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from instrument.plugin.tables.rendering import Rendering, Renderings
from instrument.plugin.tables.table_file import table_path


class TableSupply:
    """Tell one instance of tables: those of the player's sound, and of the partner's.

    Parameters
    ----------
    renderings
        Of all instances.
    say
        Takes lines for the plug-in, on any thread.
    fail
        Takes why there is no table, and how the line begins.
    """

    def __init__(
        self,
        renderings: Renderings,
        say: Callable[[str], None],
        fail: Callable[[str, str], None],
    ) -> None:
        self._renderings, self._say, self._fail = renderings, say, fail
        self._followed: dict[str, tuple[Rendering, SimpleQueue[str]]] = {}  # by how lines begin
        self._growing: dict[Path, str] = {}

    def begin(self, whose: str, preset: Path, rate_hz: int, recipe: str) -> None:
        """Say where a preset's table lies; have it rendered if it is in no cache."""
        table = table_path(recipe, rate_hz)
        if table.is_file():
            with suppress(OSError):
                os.utime(table)  # most recently used
            self._say(f"{whose}TABLE {table}")
            return
        try:
            rendering = self._renderings.of(preset, rate_hz, recipe)
        except OSError as problem:
            self._fail(f"no tone can be rendered: {problem.strerror}. Free some space", whose)
            return
        lines = rendering.follow()
        self._followed[whose] = rendering, lines
        threading.Thread(target=self._follow, args=(lines, table, whose), daemon=True).start()

    def places_of(self, recipe: str, rate_hz: int) -> tuple[str, ...]:
        """Return where a table may lie: the whole one, and one that grows if it was told."""
        table = table_path(recipe, rate_hz)
        growing = self._growing.get(table)
        return (str(table), growing) if growing else (str(table),)

    def want(self, pitch: int) -> None:
        """Have a key of the player's sound rendered first."""
        if found := self._followed.get(""):
            found[0].want(pitch)

    def leave(self, whose: str) -> None:
        """Follow a rendering no more."""
        if found := self._followed.pop(whose, None):
            found[0].leave(found[1])

    def _follow(self, lines: SimpleQueue[str], table: Path, whose: str) -> None:
        while (line := lines.get()) != "LEFT":
            if line == "WHOLE":
                line = f"TABLE {table}"
            elif line.startswith("TABLE") and os.name == "nt":
                continue  # Windows renames nothing that somebody has mapped
            if line.startswith("TABLE"):
                self._growing[table] = line.removeprefix("TABLE ")
            with suppress(OSError):
                if line.startswith("FAILED"):
                    self._fail(line.removeprefix("FAILED "), whose)
                else:
                    self._say(f"{whose}{line}")
            if line.startswith("FAILED") or line == f"TABLE {table}":
                return
