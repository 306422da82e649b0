"""MIDI of the operating system through rtmidi: ALSA, JACK, CoreMIDI or Windows.

The API is chosen here, by trying: rtmidi's own default tries ALSA and then gives up, even when a
JACK server runs. Inputs are polled, never read by callbacks, which would run Python in the
driver's thread (on JACK: in the audio graph). rtmidi stamps a message when it arrives, so a late
poll does not make a message late in time; `ArrivalClock` recovers those moments.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from instrument.engine.clock import now_ns
from instrument.engine.messages import EngineSettings, input_is_gone, input_is_open, is_asked_for
from instrument.errors import DeviceError
from instrument.midi.messages import TimedMessage, message_bytes
from instrument.processes.json_lines import Notice
from instrument.realtime.byte_stream import ByteStream
from instrument.realtime.memory.constants import FIRST_KEYBOARD, LAST_KEYBOARD, OUR_SOURCE

# Ports that only echo what somebody sends elsewhere.
NOT_KEYBOARDS = ("midi through", "midi-bridge", "monitor of")


VIRTUAL_PORT_REMEDY = (
    "Windows programs cannot make MIDI ports: install loopMIDI, add a port named {name!r}, and "
    "play again. Keyboards work without it."
)


ALSA_SEQUENCER = Path("/dev/snd/seq")


DRIFT = 100e-6  # how far the driver's clock may run from the system's


class ArrivalClock:
    """Tell when messages arrived, from rtmidi's time between them and the time of the poll.

    The sum of the times between messages is a clock without the poll's delay, but with an unknown
    zero. A poll is never early, so the smallest difference seen to the poll's time is that zero,
    give or take the two clocks' drift.
    """

    def __init__(self) -> None:
        self._driver_ns = 0.0
        self._zero_ns: float | None = None

    def stamp(self, seconds_since_last: float, polled_ns: int) -> int:
        """Return the moment at which a message arrived, on `instrument.engine.clock.now_ns`."""
        self._driver_ns += seconds_since_last * 1e9
        seen = polled_ns - self._driver_ns
        if self._zero_ns is None:
            self._zero_ns = seen
        self._zero_ns = min(self._zero_ns + DRIFT * seconds_since_last * 1e9, seen)
        return round(self._driver_ns + self._zero_ns)


class _Port:
    """One open rtmidi input."""

    def __init__(self, port: Any, name: str, source: int) -> None:
        self.name = name
        self.source = source
        self._port = port
        self._bytes = ByteStream()
        self._clock = ArrivalClock()

    def poll(self) -> list[TimedMessage]:
        messages = []
        while (received := self._port.get_message()) is not None:
            data, seconds_since_last = received
            time_ns = self._clock.stamp(seconds_since_last, now_ns())
            for *message, value in self._bytes.messages(bytes(data)):
                size = message_bytes(message[0]) if value == 0 else len(message)
                messages.append(TimedMessage(time_ns, bytes(message[:size]), self.source, value))
        return messages

    def close(self) -> None:
        self._port.close_port()
        self._port.delete()


class RtmidiIn:
    """Inputs of the operating system: ALSA, JACK, CoreMIDI or Windows.

    Parameters
    ----------
    api
        One of rtmidi's APIs, as `first_working_api` found it.
    settings
        Which keyboards to open and what to be called.
    with_virtual_port
        False when somebody else (the JACK sink) already offers one.
    """

    def __init__(self, api: int, settings: EngineSettings, *, with_virtual_port: bool) -> None:
        self._api = api
        self._settings = settings
        self._virtual: _Port | None = None
        self._keyboards: dict[str, _Port] = {}
        self._lost: SimpleQueue[_Port] = SimpleQueue()  # for the polling thread to close
        self._gone: list[int] = []
        self.notices: list[Notice] = []
        if with_virtual_port:
            self._open_virtual_port()
        self._looker = self._new_input(f"{settings.client_name} inputs")
        self.rescan()

    def _new_input(self, client_name: str) -> Any:
        import rtmidi

        port = rtmidi.MidiIn(self._api, name=client_name)
        port.ignore_types(sysex=False, timing=False, active_sense=False)  # all of it is heard
        return port

    def _open_virtual_port(self) -> None:
        name = self._settings.client_name
        port = self._new_input(name)
        if sys.platform == "win32":
            names = port.get_ports()
            ours = [index for index, found in enumerate(names) if name.lower() in found.lower()]
            ours.sort(key=lambda index: len(names[index]))  # "latentkeys" before "latentkeys out"
            if not ours:
                port.delete()
                remedy = VIRTUAL_PORT_REMEDY.format(name=name)
                self.notices.append(Notice(f"no virtual MIDI port {name!r}", remedy))
                return
            port.open_port(ours[0])
        else:
            port.open_virtual_port(name)
        self._virtual = _Port(port, name, OUR_SOURCE)

    def poll(self) -> list[TimedMessage]:
        """Return what has arrived on all inputs, in order of time."""
        messages = []
        while not self._lost.empty():
            port = self._lost.get()
            messages += port.poll()
            port.close()  # here: a port must not be closed while it is polled
            self._gone.append(port.source)
        for port in self._ports():
            messages += port.poll()
        messages.sort(key=lambda message: message.time_ns)
        return messages

    def gone(self) -> list[int]:
        """Return the sources of keyboards that were pulled out since the last call."""
        gone, self._gone = self._gone, []
        return gone

    def rescan(self) -> list[Notice]:
        """Open keyboards that have been plugged in; give up lost ones."""
        available = self._looker.get_ports()
        notices = []
        for name in [name for name in self._keyboards if name not in available]:
            self._lost.put(self._keyboards.pop(name))
            notices.append(input_is_gone(name))
        for index, name in enumerate(available):
            if name not in self._keyboards and self._is_wanted(name):
                source = self._free_source()
                port = self._new_input(f"{self._settings.client_name} input")
                port.open_port(index, name=f"{self._settings.client_name} {source}")
                self._keyboards[name] = _Port(port, name, source)
                notices.append(input_is_open(name))
        return notices

    def _free_source(self) -> int:
        taken = {port.source for port in self._keyboards.values()}
        numbers = range(FIRST_KEYBOARD, LAST_KEYBOARD)
        return next((number for number in numbers if number not in taken), LAST_KEYBOARD)

    def available(self) -> tuple[str, ...]:
        """Return the names of all inputs but our own."""
        ours = self._settings.client_name.lower()
        return tuple(name for name in self._looker.get_ports() if ours not in name.lower())

    def _is_wanted(self, name: str) -> bool:
        settings = self._settings
        lowered = name.lower()
        is_ours = settings.client_name.lower() in lowered
        if is_ours or not settings.hardware_midi:
            return False
        if settings.midi_in:
            return is_asked_for(name, settings.midi_in)
        return not any(text in lowered for text in NOT_KEYBOARDS)

    def names(self) -> tuple[str, ...]:
        """Return the open inputs, the virtual port first."""
        return tuple(port.name for port in self._ports())

    def _ports(self) -> list[_Port]:
        virtual = [self._virtual] if self._virtual else []
        return [*virtual, *self._keyboards.copy().values()]  # the other thread may change it

    def close(self) -> None:
        """Close every input. Nobody may poll any more."""
        self.poll()
        for port in self._ports():
            port.close()
        self._virtual, self._keyboards = None, {}
        self._looker.delete()


class RtmidiOut:
    """Our virtual MIDI output, which other programs listen to.

    Parameters
    ----------
    api
        One of rtmidi's APIs, as `first_working_api` found it.
    name
        The port's name. Windows lets no program make one: there a port of that name is opened.

    Raises
    ------
    DeviceError
        There is no such port on Windows, or the system refuses one.
    """

    def __init__(self, api: int, name: str) -> None:
        import rtmidi

        self._port = rtmidi.MidiOut(api, name=name)
        try:
            if sys.platform == "win32":
                self._open_named(name)
            else:
                self._port.open_virtual_port(name)
        except (rtmidi.RtMidiError, RuntimeError) as reason:
            raise DeviceError(f"no MIDI output {name!r}: {reason}") from reason

    def _open_named(self, name: str) -> None:
        for index, found in enumerate(self._port.get_ports()):
            if name.lower() in found.lower():
                self._port.open_port(index)
                return
        remedy = VIRTUAL_PORT_REMEDY.format(name=name)
        raise DeviceError(f"no virtual MIDI port {name!r}", remedy)

    def send(self, data: bytes) -> None:
        """Send one message at once."""
        self._port.send_message(data)

    def close(self) -> None:
        """Remove the port."""
        self._port.close_port()
        self._port.delete()


def first_working_api(names: Sequence[str] = ("ALSA", "JACK", "CoreMIDI", "WinMM")) -> int | None:
    """Return the first of rtmidi's APIs that can really be used here, or None."""
    import rtmidi

    numbers = {
        "ALSA": rtmidi.API_LINUX_ALSA,
        "JACK": rtmidi.API_UNIX_JACK,
        "CoreMIDI": rtmidi.API_MACOSX_CORE,
        "WinMM": rtmidi.API_WINDOWS_MM,
    }
    compiled = rtmidi.get_compiled_api()
    for name in names:
        if numbers[name] not in compiled or (name == "ALSA" and not ALSA_SEQUENCER.exists()):
            continue  # asking ALSA in vain would print to stderr
        try:
            rtmidi.MidiIn(numbers[name], name="latentkeys-probe").delete()
        except (rtmidi.RtMidiError, RuntimeError, OSError):
            continue
        return int(numbers[name])
    return None
