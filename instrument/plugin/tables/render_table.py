"""Render one preset's table file, in a process of its own (`tables.renderer_process`).

Which one, it reads from stdin once it is ready: the service keeps one that waits, as Python,
onnxruntime and a model take a second to load. It says on stdout where the growing file is, that it
lives, and when it is whole; on stdin come keys that were struck meanwhile, and STOP: then it leaves
the table, says STOPPED, and waits for another one.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from instrument.bundle.installed import find_bundle
from instrument.errors import FileError, LatentkeysError
from instrument.files import shipped_presets_folder
from instrument.plugin.child import BEAT, BEAT_SECONDS
from instrument.plugin.tables.table_file import GrowingTable, make_room, recipe_of, table_path
from instrument.preset.preset import DEFAULT_PRESET, load_preset
from instrument.realtime.memory.constants import HIGHEST_PITCH, LOWEST_PITCH, PRESET_BANKS
from instrument.realtime.memory.state import EngineState
from instrument.rendering.open_renderer import open_renderer
from instrument.rendering.renderer import ToneRenderer
from instrument.rendering.table_source import ToneTables, usual_threads
from instrument.rendering.tone_table import tone_frames

BANK = PRESET_BANKS.start
_speech = threading.Lock()


class _Work:
    """What the service asks for, read by a thread of its own; one table at a time."""

    def __init__(self) -> None:
        self.orders: SimpleQueue[str] = SimpleQueue()
        self.is_left = threading.Event()
        self.is_busy = False
        self._state: EngineState | None = None

    def begin(self, state: EngineState) -> None:
        """Put struck keys where this table's filler looks for them from now on."""
        self._state = state

    def read(self) -> None:
        """Take the service's lines until it is gone."""
        for number, line in enumerate(sys.stdin, start=1):
            if line == "STOP\n":
                self.is_left.set()
                self.orders.put("")
            elif " " in line:
                self.orders.put(line.rstrip("\n"))
            elif self._state is not None:
                pitch = int(line)
                if LOWEST_PITCH <= pitch <= HIGHEST_PITCH:
                    self._state.wanted[BANK, pitch - LOWEST_PITCH] = number  # the latest first
        os._exit(1)  # the service is gone

    def beat(self) -> None:
        """Show that this process runs, however long one step of its work takes."""
        while True:
            if self.is_busy:
                _say(BEAT)
            time.sleep(BEAT_SECONDS)


def render_table(path: Path, rate_hz: int, renderers: dict[str, ToneRenderer], work: _Work) -> None:
    """Fill a table file from the cache of tones or from the model, until it is left.

    Raises
    ------
    LatentkeysError
        The preset or its model is wrong, or there is no room for the table.
    """
    state = EngineState.create(None, float(rate_hz), load_preset(path).sound.note_seconds)
    work.begin(state)
    target = table_path(recipe_of(path), rate_hz)
    tables = ToneTables(state, renderers=renderers)
    size = state.tones[BANK].nbytes
    make_room(size)
    try:
        growing = GrowingTable(target, state, BANK)
    except OSError as problem:
        raise FileError(
            f'no room for a table of {size / 1e6:.0f} MB in "{target.parent}": {problem.strerror}',
            "Free some space.",
        ) from problem
    try:
        _say(f"TABLE {growing.part}")
        if table := tables.begin(BANK, path):
            while table.filler.step():
                if work.is_left.is_set():
                    return
                growing.copy_ready()
                _say("STEP")
            growing.copy_ready()
            with suppress(FileError):
                tables.keep(table)
        growing.finish()
    finally:
        with suppress(OSError):
            growing.part.unlink(missing_ok=True)
    _say("WHOLE")


def _say(line: str) -> None:
    with _speech:
        print(line, flush=True)  # noqa: T201 - the service reads it


def open_usual_model() -> dict[str, ToneRenderer]:
    """Open the model that most presets play, so that nobody waits for it later."""
    path = shipped_presets_folder() / f"{DEFAULT_PRESET}.toml"
    with suppress(LatentkeysError):
        preset = load_preset(path)
        bundle = find_bundle(preset.model, path)
        renderer = open_renderer(bundle, usual_threads())
        renderer.open(tone_frames(preset, renderer.info.sample_rate_hz))
        return {bundle.sha256: renderer}
    return {}


def serve() -> None:
    """Get ready, then render what lines of stdin say, each a rate and a preset's path."""
    renderers, work = open_usual_model(), _Work()
    for task in (work.read, work.beat):
        threading.Thread(target=task, daemon=True).start()
    while True:
        order = work.orders.get()
        if not order:
            work.is_left.clear()
            _say("STOPPED")
            continue
        rate, _, path = order.partition(" ")
        work.is_busy = True
        try:
            render_table(Path(path), int(rate), renderers, work)
        except LatentkeysError as problem:
            _say(f"FAILED {problem.message}. {problem.remedy}".replace("\n", " "))
        finally:
            work.is_busy = False
