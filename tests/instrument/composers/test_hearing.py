"""Of several continuations the one that is most like the prompt is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.composers.continuer import PhraseContinuer
from instrument.composers.ensemble_lstm.ensemble_lstm import open_ensemble_lstm
from instrument.composers.ensemble_lstm.likelihood import LikelihoodJudge
from instrument.composers.hearing import accompany_as_heard, continue_as_heard
from instrument.composers.ngram.ngram import NgramModel
from instrument.composers.registry import composer_of
from instrument.music.constraints import Constraints
from instrument.music.likeness import likeness
from instrument.music.note import Note, Phrase
from tests.helpers.models.tiny_composers import tiny_composer


def tune() -> Phrase:
    lengths, pitches = (1.0, 0.5, 0.5, 1.0, 1.0), (60, 64, 62, 67, 65)
    notes, now = [], 0.0
    for turn in range(20):
        notes.append(Note(now, pitches[turn % 5] + turn // 7, lengths[turn % 5]))
        now += lengths[turn % 5]
    return Phrase.of(notes, 16.0)


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


@pytest.mark.slow
def test_of_accompaniments_the_one_that_is_likeliest_to_the_judge_is_kept() -> None:
    runtime = Runtime(threads=1, device="cpu")
    judge = LikelihoodJudge(
        open_ensemble_lstm(Bundle.load(tiny_composer("tiny_ensemble")), runtime)
    )
    composer, asked = composer_of(Bundle.load(tiny_composer("tiny_accompanist"))), Constraints()
    melody = Phrase.of(tune().between(0.0, 16.0).notes, 16.0)
    plain = accompany_as_heard(composer, 4, 1, asked, melody)
    assert plain == composer.generate(4, 1, asked, condition=melody)
    four = replace(asked, candidates=4)
    made = [composer.generate(4, 1 + (k << 40), four, condition=melody) for k in range(4)]
    nats = [judge.beside(melody, one) for one in made]
    assert len(set(nats)) > 1
    kept = accompany_as_heard(composer, 4, 1, four, melody, judge)
    assert kept == made[nats.index(min(nats))]


@pytest.mark.slow
def test_of_continuations_that_are_as_like_the_prompt_the_likelier_is_kept() -> None:
    runtime = Runtime(threads=1, device="cpu")
    judge = LikelihoodJudge(
        open_ensemble_lstm(Bundle.load(tiny_composer("tiny_ensemble")), runtime)
    )
    composer, four = (
        composer_of(Bundle.load(tiny_composer("tiny_follower"))),
        Constraints(candidates=4),
    )
    prompt = tune()
    made = [composer.continue_phrase(prompt, 8.0, four, 1 + (k << 40)) for k in range(4)]
    worth = [likeness(prompt, one) - 0.05 * judge.after(prompt, one) for one in made]
    assert len(set(worth)) > 1
    kept = continue_as_heard(composer, prompt, 8.0, four, 1, judge)
    assert kept == made[worth.index(max(worth))]
