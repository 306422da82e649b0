"""A loop that never comes back the same: some bars are captured, and one of them is new each time.

Capturing begins with the bar in which the player begins. The loop then goes round; from its second
pass on one bar after the other is composed anew, in the sense of what was captured; the others are
as they were played, so that the loop never wanders off. What the player
plays over it is left alone; the controller that ends phrases lets the loop begin anew.
"""

from __future__ import annotations

from dataclasses import replace

from instrument.midi.messages import DOWN, is_control, is_note_on
from instrument.music.note import Note
from instrument.partner.partner import Partner
from instrument.partner.planning.plan import Planned


class Loop:
    """The mode "loop"."""

    def __init__(self) -> None:
        self._start: float | None = None  # where capturing began: a bar line
        self._captured: list[Note] = []
        self._notes: tuple[Note, ...] = ()  # of the last pass, from its beginning
        self._played: tuple[Note, ...] = ()  # what the player looped
        self._passes = 0  # planned so far
        self._new_from = self._new_until = 0.0  # the bar that is being composed

    def situation(self) -> str:
        """Return "waiting", "capturing" or "looping"."""
        if self._start is None:
            return "waiting"
        return "looping" if self._passes else "capturing"

    def heard(self, partner: Partner, beats: float, frame: int, data: bytes) -> None:
        """Begin to capture with a strike; begin anew with the controller."""
        music = partner.transport
        if is_note_on(data) and self._start is None:
            self._start = music.next_line(beats - music.bar_beats + 1e-3, music.bar_beats)
        elif is_control(data, partner.options.end_control) and data[2] >= DOWN:
            partner.cut_soon(frame)
            self.begin_anew(partner)

    def step(self, partner: Partner, beats: float, frame: int) -> None:  # noqa: ARG002
        """Capture, then plan pass after pass, and compose the bar that is new."""
        if self._start is None:
            partner.hands.take_ready(beats)
            return
        length = partner.options.loop_bars * partner.transport.bar_beats
        if self._passes == 0:
            self._captured += partner.hands.take_ready(beats)
            if beats < self._start + length - partner.time.soon_beats:
                return
            self._keep(partner, beats, length)
        next_start = self._start + (self._passes + 1) * length
        if self._new_from < self._new_until:
            self._compose(partner)
        elif next_start - beats < partner.transport.bar_beats:
            self._plan_pass(partner, next_start, length)

    def was_cut(self, partner: Partner, beats: float) -> None:
        """Put the captured notes back; the new bar is composed from here on."""
        if self._start is None or not self._passes:
            return
        length = partner.options.loop_bars * partner.transport.bar_beats
        start = self._start + self._passes * length
        has_new = self._passes > 1
        new = (self._new_bar_start(start, partner), self._new_until) if has_new else (0.0, 0.0)
        self._notes = tuple(
            n for n in self._notes if not _is_in(n, new, start) or start + n.start_beats < beats
        )
        for note in self._notes:
            if start + note.start_beats >= beats:
                partner.plan.add(Planned(_moved(note, start)))
        if has_new and beats < self._new_until:
            self._new_from = max(beats, new[0])

    def begin_anew(self, partner: Partner) -> None:  # noqa: ARG002 - the protocol's
        """Wait for the player."""
        self.__init__()  # type: ignore[misc]

    def _keep(self, partner: Partner, beats: float, length: float) -> None:
        """Close the loop and plan its first return."""
        assert self._start is not None
        self._captured += partner.hands.take_all(beats)
        kept = [_moved(note, -self._start) for note in self._captured]
        self._notes = tuple(
            replace(note, length_beats=min(note.length_beats, length - note.start_beats))
            for note in kept
            if note.start_beats < length
        )
        self._played = self._notes
        partner.pen.listen(self._played)
        self._add(partner, self._notes, self._start + length)
        self._passes = 1

    def _plan_pass(self, partner: Partner, start: float, length: float) -> None:
        """Plan the bars that stay; begin to compose the one that does not."""
        bar_beats = partner.transport.bar_beats
        bar = (self._passes - 1) % partner.options.loop_bars * bar_beats
        if partner.phrasing.hears_what_is_meant:
            self._notes = self._played
        stays = tuple(n for n in self._notes if not bar <= n.start_beats < bar + bar_beats)
        partner.pen.moment = partner.pen.composer.begin(
            start - length, bar_beats, partner.pen.moment.drawn
        )
        partner.pen.remind(tuple(_moved(note, start - length) for note in self._notes))
        partner.pen.remind(tuple(_moved(note, start) for note in stays if note.start_beats < bar))
        self._add(partner, stays, start)
        self._notes = stays
        self._passes += 1
        self._new_from, self._new_until = start + bar, start + bar + bar_beats

    def _compose(self, partner: Partner) -> None:
        planned = partner.pen.compose_one(self._new_from, self._new_until, starts_now=False)
        if planned is None:
            self._new_from = self._new_until
            return
        assert self._start is not None
        length = partner.options.loop_bars * partner.transport.bar_beats
        start = self._start + self._passes * length
        self._notes = tuple(sorted((*self._notes, _moved(planned, -start))))

    def _new_bar_start(self, start: float, partner: Partner) -> float:
        bar_beats = partner.transport.bar_beats
        return start + (self._passes - 2) % partner.options.loop_bars * bar_beats

    def _add(self, partner: Partner, notes: tuple[Note, ...], start: float) -> None:
        for note in notes:
            partner.plan.add(Planned(_moved(note, start)))


def _moved(note: Note, by_beats: float) -> Note:
    return replace(note, start_beats=max(0.0, note.start_beats + by_beats))


def _is_in(note: Note, span: tuple[float, float], start: float) -> bool:
    return span[0] <= start + note.start_beats < span[1]
