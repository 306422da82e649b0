"""Tones from a renderer of this process: for programs that bring a model of their own.

Does what `instrument.session.children.models_process` does with one process more. The renderer
holds this process's interpreter lock while it works; the sound does not mind, for the engine is a
process of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

from instrument.preset.banks import LoadedPreset
from instrument.realtime.memory.state import EngineState
from instrument.rendering.messages import Fill, Hold, Report
from instrument.rendering.process import Models
from instrument.rendering.renderer import ToneRenderer
from instrument.rendering.table_source import RendererTables


class RendererThread:
    """Fill banks from a thread; control asks and hears it as it does the models process.

    Parameters
    ----------
    folder
        The session's folder; the engine block is in it.
    renderer
        Belongs to the thread from now on.
    """

    def __init__(self, folder: Path, renderer: ToneRenderer) -> None:
        state = EngineState.attach(folder)
        self._requests: SimpleQueue[Fill | Hold | None] = SimpleQueue()
        self._reports: SimpleQueue[Report] = SimpleQueue()
        tables = RendererTables(state, renderer)
        self._models = Models(state, self._requests, tables, self._reports.put)
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="renderer", daemon=True)
        self._thread.start()

    def fill(
        self, loaded: LoadedPreset, *, is_fresh: bool = False, carries_from: int | None = None
    ) -> None:
        """Ask for a preset's tones; see `ModelsProcess.fill`."""
        path = str(loaded.path.resolve())
        self._requests.put(Fill(loaded.bank, path, is_fresh, carries_from=carries_from))

    def follow(self) -> Iterator[Report]:
        """Yield what the thread has said since the last call.

        Raises
        ------
        Exception
            Whatever the renderer has raised.
        """
        while not self._reports.empty():
            try:
                yield self._reports.get_nowait()
            except Empty:
                return
        if self._problem:
            raise self._problem

    def end(self) -> None:
        """Let the thread end after the tones that it renders now."""
        self._requests.put(None)
        self._thread.join()

    def _serve(self) -> None:
        try:
            self._models.serve()
        except Exception as problem:  # a stranger's code; it is raised again where it is heard
            self._problem = problem
