"""A private JACK server for measurements: nobody's sound is touched, nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import jack

from instrument.bench.peers.child import PeerMissing
from instrument.bench.peers.jack_client import open_client

START_SECONDS = 8.0
_PRIORITY = "70"


@dataclass(frozen=True, slots=True)
class JackServer:
    """A running server: its name, whether it really got real-time scheduling, its period."""

    name: str
    is_realtime: bool
    is_synchronous: bool
    rate_hz: int
    block_frames: int

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead a child process to this server and to no other."""
        return {"JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1"}

    def __str__(self) -> str:
        kind = "real-time" if self.is_realtime else "not real-time"
        mode = "synchronous" if self.is_synchronous else "asynchronous"
        return f"JACK dummy, {kind}, {mode}, {self.block_frames} frames at {self.rate_hz} Hz"


@contextlib.contextmanager
def private_jack(
    block_frames: int = 128,
    rate_hz: int = 48_000,
    *,
    wants_realtime: bool = True,
    is_synchronous: bool = False,
    name: str = "bench",
) -> Iterator[JackServer]:
    """Run a JACK server with the dummy driver for as long as the body lasts.

    Parameters
    ----------
    wants_realtime
        Ask for SCHED_FIFO; what was granted is read from the server's threads.
    is_synchronous
        Let the server wait for its clients, so that no frame is ever lost.

    Raises
    ------
    PeerMissing
        jackd is not installed or does not start.
    """
    if shutil.which("jackd") is None:
        raise PeerMissing("no jackd: apt-get install jackd2")
    name = f"latentkeys-{name}-{os.getpid()}"
    schedule = ["-R", "-P", _PRIORITY] if wants_realtime else ["--no-realtime"]
    mode = [*schedule, "-S"] if is_synchronous else schedule
    driver = ["-d", "dummy", "-r", str(rate_hz), "-p", str(block_frames), "-C", "2", "-P", "2"]
    server = subprocess.Popen(
        ["jackd", *mode, "--name", name, *driver],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "JACK_NO_AUDIO_RESERVATION": "1"},
        start_new_session=True,  # Ctrl-C ends us first, then we end it
    )
    try:
        _wait_until_up(server, name)
        is_realtime = wants_realtime and _has_realtime_thread(server.pid)
        yield JackServer(name, is_realtime, is_synchronous, rate_hz, block_frames)
    finally:
        server.terminate()
        try:
            server.wait(timeout=5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_up(server: subprocess.Popen[bytes], name: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            open_client(name, "wait").close()
        except jack.JackError:
            time.sleep(0.05)
        else:
            return
    raise PeerMissing("jackd did not start")


def _has_realtime_thread(process_id: int) -> bool:
    """Say whether any thread of a process is scheduled first-in first-out (Linux)."""
    try:
        threads = [int(thread) for thread in os.listdir(f"/proc/{process_id}/task")]  # noqa: PTH208
        return any(os.sched_getscheduler(thread) == os.SCHED_FIFO for thread in threads)
    except (OSError, AttributeError):
        return False
