"""Composers of files that hear what was meant.

In: a file's phrase, written or played. Out: what a composer makes of what it means, in the feel
in which it was played: of several candidates the best. What is written, all of it on the grid,
reaches composers as it is.
"""

from __future__ import annotations

from dataclasses import replace

from instrument.composers.continuer import recent
from instrument.composers.ensemble_lstm.likelihood import LikelihoodJudge
from instrument.composers.protocols import Composer
from instrument.music.constraints import Constraints
from instrument.music.likeness import likeness
from instrument.music.meant import Ear, given_back, hear_phrase, is_score
from instrument.music.note import Phrase

_SEED_BITS = 40  # candidates have seeds that nobody types
_LIKENESS_OF_A_NAT = 0.05  # more of it costs the rhythm that the prompt has
_SLACK = 5  # semitones that a continuation may leave what was heard


def continue_as_heard(
    composer: Composer,
    phrase: Phrase,
    length_beats: float,
    controls: Constraints,
    seed: int,
    judge: LikelihoodJudge | None = None,
) -> Phrase:
    """Go on from what was meant; see `instrument.composers.continuer.Continuer`.

    Parameters
    ----------
    length_beats
        How much follows, quarter notes.
    judge
        How likely candidates are to it counts, too.
    """
    prompt = recent(phrase)
    if is_score(prompt):
        return _nearest(composer, prompt, length_beats, controls, seed, judge)
    heard, feel = hear_phrase(prompt)
    made = _nearest(composer, heard, length_beats, _near(heard, controls), seed, judge)
    return given_back(made, feel)


def accompany_as_heard(
    composer: Composer,
    bars: int,
    seed: int,
    controls: Constraints,
    phrase: Phrase,
    judge: LikelihoodJudge | None = None,
) -> Phrase:
    """Accompany what was meant; see `instrument.composers.protocols.BarGenerator`.

    Parameters
    ----------
    bars
        How many to make.
    judge
        Of the candidates the likeliest to it is kept; the first without it.
    """
    heard, feel = hear_phrase(phrase)
    made = [
        composer.generate(bars, own_seed, controls, condition=heard)
        for own_seed in _seeds(seed, controls.candidates if judge else 1)
    ]
    best = min(made, key=lambda one: judge.beside(heard, one)) if judge else made[0]
    return given_back(best, feel)


def _nearest(
    composer: Composer,
    prompt: Phrase,
    length_beats: float,
    controls: Constraints,
    seed: int,
    judge: LikelihoodJudge | None,
) -> Phrase:
    """Keep of the candidates the one that has most in common with the prompt; the first of equals.

    With a judge, of two that are as like it the likelier one.
    """
    made = [
        composer.continue_phrase(prompt, length_beats, controls, own_seed)
        for own_seed in _seeds(seed, controls.candidates)
    ]
    if len(made) == 1:
        return made[0]

    def worth(then: Phrase) -> float:
        unlikely = judge.after(prompt, then) if judge else 0.0
        return likeness(prompt, then) - _LIKENESS_OF_A_NAT * unlikely

    return max(made, key=worth)


def _seeds(seed: int, count: int) -> list[int]:
    return [seed + (number << _SEED_BITS) for number in range(count)]


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
