"""What this machine can play on and be played with: ``latentkeys devices``.

Asking may wake up drivers and takes a tenth of a second, so the engine does not do it at a start.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from instrument.errors import DeviceError


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


@click.command("devices")
def devices_command() -> None:
    """List audio outputs and MIDI inputs."""
    console = Console()
    outputs, audio_problem = _outputs_or_problem()
    console.print(_audio_table(outputs, find_jack()))
    if audio_problem:
        console.print(f"Sound cards: {audio_problem}", markup=False, highlight=False)
    console.print()
    console.print(_midi_table(midi_systems()))
    console.print(
        "\nChoose with: latentkeys play --audio NAME|NUMBER|jack --midi-in PART-OF-NAME",
        markup=False,
        highlight=False,
    )


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


def _outputs_or_problem() -> tuple[list[AudioOutput], str]:
    try:
        outputs = audio_outputs()
    except DeviceError as problem:
        return [], str(problem)
    return outputs, "" if outputs else "PortAudio sees none."


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


def _audio_table(outputs: list[AudioOutput], jack: JackState | None) -> Table:
    table = Table("--audio", "audio output", "system", "rate", "", box=None, pad_edge=False)
    if jack:
        note = f"{jack.block_frames} frames, {'real-time' if jack.is_realtime else 'no real time'}"
        table.add_row("jack", ", ".join(jack.outputs) or "-", "JACK", f"{jack.rate_hz}", note)
    else:
        table.add_row("jack", "no server answers", "JACK", "", "")
    for output in outputs:
        note = f"{1000 * output.low_latency_seconds:.1f} ms{', default' * output.is_default}"
        number, rate = str(output.number), f"{output.rate_hz:.0f}"
        table.add_row(number, output.name, output.system, rate, note)
    table.add_row("FILE.wav", "a file, in real time", "", "any", "")
    table.add_row("null", "nowhere", "", "any", "")
    return table


def _midi_table(systems: list[MidiSystem]) -> Table:
    table = Table("MIDI system", "input", box=None, pad_edge=False)
    for system in systems:
        for name in system.inputs:
            table.add_row(system.name, name)
        if not system.inputs:
            table.add_row(
                system.name, f"does not work: {system.problem}" if system.problem else "-"
            )
    return table
