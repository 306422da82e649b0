"""Decode files into frozen dataclasses, and say in a person's words what is wrong with them.

In: what ``tomllib`` or ``json`` read from a file, and a dataclass whose numbers carry their range
and unit (`ranged`). Out: an instance of it, or one error that names the file, the field, what was
found and what is allowed. msgspec checks and decodes every value; this module walks the tables to
know where a value stands, because msgspec's own messages do not quote what they found.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from instrument.errors import FileError

Decoded = TypeVar("Decoded")
Text = Annotated[str, Meta(min_length=1, max_length=80)]
Sha256 = Annotated[
    str, Meta(pattern="^[0-9a-f]{64}$", extra={"says": "64 hexadecimal digits (a sha256)"})
]
_TYPE_NAMES = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}


def ranged(low: float, high: float, unit: str = "") -> Meta:
    """Give a number its allowed range, both ends included, and its unit."""
    return Meta(ge=low, le=high, extra={"unit": unit})


def decode(raw: object, kind: type[Decoded], what: str, error: type[FileError]) -> Decoded:
    """Decode plain dictionaries, lists and numbers into a dataclass.

    Parameters
    ----------
    raw
        What a TOML or JSON reader returned.
    kind
        The dataclass; its fields are the only list of allowed keys.
    what
        Names the file in messages: ``preset "glass.toml"``.
    error
        The class to raise.

    Raises
    ------
    FileError
        Of class ``error``: an unknown or missing key, a wrong type, or a value out of its range.
    """
    _Checker(what, error).check(raw, kind, ())
    return msgspec.convert(raw, kind)


def nearest(name: str, choices: Iterable[str]) -> str:
    """Ask "Did you mean …?" about a misspelt name; empty when no choice comes near."""
    by_lower = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"Did you mean {by_lower[found[0]]!r}?" if found else ""


def read_limited(path: Path, limit_bytes: int, what: str, error: type[FileError]) -> bytes:
    """Read a whole file, refusing one that is missing, unreadable or absurdly large."""
    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except OSError as reason:
        raise error(f"{what}: cannot be read: {reason.strerror or reason} ({path})") from reason
    if len(content) > limit_bytes:
        raise error(f"{what}: is larger than {limit_bytes // 1024} KiB, so it cannot be one")
    return content


@dataclasses.dataclass(frozen=True, slots=True)
class _Checker:
    what: str
    error: type[FileError]

    def check(self, raw: Any, hint: Any, path: tuple[str, ...]) -> None:
        """Check one value against its annotation, tables and lists item by item."""
        inner = _without_none(hint)
        if raw is None and inner is not hint:
            return  # JSON can say it
        hint = inner
        if dataclasses.is_dataclass(hint):
            self.check_table(raw, hint, path)
        elif typing.get_origin(hint) is dict and isinstance(raw, dict):
            key_hint, value_hint = typing.get_args(hint)
            for key, value in raw.items():
                self.check_key(key, key_hint, path)
                self.check(value, value_hint, (*path, key))
        elif typing.get_origin(hint) is tuple and isinstance(raw, list):
            for index, value in enumerate(raw):
                self.check(value, typing.get_args(hint)[0], (*path, str(index)))
        else:
            self.check_value(raw, hint, path)

    def check_table(self, raw: Any, hint: Any, path: tuple[str, ...]) -> None:
        if not isinstance(raw, dict):
            raise self.error(f"{self.what}: {_spoken(path)} must be a table, got {_shown(raw)}")
        hints = typing.get_type_hints(hint, include_extras=True)
        for key in raw:
            if key not in hints:
                remedy = nearest(key, hints) or f"Known keys: {', '.join(hints)}."
                raise self.error(f"{self.what}: {_spoken((*path, key))} is not a known key", remedy)
        for field in dataclasses.fields(hint):
            if field.name in raw:
                self.check(raw[field.name], hints[field.name], (*path, field.name))
            elif _is_required(field):
                raise self.error(f"{self.what}: {_spoken((*path, field.name))} is missing")

    def check_key(self, key: str, hint: Any, path: tuple[str, ...]) -> None:
        try:
            msgspec.convert(key, hint)
        except msgspec.ValidationError as reason:
            message = f"{_spoken(path)}: the key {_shown(key)} must be {_allowed(hint)}"
            raise self.error(f"{self.what}: {message}") from reason

    def check_value(self, raw: Any, hint: Any, path: tuple[str, ...]) -> None:
        is_finite = not isinstance(raw, float) or math.isfinite(raw)
        try:
            msgspec.convert(raw, hint)
        except msgspec.ValidationError as refusal:
            is_finite = False
            reason: Exception | None = refusal
        else:
            reason = None
        if not is_finite:
            message = f"{_spoken(path)} must be {_allowed(hint)}, got {_shown(raw)}"
            raise self.error(f"{self.what}: {message}") from reason


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return next(arm for arm in typing.get_args(hint) if arm is not types.NoneType)
    return hint


def _is_required(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _allowed(hint: Any) -> str:
    """Describe what an annotation allows: ``in 0..10 s``, ``one of loop, decay``, ``text``."""
    if typing.get_origin(hint) is typing.Literal:
        return "one of " + ", ".join(str(choice) for choice in typing.get_args(hint))
    if typing.get_origin(hint) in (tuple, list):
        return "a list"
    if typing.get_origin(hint) is dict:
        return "a table"
    meta = next((m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Meta)), None)
    plain = typing.get_args(hint)[0] if meta else hint
    if meta and meta.ge is not None:
        unit = str((meta.extra or {}).get("unit", ""))
        whole = " (a whole number)" if plain is int else ""
        return f"in {meta.ge:g}..{meta.le:g} {unit}".rstrip() + whole
    if meta and meta.extra and "says" in meta.extra:
        return str(meta.extra["says"])
    if meta and meta.max_length is not None:
        return f"text of {meta.min_length or 0} to {meta.max_length} characters"
    return _TYPE_NAMES.get(plain, str(plain))


def _spoken(path: tuple[str, ...]) -> str:
    """Name a place as it stands in a TOML file: ``[sound] latent, item 3``."""
    if not path:
        return "the file"
    tables, last = path[:-1], path[-1]
    if last.isdigit() and tables:
        return f"{_spoken(tables)}, item {int(last) + 1},"
    return f"[{'.'.join(tables)}] {last}" if tables else last


def _shown(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 60 else text[:57] + "..."
