"""A neural instrument that people play live, and its door for Python programs.

>>> from instrument import Note, Phrase, render, write_wav
>>> audio = render(Phrase.of([Note(0.0, 60, 2.0)]), "glass_choir")  # float32, (frames, 2)
>>> write_wav("middle_c.wav", audio)

What is public is in `__all__`, and docs/api-python.md shows how it goes together:

- sound: `render`, `write_wav`; a preset: `load_preset`, `save_preset`, `list_presets`, `Preset`;
- music: `Note`, `Phrase`, `read_phrase`, `write_phrase`; composing: `open_composer`, `Constraints`;
- live: `Session`, its partner: `PartnerOptions`; a renderer of one's own:
  `ToneRenderer`, `SineRenderer`;
- errors: `LatentkeysError` is above them all; the others are in `instrument.errors`.

Importing this imports nothing else: each name is looked up when it is used first. The rooms behind
them may change from version to version.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instrument import errors
    from instrument.composers.protocols import Composer
    from instrument.composers.registry import list_composers, open_composer
    from instrument.errors import LatentkeysError
    from instrument.midi.phrases import read_phrase, write_phrase
    from instrument.music.constraints import Constraints, Key
    from instrument.music.note import Meter, Note, Phrase, Tempo, Track
    from instrument.offline.render import render
    from instrument.preset.partner_options import PartnerOptions
    from instrument.preset.preset import Preset, list_presets, load_preset, save_preset
    from instrument.rendering.renderer import RendererInfo, SineRenderer, ToneRenderer
    from instrument.session.live import Session
    from instrument.wav_files import write_wav

__version__: str
__all__ = [
    "Composer",
    "Constraints",
    "Key",
    "LatentkeysError",
    "Meter",
    "Note",
    "PartnerOptions",
    "Phrase",
    "Preset",
    "RendererInfo",
    "Session",
    "SineRenderer",
    "Tempo",
    "ToneRenderer",
    "Track",
    "__version__",
    "errors",
    "list_composers",
    "list_presets",
    "load_preset",
    "open_composer",
    "read_phrase",
    "render",
    "save_preset",
    "write_phrase",
    "write_wav",
]

DISTRIBUTION = "latentkeys"
"""The mark of `instrument.import_names`: these files are ours."""

_HOMES = {
    "composers.protocols": "Composer",
    "composers.registry": "list_composers open_composer",
    "errors": "LatentkeysError",
    "midi.phrases": "read_phrase write_phrase",
    "music.constraints": "Constraints Key",
    "music.note": "Meter Note Phrase Tempo Track",
    "offline.render": "render",
    "preset.partner_options": "PartnerOptions",
    "preset.preset": "Preset list_presets load_preset save_preset",
    "rendering.renderer": "RendererInfo SineRenderer ToneRenderer",
    "session.live": "Session",
    "wav_files": "write_wav",
}


def __getattr__(name: str) -> object:
    """Look a name up when it is used first."""
    if name == "__version__":
        return import_module("importlib.metadata").version(DISTRIBUTION)
    if name == "errors":
        return import_module("instrument.errors")
    for home, names in _HOMES.items():
        if name in names.split():
            return getattr(import_module(f"instrument.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
