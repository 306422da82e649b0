"""How much memory there is, and how much of it a process may take; limits are for POSIX."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_UNKNOWN_BYTES = 8 * 2**30
_MEMORY_PAGES = Path("/proc/self/statm")


def memory_bytes() -> int:
    """Return how much memory this machine has; 8 GiB where it does not say."""
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _UNKNOWN_BYTES


def limit_process(more_bytes: int, more_seconds: int) -> None:
    """Let this process take so much more memory, and so many more seconds of a processor.

    Beyond the memory, allocations fail (Linux only); beyond the time, the process is killed.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = 1 + int(used.ru_utime + used.ru_stime) + more_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    if _MEMORY_PAGES.exists():
        data_pages = int(_MEMORY_PAGES.read_text().split()[5])
        data_bytes = data_pages * resource.getpagesize() + more_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))
