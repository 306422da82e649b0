"""The command line: names every verb, imports what a verb needs when it is used.

Nothing heavy is imported here, so that ``latentkeys play`` is on its way at once. `run` is the one
place where errors become messages: a `LatentkeysError` is printed and exits with 2, Ctrl-C and
SIGTERM end cleanly, and a traceback means that the project has a bug.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from instrument.cli.lazy import LazyGroup, Verb
from instrument.errors import LatentkeysError
from instrument.import_names import DISTRIBUTION, check_package

WRONG = 2
INTERRUPTED = 128 + signal.SIGINT  # as shells report it

_HERE, _TRAINING, _EXPORT = "instrument.cli", "training.cli.main", "export.cli"
SECTIONS = {
    "Play": {
        "play": Verb(f"{_HERE}.main:play", "Play live: keys in, sound out, until Ctrl-C."),
        "render": Verb(
            f"{_HERE}.render:render_command",
            "Turn a MIDI file into a WAV file, as live play sounds.",
        ),
        "replay": Verb(
            f"{_HERE}.replay:replay_command", "Make the notes of a kept take again, to the byte."
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
            f"{_HERE}.generate:generate_group", "Make random sounds, as presets and WAV files."
        ),
        "models": Verb(f"{_HERE}.models:models_group", "List the voices and the composers."),
    },
    "Train": {
        "data": Verb(
            f"{_TRAINING}:data_group", "Prepare recordings or tunes to train on.", "training"
        ),
        "train": Verb(f"{_TRAINING}:train_group", "Train a voice or a composer.", "training"),
        "evaluate": Verb(
            f"{_TRAINING}:evaluate_group", "Measure a trained voice or composer.", "training"
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


@click.command()
@click.option("--preset", metavar="NAME", help="Name or .toml file; see: latentkeys presets list.")
@click.option(
    "--audio",
    default="auto",
    show_default=True,
    metavar="OUT",
    help="auto, jack, a sound device's name or number, null, or FILE.wav.",
)
@click.option(
    "--midi-in",
    multiple=True,
    metavar="TEXT",
    help="Of keyboards and programs, open only those whose name contains TEXT; any number of times."
    " Without it, every keyboard.",
)
@click.option("--channel", type=click.IntRange(1, 16), help="MIDI channel; all when not given.")
@click.option("--block-frames", type=click.IntRange(16, 8192), help="Frames per block.")
@click.option("--rate", "rate_hz", type=click.IntRange(8000, 192000), help="Frames per second.")
@click.option("--lowest-latency", is_flag=True, help="Start notes at the block: sooner, unevenly.")
@click.option("--record", type=click.Path(path_type=Path), help="Record what sounds to a WAV file.")
@click.option(
    "--midi", type=click.Path(path_type=Path), help="Play this MIDI file; you may play along."
)
@click.option("--demo", is_flag=True, help="Play the demonstration piece.")
@click.option("--through", is_flag=True, help="Send what you play to the MIDI output too.")
@click.option("--force", is_flag=True, help="Let --record replace a file.")
@click.option(
    "--partner",
    "partner_mode",
    type=click.Choice(["answer", "duet", "accompany", "loop"]),
    help="Let a composer play with you: answer your phrases, go along, be a band, vary a loop.",
)
@click.option(
    "--model",
    "partner_model",
    metavar="NAME",
    help="The partner's composer; see: latentkeys models list.",
)
@click.option("--partner-preset", metavar="NAME", help="The partner's own sound.")
@click.option(
    "--clock",
    "partner_clock",
    type=click.Choice(["internal", "midi", "link"]),
    help="Whose tempo the partner keeps: its own (internal), a MIDI clock's, Ableton Link's.",
)
@click.option(
    "--tempo",
    "partner_tempo",
    type=click.FloatRange(20, 400),
    metavar="BPM",
    help="The tempo to begin with; 120 when not given.",
)
@click.option(
    "--seed",
    "partner_seed",
    type=click.IntRange(0, 2**63 - 1),
    help="The same number and playing give the same answers.",
)
@click.option(
    "--metronome", "partner_metronome", is_flag=True, default=None, help="Click on every beat."
)
@click.option(
    "--count-in",
    "partner_count_in_bars",
    type=click.IntRange(0, 4),
    metavar="BARS",
    help="Count in this many bars.",
)
@click.option(
    "--send-clock",
    "partner_sends_clock",
    is_flag=True,
    default=None,
    help="Send a MIDI clock to the output.",
)
def play(**flags: Any) -> None:
    """Play live through MIDI and audio ports, until Ctrl-C."""
    from instrument.session.control import PlaySettings, play_live

    play_live(PlaySettings.of_flags(flags))


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
    except BrokenPipeError:  # `latentkeys presets list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + getattr(signal, "SIGPIPE", 13)
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
