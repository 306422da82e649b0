"""Make a take's music again, from what was heard and from the seed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

from instrument.composers.registry import find_composer
from instrument.errors import SettingError
from instrument.midi.phrases import write_phrase
from instrument.partner.open_partner import open_partner
from instrument.partner.partner import Partner
from instrument.partner.sounding_notes import Message
from instrument.partner.takes.take import Take, read_take


def replay(take: Take, report: Callable[[float], None] = lambda _: None) -> list[Message]:
    """Live through a take again.

    Parameters
    ----------
    take
        As `read_take` gives it.
    report
        Told the share done, from 0 to 1, some hundred times.

    Returns
    -------
    list of Message
        Everything that the partner sent.

    Raises
    ------
    SettingError
        Its composer is not installed, or is another version.
    """
    partner = open_take(take)
    return _live_through(partner, take, report)


def replay_into(folder: Path, out: Path, report: Callable[[float], None]) -> Take:
    """Write a take's notes again as a MIDI file; see `replay`.

    Parameters
    ----------
    report
        Told how far it is, 0 to 1.
    """
    take = read_take(folder)
    partner = open_take(take)
    _live_through(partner, take, report)
    write_phrase(out, partner.journal.phrase(take.last_frame))
    return take


def open_take(take: Take) -> Partner:
    """Make the partner of a take, at its first frame."""
    if composer_sha256(take.options.model) != take.composer_sha256:
        raise SettingError(
            f"the take was played with another version of {take.options.model}",
            "Install that version; with this one the music would be another.",
        )
    partner = open_partner(take.options, take.rate_hz, take.format)
    partner.begin_at(take.first_frame)
    return partner


def composer_sha256(model: str) -> str:
    """Identify a composer; empty for the counts alone.

    Raises
    ------
    SettingError
        There is none of that name.
    """
    return "" if model == "ngram" else find_composer(model).sha256


def _live_through(partner: Partner, take: Take, report: Callable[[float], None]) -> list[Message]:
    waiting, messages = deque(take.heard), []
    total = max(1, take.last_frame - take.first_frame)
    told = 0.0

    def tell() -> None:
        while waiting and waiting[0].frame <= partner.frame:
            event = waiting.popleft()
            if isinstance(event.what, str):
                partner.hear(event.frame, bytes.fromhex(event.what), event.source)
            else:
                partner.do(event.what)

    while partner.frame + partner.step_frames <= take.last_frame:
        tell()
        messages += partner.step()
        share = (partner.frame - take.first_frame) / total
        if share - told >= 0.01:
            told = share
            report(share)
    tell()  # what came after the last millisecond and before the take was kept
    return messages
