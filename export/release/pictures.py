"""Pictures of the shipped presets: ``python -m export.release.pictures`` draws what is missing.

In: the presets and their models. Out: ``presets/pictures.json``, by the key of model and latent, so
that a preset that has changed loses its picture and gets another one.
"""

from __future__ import annotations

import json

from instrument.files import replacing_file, shipped_presets_folder
from instrument.music.note import Note, Phrase
from instrument.offline.render import render
from instrument.panel.pictures import PICTURE_PITCH, SHIPPED, picture_key, picture_of
from instrument.preset.preset import list_presets

RATE_HZ = 48_000
_SECONDS = 2.5


def draw_pictures() -> dict[str, str]:
    """Return the picture of every shipped preset; those that are there already stay."""
    path = shipped_presets_folder() / SHIPPED
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    middle_c = Phrase.of([Note(0.0, PICTURE_PITCH, 2 * _SECONDS)])
    pictures: dict[str, str] = {}
    for entry in list_presets():
        if entry.origin != "shipped" or entry.preset is None:
            continue
        key = picture_key(entry.preset)
        if key not in known:
            heard = render(middle_c, entry.path, rate_hz=RATE_HZ)
            known[key] = picture_of(heard.mean(axis=1), RATE_HZ)
        pictures[key] = known[key]
    return pictures


def main() -> None:
    """Write them."""
    with replacing_file(shipped_presets_folder() / SHIPPED) as temporary:
        text = json.dumps(draw_pictures(), indent=0, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
