"""The plug-in for this machine, built once, and a home of its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from instrument.plugin.build import build
from instrument.plugin.install import status
from instrument.plugin.places import Binary, launch_file, this_target
from tests.helpers.turns import alone_in


@pytest.fixture(scope="session")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build CLAP and VST3 for this machine: once, whoever else runs these tests beside."""
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "plugin"
    out.mkdir(exist_ok=True)
    with alone_in(out):
        if not any(out.iterdir()):
            build([this_target()], out)
    return out


@pytest.fixture(scope="session")
def clap(binaries: Path) -> Path:
    return binaries / Binary(this_target(), "clap").file


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a user's folders with the plug-in installed; C and Python read the environment."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("HOME", str(folder))
        launch_file().parent.mkdir(parents=True)
        words = (sys.executable, "-m", "instrument.plugin.service")
        launch_file().write_text("\n".join(words) + "\n")
        yield folder
        if pid := status().service_pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
