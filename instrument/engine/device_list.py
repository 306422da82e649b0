"""What this machine can play on and be played with; a process of its own looks while we play.

Asking may wake up drivers and takes a tenth of a second, so the engine does not do it at a start:
``latentkeys devices`` does, and for the panel ``python -m instrument.engine.device_list FOLDER``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from instrument.engine.messages import FoundDevices
from instrument.errors import DeviceError
from instrument.processes.json_lines import say


@dataclass(frozen=True, slots=True)
class AudioOutput:
    """One stereo output of PortAudio's.

    Attributes
    ----------
    number
        What ``--audio`` takes besides the name.
    system
        The audio system it belongs to: ALSA, Core Audio, Windows WASAPI, …
    low_latency_seconds
        PortAudio's own figure for small blocks.
    """

    number: int
    name: str
    system: str
    rate_hz: float
    low_latency_seconds: float
    is_default: bool


@dataclass(frozen=True, slots=True)
class JackState:
    """A JACK server that answers."""

    rate_hz: int
    block_frames: int
    is_realtime: bool
    outputs: tuple[str, ...]
    midi_outputs: tuple[str, ...]  #: ports of other clients that could play us


@dataclass(frozen=True, slots=True)
class MidiSystem:
    """One of rtmidi's systems and the inputs that it sees; `problem` is set if it does not work."""

    name: str
    inputs: tuple[str, ...] = ()
    problem: str = ""


def audio_outputs() -> list[AudioOutput]:
    """List PortAudio's stereo outputs, the default one first.

    Raises
    ------
    DeviceError
        PortAudio is not installed.
    """
    with quiet_stderr():
        try:
            import sounddevice
        except OSError as problem:
            raise DeviceError(
                f"PortAudio is not installed ({problem})",
                "Debian, Ubuntu: apt-get install libportaudio2.",
            ) from problem
        default = sounddevice.default.device[1]
        systems = [str(system["name"]) for system in sounddevice.query_hostapis()]
        devices = list(enumerate(sounddevice.query_devices()))
    found = [_output(number, device, systems, default) for number, device in devices]
    outputs = [output for output in found if output]
    return sorted(outputs, key=lambda output: (not output.is_default, output.number))


def find_jack() -> JackState | None:
    """Ask the JACK server, if one runs."""
    with quiet_stderr():
        try:
            import jack

            client = jack.Client("latentkeys-look", no_start_server=True)
        except (ImportError, OSError):
            return None
        except jack.JackError:
            return None
        try:
            return JackState(
                int(client.samplerate),
                int(client.blocksize),
                bool(client.realtime),
                _names(client.get_ports(is_audio=True, is_input=True, is_physical=True)),
                _names(client.get_ports(is_midi=True, is_output=True)),
            )
        finally:
            client.close()


def midi_systems() -> list[MidiSystem]:
    """Try every MIDI system that rtmidi was built for."""
    try:
        import rtmidi
    except ImportError as problem:
        return [MidiSystem("MIDI", problem=f"python-rtmidi is not installed ({problem})")]
    return [
        _midi_system(rtmidi, api, str(rtmidi.get_api_display_name(api)))
        for api in rtmidi.get_compiled_api()
    ]


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep C libraries from printing while they are asked for what may not be there."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _output(number: int, device: Any, systems: list[str], default: int) -> AudioOutput | None:
    if device["max_output_channels"] < 2:
        return None
    return AudioOutput(
        number,
        str(device["name"]),
        systems[device["hostapi"]],
        float(device["default_samplerate"]),
        float(device["default_low_output_latency"]),
        number == default,
    )


def _midi_system(rtmidi: Any, api: int, name: str) -> MidiSystem:
    with quiet_stderr():
        try:
            client = rtmidi.MidiIn(api, name="latentkeys-look")
        except (rtmidi.RtMidiError, RuntimeError, OSError) as problem:
            return MidiSystem(name, problem=str(problem))
        inputs = tuple(client.get_ports())
        client.delete()
    return MidiSystem(name, inputs)


def _names(ports: list[Any]) -> tuple[str, ...]:
    return tuple(port.name for port in ports)


def find_devices() -> FoundDevices:
    """Return the names that ``--audio`` and ``--midi-in`` take, without those that play nothing."""
    problem = ""
    outputs: list[str] = []
    try:
        outputs = [output.name for output in audio_outputs()]
    except DeviceError as reason:
        problem = str(reason)
    jack = find_jack()
    inputs = [name for system in midi_systems() for name in system.inputs]
    inputs += jack.midi_outputs if jack else ()
    audio = ("jack", *outputs) if jack else tuple(outputs)
    midi = tuple(dict.fromkeys(name for name in inputs if "latentkeys" not in name.lower()))
    return FoundDevices(audio=tuple(dict.fromkeys(audio)), midi=midi, problem=problem)


if __name__ == "__main__":
    say(find_devices())
