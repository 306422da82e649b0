"""A band that accompanies: it guesses the player's next bar, and corrects itself in the middle.

A beat before each bar line the composer goes on from what the player has played: that guess, after
the bars that were really played, is what the band's generator is shown. In the middle of the bar
the guess is compared with what was played; if it was wrong, the rest of the bar is made anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from instrument.composers.protocols import BarGenerator
from instrument.errors import first_line
from instrument.midi.messages import is_note_on
from instrument.music.note import Note, Phrase, Track
from instrument.partner.partner import Partner
from instrument.partner.planning.plan import Planned

_LEAD_BEATS = 1.0
_SHOWN_BARS = 4
_CANDIDATES = 8
_SILENT_BARS = 2
_NEAR_BEATS = 0.13
_MOST_GUESSED = 64


class Accompany:
    """The mode "accompany".

    Parameters
    ----------
    band
        Makes the tracks beside a given one.
    seed
        Of its chance.
    """

    def __init__(self, band: BarGenerator, seed: int) -> None:
        self.problem: str | None = None
        self._band, self._seed = band, seed
        self._played: list[Note] = []
        self._line: float | None = None  # of the bar that is made next
        self._guess: list[Note] = []
        self._guessed_until = 0.0
        self._is_guessing = self._is_made = self._is_corrected = False
        self._bars_made = 0

    def situation(self) -> str:
        """Return "waiting" or "accompanying"."""
        return "waiting" if self._line is None else "accompanying"

    def heard(self, partner: Partner, beats: float, frame: int, data: bytes) -> None:  # noqa: ARG002
        """Begin with the bar after the player's first note."""
        if is_note_on(data) and self._line is None:
            music = partner.transport
            self._line = music.next_line(beats + _LEAD_BEATS + 0.1, music.bar_beats)
            self._begin_bar()

    def step(self, partner: Partner, beats: float, frame: int) -> None:  # noqa: ARG002
        """Guess, make, correct, each at its time."""
        self._listen(partner, partner.hands.take_ready(beats))
        if self._line is None:
            return
        bar = partner.transport.bar_beats
        if self._is_guessing:
            self._guess_one(partner)
        elif not self._is_made and beats >= self._line - _LEAD_BEATS:
            self._listen(partner, partner.hands.take_at_once())
            self._is_guessing, self._guessed_until = True, self._line
            self._moment = partner.pen.moment
        elif self._is_made and not self._is_corrected and beats >= self._line + bar / 2 - 0.2:
            self._correct(partner, beats)
        if beats >= self._line + bar - _LEAD_BEATS and self._is_corrected:
            self._go_on(partner, beats)

    def was_cut(self, partner: Partner, beats: float) -> None:
        """Make the rest of the bar anew."""
        if self._line is not None and self._is_made:
            self._make(partner, max(beats, self._line))

    def begin_anew(self, partner: Partner) -> None:  # noqa: ARG002 - the protocol's
        """Wait for the player."""
        self._played, self._line = [], None
        self._begin_bar()

    def _begin_bar(self) -> None:
        self._guess = []
        self._is_guessing = self._is_made = self._is_corrected = False

    def _go_on(self, partner: Partner, beats: float) -> None:
        """Turn to the next bar, unless the player has long been silent."""
        assert self._line is not None
        bar = partner.transport.bar_beats
        last = max((note.start_beats for note in self._played), default=0.0)
        if beats - last >= _SILENT_BARS * bar:
            self.begin_anew(partner)
            return
        self._line += bar
        self._begin_bar()

    def _listen(self, partner: Partner, notes: tuple[Note, ...]) -> None:
        notes = partner.pen.feed(notes)
        shown = partner.beats - (_SHOWN_BARS + 1) * partner.transport.bar_beats
        self._played = [n for n in (*self._played, *notes) if n.start_beats >= shown]

    def _guess_one(self, partner: Partner) -> None:
        """Draw one note of the player's next bar; with the last one the band plays."""
        assert self._line is not None
        end = self._line + partner.transport.bar_beats
        composer, blend = partner.pen.composer, partner.phrasing.blend
        note, after = composer.draw(
            self._moment,
            replace(partner.phrasing.asked(), register=None),
            blend,
            self._guessed_until,
        )
        if note.start_beats < end and len(self._guess) < _MOST_GUESSED:
            self._guess.append(note)
            self._moment = composer.feed(after, note, is_own=True)
            return
        partner.pen.moment = replace(partner.pen.moment, drawn=after.drawn)
        self._is_guessing, self._is_made = False, True
        self._make(partner, self._line)

    def _correct(self, partner: Partner, beats: float) -> None:
        """Make the second half anew if the first was not as it had been guessed."""
        assert self._line is not None
        self._is_corrected = True
        self._listen(partner, partner.hands.take_at_once())
        guessed = _onsets(self._guess, self._line, beats)
        if guessed != _onsets(self._played, self._line, beats):
            partner.cut(self._line + partner.transport.bar_beats / 2)

    def _make(self, partner: Partner, from_beats: float) -> None:
        """Let the band make this bar and plan what comes from a position on."""
        assert self._line is not None
        bar = partner.transport.bar_beats
        begins = max(0.0, self._line - (_SHOWN_BARS - 1) * bar)
        known = [n for n in self._played if n.start_beats < max(from_beats, partner.beats)]
        guess = [n for n in self._guess if n.start_beats >= partner.beats]
        shown = _phrase((*known, *guess), begins, self._line + bar)
        for part, track in enumerate(self._tracks(partner, shown)):
            for note in track.notes:
                start = note.start_beats + begins
                if from_beats - 1e-6 <= start < self._line + bar:
                    partner.plan.add(
                        Planned(partner.phrasing.felt(replace(note, start_beats=start)), part)
                    )
        self._bars_made += 1

    def _tracks(self, partner: Partner, shown: Phrase) -> tuple[Track, ...]:
        """Ask the band; where it fails, the guess an octave lower stands in for it."""
        controls = replace(partner.phrasing.constraints, candidates=_CANDIDATES)
        bars = round(shown.length_beats / partner.transport.bar_beats)
        try:
            return self._band.generate(bars, self._seed + self._bars_made, controls, shown).tracks
        except Exception as reason:  # whatever it is, the music goes on
            self.problem = f"the band has failed ({first_line(reason, 120)})"
            return (_lower(shown.tracks[0]),)


def _phrase(notes: Iterable[Note], begins: float, ends: float) -> Phrase:
    """Return the notes that begin in a span, counted from its beginning."""
    inside = [note for note in notes if begins - 1e-6 <= note.start_beats < ends]
    moved = [replace(n, start_beats=max(0.0, n.start_beats - begins)) for n in inside]
    return Phrase.of(tuple(sorted(moved)), ends - begins)


def _lower(track: Track) -> Track:
    notes = tuple(replace(n, pitch=n.pitch - 12 if n.pitch >= 12 else n.pitch) for n in track.notes)
    return replace(track, notes=notes)


def _onsets(notes: Iterable[Note], begins: float, ends: float) -> set[tuple[int, int]]:
    """Return what began in a span, roughly: the nearest eighth and the pitch."""
    return {
        (round((n.start_beats - begins) / 0.5), n.pitch)
        for n in notes
        if begins - _NEAR_BEATS <= n.start_beats < ends - _NEAR_BEATS
    }
