"""Which controller turns which knob: learned in the panel or in the terminal, kept for the user.

In and out: ``controllers.json`` in latentkeys' data folder, from the name of a controller ("cc20",
"pressure") to that of a knob: a field of a preset ("filter.cutoff_hz"), an axis ("morph.x"), or a
knob of the partner ("partner.density"). A controller turns one knob, and a knob has one controller.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Annotated

import msgspec
import platformdirs
from msgspec import Meta

from instrument.errors import FileError
from instrument.files import cannot_write, replacing_file
from instrument.preset.partner_options import Controller, KnobName, PartnerOptions
from instrument.schema import NO_JSON, read_limited

PARTNER = "partner."
_FILE = "controllers.json"
_LIMIT_BYTES = 1 << 16
_Source = Annotated[str, Meta(pattern=r"^(cc(\d|[1-9]\d|1[01]\d)|pressure)\Z")]
_Target = Annotated[str, Meta(min_length=1, max_length=80)]
_decoder = msgspec.json.Decoder(dict[_Source, _Target])


def learned_controllers() -> dict[str, str]:
    """Return the knob of each controller that has one; what cannot be read is forgotten."""
    path = platformdirs.user_data_path("latentkeys") / _FILE
    with suppress(FileError, *NO_JSON):
        return _decoder.decode(read_limited(path, _LIMIT_BYTES, _FILE, FileError))
    return {}


def bind(source: str, target: str) -> None:
    """Let a controller turn a knob, and nothing else, from now on.

    Raises
    ------
    FileError
        It cannot be kept.
    """
    _keep({**_without(target), source: target})


def forget(target: str) -> None:
    """Let no controller turn a knob any more.

    Raises
    ------
    FileError
        It cannot be kept.
    """
    _keep(_without(target))


def with_learned(options: PartnerOptions) -> PartnerOptions:
    """Return a partner's options with what the user's controllers turn."""
    learned = learned_controllers()
    names = KnobName.__args__  # type: ignore[attr-defined]
    own: dict[Controller, KnobName] = {
        source: target.removeprefix(PARTNER)  # type: ignore[misc]
        for source, target in learned.items()
        if target.startswith(PARTNER) and target.removeprefix(PARTNER) in names
    }
    rest = {
        source: knob
        for source, knob in options.knobs.items()
        if source not in learned and knob not in own.values()
    }
    return replace(options, knobs={**rest, **own})


def _without(target: str) -> dict[str, str]:
    return {name: knob for name, knob in learned_controllers().items() if knob != target}


def _keep(bound: dict[str, str]) -> None:
    path = platformdirs.user_data_path("latentkeys") / _FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise cannot_write(path, problem) from problem
    with replacing_file(path) as temporary:
        temporary.write_bytes(msgspec.json.encode(bound))
