"""Morphing in a host: a preset's sound at another place of its model's map.

The map is that of the panel (`instrument.panel.explore.sound_map`), laid out from the model's
instruments. Besides those only the song's own preset is on it: what else is in the library changes
no song.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

from instrument.bundle.installed import find_bundle
from instrument.errors import PresetError
from instrument.latents.create_preset import check_latent
from instrument.panel.explore.sound_map import SoundMap, at_point
from instrument.plugin.parameters import PLACES
from instrument.preset.preset import Preset, load_preset, save_preset

Place = tuple[int, int]
"""Steps from the left and from below, 0 to `PLACES`."""
_KEPT_FILES = 8


def map_of(path: Path) -> SoundMap:
    """Return the map of a preset's model, with the preset itself on it.

    Raises
    ------
    PresetError, BundleError
        The preset or its model is wrong, or its model has no instruments that lie on a map.
    """
    preset = load_preset(path)
    bundle = find_bundle(preset.model, path)
    check_latent(preset, path, bundle)
    if len(bundle.sound.latents) < 2:
        raise PresetError(
            f'preset "{path.name}": its model {preset.model.name} has no map of sounds',
            "Choose another preset to morph.",
        )
    return SoundMap(bundle.sound, {"": preset})


def read_place(words: list[bytes]) -> Place | None:
    """Read what the plug-in says of a place; None where the preset lies itself.

    Raises
    ------
    ValueError
        It is no place.
    """
    if words == [b"-"]:
        return None
    x, y = (int(word) for word in words)
    if not (0 <= x <= PLACES and 0 <= y <= PLACES):
        raise ValueError(f"the map has no place {x}, {y}")
    return x, y


class Morphing:
    """Keep the files of one instance's sounds between its preset and the model's instruments.

    Parameters
    ----------
    folder
        Where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._kept: deque[Path] = deque()
        self._map: tuple[Preset, SoundMap] | None = None

    def where(self, path: Path) -> tuple[float, float]:
        """Return where a preset lies on its map, 0 to 1.

        Raises
        ------
        PresetError, BundleError
            As `map_of`.
        """
        preset = load_preset(path)
        return self._map_of(preset, path).where(preset.sound.latent)

    def at(self, path: Path, place: Place) -> Path:
        """Write a preset's sound at another place of its map; return the file.

        Raises
        ------
        PresetError, BundleError
            As `map_of`.
        OSError
            There is no room for it.
        """
        preset, (x, y) = load_preset(path), place
        latent = self._map_of(preset, path).latent_at(x / PLACES, y / PLACES)
        self._number += 1
        made = self._folder / f"place_{self._number}.toml"
        save_preset(at_point(preset, latent), made)
        self._kept.append(made)
        if len(self._kept) > _KEPT_FILES:
            self._kept.popleft().unlink(missing_ok=True)
        return made

    def _map_of(self, preset: Preset, path: Path) -> SoundMap:
        if self._map is None or self._map[0] != preset:
            self._map = preset, map_of(path)
        return self._map[1]
