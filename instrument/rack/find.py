"""Find a rack: a shipped one by its name, or a player's own file.

A file is run only where a player has named it, behind ``--rack``, and in the rack's own process.
Presets name shipped racks, never a file.
"""

from __future__ import annotations

import importlib
import importlib.util
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args

from instrument.errors import RackError
from instrument.files import is_file
from instrument.rack.knob import Knob, check_knobs
from instrument.schema import nearest

RackName = Literal[
    "freeze",
    "shimmer",
    "tape",
    "spectral_blur",
    "resonators",
    "vocoder",
    "looper",
    "pan_delay",
    "bit_world",
    "convolution",
]
SHIPPED: tuple[str, ...] = get_args(RackName)
_FOLDER = "instrument.rack.racks"


@dataclass(frozen=True, slots=True)
class Rack:
    """A rack that can be built.

    Attributes
    ----------
    name
        Its file's, without ``.py``.
    says
        The first line of its file.
    knobs
        What can be turned.
    build
        ``build(pyo, inlet)`` returns the stereo or mono pyo object that is heard.
    """

    name: str
    says: str
    knobs: tuple[Knob, ...]
    build: Callable[[ModuleType, Any], Any]


def shipped_rack(name: str) -> Rack:
    """Return a shipped rack; pyo is not needed for that.

    Raises
    ------
    RackError
        There is none of that name.
    """
    if name not in SHIPPED:
        remedy = nearest(name, SHIPPED) or f"There are: {', '.join(SHIPPED)}."
        raise RackError(f"there is no rack {name[:60]!r}", remedy)
    return _rack(name, importlib.import_module(f"{_FOLDER}.{name}"))


def check_rack_name(what: str) -> None:
    """Refuse what is neither a shipped rack nor a file, without running anything.

    Raises
    ------
    RackError
        With the nearest one.
    """
    if not _is_file_name(what):
        shipped_rack(what)
    elif not is_file(Path(what).expanduser()):
        raise RackError(f"the rack {what[:200]} is no file")


def open_rack(what: str) -> Rack:
    """Return a rack by name or file; a file is run. In the rack's process only.

    Raises
    ------
    RackError
        It is not there, is no Python, raises, or declares no rack.
    """
    check_rack_name(what)
    if not _is_file_name(what):
        return shipped_rack(what)
    path = Path(what).expanduser()
    spec = importlib.util.spec_from_file_location(f"own_rack_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise RackError(f"the rack {path.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as reason:  # a player's own file: whatever it raises is told
        raise raised(path.name, reason) from reason
    return _rack(path.stem, module)


def raised(what: str, reason: BaseException) -> RackError:
    """Say in one message where in a rack's file something was raised."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(reason.__traceback__)
        if Path(frame.filename).stem == Path(what).stem
    ]
    if isinstance(reason, SyntaxError) and reason.lineno:
        lines.append(reason.lineno)
    where = f"line {lines[-1]}: " if lines else ""
    return RackError(f"the rack {what}: {where}{type(reason).__name__}: {str(reason)[:200]}")


def _rack(name: str, module: ModuleType) -> Rack:
    build = getattr(module, "build", None)
    if not callable(build):
        raise RackError(f"the rack {name}: has no function build(pyo, inlet)")
    says = (module.__doc__ or "").strip().partition("\n")[0]
    return Rack(name, says, check_knobs(getattr(module, "KNOBS", ()), f"the rack {name}"), build)


def _is_file_name(what: str) -> bool:
    return what.endswith(".py") or "/" in what or "\\" in what
