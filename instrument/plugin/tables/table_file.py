"""Table files: a preset's tones as one bank of the engine, mapped read-only by every program.

``RECIPE-RATE.table`` in the user's cache: a header of a page, the bank's slots as the kernel has
them, then float32 audio on the pool's grid. A recipe names everything that the samples depend on
but the rate, so a song can say which table it needs without any Python.
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from instrument.bundle.installed import find_bundle
from instrument.preset.preset import load_preset
from instrument.realtime.memory.constants import LAYER_COUNT, PITCH_COUNT
from instrument.realtime.memory.layout import SLOT
from instrument.realtime.memory.state import EngineState
from instrument.rendering.tone_cache import TABLE_VERSION

MAGIC = b"lktable1"
HEADER = struct.Struct("<8sQdqqq")  # magic, layout, rate, frames between slots, size, is whole
TABLE_SLOTS_AT = 4096
TABLE_AUDIO_AT = 65_536  # Windows maps from multiples of this; pages are smaller
DEFAULT_MAX_BYTES = 2 * 2**30


def tables_folder() -> Path:
    """Where table files lie; the plug-in's C finds the same folder (``native/os.h``)."""
    return platformdirs.user_cache_path("latentkeys") / "tables"


def layout_number() -> int:
    """Return a number that is another one whenever a table's bytes mean something else."""
    text = f"{SLOT.descr} {LAYER_COUNT} {PITCH_COUNT} {TABLE_VERSION} {HEADER.format}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def recipe_of(path: Path) -> str:
    """Name what a preset's tones depend on, as 32 hexadecimal digits.

    Raises
    ------
    PresetError, BundleError
        The preset or its model is wrong.
    """
    preset = load_preset(path)
    bundle = find_bundle(preset.model, path)
    sound = preset.sound
    latent = np.asarray(preset.layer_latents, "<f4").tobytes()
    text = f"{layout_number()} {bundle.sha256} {sound.table_sustain} {sound.note_seconds!r} "
    text += sound.manner
    return hashlib.sha256(text.encode() + latent).hexdigest()[:32]


def table_path(recipe: str, rate_hz: int) -> Path:
    """Return where a recipe's table lies for a rate."""
    return tables_folder() / f"{recipe}-{rate_hz}.table"


class GrowingTable:
    """A table file that is being filled from a bank, slot by slot, and then gets its name.

    Whoever maps it sees slots appear: a slot's audio is there before its number of frames.

    Parameters
    ----------
    path
        The name that it has in the end; another one ends in ``.part`` until then.
    state, bank
        Where the tones are.

    Raises
    ------
    OSError
        There is no room for it: its pages are taken at once.
    """

    def __init__(self, path: Path, state: EngineState, bank: int) -> None:
        self.path, self.part = path, path.with_suffix(f".{os.getpid()}.part")
        self._state, self._bank = state, bank
        self._stride = int(state.fields["slot_stride"])  # with the frames that keep slots apart
        shape = (*state.tones.shape[1:-1], self._stride)
        size = TABLE_AUDIO_AT + math.prod(shape) * 4
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(OSError):
            self.part.unlink()
        descriptor = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.truncate(descriptor, size)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, size)
        except OSError:
            self.part.unlink()
            raise
        finally:
            os.close(descriptor)
        self._file = np.memmap(self.part, np.uint8, "r+")
        slots = self._file[TABLE_SLOTS_AT:][: LAYER_COUNT * PITCH_COUNT * SLOT.itemsize]
        self._slots: NDArray[np.void] = slots.view(SLOT).reshape(LAYER_COUNT, PITCH_COUNT)
        self._audio = self._file[TABLE_AUDIO_AT:].view(np.float32).reshape(shape)
        self._write_header(is_whole=False)

    def copy_ready(self) -> None:
        """Copy what has become ready in the bank since the last time."""
        slots = self._state.slots[self._bank]
        ready = np.asarray(slots["frames_ready"])
        for layer, index in np.argwhere(ready != self._slots["frames_ready"]):
            frames = int(ready[layer, index])
            source = self._state.tones[self._bank, layer, index, :frames]
            self._audio[layer, index, :frames] = source
            for name in SLOT.names or ():
                if name != "frames_ready":
                    self._slots[layer, index][name] = slots[layer, index][name]
            self._slots[layer, index]["frames_ready"] = frames  # last: this publishes the slot

    def finish(self) -> None:
        """Say that it is whole and give it its name."""
        self.copy_ready()
        self._file.flush()
        self._write_header(is_whole=True)  # whoever waited for this may leave, and end us with it
        self._file.flush()
        self.part.replace(self.path)

    def _write_header(self, *, is_whole: bool) -> None:
        size = len(self._file)
        rate_hz = self._state.rate_hz
        header = HEADER.pack(MAGIC, layout_number(), rate_hz, self._stride, size, int(is_whole))
        self._file[: len(header)] = np.frombuffer(header, np.uint8)


def make_room(wanted_bytes: int, most_bytes: int = DEFAULT_MAX_BYTES) -> None:
    """Remove the tables that were used longest ago; who has one mapped keeps it."""
    found = []
    for path in tables_folder().glob("*.table"):
        with suppress(OSError):
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    free = most_bytes - wanted_bytes - sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if free >= 0:
            return
        with suppress(OSError):
            path.unlink()
        free += size


def read_table(path: Path) -> tuple[NDArray[np.void], NDArray[np.float32]]:
    """Map a table's `SLOT` records, shape (LAYER_COUNT, PITCH_COUNT), and their audio.

    Returns
    -------
    slots, tones
        The tones are float32, shape (LAYER_COUNT, PITCH_COUNT, frames).

    Raises
    ------
    OSError
        It is not there.
    ValueError
        It is of another version.
    """
    file = np.memmap(path, np.uint8, "r")
    magic, layout, _, stride, size, _ = HEADER.unpack(file[: HEADER.size].tobytes())
    shape = LAYER_COUNT, PITCH_COUNT, stride
    is_right = stride > 0 and size == len(file) == TABLE_AUDIO_AT + math.prod(shape) * 4
    if magic != MAGIC or layout != layout_number() or not is_right:
        raise ValueError(f"{path}: not a table of this version")
    slots = file[TABLE_SLOTS_AT:][: LAYER_COUNT * PITCH_COUNT * SLOT.itemsize].view(SLOT)
    return slots.reshape(shape[:2]), file[TABLE_AUDIO_AT:].view(np.float32).reshape(shape)
