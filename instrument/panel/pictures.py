"""A small picture of a sound: the spectrum of its middle C over two seconds, as bytes.

Made from the tones that the models process has rendered, the first time a preset plays, and kept in
the user's cache; those of the shipped presets come with the project (``presets/pictures.json``).
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import platformdirs
from numpy.typing import NDArray

from instrument.files import shipped_presets_folder
from instrument.preset.preset import Preset

PICTURE_BANDS, PICTURE_STEPS = 24, 32
PICTURE_PITCH = 60
SHIPPED = "pictures.json"
_SECONDS = 2.0
_LOWEST_HZ, _HIGHEST_HZ = 120.0, 9_000.0
_WINDOW = 2048
_RANGE_DB = 66.0


def picture_of(audio: NDArray[np.float32], rate_hz: float) -> str:
    """Draw a tone.

    Parameters
    ----------
    audio
        float32, shape (frames,).

    Returns
    -------
    str
        Base64 of `PICTURE_BANDS` rows of `PICTURE_STEPS` bytes, 255 = the loudest.
    """
    frames = round(_SECONDS * rate_hz)
    heard = np.zeros(frames + _WINDOW, np.float32)
    heard[: min(len(audio), frames)] = audio[:frames]
    starts = np.linspace(0, frames - 1, PICTURE_STEPS).astype(int)
    windows = np.stack([heard[start : start + _WINDOW] for start in starts])
    power = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), axis=1)) ** 2
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, PICTURE_BANDS + 1) * _WINDOW / rate_hz
    bands = [
        power[:, int(low) : max(int(high), int(low) + 1)].mean(axis=1)
        for low, high in pairwise(edges)
    ]
    level = 10 * np.log10(np.stack(bands) + 1e-12)
    share = np.clip(1 + (level - level.max()) / _RANGE_DB, 0, 1)
    return base64.b64encode((255 * share).astype(np.uint8).tobytes()).decode()


def find_picture(preset: Preset) -> str:
    """Return a preset's picture if there is one; empty otherwise."""
    key = picture_key(preset)
    if shipped := _shipped().get(key):
        return shipped
    with suppress(OSError, UnicodeDecodeError):
        kept = (_folder() / key).read_text(encoding="ascii")
        return kept if len(kept) < 4 * PICTURE_BANDS * PICTURE_STEPS else ""
    return ""


def keep_picture(preset: Preset, picture: str) -> None:
    """Remember a preset's picture; a cache that cannot be written is no loss."""
    with suppress(OSError):
        _folder().mkdir(parents=True, exist_ok=True)
        (_folder() / picture_key(preset)).write_text(picture, encoding="ascii")


@cache
def _shipped() -> dict[str, str]:
    path = shipped_presets_folder() / SHIPPED
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    return {}


def picture_key(preset: Preset) -> str:
    """Return what a preset's picture is kept under: model, latent, and how it is rendered."""
    latents = (number for latent in preset.layer_latents for number in latent)
    sound = ",".join(f"{number:.4f}" for number in latents)
    return hashlib.sha256(
        f"{preset.model.sha256} {sound}{preset.sound.manner}".encode()
    ).hexdigest()[:24]


def _folder() -> Path:
    return platformdirs.user_cache_path("latentkeys") / "pictures"
