"""Options that are listed under headings, and those that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from instrument.errors import MissingExtraError, SettingError
from instrument.realtime.memory.constants import RATES_HZ

FILE = click.Path(path_type=Path, dir_okay=False)
RATE_HZ = click.IntRange(*RATES_HZ)
SEED = click.IntRange(0, 2**31 - 1)
PRESET_HELP = "A preset's name or .toml file; see: latentkeys presets list."

_MOST_QUARTERS = 16
_NO_END = 2**31 - 1001  # seeds: no person counts so far

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


class Choice(click.Choice[str]):
    """One of a few words; a misspelt one is asked back."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """Say which words there are, and which is nearest."""
        from instrument.schema import nearest  # only where something is wrong

        said = super().get_invalid_choice_message(value, ctx)
        return f"{said} {nearest(str(value), self.choices)}".rstrip()


def meter_beats(
    _context: click.Context | None, _option: click.Parameter | None, meter: str | None
) -> int | None:
    """Read a meter as how many quarter notes a bar has: 3 of "3/4" and of "6/8".

    Raises
    ------
    click.BadParameter
        They are not 1 to 16 whole ones.
    """
    if meter is None:
        return None
    beats, _, unit = meter.partition("/")
    try:
        quarters = 4 * int(beats) / int(unit or 4)
    except (ValueError, ZeroDivisionError):
        quarters = 0.0
    if quarters != int(quarters) or not 1 <= quarters <= _MOST_QUARTERS:
        raise click.BadParameter(
            f"{meter!r} is no meter of 1 to {_MOST_QUARTERS} whole quarter notes, "
            "such as 4/4, 3/4 or 6/8."
        )
    return int(quarters)


class HeadedOption(click.Option):
    """An option with a heading of its own in the help, and a range in plain words."""

    def __init__(self, *arguments: Any, heading: str = "Options", **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.heading = heading

    def get_help_extra(self, ctx: click.Context) -> click.types.OptionHelpExtra:
        """Say a range as people do: "0 to 127", "20 or more"; one that says nothing is left out."""
        extra = super().get_help_extra(ctx)
        if "range" in extra and isinstance(self.type, (click.IntRange, click.FloatRange)):
            low, high = self.type.min, self.type.max
            del extra["range"]
            if low is not None and high is not None and high < _NO_END:
                extra["range"] = f"{low:g} to {high:g}"
            elif low is not None and low > 1:
                extra["range"] = f"{low:g} or more"
        return extra

    def make_metavar(self, ctx: click.Context) -> str:
        """Say what is typed in a letter or a word: N for a whole number, X for another one."""
        if self.metavar is None and self.nargs == 1:
            if isinstance(self.type, click.IntRange):
                return "N"
            if isinstance(self.type, click.FloatRange):
                return "X"
            if self.type is click.STRING:
                return "NAME"
            if isinstance(self.type, click.Path):
                return "FILE" if not self.type.dir_okay else "FOLDER"
        return super().make_metavar(ctx)


class HeadedCommand(click.Command):
    """A command whose help lists its options under their headings, ``--help`` last."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each heading, in the order in which they come."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record and not isinstance(parameter, click.Argument):
                heading = getattr(parameter, "heading", "Options")
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def under(heading: str) -> Callable[..., Decorator]:
    """Return a ``click.option`` whose options are listed under a heading."""
    return partial(click.option, cls=HeadedOption, heading=heading)


def tuning_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that are a `music.tuning.KeyTuning`; their values are called ``tuning_…``."""
    tuning = under("Tuning")
    for decorate in (
        tuning(
            "--keyboard-map",
            "tuning_keyboard_map",
            type=FILE,
            metavar="FILE.kbm",
            help="Which key plays which note of --tuning: a Scala keyboard map.",
        ),
        tuning(
            "--tuning",
            "tuning_scale",
            type=FILE,
            metavar="FILE.scl",
            help="Play in a scale of your own: a Scala file.",
        ),
        tuning(
            "--stay-in",
            "tuning_stay_in",
            metavar="KEY",
            help="Play no note outside of a key, such as Am or 'D minor'.",
        ),
        tuning(
            "--transpose",
            "tuning_transpose",
            type=click.IntRange(-48, 48),
            default=0,
            metavar="N",
            help="Sound so many semitones higher; 12 is an octave.",
        ),
        tuning(
            "--a4",
            "tuning_a4_hz",
            type=click.FloatRange(220, 880),
            metavar="HZ",
            help="Concert pitch; 440 when not given.",
        ),
    ):
        command = decorate(command)
    return command


def part_options(command: Callable[..., None], heading: str) -> Callable[..., None]:
    """Add the options that `preset.parts.parts_of` reads: ``keys`` and ``part``."""
    sound = under(heading)
    for decorate in (
        sound(
            "--part",
            multiple=True,
            metavar='"NAME …"',
            help='A preset that plays besides: "slow_strings", or "rubber_line keys=A0-B3", with'
            " velocity=1-90, channel=2, level=-3 as you like; up to three.",
        ),
        sound("--keys", metavar="LOW-HIGH", help="Play --preset on these keys only: C4-C8."),
    ):
        command = decorate(command)
    return command


def rack_options(command: Callable[..., None], heading: str) -> Callable[..., None]:
    """Add ``--rack`` and ``--impulse``; `check_rack_options` reads what was given."""
    sound = under(heading)
    for decorate in (
        sound(
            "--impulse",
            default="",
            metavar="FILE.wav",
            help="The room or thing that --rack convolution sounds in.",
        ),
        sound(
            "--rack",
            default="",
            metavar="NAME|FILE.py",
            help="Send everything through an effect written in Python, too: a shipped one's name, "
            "or a file of your own; it goes before what presets bring.",
        ),
    ):
        command = decorate(command)
    return command


def check_rack_options(rack: str, impulse: str) -> None:
    """Refuse a rack or an impulse that is not there, before anything starts.

    Raises
    ------
    RackError, SettingError, MissingExtraError
        There is none such, or pyo is not installed.
    """
    if impulse:
        from instrument.rack.impulse import check_impulse

        check_impulse(impulse)
    if not rack:
        return
    from importlib.util import find_spec

    from instrument.rack.find import check_rack_name

    check_rack_name(rack)
    if find_spec("pyo") is None:
        raise MissingExtraError("--rack", "pyo", "rack")


def renderer_option(heading: str) -> Decorator:
    """Add ``--renderer``; `check_renderer` reads what was given."""
    return under(heading)(
        "--renderer",
        default="",
        metavar="grpc://HOST:PORT",
        help="Let a server render the sounds, such as Triton on a machine with a GPU; see:"
        " latentkeys export --help. This machine does it while the server is slow or gone.",
    )


def check_renderer(text: str) -> None:
    """Refuse an address that is none; say what a player should know of one that is.

    Raises
    ------
    SettingError, MissingExtraError
        It is none, or tritonclient is not installed.
    """
    if not text:
        return
    from importlib.util import find_spec

    from instrument.remote.address import Address

    for warning in Address.parse(text).warnings:
        click.echo(warning, err=True)
    if find_spec("tritonclient") is None:
        raise MissingExtraError("--renderer", "tritonclient", "remote")


option = under("Options")
"""`click.option`, with ranges in plain words."""


def refuse_without(owner: str, given: Mapping[str, object], remedy: str) -> None:
    """Refuse options that do nothing because the one that they belong to is not given.

    Parameters
    ----------
    owner
        What they belong to, as it is typed: ``--partner``.
    given
        The values of those options by their flags; None and False are not given.
    remedy
        One sentence that ends the message.

    Raises
    ------
    SettingError
        One of them is given.
    """
    found = [flag for flag, value in given.items() if value is not None and value is not False]
    if found:
        verb = "does" if len(found) == 1 else "do"
        raise SettingError(f"{' and '.join(found)} {verb} nothing without {owner}", remedy)
