"""Maps of the shipped models: ``python -m export.release.maps`` lays them out.

In: the models' learned instruments. Out: ``presets/maps.json``, by the key of their latents, so
that a model with other instruments gets another map.
"""

from __future__ import annotations

import json

import numpy as np

from instrument.bundle.bundle import load_sound
from instrument.files import replacing_file, shipped_presets_folder
from instrument.panel.explore.map_places import SHIPPED, laid_out, places_key
from instrument.preset.preset import list_presets


def lay_out_maps() -> dict[str, list[list[float]]]:
    """Return the places of every shipped model that has named instruments."""
    maps: dict[str, list[list[float]]] = {}
    shipped = [entry.preset for entry in list_presets() if entry.origin == "shipped"]
    for name in sorted({preset.model.name for preset in shipped if preset}):
        card = load_sound(shipped_presets_folder() / "models" / name).sound
        if card.latents:
            latents = np.array([entry.latent for entry in card.latents.values()], np.float64)
            maps[places_key(latents)] = laid_out(latents).tolist()
    return maps


def main() -> None:
    """Write them."""
    with replacing_file(shipped_presets_folder() / SHIPPED) as temporary:
        lines = (
            f"{json.dumps(key)}: {json.dumps(places)}" for key, places in lay_out_maps().items()
        )
        temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
