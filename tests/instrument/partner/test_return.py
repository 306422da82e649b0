"""When the player is back, whatever of ours sounds ends at once, also what was to end soon."""

from __future__ import annotations

import pytest

from instrument.midi.messages import is_note_on, note_on
from instrument.partner.sounding_notes import Message
from instrument.realtime.memory.constants import TO_VOICES
from tests.helpers.music.partner_stage import (
    BEAT,
    MS,
    Played,
    make_partner,
    run,
    strikes,
    tune,
)

LINE = [(0.5 * n, 0.45, 60 + (0, 2, 4, 5, 7)[n % 5]) for n in range(8)]
CHORDS = [(0.5 * n, 0.9, pitch + n) for n in range(8) for pitch in (48, 55, 64)]


def sounding_at(messages: list[Message], frame: int) -> set[int]:
    """Return the pitches that our voices hold just before a frame."""
    down: set[int] = set()
    for message in sorted(messages, key=lambda m: m.frame):
        if message.to == TO_VOICES and message.frame < frame:
            (down.add if is_note_on(message.data) else down.discard)(message.data[1])
    return down


def ended_after(messages: list[Message], pitch: int, frame: int) -> int:
    """Return how many frames after one a pitch is let go."""
    ends = [
        m.frame
        for m in messages
        if m.to == TO_VOICES and m.data[1] == pitch and not is_note_on(m.data)
    ]
    return min(end for end in ends if end >= frame) - frame


@pytest.mark.parametrize("phrase", [LINE, CHORDS], ids=["line", "chords"])
@pytest.mark.parametrize("seed", range(3))
def test_a_return_just_before_our_next_note_ends_what_sounds(
    seed: int, phrase: list[Played]
) -> None:
    """The next note was handed over already, and with it the end of the one that gives it room."""
    strikes_of_ours = strikes(run(make_partner(seed=seed), 9.0, tune(phrase)))
    tried = 0
    for strike in strikes_of_ours[1:]:
        for before in (3 * MS, 8 * MS, 13 * MS, 18 * MS):
            partner, back = make_partner(seed=seed), strike.frame - before
            messages = run(partner, back / BEAT + 0.5, [*tune(phrase), (back, note_on(72))])
            for pitch in sounding_at(messages, back):
                assert ended_after(messages, pitch, back) <= 2 * MS
                tried += 1
    assert tried >= 12
