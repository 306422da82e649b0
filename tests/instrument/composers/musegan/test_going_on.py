"""A MuseGAN that goes on keeps to its prompt, not to what its critic likes of anybody's music."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.composers.musegan import musegan
from instrument.composers.registry import open_composer
from instrument.music.constraints import CANDIDATES, CARE, Constraints
from instrument.music.likeness import likeness
from training.metrics.partner.phrases import read_phrases

ASKED = Constraints(candidates=CANDIDATES, care=CARE)


def test_what_follows_has_more_in_common_with_its_prompt_than_the_critics_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    composer = open_composer("musegan_continue")
    prompts = [phrase for phrase in read_phrases().values() if phrase.bar_beats == 4.0]
    found = []
    for weight in (musegan._DEVIATIONS_OF_LIKENESS, 0.0):
        monkeypatch.setattr(musegan, "_DEVIATIONS_OF_LIKENESS", weight)
        made = [
            likeness(prompt, composer.continue_phrase(prompt, 16.0, ASKED, seed))
            for prompt in prompts
            for seed in range(3)
        ]
        found.append(float(np.mean(made)))
    ours, critics = found
    assert ours > critics + 0.02
