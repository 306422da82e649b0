"""libjack, through JACK-Client, and what of it JACK-Client does not wrap."""

from __future__ import annotations

import ctypes
from typing import Any

from instrument.errors import DeviceError

_PLAYBACK_LATENCY = 1  # JackPlaybackLatency, jack/types.h


def playback_latency_frames(jack: Any, speaker: Any) -> int:
    """Ask libjack what lies between a block and the air.

    The speaker's port is asked, not ours: the server works ours out some blocks later.

    Parameters
    ----------
    jack
        What `import_jack` returns.
    speaker
        A port of its, the sound card's.
    """
    library = ctypes.CDLL(jack._libname)
    port = int(jack._ffi.cast("uintptr_t", speaker._ptr))
    shortest_and_longest = (ctypes.c_uint32 * 2)()
    library.jack_port_get_latency_range(
        ctypes.c_void_p(port), _PLAYBACK_LATENCY, shortest_and_longest
    )
    return int(shortest_and_longest[1])


def import_jack() -> Any:
    """Import JACK-Client.

    Raises
    ------
    DeviceError
        libjack or JACK-Client is not installed.
    """
    try:
        import jack
    except (ImportError, OSError) as error:
        raise DeviceError(
            "JACK is not installed", "Debian, Ubuntu: apt-get install libjack-jackd2-0."
        ) from error
    return jack
