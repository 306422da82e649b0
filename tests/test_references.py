"""What docstrings and pages name is there: names, files, links, commands and their options.

A name in single backticks is a reference, as reST and mkdocs have it; foreign names and formulas
stand in double ones. A dotted reference must lead to its definition, a bare one must be a name that
the code has: an argument, a field, a key. Renaming something therefore fails here until the prose
follows.
"""

from __future__ import annotations

import ast
import builtins
import functools
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import click
import pytest

from instrument.cli.main import latentkeys
from tests.helpers.places import ROOT

PACKAGES = ("instrument", "training", "export")
SOURCES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

QUOTED = re.compile(r"(?<![`\w])`([^`]+)`(?!`)")
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
TREE = re.compile(r"(instrument|training|export|presets|tests|docs)/[a-z0-9_/.-]+")
#: "latentkeys out" is a MIDI port.
COMMAND = re.compile(r"(?:^ *|`|bin/)latentkeys (?!out\b)([a-z][^`#\n]*)", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


class Names:
    """Every name that the code has, and where its modules and classes define theirs."""

    def __init__(self) -> None:
        self.everywhere = set(dir(builtins))
        self.of: dict[str, set[str]] = {}  # a module's or class's own, by every end of its name
        for file in SOURCES:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            module = module_name(file)
            self.everywhere.update(module.split("."), names_in(tree))
            is_door = file.name == "__init__.py"  # what it imports is there to be used
            self._define(module, set(names_in(tree) if is_door else definitions(tree)))
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    # A base's members are not looked for, so a class that has one has all names.
                    own = set(names_in(node)) if not node.bases else self.everywhere
                    self._define(f"{module}.{node.name}", own)

    def _define(self, owner: str, names: set[str]) -> None:
        parts = owner.split(".")
        for start in range(len(parts)):  # `memory.state` and `state` are said, too
            self.of.setdefault(".".join(parts[start:]), set()).update(names)
        for end in range(1, len(parts)):
            self.of.setdefault(".".join(parts[:end]), set()).add(parts[end])

    def has(self, reference: str, variables: Collection[str] = ()) -> bool:
        """Tell whether a reference leads somewhere; `variables` are those of its own file."""
        owner, _, name = reference.rpartition(".")
        if not owner:
            return name in self.everywhere
        is_local = reference.split(".", 1)[0] in variables
        if not is_local and (reference.split(".", 1)[0] in PACKAGES or owner in self.of):
            return name in self.of.get(owner, ()) or reference in self.of
        return all(part in self.everywhere for part in reference.split("."))


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def definitions(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.For)):
            yield from names_in(node)


def names_in(tree: ast.AST) -> Iterator[str]:
    """Yield what a reader may mean: definitions, arguments, attributes, keys of records."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, (ast.arg, ast.keyword)):
            yield node.arg or ""
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).rsplit(".", 1)[-1]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def docstrings(file: Path) -> Iterator[str]:
    """Yield docstrings, those below fields and constants as well, and comments."""
    text = file.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
    for line in text.splitlines():
        yield line.partition("#")[2]


@functools.cache
def known() -> Names:
    return Names()


def unresolved(file: Path) -> Iterator[str]:
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    variables = {node.arg for node in nodes if isinstance(node, ast.arg)}
    for text in docstrings(file):
        for reference in QUOTED.findall(text):
            name = " ".join(reference.split()).removesuffix("()")
            if NAME.fullmatch(name) and not known().has(name, variables):
                yield reference


@pytest.mark.parametrize("package", PACKAGES)
def test_every_reference_of_a_docstring_leads_somewhere(package: str) -> None:
    stale = [
        f"{file.relative_to(ROOT)}: {reference}"
        for file in SOURCES
        if file.is_relative_to(ROOT / package)
        for reference in unresolved(file)
    ]
    assert not stale, "not there; foreign names stand in double backticks:\n" + "\n".join(stale)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    stale = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    for span in QUOTED.findall(FENCE.sub("", text)):
        name = span.removesuffix("()")
        is_name = NAME.fullmatch(name) and name.split(".")[0] in PACKAGES and "." in name
        if is_name and not known().has(name):
            stale.append(span)
        if TREE.fullmatch(span) and not (ROOT / span).exists():
            stale.append(span)
    assert not stale


def commands_of(text: str, *, is_page: bool) -> Iterator[list[str]]:
    """Yield what is typed after `latentkeys`, in quotes and in fenced blocks."""
    lines = [f"`{quoted}" for quoted in re.findall(r"`([^`]+)`", text)]
    if is_page:
        lines += [line for fence in FENCE.findall(text) for line in fence.splitlines()]
    for command in COMMAND.findall("\n".join(lines)):
        line = re.split(r"[|;&>)\"]| - |, ", command)[0]
        yield [word.rstrip(".:,") for word in line.split()]


def problem_of(words: list[str]) -> str | None:
    """Return what of a command line does not exist."""
    command: click.Command = latentkeys
    context = click.Context(command)
    for word in words:
        if not word.isascii() or word.isupper():
            return None  # "…" or NAME
        if isinstance(command, click.Group) and not word.startswith("-"):
            found = command.get_command(context, word)
            if found is None:
                return word
            command = found
        elif word.startswith("--"):
            options = {name for option in command.params for name in option.opts}
            if word.partition("=")[0] not in options | {"--help", "--version"}:
                return word
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_on_a_page_are_there(page: Path) -> None:
    for words in commands_of(page.read_text(encoding="utf-8"), is_page=True):
        assert problem_of(words) is None, f"latentkeys {' '.join(words)}"


def test_commands_and_options_in_docstrings_are_there() -> None:
    for file in SOURCES:
        for text in docstrings(file):
            for words in commands_of(text, is_page=False):
                assert problem_of(words) is None, f"{file}: latentkeys {' '.join(words)}"
