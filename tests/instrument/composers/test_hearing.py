"""Of several continuations the one that is most like the prompt is kept."""

from __future__ import annotations

from instrument.composers.continuer import PhraseContinuer
from instrument.composers.hearing import continue_as_heard
from instrument.composers.ngram import NgramModel
from instrument.music.constraints import Constraints
from instrument.music.likeness import rhythm_likeness, turns_likeness
from instrument.music.note import Note, Phrase


def tune() -> Phrase:
    lengths, pitches = (1.0, 0.5, 0.5, 1.0, 1.0), (60, 64, 62, 67, 65)
    notes, now = [], 0.0
    for turn in range(20):
        notes.append(Note(now, pitches[turn % 5] + turn // 7, lengths[turn % 5]))
        now += lengths[turn % 5]
    return Phrase.of(notes, 16.0)


def likeness(prompt: Phrase, then: Phrase) -> float:
    """As far as tunes are like their own beginnings."""
    rhythm, turns = rhythm_likeness(prompt, then), turns_likeness(prompt, then)
    return min(rhythm, 0.9) + 2.0 * min(turns, 0.5)


def test_more_candidates_are_never_less_like_the_prompt() -> None:
    composer, prompt = PhraseContinuer(NgramModel()), tune()
    found = []
    for seed in range(8):
        made = [
            continue_as_heard(composer, prompt, 8.0, Constraints(candidates=count), seed)
            for count in (1, 4)
        ]
        assert made[0] == composer.continue_phrase(prompt, 8.0, Constraints(), seed)
        found.append([likeness(prompt, then) for then in made])
    assert all(four >= one for one, four in found)
    assert sum(four - one for one, four in found) > 0.5
