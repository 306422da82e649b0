"""WAV files that say where they loop: the ``smpl`` chunk that samplers and game engines read.

In: a note's samples and its loop. Out: a WAV file of 24 bits (RIFF; Microsoft's "New Multimedia
Data Types and Data Techniques", 1994, for the chunk).
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

_FORWARD = 0


def write_loop_wave(
    path: Path,
    samples: NDArray[np.float32],
    rate_hz: int,
    pitch: int,
    loop: tuple[int, int] | None,
) -> None:
    """Write a note.

    Parameters
    ----------
    samples
        float32, shape (frames,), within ±1.
    pitch
        The MIDI number at which it sounds as it is.
    loop
        First frame of what goes round, and the first that does not; None for a note that ends.
    """
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate_hz, "PCM_24", format="WAV")
    content = buffer.getvalue()
    chunk = _smpl(rate_hz, pitch, loop)
    content += b"\0" * (len(content) % 2) + b"smpl" + struct.pack("<I", len(chunk)) + chunk
    path.write_bytes(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])


def read_loop(path: Path) -> tuple[int, int, int] | None:
    """Return pitch, first frame of the loop and first frame after it; None if there is none.

    Raises
    ------
    ValueError
        The file is no WAV file.
    """
    content = path.read_bytes()
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise ValueError(f"{path} is no WAV file")
    at = 12
    while at + 8 <= len(content):
        name, size = content[at : at + 4], struct.unpack_from("<I", content, at + 4)[0]
        if name == b"smpl" and size >= 60:
            pitch = struct.unpack_from("<I", content, at + 8 + 12)[0]
            start, end = struct.unpack_from("<II", content, at + 8 + 36 + 8)
            return pitch, start, end + 1
        at += 8 + size + size % 2
    return None


def _smpl(rate_hz: int, pitch: int, loop: tuple[int, int] | None) -> bytes:
    period_ns = round(1e9 / rate_hz)
    head = struct.pack("<9I", 0, 0, period_ns, pitch, 0, 0, 0, 1 if loop else 0, 0)
    if loop is None:
        return head
    start, end = loop
    return head + struct.pack("<6I", 0, _FORWARD, start, end - 1, 0, 0)
