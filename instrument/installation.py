"""How this very copy of latentkeys was installed: commands that add an extra, or mend it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
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


def how_to_mend(others: Iterable[str] = ()) -> str:
    """Return the command line that installs this copy again, after removing other packages.

    Parameters
    ----------
    others
        The distributions that stand in the way.
    """
    pip = f"{shlex.quote(sys.executable)} -m pip"
    again = f"{pip} install --force-reinstall --no-deps {shlex.quote(_place() or 'latentkeys')}"
    removed = " ".join(others)
    return f"{pip} uninstall {removed} && {again}" if removed else again


def _place() -> str:
    """Return the source folder, or an archive's address, or nothing where pip kept none."""
    from importlib.metadata import PackageNotFoundError, distribution  # for messages alone

    try:
        recorded = distribution("latentkeys").read_text("direct_url.json")
    except PackageNotFoundError:
        return ""
    if not recorded:
        return ""
    said = msgspec.json.decode(recorded)
    address = str(said.get("url", ""))
    return unquote(urlparse(address).path) if "dir_info" in said else address
