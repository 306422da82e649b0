"""Where the instruments of a model lie on its map, laid out once and kept.

The layout goes back and forth until it rests (`instrument.panel.explore.flat`), which takes up to a
second and, by its last bits, might rest elsewhere on another machine. So the shipped models' places
come with the project (``presets/maps.json``), and those of others are kept in the user's cache.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import platformdirs
from numpy.typing import NDArray

from instrument.files import shipped_presets_folder
from instrument.panel.explore.flat import flattened
from instrument.schema import NO_JSON

SHIPPED = "maps.json"
_MARGIN = 0.06
_MOST_BYTES = 1 << 20
_Places = list[tuple[float, float]]
Array = NDArray[np.float64]


def places_of(latents: Array) -> Array:
    """Return the places of a model's instruments: laid out before, or now.

    Parameters
    ----------
    latents
        Shape (count, latent_size).

    Returns
    -------
    ndarray
        Shape (count, 2), 0 to 1.
    """
    key = places_key(latents)
    known = _shipped().get(key) or _read(_folder() / key)
    if known and len(known) == len(latents):
        return np.asarray(known, np.float64)
    places = laid_out(latents)
    _keep(_folder() / key, places)
    return places


def laid_out(latents: Array) -> Array:
    """Lay instruments out so that neighbours stay neighbours and they fill the square."""
    flat = flattened(latents)
    low, high = flat.min(axis=0), flat.max(axis=0)
    share = (flat - low) / np.maximum(high - low, 1e-9)
    return np.asarray(np.round(_MARGIN + (1 - 2 * _MARGIN) * share, 4))


def places_key(latents: Array) -> str:
    """Return what the places of these instruments are kept under."""
    return hashlib.sha256(np.round(latents, 4).astype("<f4").tobytes()).hexdigest()[:24]


@cache
def _shipped() -> dict[str, _Places]:
    with suppress(OSError, *NO_JSON):
        content = (shipped_presets_folder() / SHIPPED).read_bytes()
        return msgspec.json.decode(content, type=dict[str, _Places])
    return {}


def _read(path: Path) -> _Places:
    with suppress(OSError, *NO_JSON):
        return msgspec.json.decode(path.read_bytes()[:_MOST_BYTES], type=_Places)
    return []


def _keep(path: Path, places: Array) -> None:
    with suppress(OSError):  # a cache that cannot be written is no loss
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(places.tolist()))


def _folder() -> Path:
    return platformdirs.user_cache_path("latentkeys") / "maps"
