"""A CLAP host of our own, through ctypes: loads a plug-in, feeds it events, takes its sound.

The structures and tables are those of CLAP 1 (``clap/plugin.h``, ``clap/events.h``,
``clap/ext/*.h``), field by field.
"""

# ruff: noqa: D101
# The structures are described where CLAP defines them.

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_bool,
    c_char,
    c_char_p,
    c_double,
    c_float,
    c_int16,
    c_int32,
    c_int64,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HAS_TEMPO, HAS_BEATS, HAS_SECONDS, HAS_BAR, PLAYS = 1, 2, 4, 8, 16  # of a transport
MIDI, PARAMETER, NOTE_ON, NOTE_OFF, CHOKE, EXPRESSION = 10, 5, 0, 1, 2, 4


class Header(Structure):
    _fields_ = [
        *(("size", c_uint32), ("time", c_uint32), ("space", c_uint16), ("type", c_uint16)),
        ("flags", c_uint32),
    ]


class ClapMidi(Structure):
    _fields_ = [("header", Header), ("port", c_uint16), ("data", c_uint8 * 3)]


class NoteEvent(Structure):
    _fields_ = [
        *(("header", Header), ("note_id", c_int32), ("port", c_int16), ("channel", c_int16)),
        *(("key", c_int16), ("velocity", c_double)),
    ]


class ParameterEvent(Structure):
    _fields_ = [
        *(("header", Header), ("id", c_uint32), ("cookie", c_void_p), ("note_id", c_int32)),
        *(("port", c_int16), ("channel", c_int16), ("key", c_int16), ("value", c_double)),
    ]


class ExpressionEvent(Structure):
    _fields_ = [
        *(("header", Header), ("expression", c_int32), ("note_id", c_int32), ("port", c_int16)),
        *(("channel", c_int16), ("key", c_int16), ("value", c_double)),
    ]


SIZE = CFUNCTYPE(c_uint32, c_void_p)
GET = CFUNCTYPE(c_void_p, c_void_p, c_uint32)
PUSH = CFUNCTYPE(c_bool, c_void_p, c_void_p)
STREAM = CFUNCTYPE(c_int64, c_void_p, c_void_p, c_uint64)
NOTHING = CFUNCTYPE(None, c_void_p)
RESCAN = CFUNCTYPE(None, c_void_p, c_uint32)
EXTENSION = CFUNCTYPE(c_void_p, c_void_p, c_char_p)


class InEvents(Structure):
    _fields_ = [("context", c_void_p), ("size", SIZE), ("get", GET)]


class OutEvents(Structure):
    _fields_ = [("context", c_void_p), ("push", PUSH)]


class ClapTransport(Structure):
    _fields_ = [
        *(("header", Header), ("flags", c_uint32), ("beats", c_int64), ("seconds", c_int64)),
        *(("tempo", c_double), ("tempo_step", c_double), ("loop", c_int64 * 4)),
        *(("bar_start", c_int64), ("bar", c_int32), ("bar_notes", c_uint16)),
        ("bar_unit", c_uint16),
    ]


class Stream(Structure):
    _fields_ = [("context", c_void_p), ("call", STREAM)]


class AudioBuffer(Structure):
    _fields_ = [
        *(("data32", POINTER(POINTER(c_float))), ("data64", c_void_p), ("channels", c_uint32)),
        *(("latency", c_uint32), ("constant", c_uint64)),
    ]


class Process(Structure):
    _fields_ = [
        *(("steady_time", c_int64), ("frames", c_uint32), ("transport", c_void_p)),
        *(("inputs", c_void_p), ("outputs", POINTER(AudioBuffer)), ("input_count", c_uint32)),
        *(("output_count", c_uint32), ("in_events", POINTER(InEvents))),
        ("out_events", POINTER(OutEvents)),
    ]


class ClapHost(Structure):
    _fields_ = [
        *(("version", c_uint32 * 3), ("data", c_void_p), ("name", c_char_p), ("vendor", c_char_p)),
        *(("url", c_char_p), ("own_version", c_char_p), ("get_extension", EXTENSION)),
        *(("restart", NOTHING), ("process", NOTHING), ("callback", NOTHING)),
    ]


class ParameterInfo(Structure):
    _fields_ = [
        *(("id", c_uint32), ("flags", c_uint32), ("cookie", c_void_p), ("name", c_char * 256)),
        *(("module", c_char * 1024), ("low", c_double), ("high", c_double), ("normal", c_double)),
    ]


P = c_void_p
METHODS = (
    # of clap_plugin, after its descriptor and data
    *(("init", CFUNCTYPE(c_bool, P)), ("destroy", CFUNCTYPE(None, P))),
    ("activate", CFUNCTYPE(c_bool, P, c_double, c_uint32, c_uint32)),
    *(("deactivate", CFUNCTYPE(None, P)), ("start", CFUNCTYPE(c_bool, P))),
    *(("stop", CFUNCTYPE(None, P)), ("reset", CFUNCTYPE(None, P))),
    ("process", CFUNCTYPE(c_int32, P, POINTER(Process))),
    *(("extension", CFUNCTYPE(c_void_p, P, c_char_p)), ("on_main_thread", CFUNCTYPE(None, P))),
)
PARAMS = (
    *(("count", CFUNCTYPE(c_uint32, P)), ("info", CFUNCTYPE(c_bool, P, c_uint32, P))),
    ("value", CFUNCTYPE(c_bool, P, c_uint32, POINTER(c_double))),
    ("to_text", CFUNCTYPE(c_bool, P, c_uint32, c_double, c_char_p, c_uint32)),
    ("from_text", CFUNCTYPE(c_bool, P, c_uint32, c_char_p, POINTER(c_double))),
    ("flush", CFUNCTYPE(None, P, POINTER(InEvents), POINTER(OutEvents))),
)
TABLES: dict[str, tuple[tuple[str, Any], ...]] = {
    "clap.params": PARAMS,
    "clap.state": (("save", CFUNCTYPE(c_bool, P, P)), ("load", CFUNCTYPE(c_bool, P, P))),
    "clap.latency": (("get", CFUNCTYPE(c_uint32, P)),),
    "clap.tail": (("get", CFUNCTYPE(c_uint32, P)),),
    "clap.render": (("hard", CFUNCTYPE(c_bool, P)), ("set", CFUNCTYPE(c_bool, P, c_int32))),
    "clap.audio-ports": (
        ("count", CFUNCTYPE(c_uint32, P, c_bool)),
        ("get", CFUNCTYPE(c_bool, P, c_uint32, c_bool, P)),
    ),
    "clap.note-ports": (
        ("count", CFUNCTYPE(c_uint32, P, c_bool)),
        ("get", CFUNCTYPE(c_bool, P, c_uint32, c_bool, P)),
    ),
}


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


def midi(at: int, *data: int) -> ClapMidi:
    """Return a MIDI message."""
    padded = (c_uint8 * 3)(*(*data, 0, 0)[:3])
    return ClapMidi(Header(ctypes.sizeof(ClapMidi), at, 0, MIDI, 0), 0, padded)


def turn(at: int, number: int, value: float) -> ParameterEvent:
    """Return a parameter's new value."""
    header = Header(ctypes.sizeof(ParameterEvent), at, 0, PARAMETER, 0)
    return ParameterEvent(header, number, None, -1, -1, -1, -1, value)


def note(at: int, kind: int, key: int, velocity: float = 0.8, channel: int = 0) -> NoteEvent:
    """Return a note's beginning or end."""
    header = Header(ctypes.sizeof(NoteEvent), at, 0, kind, 0)
    return NoteEvent(header, -1, 0, channel, key, velocity)


def express(at: int, kind: int, key: int, value: float) -> ExpressionEvent:
    """Return a note expression."""
    header = Header(ctypes.sizeof(ExpressionEvent), at, 0, EXPRESSION, 0)
    return ExpressionEvent(header, kind, -1, 0, 0, key, value)
