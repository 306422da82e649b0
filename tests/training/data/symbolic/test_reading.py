"""Workers: order, a killed process, Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from instrument.errors import FileError
from tests.helpers.places import ROOT
from training.data.symbolic.reading import read_side_by_side

SLOW = """
import sys
import time

import click

from training.data.symbolic.reading import read_side_by_side


@click.command()
def main():
    for _ in read_side_by_side(time.sleep, [0.0] * 2 + [60.0] * 30, chunk=1):
        print("one", flush=True)
        time.sleep(float(sys.argv.pop()))


if __name__ == "__main__":
    main(args=[])
"""


@pytest.mark.parametrize("count", [3, 100])
def test_results_come_in_the_tasks_order(count: int) -> None:
    tasks = [str(number) for number in range(count)]
    assert list(read_side_by_side(int, tasks)) == list(range(count))


def test_a_killed_worker_is_an_error_not_a_wait() -> None:
    with pytest.raises(FileError, match="was killed"):
        list(read_side_by_side(os._exit, [1] * 40))


@pytest.mark.parametrize("pause", ["0", "3"], ids=["waiting for a worker", "with a result"])
def test_ctrl_c_ends_at_once_though_workers_are_in_work(tmp_path: Path, pause: str) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "slow.py", "0", "0", pause],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"one\n"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert time.monotonic() - began < 20.0
    assert process.returncode != 0
