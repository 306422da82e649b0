"""Which channels play drums, and when: what is struck there is no pitch.

In: the events of a file in order of time. Out: yes or no for a channel at that time. Drums are on
channel 10 [General MIDI 1]; GS and XG move them by system-exclusive messages, XG and General MIDI 2
also by bank selects that take effect with the next program change.
"""

from __future__ import annotations

from instrument.midi.messages import (
    BANK_SELECT,
    CONTROL_CHANGE,
    DRUM_CHANNEL,
    PROGRAM_CHANGE,
    SYSEX,
)
from instrument.midi.sysex import PartMode, Standard, SystemOn, read_sysex
from instrument.midi.track_events import MidiEvent

_GM2_DRUMS, _GM2_MELODY = 120, 121
_XG_DRUMS = (126, 127)  # sound effects and drum kits


class DrumChannels:
    """What plays drums by now.

    Take every event of a file in order of time, then ask.
    """

    def __init__(self) -> None:
        self._standard: dict[int, Standard] = {}  # by port
        self._banks: dict[tuple[int, int], int] = {}  # by port and channel
        self._told: dict[tuple[int, int], bool] = {}  # what differs from General MIDI

    def is_drum(self, port: int, channel: int) -> bool:
        """Tell whether a port's channel, 0-15, plays drums."""
        if self._told:
            return self._told.get((port, channel), channel == DRUM_CHANNEL)
        return channel == DRUM_CHANNEL

    def take(self, port: int, event: MidiEvent) -> None:
        """Go on by one event."""
        kind, where = event.status & 0xF0, (port, event.status & 0x0F)
        if event.status == SYSEX:
            self._take_sysex(port, event.data)
        elif kind == CONTROL_CHANGE and event.data[0] == BANK_SELECT and event.status < SYSEX:
            self._banks[where] = event.data[1]
        elif kind == PROGRAM_CHANGE and event.status < SYSEX and where in self._banks:
            self._select(where, self._banks[where])

    def _take_sysex(self, port: int, data: bytes) -> None:
        asked = read_sysex(data)
        if isinstance(asked, PartMode):
            self._told[port, asked.channel] = asked.is_drum
        elif isinstance(asked, SystemOn):
            self._standard[port] = asked.standard
            for told in (self._banks, self._told):
                for where in [where for where in told if where[0] == port]:
                    del told[where]

    def _select(self, where: tuple[int, int], bank: int) -> None:
        standard = self._standard.get(where[0])
        if bank in (_GM2_DRUMS, _GM2_MELODY) and standard != "GS":
            self._told[where] = bank == _GM2_DRUMS
        elif bank in _XG_DRUMS and standard != "GS":  # GS has sounds of the MT-32 there
            self._told[where] = True
        elif standard == "XG":
            self._told[where] = False
