"""The command line: names every verb, imports what a verb needs when it is used.

Nothing heavy is imported here, so that ``latentkeys play`` is on its way at once. `run` is the one
place where errors become messages: a `LatentkeysError` is printed and exits with 2, Ctrl-C and
SIGTERM end cleanly, and a traceback means that the project has a bug.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from instrument.errors import LatentkeysError, MissingExtraError
from instrument.import_names import DISTRIBUTION, PACKAGES, check_package

WRONG = 2
INTERRUPTED = 128 + signal.SIGINT  # as shells report it


class ImportedOnUse(click.Group):
    """A verb that lives in another package, which is imported when the verb is used.

    Parameters
    ----------
    name
        The verb.
    target
        ``module:attribute`` of the click command.
    extra
        The optional extra that installs what the module needs.
    short_help
        Shown by ``latentkeys --help``, which imports nothing.
    """

    def __init__(self, name: str, target: str, extra: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self.target = target
        self.extra = extra

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **more: Any,
    ) -> click.Context:
        """Hand over to the real command."""
        return self._command().make_context(info_name, args, parent, **more)

    def _command(self) -> click.Command:
        module, attribute = self.target.split(":")
        check_package(module.split(".")[0])
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as missing:
            package = (missing.name or "").split(".")[0]
            if package in PACKAGES:
                raise  # our own mistake, not an extra that is missing
            raise MissingExtraError(f"latentkeys {self.name}", package, self.extra) from missing
        return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=DISTRIBUTION, prog_name="latentkeys")
def latentkeys() -> None:
    """Play neural instruments live.

    Start with:  latentkeys play
    """


_COMPOSE = "instrument.cli.compose"
FOREIGN_VERBS = (
    ("continue", f"{_COMPOSE}:continue_command", "cpu", "Go on from a MIDI file."),
    ("accompany", f"{_COMPOSE}:accompany_command", "cpu", "Add tracks to a MIDI file."),
    ("compose", f"{_COMPOSE}:compose_command", "cpu", "Write a MIDI file from nothing."),
    ("models", f"{_COMPOSE}:models_group", "cpu", "List the composers."),
    ("generate", "instrument.cli.generate:generate_group", "cpu", "Make random sounds."),
    ("bench", "instrument.bench.commands:bench_group", "dev", "Measure speed beside others."),
    ("data", "training.cli.main:data_group", "training", "Make what models learn from."),
    ("train", "training.cli.main:train_group", "training", "Train a model."),
    ("evaluate", "training.cli.main:evaluate_group", "training", "Measure a trained model."),
    ("export", "export.cli.main:export_command", "export", "Turn a training run into a bundle."),
    ("import", "export.cli.import_models:import_group", "export", "Turn Magenta's into a bundle."),
)
for _verb in FOREIGN_VERBS:
    latentkeys.add_command(ImportedOnUse(*_verb))


@latentkeys.command()
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


@latentkeys.command()
@click.argument("take", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path), required=False)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def replay(take: Path, out: Path | None, force: bool) -> None:
    """Make the notes of a kept TAKE again, to the byte; without OUT, only compare."""
    from instrument.cli.replay import replay_command

    replay_command(take, out, replace=force)


@latentkeys.command()
@click.argument("song", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--preset", metavar="NAME", help="Name or .toml file; see: latentkeys presets list.")
@click.option("--rate", "rate_hz", type=click.IntRange(8000, 192000), default=48000)
@click.option(
    "--follow-programs", is_flag=True, help="Let the song's program changes choose presets."
)
@click.option(
    "--morph", metavar="PRESET@M:SS,…", help="Move from preset to preset, each reached at its time."
)
@click.option(
    "--random-timbres", "pace", metavar="every=6s", help="Move from one random sound to the next."
)
@click.option("--model", metavar="NAME", help="Of random timbres; else the preset's.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, help="Of random timbres.")
@click.option(
    "--truncation", type=click.FloatRange(0, 4), default=1.0, help="Below 1: tamer random timbres."
)
@click.option(
    "--touch",
    type=click.Choice(["preset", "paper"]),
    default="preset",
    help="Envelope and velocity: the preset's, or the GANSynth paper's.",
)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def render(
    song: Path, out: Path, rate_hz: int, follow_programs: bool, force: bool, **wishes: Any
) -> None:
    """Turn a MIDI file into a WAV file, exactly as live play would sound."""
    from instrument.cli.render import MorphRequest, render_morph
    from instrument.offline.render_song import render_song

    wish = MorphRequest(**wishes)
    if wish.moves:
        render_morph(
            song, out, wish, rate_hz=rate_hz, replace=force, follow_programs=follow_programs
        )
        return
    render_song(
        song,
        out,
        preset=wish.preset,
        rate_hz=rate_hz,
        follow_programs=follow_programs,
        replace=force,
    )


@latentkeys.group()
def presets() -> None:
    """List, show, check and make presets."""


@presets.command("list")
def list_presets() -> None:
    """List every preset by the program number that selects it."""
    from instrument.cli.presets import print_list

    print_list()


@presets.command("show")
@click.argument("name")
def show_preset(name: str) -> None:
    """Show a preset: its file, its model, its numbers."""
    from instrument.cli.presets import print_preset

    print_preset(name)


@presets.command("check")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def check_presets(names: tuple[str, ...]) -> None:
    """Check presets and their models; all of them when none is named."""
    from instrument.cli.presets import print_check

    print_check(names)


@presets.command("new")
@click.argument("name")
@click.option("--blend", metavar="A:0.5,B:0.5", help="Instruments of the model and their shares.")
@click.option("--seed", type=click.IntRange(0), help="A draw from the model's latent space.")
@click.option("--from", "source", metavar="PRESET", help="A copy of another preset.")
@click.option("--between", nargs=2, metavar="A B", help="A point between two presets.")
@click.option("--amount", type=click.FloatRange(0, 1), default=0.5, help="0 = A, 1 = B.")
@click.option("--around", is_flag=True, help="Go around the latent space's centre.")
@click.option(
    "--like", type=click.Path(path_type=Path), metavar="WAV", help="As near to a note as it gets."
)
@click.option("--pitch", type=click.IntRange(0, 127), help="Of WAV; estimated when not given.")
@click.option("--model", default="frame_voice", show_default=True)
def new_preset(name: str, like: Path | None, pitch: int | None, model: str, **wishes: Any) -> None:
    """Make a preset in your own presets folder."""
    if like is None:
        from instrument.cli.presets import make_preset

        make_preset(name, model=model, **wishes)
        return
    if any(wishes[other] not in (None, ()) for other in ("blend", "seed", "source", "between")):
        raise click.UsageError("--like starts from a WAV file: leave the other starts out.")
    from instrument.cli.presets_like import make_like

    make_like(name, like, pitch=pitch, model=model)


@presets.command("refresh")
@click.argument("name")
def refresh_preset(name: str) -> None:
    """Make a preset's sound anew from its recipe, for the model that is installed now."""
    from instrument.cli.presets import make_anew

    make_anew(name)


@latentkeys.group()
def bundle() -> None:
    """Look after model bundles."""


@bundle.command("check")
@click.argument("path", metavar="NAME|FOLDER")
def check_bundle(path: str) -> None:
    """Check every file of a bundle and prove that it renders here what it rendered at home."""
    from instrument.cli.presets import print_bundle_check

    print_bundle_check(path)


@latentkeys.command()
def devices() -> None:
    """List audio outputs and MIDI inputs."""
    from instrument.cli.devices import print_devices

    print_devices()


@latentkeys.command()
@click.option("--seconds", type=click.FloatRange(0, 600), default=10.0, show_default=True)
def doctor(seconds: float) -> None:
    """Say what works here, what does not, and which block size is safe."""
    from instrument.cli.doctor import print_report

    print_report(seconds)


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
