"""How near to the player the partner stays: his density, register and key, unless others are asked.

In: what the ear has heard, what was asked for. Out: what the composer has to keep to.
"""

from __future__ import annotations

from dataclasses import replace

from instrument.music.constraints import Constraints
from instrument.music.meant import Ear
from instrument.partner.planning.note_composer import MOST_CANDIDATES
from instrument.preset.partner_options import PartnerOptions

_WIDEST_SLACK = 12
_NARROWEST = 12  # semitones
_MOST_COUNTED = 0.5
_HASTE = 1.3  # at 0.5 already three candidates


def near_to(ear: Ear, asked: Constraints, options: PartnerOptions) -> Constraints:
    """Fill in what was left free by what the player plays."""
    near = options.closeness
    if near == 0.0:
        return asked
    register, density, key = asked.register, asked.density, asked.key
    if register is None:
        register = _register(ear, near)
    if density is None:
        density = ear.density()
    if key is None and options.key is None:
        key = ear.key()
    return replace(
        asked,
        register=register,
        density=density,
        key=key,
        temperature=min(asked.temperature * (1.25 - 0.5 * near), 10.0),
        loudness=ear.loudness(),
        voices=voices_near(ear, options),
    )


def blend_near(options: PartnerOptions) -> float:
    """Return the share of the notes that the counts draw: they know the player's own rhythm."""
    return max(options.blend, _MOST_COUNTED * options.closeness)


def candidates_near(options: PartnerOptions) -> int:
    """Return how many notes are drawn, of which the one in the player's rhythm is kept."""
    return 1 + round((MOST_CANDIDATES - 1) * min(1.0, _HASTE * options.closeness))


def voices_near(ear: Ear, options: PartnerOptions) -> int:
    """Return how many notes may sound at once: a line is answered with a line."""
    if options.voices is not None:
        return options.voices
    if options.closeness == 0.0 or not ear.phrase:
        return options.polyphony
    return min(options.polyphony, ear.voices())


def _register(ear: Ear, near: float) -> tuple[int, int] | None:
    heard = ear.register()
    if heard is None:
        return None
    slack = round(_WIDEST_SLACK * (1.0 - near))
    low, high = heard[0] - slack, heard[1] + slack
    missing = max(0, _NARROWEST - (high - low))
    low, high = max(0, low - missing // 2), min(127, high + (missing + 1) // 2)
    return low, high
