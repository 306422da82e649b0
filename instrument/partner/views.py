"""The partner as people and panels see it: where the music is, who plays, and what comes next."""

from __future__ import annotations

from instrument.music.constraints import Key
from instrument.music.note import Note
from instrument.partner.messages import PLAYER, RollNote, View
from instrument.partner.partner import Partner
from instrument.preset.partner_options import ClockName

_CLOCKS = {"internal": "own tempo", "player": "your tempo", "midi": "MIDI clock", "link": "Link"}


def view_of(partner: Partner, clock: ClockName, knob: str = "") -> View:
    """Say what the partner does at this moment."""
    music = partner.transport
    waits = clock in ("midi", "link") and not music.is_running
    return View(
        beats=partner.beats,
        bpm=music.bpm,
        bar_beats=music.bar_beats,
        is_running=music.is_running,
        clock=f"waits for the {_CLOCKS[clock]}" if waits else _CLOCKS[clock],
        mode=partner.options.mode,
        situation=partner.mode.situation(),
        is_locked=partner.is_locked,
        key=_key_in_words(partner),
        knob=knob,
        notes=(
            *(_seen(note, PLAYER) for note in partner.hands.lately(partner.beats)),
            *(_seen(planned.note, planned.part) for planned in partner.output.lately),
            *(_seen(planned.note, planned.part) for planned in partner.plan.coming),
        ),
    )


def _key_in_words(partner: Partner) -> str:
    """Name the key that is heard, or asked for; a wish against what is heard says so."""
    heard, asked = partner.phrasing.ear.key(), partner.options.key
    if asked is None:
        return heard.name if heard else ""
    wish = Key.named(asked)
    against = heard is not None and not heard.is_near(wish)
    return f"{wish.name}, locked" + (f", but you play in {heard.name}" if against and heard else "")


def _seen(note: Note, part: int) -> RollNote:
    return RollNote(note.start_beats, note.length_beats, note.pitch, part)
