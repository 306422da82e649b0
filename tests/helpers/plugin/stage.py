"""What every host of the plug-in is given: folders of its own, a song, and what it must sound."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from instrument.midi.song import Song, song_of
from instrument.music.note import Note, Phrase
from instrument.offline.song_player import SongPlayer
from instrument.plugin.build import build
from instrument.plugin.install import status
from instrument.plugin.kernels.targets import make_objects
from instrument.plugin.listener import FOLDER_PREFIX
from instrument.plugin.places import launch_file, this_target
from instrument.preset.banks import chosen_preset
from instrument.preset.preset import DEFAULT_PRESET
from instrument.processes.held_folder import sweep_folders
from tests.helpers.places import ROOT

RATE_HZ = 48_000
SMALL = 300_000  #: the most bytes that a plug-in's file may have


@contextmanager
def plugin_home(folder: Path) -> Iterator[Path]:
    """Make a user's folders from which the plug-in can start its service; end that after."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("HOME", str(folder))
        launch_file().parent.mkdir(parents=True)
        words = (sys.executable, "-m", "instrument.plugin.service")
        launch_file().write_text("\n".join(words) + "\n")
        try:
            yield folder
        finally:
            end_service()


def end_service() -> psutil.Process | None:
    """Kill the service, and sweep what it has left, as the next one would."""
    pid = status().service_pid
    if pid is None:
        return None
    service = psutil.Process(pid)
    with suppress(psutil.Error):
        service.kill()
        service.wait(10)
    sweep_folders(FOLDER_PREFIX)
    return service


def binaries_in(folder: Path) -> Path:
    """Return the plug-in for this machine, built into a folder if it is not there.

    ``LATENTKEYS_TEST_BINARIES`` names another build (``tests/plugin/sanitized.py``).
    """
    if other := os.environ.get("LATENTKEYS_TEST_BINARIES"):
        return Path(other)
    if not folder.exists():
        objects = folder / "objects"
        objects.mkdir(parents=True)
        target = [this_target()]
        make_objects({"plugin": target, "play": target}, objects)  # at once, as ``make plugin``
        build(target, folder, objects=objects)
    return folder


def four_notes() -> Song:
    """Return notes one after the other, at times that every host hits: 0.25 s apart."""
    return song_of(Phrase.of([Note(n * 0.5, 60 + 4 * n, 0.375) for n in range(4)]))


def note_messages(song: Song) -> Sequence[tuple[bytes, float]]:
    """Return a song's note-ons and note-offs with their seconds, in order of time."""
    return [(bytes(m.data), m.time_seconds) for m in song.messages if m.data[0] >> 4 in (8, 9)]


def rendered(song: Song, preset: str | None = None) -> NDArray[np.float32]:
    """Return what ``latentkeys render`` writes: float32, shape (2, frames)."""
    player = SongPlayer(song, RATE_HZ)
    player.load(chosen_preset(preset))
    return np.concatenate(list(player.play())).T


def without_reverb(folder: Path) -> Path:
    """Write the first preset, with its reverb taken away."""
    text = (ROOT / "presets" / f"{DEFAULT_PRESET}.toml").read_text()
    dry, found = re.subn(r"(\[effects\.reverb\]\nlevel) = .*", r"\1 = 0.0", text)
    assert found == 1
    path = folder / "dry.toml"
    path.write_text(dry)
    return path
