"""How this very copy of latentkeys was installed, and the command that adds an extra to it."""

from __future__ import annotations

import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution
from urllib.parse import unquote, urlparse

import msgspec

TORCH_EXTRAS = ("training", "export")
CPU_TORCH = "torch --index-url https://download.pytorch.org/whl/cpu"
"""PyTorch's own page of builds without CUDA: 0.2 GB instead of several."""


def how_to_install(extra: str) -> str:
    """Return the command line that adds an extra to this installation.

    It names what is there: the folder that the source lies in, or the archive that pip was given.
    The extras that need torch begin with its small build; a machine with an NVIDIA card may leave
    that part out.
    """
    place = _place()
    target = f"latentkeys[{extra}]"
    if place:
        target = f"{target} @ {place}" if "://" in place else f"{place}[{extra}]"
    pip = f"{shlex.quote(sys.executable)} -m pip install"
    command = f"{pip} {shlex.quote(target)}"
    return f"{pip} {CPU_TORCH} && {command}" if extra in TORCH_EXTRAS else command


def _place() -> str:
    """Return the source folder, or an archive's address, or nothing where pip kept none."""
    try:
        recorded = distribution("latentkeys").read_text("direct_url.json")
    except PackageNotFoundError:
        return ""
    if not recorded:
        return ""
    said = msgspec.json.decode(recorded)
    address = str(said.get("url", ""))
    return unquote(urlparse(address).path) if "dir_info" in said else address
