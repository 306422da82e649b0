"""A group of verbs that are imported when they are used, listed in sections.

In: for each verb where it lives, a line that says what it does, and the extra that brings what it
needs. Out: a `click.Group` whose list imports nothing, and whose verbs have a help text even where
their extra is not installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from instrument.errors import MissingExtraError
from instrument.import_names import PACKAGES, check_package

_ANY_ARGUMENTS = {"ignore_unknown_options": True, "allow_extra_args": True}


@dataclass(frozen=True, slots=True)
class Verb:
    """A command that lives in another module."""

    target: str  #: ``module:attribute`` of the click command
    summary: str  #: its line in the list: a sentence
    extra: str = "cpu"  #: the optional extra that installs what the module needs

    def load(self, name: str) -> click.Command:
        """Import the command; without its extra a stand-in that says how to install it.

        Raises
        ------
        InstallationError
            Another distribution has overwritten the package that it lives in.
        """
        module, attribute = self.target.split(":")
        check_package(module.split(".")[0])
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as missing:
            package = (missing.name or "").split(".")[0]
            if package in PACKAGES:
                raise  # our own mistake, not an extra that is missing
            problem = MissingExtraError(f"latentkeys {name}", package, self.extra)
            return MissingCommand(name, self.summary, problem)
        return command


class MissingCommand(click.Command):
    """Stands for a verb whose extra is not installed: its help says so, using it is refused."""

    def __init__(self, name: str, summary: str, problem: MissingExtraError) -> None:
        told = f"{summary}\n\n{problem.message}.\n\n\b\n{problem.remedy}"
        super().__init__(name, help=told, context_settings=dict(_ANY_ARGUMENTS))
        self.problem = problem

    def invoke(self, ctx: click.Context) -> None:  # noqa: ARG002
        """Refuse.

        Raises
        ------
        MissingExtraError
            Always; its remedy is the command that installs the extra.
        """
        raise self.problem


class LazyGroup(click.Group):
    """A group that imports a verb when it is used.

    Parameters
    ----------
    sections
        The verbs by name, by the heading under which the help lists them.
    """

    def __init__(
        self,
        *arguments: Any,
        sections: Mapping[str, Mapping[str, Verb]],
        **more: Any,
    ) -> None:
        super().__init__(*arguments, **more)
        self.sections = sections
        self.verbs = {name: verb for verbs in sections.values() for name, verb in verbs.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return every verb's name in the order of the sections."""
        return list(self.verbs)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        """Import a verb, or return None if there is none of that name."""
        verb = self.verbs.get(cmd_name)
        return verb.load(cmd_name) if verb else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb of a command line; a mistyped one is told which it is like."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as problem:
            raise click.NoSuchCommand(args[0], possibilities=self.verbs, ctx=ctx) from problem

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; a package that it turns out to need names the extra that brings it."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as missing:
            package = (missing.name or "").split(".")[0]
            verb = self.verbs.get(ctx.invoked_subcommand or "")
            if verb is None or package in PACKAGES:
                raise
            name = f"latentkeys {ctx.invoked_subcommand}"
            raise MissingExtraError(name, package, verb.extra) from missing

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """Write each section's verbs; nothing is imported."""
        width = max(map(len, self.verbs))
        for heading, verbs in self.sections.items():
            with formatter.section(heading):
                rows = [(f"{name:{width}}", verb.summary) for name, verb in verbs.items()]
                formatter.write_dl(rows)
