"""When GANSynth's networks grow: stages of images (Karras et al., 2018; Magenta's code).

Stages alternate: in even ones the networks stay as they are, in odd ones the next block is blended
in. A position, see `training.gansynth.network`, is a function of the images seen so far.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """The stages of a training.

    Attributes
    ----------
    blocks
        Of the networks when they have grown.
    stage_images
        Images per stage; 0 for networks that are full-grown from the first.
    """

    blocks: int
    stage_images: int

    @property
    def stages(self) -> int:
        """How many there are: 13 for the paper's 7 blocks."""
        return 2 * self.blocks - 1 if self.stage_images else 1

    def position(self, images: int) -> float:
        """Return how far the networks have grown, from 0 to blocks - 1."""
        if not self.stage_images:
            return float(self.blocks - 1)
        seen = min(images, self.stages * self.stage_images - 1)
        pair = 2 * self.stage_images
        blending = max(0, seen % pair - self.stage_images) / self.stage_images
        return seen // pair + blending

    def stage(self, images: int) -> int:
        """Return the stage, from 0; the last one does not end."""
        return min(images // self.stage_images, self.stages - 1) if self.stage_images else 0

    def blocks_in(self, stage: int) -> int:
        """Return how many blocks learn in a stage."""
        return (stage + 1) // 2 + 1 if self.stage_images else self.blocks
