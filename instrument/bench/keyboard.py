"""A MIDI keyboard for measurements: a JACK client whose real-time side is C++."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

import jack
import rtmidi

from instrument.bench.jack_server import JackServer, open_client
from instrument.bench.peers import PeerMissing

Send = Callable[[list[int]], None]


@contextlib.contextmanager
def jack_keyboard(server: JackServer) -> Iterator[Send]:
    """Connect a MIDI output to the instrument; its JACK side is C++, so it causes no under-run."""
    before = {name: os.environ.get(name) for name in server.environment}
    os.environ.update(server.environment)  # rtmidi has no other way to name a server
    try:
        output = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="keyboard")
        output.open_virtual_port("keys")
    except (rtmidi.RtMidiError, SystemError) as error:
        raise PeerMissing(f"no MIDI output on JACK: {error}") from error
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    try:
        _connect(server)
        yield output.send_message
    finally:
        output.close_port()
        output.delete()


def _connect(server: JackServer) -> None:
    patchbay = open_client(server, "patchbay")
    try:
        patchbay.connect("keyboard:keys", "latentkeys:midi_in")
    except jack.JackError as error:
        raise PeerMissing(f"the keyboard cannot be connected: {error}") from error
    finally:
        patchbay.close()
