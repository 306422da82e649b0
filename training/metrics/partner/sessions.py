"""A person plays phrases to a preset's own partner, without a click.

In: a preset's partner, and phrases. Out: what both played, and a few figures of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from instrument.midi.messages import note_off, note_on
from instrument.music.note import Note, Phrase
from instrument.partner.open_partner import open_partner
from instrument.preset.partner_options import PartnerOptions
from training.metrics.partner.performer import Performer
from training.metrics.partner.phrases import key_of
from training.metrics.symbolic.harmony import harmony_of

_RATE_HZ = 48_000
_BEGINS_SECONDS, _LONGEST_SECONDS = 1.0, 90.0
_AFTER_BARS = {"answer": 8, "duet": 1, "accompany": 1, "loop": 8}


@dataclass(frozen=True, slots=True)
class Tried:
    """What a partner played to all phrases.

    Attributes
    ----------
    answered
        Phrases to which it played anything.
    density
        Its strikes per beat over the player's, median.
    in_key
        Share of its notes in the scale that the phrase fits best.
    clashes
        Share of beats with notes of both, and more, on which two are a semitone apart.
    together
        Share of the player's time in which it played too.
    """

    answered: int
    density: float
    in_key: float
    clashes: float
    together: float


def try_partner(
    options: PartnerOptions, phrases: Sequence[Phrase], performer: Performer, seed: int = 0
) -> tuple[Tried, list[Phrase]]:
    """Play phrases to a partner; return figures, and what both played: the player's track first."""
    sessions = [
        play_session(options, performer.play(phrase, 1000 * number + seed), seed + number)
        for number, phrase in enumerate(phrases)
    ]
    pairs = [(s, *_both(s)) for s in sessions]
    answered = [(session, mine, ours) for session, mine, ours in pairs if ours]
    densities = [_strikes(ours) / max(1e-9, _strikes(mine)) for _, mine, ours in answered]
    in_key = [
        float(np.mean([note.pitch % 12 in key_of(phrase) for note in ours]))
        for phrase, (_, _, ours) in zip(phrases, pairs, strict=True)
        if ours
    ]
    together = [_overlap(mine, ours) for _, mine, ours in answered]
    tried = Tried(
        len(answered),
        float(np.median(densities)) if densities else math.nan,
        float(np.mean(in_key)) if in_key else math.nan,
        harmony_of(sessions).clashes,
        float(np.mean(together)) if together else math.nan,
    )
    return tried, sessions


def play_session(options: PartnerOptions, played: Phrase, seed: int) -> Phrase:
    """Play a phrase to a partner and listen until it has answered; see `try_partner`."""
    bar = round(played.bar_beats)
    partner = open_partner(replace(options, seed=seed, bar_beats=bar), _RATE_HZ)
    partner.begin_at(0)
    frames = 60.0 * _RATE_HZ / played.tempos[0].bpm
    first = played.notes[0].start_beats
    events = []
    for note in played.notes:
        start = _BEGINS_SECONDS * _RATE_HZ + (note.start_beats - first) * frames
        events.append((round(start), note_on(note.pitch, note.velocity)))
        events.append((round(start + note.length_beats * frames), note_off(note.pitch)))
    events.sort(key=lambda event: event[0])
    last = events[-1][0] + _AFTER_BARS[options.mode] * bar * frames
    was_answering = False
    while partner.frame < min(last, _LONGEST_SECONDS * _RATE_HZ):
        while events and events[0][0] <= partner.frame:
            partner.hear(*events.pop(0))
        partner.step()
        is_answering = partner.mode.situation() == "answering"
        if was_answering and not is_answering and not events:
            break
        was_answering = is_answering
    return partner.journal.phrase(partner.frame)


def _both(session: Phrase) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
    """Return the player's notes, and ours of all channels."""
    mine = [note for track in session.tracks if track.name == "player" for note in track.notes]
    ours = [note for track in session.tracks if track.name == "partner" for note in track.notes]
    return tuple(mine), tuple(sorted(ours))


def _strikes(notes: Sequence[Note]) -> float:
    """Return strikes per beat, chords once."""
    starts = sorted({round(note.start_beats, 1) for note in notes})
    return len(starts) / max(1.0, starts[-1] - starts[0] + 1.0)


def _overlap(mine: Sequence[Note], ours: Sequence[Note]) -> float:
    """Return the share of the player's beats, from first to last, in which we sound."""
    beats = np.arange(mine[0].start_beats, max(note.end_beats for note in mine), 0.25)
    sounds = [any(n.start_beats <= beat < n.end_beats for n in ours) for beat in beats.tolist()]
    return float(np.mean(sounds)) if sounds else 0.0
