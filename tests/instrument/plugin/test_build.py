"""The same sources give the same bytes, and what is installed is what was built."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from instrument.errors import InstallationError
from instrument.plugin.build import build
from instrument.plugin.generated_header import generated_header
from instrument.plugin.install import install, installed_at, remove, status
from instrument.plugin.places import Binary, this_target
from tests.helpers.plugin.stage import SMALL


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_builds_the_same_bytes_twice(binaries: Path, tmp_path: Path) -> None:
    objects = tmp_path / "objects"
    shutil.copytree(binaries / "objects", objects)
    next(objects.glob("plugin-*.o")).unlink()  # the kernel is compiled anew for one processor
    build([this_target()], tmp_path, objects=objects)
    for kind in ("clap", "vst3"):
        file = Binary(this_target(), kind).file
        assert (tmp_path / file).read_bytes() == (binaries / file).read_bytes()
        assert (tmp_path / file).stat().st_size <= SMALL


def test_header_is_the_same_twice() -> None:
    assert generated_header() == generated_header()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_installs_says_so_and_removes(
    binaries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(InstallationError, match="brings no plug-in"):
        install(tmp_path / "nothing")
    assert not status(binaries).installed
    assert set(install(binaries)) == {installed_at("clap"), installed_at("vst3")}
    install(binaries)  # again, over itself
    found = status(binaries)
    assert all(found.is_current.values()) and len(found.is_current) == 2
    assert found.launch and found.service_pid is None
    assert len(remove()) == 3
    assert not remove()
