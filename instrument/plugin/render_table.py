"""Render one preset's table file, in a process of its own (`instrument.plugin.renderer_process`).

Which one, it reads from stdin once it is ready: the service keeps one that waits, as Python,
onnxruntime and a model take a second to load. It says on stdout where the growing file is, that it
lives, and when it is whole; on stdin come keys that were struck meanwhile.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from instrument.bundle.bundle import find_bundle
from instrument.errors import FileError, LatentkeysError
from instrument.files import shipped_presets_folder
from instrument.plugin.renderer_process import BEAT, BEAT_SECONDS
from instrument.plugin.table_file import GrowingTable, make_room, recipe_of, table_path
from instrument.preset.preset import DEFAULT_PRESET, load_preset
from instrument.realtime.state import HIGHEST_PITCH, LOWEST_PITCH, PRESET_BANKS, EngineState
from instrument.rendering.open_renderer import open_renderer
from instrument.rendering.renderer import ToneRenderer
from instrument.rendering.table_source import ToneTables, usual_threads
from instrument.rendering.tone_table import tone_frames

BANK = PRESET_BANKS.start
_speech = threading.Lock()


def render_table(path: Path, rate_hz: int, renderers: dict[str, ToneRenderer]) -> None:
    """Fill a table file from the cache of tones or from the model.

    Raises
    ------
    LatentkeysError
        The preset or its model is wrong, or there is no room for the table.
    """
    state = EngineState.create(None, float(rate_hz), load_preset(path).sound.note_seconds)
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
        _listen(state)
        if table := tables.begin(BANK, path):
            while table.filler.step():
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


def _listen(state: EngineState) -> None:
    """Put struck keys where the filler looks for them, the latest with the largest number."""

    def read() -> None:
        for number, line in enumerate(sys.stdin, start=1):
            pitch = int(line)
            if LOWEST_PITCH <= pitch <= HIGHEST_PITCH:
                state.wanted[BANK, pitch - LOWEST_PITCH] = number
        os._exit(1)  # the service is gone

    threading.Thread(target=read, daemon=True).start()


def _say(line: str) -> None:
    with _speech:
        print(line, flush=True)  # noqa: T201 - the service reads it


def _beat() -> None:
    """Show that this process runs, however long one step takes."""
    while True:
        _say(BEAT)
        time.sleep(BEAT_SECONDS)


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
    """Get ready, then render what the first line of stdin says: a rate and a preset's path."""
    renderers = open_usual_model()
    rate, _, path = sys.stdin.readline().rstrip("\n").partition(" ")
    if not path:
        return  # the service has ended
    threading.Thread(target=_beat, daemon=True).start()
    try:
        render_table(Path(path), int(rate), renderers)
    except LatentkeysError as problem:
        _say(f"FAILED {problem.message}. {problem.remedy}".replace("\n", " "))
