"""A MIDI keyboard for measurements: a JACK client whose real-time side is C++."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import jack
import rtmidi

from instrument.bench.live.jack_server import JackServer
from instrument.bench.peers.child import PeerMissing
from instrument.bench.peers.jack_client import open_client

_NAME, _PORT = "keyboard", "keys"


class Keyboard:
    """A MIDI output on a private server; its JACK side is C++, so it causes no under-run."""

    def __init__(self, output: rtmidi.MidiOut, patchbay: jack.Client) -> None:
        self._output = output
        self._patchbay = patchbay

    def connect(self) -> bool | None:
        """Connect to the instrument; None while it has no port yet."""
        try:
            self._patchbay.connect(f"{_NAME}:{_PORT}", "latentkeys:midi_in")
        except jack.JackError:
            return None
        return True

    def send(self, message: Sequence[int]) -> None:
        """Play a MIDI message now."""
        self._output.send_message(list(message))


@contextlib.contextmanager
def jack_keyboard(server: JackServer) -> Iterator[Keyboard]:
    """Open a keyboard for as long as the body lasts.

    Raises
    ------
    PeerMissing
        rtmidi has no JACK.
    """
    before = {name: os.environ.get(name) for name in server.environment}
    os.environ.update(server.environment)  # rtmidi has no other way to name a server
    try:
        output = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=_NAME)
        output.open_virtual_port(_PORT)
    except (rtmidi.RtMidiError, SystemError) as error:
        raise PeerMissing(f"no MIDI output on JACK: {error}") from error
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    patchbay = open_client(server.name, "patchbay")
    try:
        yield Keyboard(output, patchbay)
    finally:
        patchbay.close()
        output.close_port()
        output.delete()
