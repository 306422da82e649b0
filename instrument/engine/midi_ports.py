"""MIDI in and out: what the engine plays from and sends to, and which of it this machine has.

In: `EngineSettings`. Out: one `MidiIn` for all keyboards and our virtual port, one `MidiOut`;
`instrument.engine.rtmidi_ports` has those of the operating system.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from instrument.engine.clock import now_ns
from instrument.engine.messages import EngineSettings, is_asked_for
from instrument.engine.rtmidi_ports import RtmidiIn, RtmidiOut, first_working_api
from instrument.errors import DeviceError
from instrument.midi.messages import TimedMessage
from instrument.processes.json_lines import Notice

NO_MIDI_REMEDY = (
    "Load ALSA's sequencer (modprobe snd-seq) or start a JACK server to play from other programs."
)


class MidiIn(Protocol):
    """Something that delivers MIDI messages. Polled by one thread."""

    def poll(self) -> list[TimedMessage]:
        """Return what has arrived since the last call; never wait."""

    def gone(self) -> list[int]:
        """Return the sources that will send nothing more; the same thread, after `poll`."""

    def rescan(self) -> list[Notice]:
        """Look for inputs that have come or gone; say what changed. Another thread may do it."""

    def available(self) -> tuple[str, ...]:
        """Return the names of all inputs that could be opened."""

    def names(self) -> tuple[str, ...]:
        """Return the open inputs."""

    def close(self) -> None:
        """Give all inputs back."""


class ScriptedMidiIn:
    """Play a list of messages at their times: an input for demonstrations and tests.

    Parameters
    ----------
    messages
        In order; `time_ns` counts from the first poll.
    """

    def __init__(self, messages: Sequence[TimedMessage]) -> None:
        self._messages = list(messages)
        self._names = ("script",) if messages else ()
        self._start_ns: int | None = None

    def poll(self) -> list[TimedMessage]:
        """Return the messages whose time has come."""
        now = now_ns()
        if self._start_ns is None:
            self._start_ns = now
        due = [m for m in self._messages if m.time_ns + self._start_ns <= now]
        self._messages = self._messages[len(due) :]
        return [TimedMessage(m.time_ns + self._start_ns, m.data, m.source) for m in due]

    def gone(self) -> list[int]:
        """It never goes."""
        return []

    def rescan(self) -> list[Notice]:
        """Nothing ever changes."""
        return []

    def available(self) -> tuple[str, ...]:
        """There is no other."""
        return self._names

    def names(self) -> tuple[str, ...]:
        """Return its only name; none if there is nothing to play."""
        return self._names

    def close(self) -> None:
        """Forget what has not been played."""
        self._messages = []


class MidiOut(Protocol):
    """Something that takes MIDI messages. Used by one thread."""

    def send(self, data: bytes) -> None:
        """Send one message at once."""

    def close(self) -> None:
        """Give the output back."""


def open_midi_out(settings: EngineSettings) -> tuple[MidiOut | None, list[Notice]]:
    """Open our virtual MIDI output; none where no MIDI system answers."""
    try:
        api = first_working_api()
    except ImportError:
        api = None
    if api is None:
        return None, []
    try:
        return RtmidiOut(api, f"{settings.client_name} out"), []
    except DeviceError as problem:
        return None, [Notice(problem.message, problem.remedy)]


def no_match_notices(parts: Sequence[str], there: Sequence[str]) -> list[Notice]:
    """Say which parts of names match no input that is there, and which inputs are."""
    missing = [part for part in parts if not any(is_asked_for(name, (part,)) for name in there)]
    choice = f"There are: {', '.join(there)}." if there else "There is none at all."
    remedy = f"{choice} It is opened as soon as it appears."
    return [Notice(f"no MIDI input matches {part!r}", remedy) for part in missing]


def open_midi(
    settings: EngineSettings, *, plays_on_jack: bool = False
) -> tuple[MidiIn, list[Notice]]:
    """Open the inputs that this machine has.

    Parameters
    ----------
    plays_on_jack
        The JACK sink has a MIDI port of its own: then only keyboards that JACK does not see are
        opened here, through ALSA.
    """
    try:
        api = first_working_api(
            ("ALSA",) if plays_on_jack else ("ALSA", "JACK", "CoreMIDI", "WinMM")
        )
    except ImportError:
        api = None
    if api is not None:
        inputs = RtmidiIn(api, settings, with_virtual_port=not plays_on_jack)
        return inputs, inputs.notices
    if plays_on_jack:
        return ScriptedMidiIn([]), []
    notice = Notice("no MIDI system answers: no keyboard can be heard", NO_MIDI_REMEDY)
    return ScriptedMidiIn([]), [notice]
