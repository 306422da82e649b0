"""The plug-in for this machine, built once, and a home of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from instrument.bench.clap.host import Plugin
from instrument.plugin.places import Binary, this_target
from tests.helpers.plugin.stage import binaries_in, end_service, plugin_home
from tests.helpers.turns import alone_in

STATUS = 9


@pytest.fixture(scope="session")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build CLAP and VST3 for this machine: once, whoever else runs these tests beside."""
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "plugin"
    out.mkdir(exist_ok=True)
    with alone_in(out):
        return binaries_in(out / "built")


@pytest.fixture(scope="session")
def clap(binaries: Path) -> Path:
    return binaries / Binary(this_target(), "clap").file


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a user's folders with the plug-in installed; C and Python read the environment."""
    with plugin_home(tmp_path_factory.mktemp("home")) as folder:
        yield folder


@pytest.fixture(scope="module")
def no_display(home: Path) -> Iterator[Path]:
    """The next service is one that has no browser to open."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            patch.delenv(name, raising=False)
        patch.setenv("XDG_DATA_HOME", str(home / "data"))
        end_service()
        yield home
        end_service()


@pytest.fixture
def plugin(clap: Path, home: Path) -> Iterator[Plugin]:
    """An instance whose table is whole."""
    made = Plugin(clap)
    made.start()
    made.process(1)  # offline: waits for the tones
    assert made.text(STATUS, 0) == "Ready"
    made.stop()
    made.start()
    yield made
    made.close()  # its thread calls the host, which would be gone
