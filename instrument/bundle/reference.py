"""What a preset has of its model: which one it is, and numbers for it.

Apart from `instrument.bundle.card`, which only those read who open a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from instrument.schema import Sha256, Text, ranged

ModelName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$",
        extra={"says": "a folder name of a-z, 0-9, _ and -, such as 'frame_voice'"},
    ),
]
LatentNumber = Annotated[float, ranged(-100, 100)]


@dataclass(frozen=True, slots=True)
class ModelReference:
    """Which bundle latent numbers belong to; with another model they mean another sound."""

    name: ModelName  #: folder name of the bundle
    version: Text
    sha256: Sha256  #: of the network's weights, `Bundle.weights_sha256`
