"""A CLAP host of our own, through ctypes: loads a plug-in, feeds it events, takes its sound."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_bool,
    c_char_p,
    c_double,
    c_float,
    c_void_p,
)
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from instrument.bench.clap.interface import (
    EXTENSION,
    GET,
    HAS_BAR,
    HAS_BEATS,
    HAS_SECONDS,
    HAS_TEMPO,
    METHODS,
    NOTE_OFF,
    NOTE_ON,
    NOTHING,
    PLAYS,
    PUSH,
    RESCAN,
    SIZE,
    STREAM,
    TABLES,
    AudioBuffer,
    ClapHost,
    ClapTransport,
    InEvents,
    NoteEvent,
    OutEvents,
    P,
    ParameterInfo,
    Process,
    Stream,
)

_open: set[Plugin] = set()
"""Their threads call these objects: whoever forgets one without `close` must not free it."""


class Plugin:
    """One instance of a CLAP plug-in.

    Parameters
    ----------
    path
        The file.
    rate_hz
        What it is activated with.
    offline
        Whether blocks may wait.

    Attributes
    ----------
    notes
        What the last block has given to the host: frame, kind, channel and key of each note.
    dirty, rescans
        How often the plug-in has said that the song is changed, and that values are.
    """

    def __init__(self, path: Path, rate_hz: float = 48_000.0, *, offline: bool = True) -> None:
        self._library = ctypes.CDLL(str(path))
        entry = ctypes.cast(self._library.clap_entry, POINTER(c_void_p))
        at = 12 + 4  # three numbers of the version, then aligned pointers
        words = ctypes.cast(ctypes.addressof(entry.contents) + at, POINTER(c_void_p))
        CFUNCTYPE(c_bool, c_char_p)(words[0])(str(path).encode())
        factory = CFUNCTYPE(c_void_p, c_char_p)(words[2])(b"clap.plugin-factory")
        table = ctypes.cast(factory, POINTER(c_void_p))
        self.host = ClapHost((1, 1, 1), None, b"test", b"", b"", b"1")
        self.dirty = self.rescans = 0
        self._wants_main_thread = False
        self._mark_dirty, self._rescan = NOTHING(self._count_dirty), RESCAN(self._count_rescan)
        self._nothing = NOTHING(lambda *_: None)
        self._offers = {
            b"clap.state": (P * 1)(*_addresses(self._mark_dirty)),
            b"clap.params": (P * 3)(*_addresses(self._rescan, self._nothing, self._nothing)),
        }
        self.host.get_extension = EXTENSION(self._offer)
        self.host.restart = self.host.process = self._nothing
        self.host.callback = NOTHING(self._want_main_thread)
        create = CFUNCTYPE(c_void_p, P, P, c_char_p)(table[2])
        made = create(factory, ctypes.addressof(self.host), b"org.latentkeys.latentkeys")
        assert made
        self.address = made
        _open.add(self)
        fields = ctypes.cast(made, POINTER(c_void_p))
        self._methods = {
            name: kind(fields[index]) for index, (name, kind) in enumerate(METHODS, start=2)
        }
        self._events: Sequence[Structure] = ()
        self._in = InEvents(None, SIZE(lambda _: len(self._events)), GET(self._event))
        self._out = OutEvents(None, PUSH(self._take_event))
        self.notes: list[tuple[int, int, int, int]] = []
        self.call("init")
        self.ask("clap.render", "set", 1 if offline else 0)
        self.rate_hz = rate_hz

        self._blocks: dict[int, tuple[Process, NDArray[np.float32]]] = {}

    def start(self, rate_hz: float | None = None) -> None:
        """Activate, at another rate if one is given, and start processing."""
        self.rate_hz = rate_hz or self.rate_hz
        assert self.call("activate", self.rate_hz, 1, 8192)
        self.call("start")

    def stop(self) -> None:
        """Stop processing and deactivate."""
        self.call("stop")
        self.call("deactivate")

    def call(self, name: str, *arguments: Any) -> Any:
        """Call one of the plug-in's own functions."""
        return self._methods[name](self.address, *arguments)

    def ask(self, extension: str, name: str, *arguments: Any) -> Any:
        """Call a function of an extension."""
        table = ctypes.cast(self.call("extension", extension.encode()), POINTER(c_void_p))
        names = [entry[0] for entry in TABLES[extension]]
        kind = dict(TABLES[extension])[name]
        return kind(table[names.index(name)])(self.address, *arguments)

    def process(
        self,
        frames: int,
        events: Sequence[Structure] = (),
        tempo: float = 0.0,
        position: int | None = None,
        beats: float | None = None,
        bar_beats: int = 4,
    ) -> NDArray[np.float32]:
        """Return one block: float32, shape (2, frames); of a song that plays, by its position."""
        block, audio = self._block(frames)
        audio[:] = np.nan
        self._events, self.notes = events, []
        transport = ClapTransport(flags=HAS_TEMPO if tempo else 0, tempo=tempo)
        if position is not None:
            transport.flags |= HAS_SECONDS | PLAYS
            transport.seconds = round(position / self.rate_hz * (1 << 31))
        if beats is not None:
            transport.flags |= HAS_BEATS | HAS_BAR | PLAYS
            transport.beats = round(beats * (1 << 31))
            transport.bar_notes, transport.bar_unit = bar_beats, 4
            transport.bar_start = round(beats // bar_beats * bar_beats * (1 << 31))
        is_told = tempo or position is not None or beats is not None
        block.transport = ctypes.addressof(transport) if is_told else None
        assert self.call("process", ctypes.byref(block)) != 0
        return audio[:, :frames].copy()

    def measure(self, frames: int, blocks: int) -> float:
        """Return the seconds that one of many blocks without events takes."""
        block, _ = self._block(frames)
        self._events, block.transport = (), None
        process, address, at = self._methods["process"], self.address, ctypes.byref(block)
        begin = time.perf_counter()
        for _ in range(blocks):
            process(address, at)
        return (time.perf_counter() - begin) / blocks

    def _block(self, frames: int) -> tuple[Process, NDArray[np.float32]]:
        """Return what a block of so many frames is described by, and its audio."""
        if frames not in self._blocks:
            audio = np.empty((2, max(frames, 1)), np.float32)
            channels = (POINTER(c_float) * 2)(
                *(audio[c].ctypes.data_as(POINTER(c_float)) for c in range(2))
            )
            buffer = AudioBuffer(channels, None, 2, 0, 0)
            block = Process(0, frames, None, None, ctypes.pointer(buffer), 0, 1)
            block.in_events, block.out_events = ctypes.pointer(self._in), ctypes.pointer(self._out)
            self._blocks[frames] = block, audio
        return self._blocks[frames]

    def flush(self, events: Sequence[Structure]) -> None:
        """Hand over parameters between blocks."""
        self._events = events
        self.ask("clap.params", "flush", ctypes.byref(self._in), ctypes.byref(self._out))

    def save(self) -> bytes:
        """Return what a song keeps."""
        content = bytearray()

        def write(_: Any, data: int, size: int) -> int:
            size = min(size, 100)  # hosts may take a piece at a time
            content.extend(ctypes.string_at(data, size))
            return size

        stream = Stream(None, STREAM(write))
        assert self.ask("clap.state", "save", ctypes.addressof(stream))
        return bytes(content)

    def load(self, chunk: bytes) -> bool:
        """Recall what a song has kept; False if the plug-in refuses it."""
        left = bytearray(chunk)

        def read(_: Any, data: int, size: int) -> int:
            piece = bytes(left[: min(size, 1000)])
            ctypes.memmove(data, piece, len(piece))
            del left[: len(piece)]
            return len(piece)

        stream = Stream(None, STREAM(read))
        return bool(self.ask("clap.state", "load", ctypes.addressof(stream)))

    def value(self, number: int) -> float:
        """Return where a parameter stands."""
        value = c_double(-1.0)
        self.ask("clap.params", "value", number, ctypes.byref(value))
        return value.value

    def text(self, number: int, value: float) -> str:
        """Return how a parameter's value reads."""
        room = ctypes.create_string_buffer(256)
        self.ask("clap.params", "to_text", number, value, room, 256)
        return room.value.decode()

    def read(self, number: int, text: str) -> float:
        """Return the value that a text means; -1 if the plug-in does not understand it."""
        value = c_double(-1.0)
        self.ask("clap.params", "from_text", number, text.encode(), ctypes.byref(value))
        return value.value

    def parameters(self) -> list[ParameterInfo]:
        """Return what the plug-in lets a host move."""
        found = []
        for index in range(self.ask("clap.params", "count")):
            info = ParameterInfo()
            assert self.ask("clap.params", "info", index, ctypes.addressof(info))
            found.append(info)
        return found

    def idle(self) -> None:
        """Do what a host does on its main thread between events."""
        if self._wants_main_thread:
            self._wants_main_thread = False
            self.call("on_main_thread")

    def _want_main_thread(self, _: Any) -> None:
        self._wants_main_thread = True

    def _offer(self, _: Any, name: bytes) -> int | None:
        table = self._offers.get(name)
        return ctypes.addressof(table) if table else None

    def _count_dirty(self, _: Any) -> None:
        self.dirty += 1

    def _count_rescan(self, *_: Any) -> None:
        self.rescans += 1

    def close(self) -> None:
        """Destroy the instance, unless it is gone already."""
        if self.address:
            self.call("destroy")
        self.address = 0
        _open.discard(self)

    def _take_event(self, _: Any, address: int) -> bool:
        event = NoteEvent.from_address(address)
        if event.header.type in (NOTE_ON, NOTE_OFF):
            self.notes.append((event.header.time, event.header.type, event.channel, event.key))
        return True

    def _event(self, _: Any, index: int) -> int:
        return ctypes.addressof(self._events[index])


def _addresses(*functions: Any) -> list[int | None]:
    return [ctypes.cast(function, P).value for function in functions]
