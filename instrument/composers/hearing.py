"""Composers of files that hear what was meant.

In: a file's phrase, written or played. Out: what a composer makes of what it means, in the feel
in which it was played. What is written, all of it on the grid, reaches composers as it is.
"""

from __future__ import annotations

from dataclasses import replace

from instrument.composers.continuer import recent
from instrument.composers.protocols import Composer
from instrument.music.constraints import Constraints
from instrument.music.likeness import rhythm_likeness, turns_likeness
from instrument.music.meant import Ear, given_back, hear_phrase, is_score
from instrument.music.note import Phrase

_SEED_BITS = 40  # candidates have seeds that nobody types
_AS_LIKE = 0.9, 0.5  # about the medians of 80 tunes, 4 bars beside the 4 before: 0.86 and 0.47
_SLACK = 5  # semitones that a continuation may leave what was heard


def continue_as_heard(
    composer: Composer, phrase: Phrase, length_beats: float, controls: Constraints, seed: int
) -> Phrase:
    """Go on from what was meant; see `instrument.composers.continuer.Continuer`.

    Parameters
    ----------
    length_beats
        How much follows, quarter notes.
    """
    prompt = recent(phrase)
    if is_score(prompt):
        return _nearest(composer, prompt, length_beats, controls, seed)
    heard, feel = hear_phrase(prompt)
    made = _nearest(composer, heard, length_beats, _near(heard, controls), seed)
    return given_back(made, feel)


def accompany_as_heard(
    composer: Composer, bars: int, seed: int, controls: Constraints, phrase: Phrase
) -> Phrase:
    """Accompany what was meant; see `instrument.composers.protocols.BarGenerator`.

    Parameters
    ----------
    bars
        How many to make.
    """
    heard, feel = hear_phrase(phrase)
    return given_back(composer.generate(bars, seed, controls, condition=heard), feel)


def _nearest(
    composer: Composer, prompt: Phrase, length_beats: float, controls: Constraints, seed: int
) -> Phrase:
    """Keep of the candidates the one that has most in common with the prompt; the first of equals.

    Its rhythm and its turns count, as what tells an answer from an answer to somebody else. Nothing
    is gained by having more in common than tunes have with their own beginnings: a copy.
    """
    made = [
        composer.continue_phrase(prompt, length_beats, controls, seed + (number << _SEED_BITS))
        for number in range(controls.candidates)
    ]
    return max(made, key=lambda then: _likeness(prompt, then))


def _likeness(prompt: Phrase, then: Phrase) -> float:
    rhythm, turns = rhythm_likeness(prompt, then), turns_likeness(prompt, then)
    return min(rhythm, _AS_LIKE[0]) + 2.0 * min(turns, _AS_LIKE[1])


def _near(heard: Phrase, controls: Constraints) -> Constraints:
    """Ask for the density, register and key of what was heard, where nothing else is asked."""
    ear = Ear.of(heard)
    register = ear.register()
    if controls.register is None and register is not None:
        low, high = max(0, register[0] - _SLACK), min(127, register[1] + _SLACK)
        controls = replace(controls, register=(low, max(high, min(127, low + 12))))
    return replace(
        controls,
        density=controls.density or ear.density(),
        key=controls.key or ear.key(),
    )
