"""System exclusive of a file that goes to the engine: tunings, master volume and master tuning.

What resets is heard where the file is read (`sysex`), and the rest is other makers'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from instrument.midi.messages import SYSEX, SYSEX_END
from instrument.midi.track_events import MidiEvent
from instrument.realtime.byte_stream import ByteStream

_OCTAVE_TUNINGS = (b"\x08\x08", b"\x08\x09")
_CHANNELS = 16


class FileExclusive:
    """Takes a file's system exclusive, in order of time, and puts its pieces together."""

    def __init__(self) -> None:
        self._begun: dict[int, bytes] = {}  # by track
        self.has_tuned = False

    def take(self, track: int, event: MidiEvent) -> bytes:
        """Go on by one event; return what the engine shall hear, F0 to F7, or nothing.

        Parameters
        ----------
        track
            Its number: pieces of other tracks may stand between.
        event
            Of status `SYSEX` or `SYSEX_END`.
        """
        begun = b"" if event.status == SYSEX else self._begun.pop(track, b"")
        if event.status == SYSEX_END and not begun:
            return b""  # raw bytes
        data = (begun or bytes((SYSEX,))) + event.data
        if not data.endswith(bytes((SYSEX_END,))):
            self._begun[track] = data
            return b""
        is_heard = any(status == SYSEX for status, *_ in ByteStream().messages(data))
        self.has_tuned |= is_heard
        return data if is_heard else b""


def on_channels(data: bytes, heard_on: Callable[[int], Iterable[int]]) -> bytes:
    """Let a tuning of octaves reach the channels, 0-15, that a file's own have been given.

    Parameters
    ----------
    data
        The whole message; others than such tunings stay as they are.
    heard_on
        Says for a channel of the file where it is played.
    """
    if data[3:5] not in _OCTAVE_TUNINGS:
        return data
    asked = data[5] << 14 | data[6] << 7 | data[7]
    played = 0
    for channel in range(_CHANNELS):
        if asked >> channel & 1:
            for other in heard_on(channel):
                played |= 1 << other
    return data[:5] + bytes((played >> 14, played >> 7 & 0x7F, played & 0x7F)) + data[8:]
