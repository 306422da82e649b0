"""The command line: names every verb, imports what a verb needs when it is used.

Nothing heavy is imported here, so that ``latentkeys play`` is on its way at once. `run` is the one
place where errors become messages: a `LatentkeysError` is printed and exits with 2, Ctrl-C and
SIGTERM end cleanly, and a traceback means that the project has a bug.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from instrument.cli.lazy import LazyGroup, Verb
from instrument.errors import LatentkeysError
from instrument.import_names import DISTRIBUTION, check_package

WRONG = 2
INTERRUPTED = 128 + signal.SIGINT  # as shells report it

_HERE, _TRAINING, _EXPORT = "instrument.cli", "training.cli.main", "export.cli"
SECTIONS = {
    "Play": {
        "play": Verb(f"{_HERE}.play:play_command", "Play live: keys in, sound out, until Ctrl-C."),
        "render": Verb(
            f"{_HERE}.render:render_command",
            "Turn a MIDI file into a WAV file, as live play sounds.",
        ),
        "replay": Verb(
            f"{_HERE}.replay:replay_command", "Make the notes of a kept take again, to the byte."
        ),
        "recover": Verb(
            f"{_HERE}.recover:recover_command", "Save recordings that a crash left unfinished."
        ),
    },
    "Compose": {
        "continue": Verb(f"{_HERE}.compose:continue_command", "Go on from a MIDI file."),
        "accompany": Verb(f"{_HERE}.compose:accompany_command", "Add tracks to a MIDI file."),
        "compose": Verb(f"{_HERE}.compose:compose_command", "Write a new MIDI file."),
    },
    "Sounds": {
        "presets": Verb(f"{_HERE}.presets:presets_group", "List, show, check and make presets."),
        "generate": Verb(
            f"{_HERE}.generate.group:generate_group",
            "Make random sounds, as presets and WAV files.",
        ),
        "learn": Verb(
            f"{_EXPORT}.learn:learn_command", "Learn a sound from a folder of your notes.", "export"
        ),
        "models": Verb(f"{_HERE}.models:models_group", "List the voices and the composers."),
    },
    "Train": {
        "data": Verb(
            f"{_TRAINING}:data_group", "Prepare recordings or tunes to train on.", "training"
        ),
        "train": Verb(f"{_TRAINING}:train_group", "Train a voice or a composer.", "training"),
        "evaluate": Verb(
            f"{_TRAINING}:evaluate_group",
            "Measure a trained voice or composer, or presets.",
            "training",
        ),
        "export": Verb(
            f"{_EXPORT}.main:export_command", "Turn a training run into a model to play.", "export"
        ),
        "import": Verb(
            f"{_EXPORT}.import_models:import_group",
            "Turn Magenta's GANSynth into a model to play.",
            "export",
        ),
    },
    "Look after": {
        "plugin": Verb(
            f"{_HERE}.plugin:plugin_group", "Put the plug-in into DAWs, or take it away."
        ),
        "devices": Verb(f"{_HERE}.devices:devices_command", "List audio outputs and MIDI inputs."),
        "doctor": Verb(
            f"{_HERE}.doctor:doctor_command", "Say what works here, and which block size is safe."
        ),
        "bundle": Verb(
            f"{_HERE}.bundle:bundle_group", "Check a model's files, graphs and test notes."
        ),
        "bench": Verb(
            "instrument.bench.commands:bench_group",
            "Measure speed beside other synthesizers.",
            "dev",
        ),
    },
}


@click.group(
    cls=LazyGroup, sections=SECTIONS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name=DISTRIBUTION, prog_name="latentkeys")
def latentkeys() -> None:
    """Play neural instruments live.

    Start with:  latentkeys play
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code: 0 well, 2 the user's error, 130 Ctrl-C."""
    try:
        check_package("instrument")
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, _end)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, _end)
        code = latentkeys.main(arguments, prog_name="latentkeys", standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show()
        return WRONG
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except LatentkeysError as wrong:
        print_error(wrong)
        return WRONG
    except UnicodeEncodeError as wrong:
        print_error(LatentkeysError(f"{ascii(wrong.object)[:80]} is no text", "Type it anew."))
        return WRONG
    except BrokenPipeError:  # `latentkeys presets list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + getattr(signal, "SIGPIPE", 13)
    except OSError as wrong:
        if wrong.errno != errno.ENAMETOOLONG:  # even to ask whether there is such a file raises it
            raise
        found = str(wrong.filename)[:60]
        print_error(LatentkeysError(f'"{found}…": the name is too long', "Choose a shorter one."))
        return WRONG
    return code if isinstance(code, int) else 0


def print_error(error: LatentkeysError) -> None:
    """Say what is wrong in red and what to do about it below, on stderr."""
    click.secho("Error: ", fg="red", bold=True, err=True, nl=False)
    click.echo(error.message, err=True)
    if error.remedy:
        click.echo(error.remedy, err=True)


def main() -> NoReturn:
    """Entry point of the ``latentkeys`` script."""
    sys.exit(run())


def _end(number: int, _: FrameType | None) -> NoReturn:
    """End as a closed terminal or a stopped service asks: through every ``finally``."""
    raise SystemExit(128 + number)
