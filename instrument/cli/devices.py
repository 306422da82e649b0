"""``latentkeys devices``: what this machine can play on and be played with."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from instrument.engine.device_list import (
    AudioOutput,
    JackState,
    MidiSystem,
    audio_outputs,
    find_jack,
    midi_systems,
)
from instrument.errors import DeviceError


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


def _outputs_or_problem() -> tuple[list[AudioOutput], str]:
    try:
        outputs = audio_outputs()
    except DeviceError as problem:
        return [], str(problem)
    return outputs, "" if outputs else "PortAudio sees none."


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
