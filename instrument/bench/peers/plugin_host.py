"""A host with the plug-in in it, in a process of its own: ``plugin_host CLAP ROLE``.

Roles: ``warm`` (tones in the cache), ``cold`` (an empty cache, no service), ``chosen`` (another
preset, which is not in the cache, in an instance that plays), ``many`` and ``busy``. When a note
goes over from the plain tone to its own is heard: the same notes in an instance that nobody gives
tones are the same samples until then.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import psutil

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import midi, turn
from instrument.bench.peers.child import PeerMissing, serve, serve_missing

RATE_HZ, BLOCK_FRAMES = 48_000, 256
KEY, VELOCITY = 60, 100
PRESET, STATUS = 2, 9  # parameters
OTHER_PRESET = 9.0
MOST_SECONDS, PLAYED_SECONDS = 20.0, 5.0
MANY = 16


def main() -> None:
    """Be the role that the command line names."""
    clap, role = Path(sys.argv[1]), sys.argv[2]
    try:
        if role == "busy":
            host = Busy(clap)
            serve({}, lambda amount: {"seconds": host.measure(int(amount))})
        else:
            found = {"warm": warm, "cold": cold, "chosen": chosen, "many": many}[role](clap)
            serve({}, lambda _: found)
    except PeerMissing as missing:
        serve_missing(str(missing))


def opened(clap: Path) -> Plugin:
    """Return an instance with all its tones.

    Raises
    ------
    PeerMissing
        They do not come.
    """
    plugin = Plugin(clap)
    plugin.start()
    plugin.process(1)  # a bounce waits for them
    if (status := plugin.text(STATUS, 0)) != "Ready":
        raise PeerMissing(f"the plug-in says: {status}")
    return plugin


def warm(clap: Path) -> Mapping[str, float]:
    """Time an instance from nothing to its first sound, with tones that are in the cache."""
    begin = time.perf_counter()
    plugin = Plugin(clap, offline=False)
    plugin.start()
    audio = plugin.process(BLOCK_FRAMES, [midi(0, 0x90, KEY, VELOCITY)])
    seconds = time.perf_counter() - begin
    if not np.any(audio) or plugin.text(STATUS, 0) != "Ready":
        raise PeerMissing(f"no tones from the cache; the plug-in says: {plugin.text(STATUS, 0)}")
    plugin.close()
    return {"seconds": seconds}


def cold(clap: Path) -> Mapping[str, float]:
    """Time a struck key of a new instance: there is neither a table nor a service."""
    plugin = Plugin(clap, offline=False)
    plugin.start()
    return _strike(clap, plugin)


def chosen(clap: Path) -> Mapping[str, float]:
    """Time a struck key of another preset, in an instance that has played."""
    plugin = opened(clap)
    plugin.ask("clap.render", "set", 0)
    time.sleep(PLAYED_SECONDS)  # the next renderer gets ready meanwhile
    plugin.process(BLOCK_FRAMES, [turn(0, PRESET, OTHER_PRESET)])
    end = time.monotonic() + MOST_SECONDS
    while plugin.text(STATUS, 0) != "Rendering the sound" and time.monotonic() < end:
        plugin.process(BLOCK_FRAMES)
    plugin.process(BLOCK_FRAMES)
    plugin.call("reset")
    return _strike(clap, plugin)


def _strike(clap: Path, plugin: Plugin) -> Mapping[str, float]:
    """Strike a key and play in real time until its own tone sounds."""
    begin = time.perf_counter()
    heard = [plugin.process(BLOCK_FRAMES, [midi(0, 0x90, KEY, VELOCITY)])]
    done = [time.perf_counter()]
    while plugin.text(STATUS, 0) != "Ready" and done[-1] - begin < MOST_SECONDS:
        time.sleep(max(0.0, begin + len(heard) * BLOCK_FRAMES / RATE_HZ - time.perf_counter()))
        heard.append(plugin.process(BLOCK_FRAMES))
        done.append(time.perf_counter())
    plain = _plain_tone(clap, plugin.save(), len(heard))
    differs = np.any(np.array(heard) != plain, axis=(1, 2))
    plugin.close()
    if not np.any(differs):
        raise PeerMissing("the key's own sound does not come")
    first = int(np.argmax(np.any(heard[0] != 0.0, axis=0)))
    return {"tone": first / RATE_HZ, "own": done[int(np.argmax(differs))] - begin}


def _plain_tone(
    clap: Path, song: bytes, count: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Play the same key where there is neither a cache nor a service."""
    names = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    before = {name: os.environ[name] for name in names}
    with tempfile.TemporaryDirectory() as empty:
        try:
            os.environ.update(dict.fromkeys(names, empty))
            plugin = Plugin(clap, offline=False)
            plugin.load(song)
            plugin.start()
            audio = [plugin.process(BLOCK_FRAMES, [midi(0, 0x90, KEY, VELOCITY)])]
            audio += [plugin.process(BLOCK_FRAMES) for _ in range(count - 1)]
            plugin.close()
        finally:
            os.environ.update(before)
    return np.array(audio)


def many(clap: Path) -> Mapping[str, float]:
    """Open a song of sixteen instances of one preset; count seconds and memory."""
    first = opened(clap)
    song = first.save()
    first.close()
    process = psutil.Process()
    before = process.memory_info().rss
    begin = time.perf_counter()
    instances = [Plugin(clap, offline=False) for _ in range(MANY)]
    for plugin in instances:
        plugin.load(song)
        plugin.start()
        plugin.process(BLOCK_FRAMES, [midi(0, 0x90, KEY, VELOCITY)])
    seconds = time.perf_counter() - begin
    for plugin in instances:
        plugin.process(RATE_HZ)
    return {"seconds": seconds, "resident": (process.memory_info().rss - before) / 1e6}


class Busy:
    """An instance that holds some keys."""

    VOICES = 16
    FRAMES = 128

    def __init__(self, clap: Path) -> None:
        self._plugin = opened(clap)
        self._plugin.ask("clap.render", "set", 0)
        keys = [midi(0, 0x90, 40 + 2 * n, VELOCITY) for n in range(self.VOICES)]
        self._plugin.process(self.FRAMES, keys)

    def measure(self, blocks: int) -> float:
        """Return the seconds that a block takes."""
        return self._plugin.measure(self.FRAMES, blocks)


if __name__ == "__main__":
    main()
