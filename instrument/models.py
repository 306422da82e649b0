"""The models process: renders the notes of presets into the note table, away from the audio.

In: `Fill` requests from control on stdin. Out: slots of ``notes.bin``, and reports on stdout. It
may be slow, and it may die: what it has published keeps sounding, and its successor goes on where
it stopped. It ends when its stdin does, that is, with control.

One thread renders; a second one only waits for stdin. onnxruntime is imported when a preset is not
in the cache, which makes a second start fast.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

import platformdirs

from instrument.bundle import Bundle, find_bundle
from instrument.errors import FileError, LatentkeysError
from instrument.model_messages import (
    AttacksReady,
    Fill,
    Opened,
    Problem,
    Report,
    TableReady,
    decode_fill,
    encode,
)
from instrument.note_cache import NoteCache, table_key
from instrument.note_table import TableFiller, note_frames, put_note, read_table
from instrument.preset import load_preset
from instrument.realtime.state import EngineState
from instrument.renderer import FrameVoiceRenderer, open_renderer

NICENESS = 5
_POLL_SECONDS = 0.002


@dataclass(slots=True)
class _Filling:
    """A table that is being rendered."""

    request: Fill
    filler: TableFiller
    cache_key: str
    started: float  # time.monotonic()
    attacks_told: bool = False


class Models:
    """Serve control's requests, the latest one first.

    Parameters
    ----------
    state
        The engine block; its rate must be known.
    requests
        Requests as they arrive; None means that control is gone.
    """

    def __init__(self, state: EngineState, requests: SimpleQueue[Fill | None]) -> None:
        self._state = state
        self._requests = requests
        self._cache = NoteCache(platformdirs.user_cache_path("latentkeys") / "notes")
        self._renderers: dict[str, FrameVoiceRenderer] = {}
        self._filling: _Filling | None = None

    def serve(self) -> None:
        """Render until control is gone."""
        while True:
            try:
                request = self._requests.get(block=self._filling is None)
            except Empty:
                self._render_one_step()
                continue
            if request is None:
                return
            self._filling = None
            try:
                self._begin(request)
            except LatentkeysError as problem:
                _say(Problem(request.bank, problem.message, problem.remedy))

    def _begin(self, request: Fill) -> None:
        started = time.monotonic()
        path = Path(request.preset)
        preset = load_preset(path)
        bundle = find_bundle(preset.model, path)
        rate_hz = round(self._state.rate_hz)
        frames = note_frames(preset, rate_hz)
        sustain = preset.sound.sustain
        key = table_key(f"{bundle.sha256} {sustain}", preset.sound.latent, rate_hz, frames)
        if notes := self._cache.load(key):
            for note in notes:
                put_note(self._state, request.bank, note)
            _say(TableReady(request.bank, time.monotonic() - started, "cache"))
            return
        renderer = self._open(bundle, request.bank)
        filler = TableFiller(self._state, request.bank, preset, renderer)
        self._filling = _Filling(request, filler, key, started)

    def _open(self, bundle: Bundle, bank: int) -> FrameVoiceRenderer:
        if bundle.sha256 not in self._renderers:
            threads = max(1, (os.cpu_count() or 2) - 1)  # one core belongs to the audio
            self._renderers[bundle.sha256] = open_renderer(bundle, threads)
        renderer = self._renderers[bundle.sha256]
        _say(Opened(bank, renderer.provider, renderer.notice))
        return renderer

    def _render_one_step(self) -> None:
        filling = self._filling
        assert filling
        job = filling.filler.step()
        bank, seconds = filling.request.bank, time.monotonic() - filling.started
        if not filling.attacks_told and filling.filler.attacks_are_ready:
            filling.attacks_told = True
            _say(AttacksReady(bank, seconds))
        if job is None:
            self._filling = None
            _say(TableReady(bank, seconds, "model"))
            self._keep(filling)

    def _keep(self, filling: _Filling) -> None:
        try:
            self._cache.save(filling.cache_key, read_table(self._state, filling.request.bank))
        except FileError as problem:
            remedy = "Playing goes on; the preset will be rendered again next time."
            _say(Problem(filling.request.bank, problem.message, remedy))


def main() -> None:
    """Entry point of the process: ``python -m instrument.models SESSION_DIR``."""
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)  # Windows has none
    requests: SimpleQueue[Fill | None] = SimpleQueue()
    listener = threading.Thread(target=_listen, args=(requests,), daemon=True)
    listener.start()
    state = EngineState.attach(Path(sys.argv[1]))
    while not state.rate_hz:  # the engine is still opening its device
        if not listener.is_alive():
            return
        time.sleep(_POLL_SECONDS)
    Models(state, requests).serve()


def _listen(requests: SimpleQueue[Fill | None]) -> None:
    for line in sys.stdin.buffer:
        requests.put(decode_fill(line))
    requests.put(None)


def _say(report: Report) -> None:
    with suppress(BrokenPipeError):  # control is gone; stdin says so as well
        sys.stdout.buffer.write(encode(report) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
