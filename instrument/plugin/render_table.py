"""Render one preset's table file: ``python -m instrument.plugin.render_table PRESET RATE``.

A process for each table, niced, so that whatever a model does ends with it. It says on stdout where
the growing file is and when it is whole; on stdin come keys that were struck meanwhile.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from instrument.errors import FileError, LatentkeysError
from instrument.plugin.table_file import GrowingTable, make_room, recipe_of, table_path
from instrument.preset.preset import load_preset
from instrument.realtime.state import HIGHEST_PITCH, LOWEST_PITCH, PRESET_BANKS, EngineState
from instrument.rendering.table_source import ToneTables

BANK = PRESET_BANKS.start
NICENESS = 10


def render_table(path: Path, rate_hz: int) -> None:
    """Fill a table file from the cache of tones or from the model.

    Raises
    ------
    LatentkeysError
        The preset or its model is wrong, or there is no room for the table.
    """
    state = EngineState.create(None, float(rate_hz), load_preset(path).sound.note_seconds)
    target = table_path(recipe_of(path), rate_hz)
    tables = ToneTables(state)
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
    print(line, flush=True)  # noqa: T201 - the service reads it


def main() -> None:
    """Render what the command line says."""
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)  # Windows has none
    try:
        render_table(Path(sys.argv[1]), int(sys.argv[2]))
    except LatentkeysError as problem:
        _say(f"FAILED {problem.message}. {problem.remedy}".replace("\n", " "))


if __name__ == "__main__":
    main()
