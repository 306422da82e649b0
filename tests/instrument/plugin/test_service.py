"""What the service does when something is wrong, and what the player reads then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import turn
from instrument.plugin.install import status
from instrument.plugin.places import launch_file, service_file
from instrument.plugin.tables.table_file import tables_folder
from tests.helpers.plugin.kills import has_answer
from tests.helpers.plugin.stage import plugin_home

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(1200)]
PRESET, STATUS = 2, 9
PATIENCE_SECONDS = 90.0


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Path]:
    """A home in which nothing has been rendered yet."""
    with plugin_home(tmp_path) as folder:
        yield folder


def wait_for(look: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.02)


def is_over(process: psutil.Process) -> bool:
    """Tell whether a process has ended, if only just."""
    with suppress(psutil.NoSuchProcess):
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def working_renderer() -> psutil.Process | None:
    """Return the renderer that fills the table: its file is named after it."""
    parts = sorted(tables_folder().glob("*.part"), key=lambda path: path.stat().st_mtime)
    number = int(parts[-1].suffixes[-2].strip(".")) if parts else 0
    return psutil.Process(number) if number and psutil.pid_exists(number) else None


def test_a_renderer_that_hangs_is_replaced(clap: Path, alone: Path) -> None:
    plugin = Plugin(clap, offline=False)
    plugin.start()
    wait_for(working_renderer)
    stopped = working_renderer()
    assert stopped
    stopped.send_signal(signal.SIGSTOP)
    wait_for(lambda: plugin.text(STATUS, 0) == "Ready")
    assert not stopped.is_running()
    plugin.close()


def test_a_renderer_that_dies_is_replaced(clap: Path, alone: Path) -> None:
    plugin = Plugin(clap, offline=False)
    plugin.start()
    for _ in range(2):
        wait_for(working_renderer)
        dead = working_renderer()
        assert dead
        dead.kill()
        dead.wait(PATIENCE_SECONDS)
    wait_for(lambda: plugin.text(STATUS, 0) == "Ready")
    wait_for(lambda: [path.suffix for path in tables_folder().iterdir()] == [".table"])
    plugin.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
def test_a_full_disk_is_said_and_the_plain_tone_sounds(clap: Path, alone: Path) -> None:
    limited = (
        "import resource, runpy;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "runpy.run_module('instrument.plugin.service', run_name='__main__')"
    )
    launch_file().write_text("\n".join((sys.executable, "-c", limited)) + "\n")
    plugin = Plugin(clap, offline=False)
    plugin.start()
    wait_for(lambda: "No room for a table" in plugin.text(STATUS, 0))
    assert "Free some space" in plugin.text(STATUS, 0)
    plugin.process(64, [turn(0, PRESET, 1.0)])  # and it answers still
    wait_for(lambda: 'name = "Felt Grand"' in plugin.save().decode())
    plugin.close()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is stopped there")
def test_a_service_that_hangs_is_said_and_replaced(clap: Path, home: Path) -> None:
    plugin = Plugin(clap)
    plugin.start()
    plugin.process(1)
    plugin.process(64, [turn(0, PRESET, 2.0)])
    wait_for(lambda: has_answer(plugin))  # not one that only starts: see the test below
    wait_for(lambda: status().service_pid)  # without a number psutil takes this very process
    stopped = psutil.Process(status().service_pid)
    stopped.send_signal(signal.SIGSTOP)
    wait_for(lambda: "hangs" in plugin.text(STATUS, 0))
    wait_for(lambda: is_over(stopped))
    wait_for(lambda: status().service_pid not in (None, stopped.pid))
    wait_for(lambda: plugin.text(STATUS, 0) == "Ready")
    plugin.process(64, [turn(0, PRESET, 1.0)])  # and the next one answers
    wait_for(lambda: 'name = "Felt Grand"' in plugin.save().decode())
    plugin.close()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is stopped there")
def test_a_service_that_hangs_while_it_starts_is_replaced(clap: Path, alone: Path) -> None:
    service_file().parent.mkdir(mode=0o700, parents=True)
    held = (
        "import os, time; from instrument.plugin.places import service_file;"
        "from instrument.processes.held_file import HeldFile;"
        "HeldFile(service_file(), f'starting\\n\\n{os.getpid()}\\n'.encode()); time.sleep(600)"
    )
    hung = subprocess.Popen([sys.executable, "-c", held])
    wait_for(service_file().exists)
    os.utime(service_file(), (time.time() - 20.0,) * 2)  # so long ago
    plugin = Plugin(clap, offline=False)
    plugin.start()
    assert hung.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    wait_for(lambda: plugin.text(STATUS, 0) == "Ready")
    plugin.close()


def test_what_a_killed_service_has_left_is_swept_by_the_next(clap: Path, alone: Path) -> None:
    plugin = Plugin(clap, offline=False)
    plugin.start()
    wait_for(working_renderer)
    folder, killed = Path(service_file().read_text().split()[1]).parent, status().service_pid
    assert killed and list(folder.glob("*/*.toml"))  # an instance's preset, a renderer's
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: not folder.exists())
    wait_for(lambda: plugin.text(STATUS, 0) == "Ready")
    plugin.close()


def test_no_renderer_outlives_its_service(clap: Path, alone: Path) -> None:
    plugin = Plugin(clap, offline=False)
    plugin.start()
    wait_for(lambda: status().service_pid)
    service = psutil.Process(status().service_pid)
    wait_for(service.children)
    renderers = service.children()
    if sys.platform == "linux":
        maps = Path("/proc", str(renderers[0].pid), "maps")
        wait_for(lambda: "onnxruntime" in maps.read_text())  # it has begun to get ready
        renderers[0].send_signal(signal.SIGSTOP)  # it does not even see that it is alone
    service.kill()
    wait_for(lambda: not any(process.is_running() for process in renderers))
    plugin.close()
