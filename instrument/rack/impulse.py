"""An impulse response for the convolution rack: a sound file, checked and brought to the rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from instrument.errors import RackError
from instrument.files import is_file

LONGEST_SECONDS = 6.0
_LIMIT_BYTES = 1 << 26


def check_impulse(name: str) -> None:
    """Refuse a file that holds no sound.

    Raises
    ------
    RackError
        It is not there, too large, or no sound.
    """
    path = Path(name).expanduser()
    if not is_file(path):
        raise RackError(f"the impulse {name[:200]} is no file")
    if path.stat().st_size > _LIMIT_BYTES:
        raise RackError(f"the impulse {path.name} is larger than {_LIMIT_BYTES >> 20} MiB")
    try:
        frames = soundfile.info(str(path)).frames
    except (soundfile.SoundFileError, RuntimeError) as reason:
        raise RackError(f"the impulse {path.name} is no sound file: {reason}") from reason
    if not frames:
        raise RackError(f"the impulse {path.name} is empty")


def write_impulse(name: str, rate_hz: float, out: Path) -> None:
    """Write an impulse response at a rate, stereo, so that the rack is as loud as its sound.

    Parameters
    ----------
    name
        The file; a hall of filtered noise, 1.8 s long, when empty.
    out
        The WAV file to be written.

    Raises
    ------
    RackError
        See `check_impulse`.
    """
    audio = _read(name, rate_hz) if name else _hall(rate_hz)
    energy = float(np.sqrt(np.mean(np.sum(np.square(audio, dtype=np.float64), axis=0))))
    if not np.isfinite(energy) or energy <= 0:
        raise RackError(f"the impulse {Path(name).name} is silent")
    soundfile.write(str(out), audio / energy * 11.0, round(rate_hz), subtype="FLOAT")


def _read(name: str, rate_hz: float) -> NDArray[np.float32]:
    check_impulse(name)
    path = Path(name).expanduser()
    with soundfile.SoundFile(str(path)) as file:
        audio = file.read(round(LONGEST_SECONDS * file.samplerate), "float32", always_2d=True)
        audio = soxr.resample(audio, file.samplerate, rate_hz)
    stereo: NDArray[np.float32] = audio[:, [0, min(1, audio.shape[1] - 1)]]
    return stereo


def _hall(rate_hz: float) -> NDArray[np.float32]:
    count = round(1.8 * rate_hz)
    seconds = np.arange(count) / rate_hz
    noise = np.random.default_rng(1).standard_normal((count, 2))
    noise[1:] = noise[1:] * 0.4 + noise[:-1] * 0.6  # treble dies
    hall: NDArray[np.float32] = (noise * np.exp(-seconds * 6.9 / 1.8)[:, None]).astype(np.float32)
    return hall
