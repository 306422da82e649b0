"""The partner as people and panels see it: where the music is, who plays, and what comes next."""

from __future__ import annotations

from instrument.partner.messages import ClockName, Seen, View
from instrument.partner.partner import Partner

_CLOCKS = {"internal": "own tempo", "midi": "MIDI clock", "link": "Link"}


def view_of(partner: Partner, clock: ClockName) -> View:
    """Say what the partner does at this moment."""
    music = partner.transport
    waits = clock != "internal" and not music.is_running
    return View(
        beats=partner.beats,
        bpm=music.bpm,
        bar_beats=music.bar_beats,
        is_running=music.is_running,
        clock=f"waits for the {_CLOCKS[clock]}" if waits else _CLOCKS[clock],
        mode=partner.settings.mode,
        situation=partner.mode.situation(),
        is_locked=partner.is_locked,
        notes=tuple(
            Seen(
                planned.note.start_beats,
                planned.note.length_beats,
                planned.note.pitch,
                planned.part,
            )
            for planned in partner.plan.notes
        ),
    )
