"""Decode files into frozen dataclasses, and say in a person's words what is wrong with them.

In: what ``tomllib`` or ``json`` read from a file, and a dataclass whose numbers carry their range
and unit (`ranged`). Out: an instance of it, or one error that names the file, the field, what was
found and what is allowed. msgspec checks and decodes every value; its messages end with the place,
where this module looks up what stands there.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import threading
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from instrument.errors import FileError
from instrument.files import open_regular

Decoded = TypeVar("Decoded")
Text = Annotated[str, Meta(min_length=1, max_length=80)]
Sha256 = Annotated[
    str, Meta(pattern="^[0-9a-f]{64}$", extra={"says": "64 hexadecimal digits (a sha256)"})
]
NO_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises at bytes that are not the JSON which was expected."""
_PLACE = re.compile(r"(?s).* - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.\w+|\[(?:\d+|\.\.\.)\]")
_MISSING = re.compile(r"missing required field `(\w+)`")
_ready: set[type] = set()
_looking = threading.Lock()
_TYPE_NAMES = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}


def ranged(low: float, high: float, unit: str = "") -> Meta:
    """Give a number its allowed range, both ends included, and its unit.

    Parameters
    ----------
    low, high
        What is allowed, inclusive.
    """
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
    _refuse_foreign(raw, kind, (), what, error)
    _get_ready(kind)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as reason:
        raise error(f"{what}: {_explained(str(reason), raw, kind)}") from reason


def _get_ready(kind: type) -> None:
    """Let msgspec look at a class before two threads make it do so at once.

    It shows others what it has found out before that is whole, and they then read nowhere: the
    process ends (msgspec 0.22).
    """
    if kind not in _ready:
        with _looking:
            msgspec.json.Decoder(kind)
            _ready.add(kind)


def nearest(name: str, choices: Iterable[str]) -> str:
    """Ask "Did you mean …?" about a misspelt name; empty when no choice comes near."""
    import difflib  # for mistakes alone

    by_lower = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"Did you mean {by_lower[found[0]]!r}?" if found else ""


def read_limited(path: Path, limit_bytes: int, what: str, error: type[FileError]) -> bytes:
    """Read a whole file, refusing one that is missing, unreadable or absurdly large.

    Parameters
    ----------
    limit_bytes
        Above which it is refused unread.
    """
    try:
        with open_regular(path) as file:
            content = file.read(limit_bytes + 1)
    except OSError as reason:
        raise error(f"{what}: cannot be read: {reason.strerror or reason} ({path})") from reason
    if len(content) > limit_bytes:
        raise error(f"{what}: is larger than {limit_bytes // 1024} KiB, so it cannot be one")
    return content


def _refuse_foreign(
    raw: Any, hint: Any, path: tuple[str, ...], what: str, error: type[FileError]
) -> None:
    """Refuse what msgspec lets pass: unknown keys of tables, and numbers that are none."""
    hint = _without_none(hint)
    if _is_no_number(raw):
        raise error(f"{what}: {_spoken(path)} must be {_allowed(hint)}, got {_shown(raw)}")
    hint = _container(hint)
    if isinstance(raw, list) and typing.get_origin(hint) is tuple:
        raw = dict(enumerate(raw))
    elif isinstance(raw, dict) and _is_table(hint):
        known = _hints(hint)
        if (name := next((key for key in raw if key not in known), None)) is not None:
            remedy = nearest(name, known) or f"Known keys: {', '.join(known)}."
            raise error(f"{what}: {_spoken((*path, name))} is not a known key", remedy)
    elif typing.get_origin(hint) is not dict or not isinstance(raw, dict):
        return
    for name, value in raw.items():
        if isinstance(value, dict | list) or _is_no_number(value):  # else there is nothing to find
            _refuse_foreign(value, _inner(hint, name), (*path, str(name)), what, error)


def _is_no_number(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _explained(message: str, raw: Any, hint: Any) -> str:
    """Say what msgspec's message is about: it ends with the place, which is looked up here."""
    place = _PLACE.match(message)
    path: tuple[str, ...] = ()
    for step in _STEP.findall(place["path"]) if place else ():
        hint = _without_none(hint)
        name = step.strip(".[]") or _failing(raw, typing.get_args(hint)[1])
        hint = _inner(hint, name)
        raw = raw[int(name) if isinstance(raw, list) else name]
        path = (*path, name)
    hint = _without_none(hint)
    if missing := _MISSING.search(message):
        return f"{_spoken((*path, missing[1]))} is missing"
    if place and place["key"]:
        key_hint = typing.get_args(hint)[0]
        key = _failing({key: key for key in raw}, key_hint)
        return f"{_spoken(path)}: the key {_shown(key)} must be {_allowed(key_hint)}"
    return f"{_spoken(path)} must be {_allowed(hint)}, got {_shown(raw)}"


def _failing(table: dict[str, Any], hint: Any) -> str:
    """Return the first key whose value is refused: msgspec does not name it."""
    for key, value in table.items():
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError:
            return key
    raise AssertionError("msgspec has refused one of them")


def _is_table(hint: Any) -> bool:
    return dataclasses.is_dataclass(hint)


@functools.cache
def _hints(table: Any) -> dict[str, Any]:
    return typing.get_type_hints(table, include_extras=True)


def _inner(hint: Any, name: object) -> Any:
    """Return the annotation of what stands under `name` in a table or list."""
    if _is_table(hint):
        return _hints(hint)[str(name)]
    hint = _container(hint)
    return typing.get_args(hint)[1 if typing.get_origin(hint) is dict else 0]


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return next(arm for arm in typing.get_args(hint) if arm is not types.NoneType)
    return hint


def _container(hint: Any) -> Any:
    """Take the limit off a list's annotation, such as how many items it may have."""
    if typing.get_origin(hint) is not Annotated:
        return hint
    plain = typing.get_args(hint)[0]
    return plain if typing.get_origin(plain) in (tuple, list, dict) else hint


def _allowed(hint: Any) -> str:
    """Describe what an annotation allows: ``in 0..10 s``, ``one of loop, decay``, ``text``."""
    if typing.get_origin(hint) is typing.Literal:
        return "one of " + ", ".join(str(choice) for choice in typing.get_args(hint))
    meta = next((m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Meta)), None)
    plain = typing.get_args(hint)[0] if meta else hint
    if typing.get_origin(plain) in (tuple, list):
        return f"a list of up to {meta.max_length}" if meta and meta.max_length else "a list"
    if typing.get_origin(hint) is dict or _is_table(hint):
        return "a table"
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
    """Name a place as it stands in a TOML file: ``[sound] latent, item 3,``."""
    words: list[str] = []
    for step in path:
        if step.isdigit() and words:
            words[-1] += f", item {int(step) + 1}"
        else:
            words.append(step)
    if not words:
        return "the file"
    place = f"[{'.'.join(words[:-1])}] {words[-1]}" if words[1:] else words[0]
    return f"{place}," if path[-1].isdigit() else place


def _shown(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 60 else text[:57] + "..."
