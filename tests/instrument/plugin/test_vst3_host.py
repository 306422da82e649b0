"""The VST3 in a host of our own that hears what no other one here does: the song is changed."""

from __future__ import annotations

import ctypes
import struct
import sys
import time
from collections.abc import Sequence
from ctypes import CFUNCTYPE, c_char_p, c_double, c_int32, c_uint8, c_uint32, c_void_p
from pathlib import Path
from typing import Any

import pytest

from instrument.plugin.places import Binary, this_target

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        sys.platform == "win32", reason="Windows writes interfaces' names otherwise"
    ),
]
# Interfaces' names and the order of their functions are those of ``vendor/travesty/*.h``.
COMPONENT = struct.pack(">4I", 0xE831FF31, 0xF2D54301, 0x928EBBEE, 0x25697802)
CONTROLLER = struct.pack(">4I", 0xDCD7BBE3, 0x7742448D, 0xA874AACC, 0x979C759E)
HANDLER_2 = struct.pack(">4I", 0xF040B4B3, 0xA36045EC, 0xABCDC045, 0xB4D5A2CC)
CLASS = struct.pack(">4I", 0x6C61746E, 0x746B6579, 0x73000000, 0x00000001)
QUERY, UNREF, CREATE = 0, 2, 6  # of every interface; of the factory
SET_ACTIVE = 11  # of the component
GET_NORMALISED, SET_NORMALISED, SET_HANDLER = 14, 15, 16  # of the controller
VALUES_CHANGED, PRESET = 1 << 2, 2
P = c_void_p


def call(
    interface: int, number: int, *arguments: Any, result: Any = c_int32, kinds: Any = ()
) -> Any:
    """Call a function of an interface, by its place in the table."""
    table = ctypes.cast(interface, ctypes.POINTER(ctypes.POINTER(P)))[0]
    return CFUNCTYPE(result, P, *kinds)(table[number])(interface, *arguments)


class Handler:
    """What the host gives to the plug-in to be told: IComponentHandler, and the second one."""

    def __init__(self) -> None:
        self.dirty: list[int] = []
        self.restarts: list[int] = []
        self.held = 0
        answer = CFUNCTYPE(c_int32, P, c_uint32)
        common = [
            CFUNCTYPE(c_int32, P, P, ctypes.POINTER(P))(self._query),
            *(CFUNCTYPE(c_uint32, P)(lambda _, n=n: self._hold(n)) for n in (1, -1)),
        ]
        nothing = answer(lambda *_: 0)
        restart = CFUNCTYPE(c_int32, P, c_int32)(lambda _, flags: self._note(self.restarts, flags))
        dirty = CFUNCTYPE(c_int32, P, c_uint8)(lambda _, state: self._note(self.dirty, state))
        self._kept: list[Any] = [common, nothing, restart, dirty]
        self.first = self._interface([*common, nothing, nothing, nothing, restart])
        self.second = self._interface([*common, dirty, nothing, nothing, nothing])

    def _interface(self, functions: Sequence[Any]) -> int:
        table = (P * len(functions))(*(ctypes.cast(one, P).value for one in functions))
        interface = (P * 1)(ctypes.addressof(table))
        self._kept += [table, interface]
        return ctypes.addressof(interface)

    def _query(self, _: int, name: int, to: Any) -> int:
        is_known = ctypes.string_at(name, 16) == HANDLER_2
        to[0] = self.second if is_known else None
        self.held += is_known
        return 0 if is_known else -1

    def _note(self, where: list[int], value: int) -> int:
        where.append(value)
        return 0

    def _hold(self, change: int) -> int:
        self.held += change
        return 1


def test_the_host_is_told_that_the_song_is_changed(binaries: Path, home: Path) -> None:
    library = ctypes.CDLL(str(binaries / Binary(this_target(), "vst3").file))
    library.GetPluginFactory.restype = P
    made, controller = P(), P()
    kinds = (c_char_p, c_char_p, ctypes.POINTER(P))
    call(library.GetPluginFactory(), CREATE, CLASS, COMPONENT, ctypes.byref(made), kinds=kinds)
    component = made.value
    assert component
    call(component, QUERY, CONTROLLER, ctypes.byref(controller), kinds=kinds[1:])
    assert controller.value
    handler = Handler()
    call(controller.value, SET_HANDLER, handler.first, kinds=(P,))
    call(controller.value, SET_NORMALISED, PRESET, 1 / 127, kinds=(c_uint32, c_double))
    assert not handler.dirty
    call(component, SET_ACTIVE, 1, kinds=(c_uint8,))
    end = time.monotonic() + 60
    while not handler.dirty:  # the preset's file comes from the service
        assert time.monotonic() < end
        call(controller.value, GET_NORMALISED, PRESET, result=c_double, kinds=(c_uint32,))
        time.sleep(0.02)
    assert handler.dirty == [1] and VALUES_CHANGED in handler.restarts
    call(controller.value, SET_HANDLER, None, kinds=(P,))
    assert handler.held == 0
    call(component, SET_ACTIVE, 0, kinds=(c_uint8,))
    assert call(controller.value, UNREF, result=c_uint32) == 1
    assert call(component, UNREF, result=c_uint32) == 0
