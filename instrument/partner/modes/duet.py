"""A second voice that goes on all the time and yields when the player is busy.

Every note of the player is told to the composer, and what was planned from there on is thought
anew. When the player strikes often, a chord counting once, the partner is silent until there is
room again.
"""

from __future__ import annotations

from instrument.midi.messages import is_note_on
from instrument.partner.partner import Partner

_BUSY_BEATS = 1.0


class Duet:
    """The mode "duet"."""

    def __init__(self) -> None:
        self._yields = False
        self._begins_at: float | None = None

    def situation(self) -> str:
        """Return "yielding" or "playing"."""
        if self._begins_at is None:
            return "waiting"
        return "yielding" if self._yields else "playing"

    def heard(self, partner: Partner, beats: float, frame: int, data: bytes) -> None:
        """Think anew after a strike; fall silent after many."""
        if not is_note_on(data):
            return
        music = partner.transport
        if self._begins_at is None:
            self._begins_at = music.next_line(beats + 1e-3, partner.options.division_beats)
        if self._is_busy(partner, beats):
            if not self._yields:
                partner.take_back()
            self._yields = True
        elif not self._yields:
            partner.cut_soon(frame, stands=partner.phrasing.rules.thinks_ahead_of_time)
        partner.pen.feed_at_once(partner.hands.take_at_once())

    def step(self, partner: Partner, beats: float, frame: int) -> None:  # noqa: ARG002
        """Compose as far as the horizon goes, if there is room."""
        if self._begins_at is None:
            return
        if self._yields:
            self._yields = self._is_busy(partner, beats)
            if self._yields:
                return
            self._begins_at = partner.transport.next_line(
                partner.soonest_beats(), partner.options.division_beats
            )
        horizon = beats + partner.options.horizon_bars * partner.transport.bar_beats
        last = partner.plan.written_beats
        if (last is None or last <= horizon) and partner.pen.has_time(beats):
            earliest = max(self._begins_at, partner.soonest_beats())
            partner.pen.compose_one(
                earliest, horizon + partner.transport.bar_beats, starts_now=False
            )

    def was_cut(self, partner: Partner, beats: float) -> None:
        """Go on composing: the plan is always filled up."""

    def begin_anew(self, partner: Partner) -> None:  # noqa: ARG002 - the protocol's
        """Wait for the player."""
        self._yields, self._begins_at = False, None

    def _is_busy(self, partner: Partner, beats: float) -> bool:
        since, hands = beats - _BUSY_BEATS, partner.hands
        is_meant = partner.phrasing.hears_what_is_meant
        strikes = hands.strokes_since(since) if is_meant else hands.strikes_since(since)
        return strikes >= partner.options.busy_strikes
