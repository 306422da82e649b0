"""What passes between a CLAP host and a plug-in: structures, tables of functions, events.

They are those of CLAP 1 (``clap/plugin.h``, ``clap/events.h``, ``clap/ext/*.h``), field by field.
"""

# ruff: noqa: D101
# The structures are described where CLAP defines them.

from __future__ import annotations

import ctypes
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
from typing import Any

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
