"""Notes as somebody might have recorded them, made by formula, and folders of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE_HZ = 44_100


def pluck(
    pitch: float, seconds: float = 2.0, level: float = 0.5, dull: float = 1.0
) -> NDArray[np.float32]:
    """Return a decaying tone with eight partials; `dull` makes the upper ones fainter."""
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    hz = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    partials = [np.sin(2 * np.pi * hz * k * time) / k**dull for k in range(1, 9)]
    return np.asarray(level * np.exp(-2.5 * time) * np.sum(partials, axis=0) / 3.0, np.float32)


def bow(pitch: float, seconds: float = 2.0) -> NDArray[np.float32]:
    """Return a tone that goes on at its level and is let go half a second before its end."""
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    hz = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    wave = sum(np.sin(2 * np.pi * hz * k * time) / k for k in range(1, 9))
    end = np.clip((seconds - 0.5 - time) / 0.05, 0.0, 1.0) + 0.002
    return np.asarray(0.2 * wave * np.minimum(time / 0.05, 1.0) * end, np.float32)


def folder_of(path: Path, sounds: dict[str, NDArray[np.float32]]) -> Path:
    for name, sound in sounds.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path / name, sound, RATE_HZ)
    return path
