"""A partner and a player in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from instrument.composers.continuer import NoteModel
from instrument.midi.messages import note_off, note_on
from instrument.music.transport import Transport
from instrument.partner.modes.answer import Answer
from instrument.partner.partner import Mode, Partner
from instrument.partner.planning.note_composer import NoteComposer
from instrument.partner.planning.rules import TODAY, PlayRules
from instrument.partner.sounding_notes import Message
from instrument.preset.partner_options import PartnerOptions
from instrument.realtime.memory.constants import TO_OUT, TO_VOICES

RATE = 48_000.0
BPM = 120.0
BEAT = 24_000  # frames
MS = 48  # frames

Played = tuple[float, float, int]  # start and length in beats, pitch
TUNE: tuple[Played, ...] = ((0.0, 0.45, 60), (0.5, 0.45, 62), (1.0, 0.9, 64), (2.0, 0.9, 67))


def make_partner(
    mode: Mode | None = None,
    *,
    network: NoteModel[object] | None = None,
    follows_clock: bool = False,
    follows_player: bool = False,
    rules: PlayRules = TODAY,
    **options: object,
) -> Partner:
    chosen = PartnerOptions(**options)  # type: ignore[arg-type]
    return Partner(
        chosen,
        NoteComposer(network, "network", chosen.seed or 0),
        mode or Answer(),
        Transport.at_tempo(BPM, RATE),
        follows_clock=follows_clock,
        follows_player=follows_player,
        rules=rules,
    )


def tune(notes: Iterable[Played] = TUNE, at_beats: float = 0.0) -> list[tuple[int, bytes]]:
    """Spell notes as messages with their frames."""
    events = []
    for start, length, pitch in notes:
        begin = round((at_beats + start) * BEAT)
        events += [(begin, note_on(pitch, 90)), (begin + round(length * BEAT), note_off(pitch))]
    return sorted(events)


def run(
    partner: Partner, until_beats: float, events: Iterable[tuple[int, bytes]] = ()
) -> list[Message]:
    """Go on to a position; what the player does is heard in the millisecond after it."""
    waiting, messages = sorted(events, key=lambda event: event[0]), []
    while partner.frame < until_beats * BEAT:
        while waiting and waiting[0][0] <= partner.frame:
            partner.hear(*waiting.pop(0))
        messages += partner.step()
    return messages


def strikes(messages: Iterable[Message], to: int = TO_VOICES) -> list[Message]:
    return [m for m in messages if m.to == to and m.data[0] & 0xF0 == 0x90]


def stuck(messages: Iterable[Message]) -> Counter[tuple[int, int, int]]:
    """Return the keys that are still down after all messages, in order of their frames."""
    down: Counter[tuple[int, int, int]] = Counter()
    for message in sorted(messages, key=lambda m: (m.frame, m.data[0] & 0xF0 == 0x90)):
        key = (message.to, message.data[0] & 0x0F, message.data[1])
        if message.data[0] & 0xF0 == 0x90:
            down[key] += 1
        else:
            down[key] = 0
    return +down


__all__ = [
    "BEAT",
    "MS",
    "RATE",
    "TO_OUT",
    "TUNE",
    "make_partner",
    "run",
    "strikes",
    "stuck",
    "tune",
]
