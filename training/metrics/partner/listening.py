"""Play phrases to a partner as a person would, and take down what it answers.

In: a composer's name. Out: its answers: live, in virtual time, in the mode "answer"; and offline,
as ``latentkeys continue`` goes on from a file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from instrument.composers.hearing import continue_as_heard
from instrument.composers.registry import open_composer
from instrument.midi.messages import note_off, note_on
from instrument.music.constraints import CANDIDATES, CARE, Constraints
from instrument.music.note import Note, Phrase
from instrument.partner.open_partner import open_partner
from instrument.partner.partner import Partner
from instrument.preset.partner_options import PartnerOptions
from training.metrics.partner.performer import Performer

_RATE_HZ = 48_000
_LONGEST_SECONDS = 90.0

Say = Callable[[str], None]


def live_answers(
    phrases: Sequence[Phrase], model: str, seeds: int, performer: Performer, say: Say
) -> list[list[tuple[Note, ...]]]:
    """Return what a partner answers to each phrase, once for each seed."""
    answers = []
    for number, phrase in enumerate(phrases):
        say(f"{model}: phrase {number + 1} of {len(phrases)}")
        played = [performer.play(phrase, 1000 * number + seed) for seed in range(seeds)]
        answers.append([answer_to(p, model, seed) for seed, p in enumerate(played)])
    return answers


def answer_to(played: Phrase, model: str, seed: int) -> tuple[Note, ...]:
    """Play a phrase with the click, and wait for the answer's end.

    Returns
    -------
    tuple of Note
        Counted from the phrase's beginning, a bar line.
    """
    options = PartnerOptions(
        mode="answer",
        model=model,
        seed=seed,
        bar_beats=round(played.bar_beats),
        metronome=True,
    )
    partner = open_partner(options, _RATE_HZ)
    partner.begin_at(0)
    events = sorted(_events(played, partner), key=lambda event: event[0])
    answered = False
    while partner.frame < _LONGEST_SECONDS * _RATE_HZ:
        while events and events[0][0] <= partner.frame:
            partner.hear(*events.pop(0))
        partner.step()
        is_answering = partner.mode.situation() == "answering"
        answered = answered or (is_answering and not events)
        if answered and not is_answering:
            break
    tracks = partner.journal.phrase(partner.frame).tracks
    return next((track.notes for track in tracks if track.name == "partner"), ())


def continuations(
    phrases: Sequence[Phrase], model: str, seeds: int, performer: Performer, say: Say
) -> list[list[tuple[Note, ...]]]:
    """Return how a composer goes on from each phrase as a file of somebody's playing."""
    composer, asked = open_composer(model), Constraints(candidates=CANDIDATES, care=CARE)
    made = []
    for number, phrase in enumerate(phrases):
        say(f"{model}: file {number + 1} of {len(phrases)}")
        bars = math.ceil((phrase.length_beats - phrase.pickup_beats) / phrase.bar_beats)
        length = bars * phrase.bar_beats
        some = []
        for seed in range(seeds):
            played = performer.play(phrase, 1000 * number + seed)
            then = continue_as_heard(composer, played, length, asked, seed)
            phase = phrase.beat_phase(phrase.length_beats)
            some.append(tuple(replace(n, start_beats=n.start_beats + phase) for n in then.notes))
        made.append(some)
    return made


def _events(played: Phrase, partner: Partner) -> list[tuple[int, bytes]]:
    at = partner.transport.frame_at
    shift = (played.bar_beats - played.pickup_beats) % played.bar_beats
    return [
        event
        for n in played.notes
        for event in (
            (at(n.start_beats + shift), note_on(n.pitch, n.velocity)),
            (at(n.end_beats + shift), note_off(n.pitch)),
        )
    ]
