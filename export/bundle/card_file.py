"""Write a card: its list of files, its dates and digests, and its JSON."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from instrument.bundle.card import Card, CardFile

WEIGHTS_NAME = "weights.bin"


def list_files(files: Mapping[str, bytes]) -> dict[str, CardFile]:
    """List files with their size and sha256."""
    return {
        file: CardFile(hashlib.sha256(content).hexdigest(), len(content))
        for file, content in sorted(files.items())
    }


def to_json(card: Card) -> bytes:
    """Write a card as JSON that a person can read, numbers of one list on one line."""
    plain = msgspec.to_builtins(card)
    return (_indented(plain, 0) + "\n").encode("utf-8")


def digest_of(options: Mapping[str, Any]) -> str:
    """Return the sha256 of what a run was configured with.

    Parameters
    ----------
    options
        As the run's card has them; plain JSON values.
    """
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()


def today() -> str:
    """Return the date of an export, in UTC."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")


def _indented(value: Any, depth: int) -> str:
    pad, inner = " " * depth, " " * (depth + 1)
    if isinstance(value, dict) and value:
        items = [f"{inner}{json.dumps(k)}: {_indented(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{pad}}}"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
