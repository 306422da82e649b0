"""The sounds of a labelled set, and what is said of each.

In: a `NotePlan`'s sound numbers. Out: a `LabelledSound`: the preset that plays it, and its labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from instrument.bundle.bundle import Bundle
from instrument.bundle.card import VoiceCard
from instrument.labelled.plan import NotePlan, sound_seed
from instrument.latents.audition import Audition
from instrument.latents.create_preset import check_preset, plain_preset
from instrument.latents.latent import Latent, follow, random_recipe, whiten
from instrument.preset.preset import Preset
from instrument.rendering.open_renderer import for_sound
from instrument.rendering.renderer import ToneRenderer

FAMILIES = (
    "bass",
    "brass",
    "flute",
    "guitar",
    "keyboard",
    "mallet",
    "organ",
    "reed",
    "string",
    "synth_lead",
    "vocal",
)
"""NSynth's, in the order of its numbers."""

_FAMILY_OF_PROGRAMS = (
    (8, "keyboard"),
    (16, "mallet"),
    (24, "organ"),
    (32, "guitar"),
    (40, "bass"),
    (52, "string"),
    (55, "vocal"),
    (56, "string"),
    (64, "brass"),
    (72, "reed"),
    (80, "flute"),
    (128, "synth_lead"),
)
_MOST_IN_MIX, _LEAST_SHARE = 5, 0.02
_ATTEMPTS = 8
_HEARD_PITCHES = (60,)


@dataclass(frozen=True, slots=True)
class LabelledSound:
    """One sound.

    Attributes
    ----------
    name
        As NSynth names instruments: family, source and number.
    family
        Of the instrument that it has most of.
    preset
        What plays it.
    seed, sharpness
        Of a random one; None of a preset.
    mix
        Shares of the model's instruments, the largest first; see `mix_of`.
    """

    name: str
    family: str
    preset: Preset
    seed: int | None
    sharpness: float | None
    mix: Mapping[str, float]


class SoundSource:
    """Gives a plan's sounds; remembers the last one.

    Parameters
    ----------
    plan
        Which sounds.
    bundle, renderer
        The voice.
    presets
        Where the plan's presets lie.
    """

    def __init__(
        self,
        plan: NotePlan,
        bundle: Bundle,
        renderer: ToneRenderer,
        presets: Sequence[Path] = (),
    ) -> None:
        self._plan, self._bundle, self._renderer = plan, bundle, renderer
        self._presets = presets
        self._last: tuple[int, LabelledSound] | None = None

    def sound(self, number: int) -> LabelledSound:
        """Return a sound of the plan."""
        if self._last is None or self._last[0] != number:
            self._last = number, self._make(number)
        return self._last[1]

    def renderer_of(self, preset: Preset) -> ToneRenderer:
        """Return what renders a preset."""
        return for_sound(self._renderer, preset.sound, self._plan.rate_hz)

    def _make(self, number: int) -> LabelledSound:
        card = self._bundle.sound
        if self._plan.presets:
            preset, _ = check_preset(self._presets[number])
            mix = mix_of(card, np.asarray(preset.sound.latent))
            return self._labelled(number, preset, None, None, mix)
        latent, seed = self._drawn(number)
        mix = mix_of(card, latent)
        struck = sum(share for name, share in mix.items() if card.latents[name].is_struck)
        recipe = random_recipe(card, seed, self._plan.truncation, self._plan.sharpness)
        preset = plain_preset(
            f"sound {number}", self._bundle, latent, recipe, dies_away=struck > 0.5
        )
        return self._labelled(number, preset, seed, self._plan.sharpness, mix)

    def _drawn(self, number: int) -> tuple[Latent, int]:
        """Draw until a sound is neither silent nor out of tune; the last attempt is taken."""
        audition = Audition(self._renderer, _HEARD_PITCHES)
        for attempt in range(_ATTEMPTS):
            seed = sound_seed(self._plan, number, attempt)
            recipe = random_recipe(
                self._bundle.sound, seed, self._plan.truncation, self._plan.sharpness
            )
            latent = follow(recipe, self._bundle.sound)
            if audition.fault(latent) is None:
                break
        return latent, seed

    def _labelled(
        self,
        number: int,
        preset: Preset,
        seed: int | None,
        sharpness: float | None,
        mix: Mapping[str, float],
    ) -> LabelledSound:
        family = family_of(self._bundle.sound, mix)
        name = f"{family}_synthetic_{number:06d}"
        return LabelledSound(name, family, preset, seed, sharpness, mix)


def mix_of(card: VoiceCard, latent: Latent) -> dict[str, float]:
    """Say what a latent is made of: shares of the instruments that it points at, adding up to 1.

    A share is the square of the cosine between the two, in the prior's standard deviations: exact
    where instruments are at right angles to each other, as in a GANSynth, a description elsewhere.
    Small ones are left out.
    """
    if not card.latents:
        return {}
    known = np.array([whiten(entry.latent, card.prior) for entry in card.latents.values()])
    known /= np.maximum(np.linalg.norm(known, axis=1, keepdims=True), 1e-12)
    powers = np.square(np.clip(known @ whiten(latent, card.prior), 0.0, None))
    order = np.argsort(-powers, kind="stable")[:_MOST_IN_MIX]
    names = list(card.latents)
    total = float(powers[order].sum()) or 1.0
    kept = {names[place]: float(powers[place]) / total for place in order}
    kept = {name: share for name, share in kept.items() if share >= _LEAST_SHARE}
    whole = sum(kept.values()) or 1.0
    return {name: round(share / whole, 4) for name, share in kept.items()}


def family_of(card: VoiceCard, mix: Mapping[str, float]) -> str:
    """Return NSynth's family of the instrument that a mix has most of."""
    for name in mix:
        program = card.latents[name].program
        if program is not None:
            return next(family for end, family in _FAMILY_OF_PROGRAMS if program < end)
        break
    return "synth_lead"
