"""Remember what a player has plugged into our JACK ports, for an engine that has to come back."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from instrument.engine.audio_sinks import AudioSink
from instrument.engine.jack_sink import JackSink
from instrument.schema import NO_JSON

FILE = "cables.json"
_DECODER = msgspec.json.Decoder(list[tuple[str, str]])


class Cables:
    """The connections of our ports, kept in the session's folder; sinks but JACK's have none.

    Parameters
    ----------
    folder
        The session's.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._known: list[tuple[str, str]] = []
        with suppress(OSError, *NO_JSON):
            self._known = _DECODER.decode(self._file.read_bytes())

    def keep(self, sink: AudioSink) -> None:
        """Write down what has changed. Main thread of the engine; asks the server."""
        if isinstance(sink, JackSink) and (cables := sink.cables()) != self._known:
            self._known = cables
            with suppress(OSError):
                self._file.write_bytes(msgspec.json.encode(cables))

    def plug(self, sink: AudioSink) -> None:
        """Plug everything in again."""
        if isinstance(sink, JackSink):
            sink.plug(self._known)
