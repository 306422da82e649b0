"""Call and response: the partner listens to a phrase and answers on the beat.

A phrase ends after some silent beats, or when a controller says so. It takes twice the silence
where it does not sound like an end: within its first half bar, or on a short note outside the
tonic's chord. The pedal holds it open for some bars, and one brushed key is no phrase. The composer
has been told of every note on the way, so that its first note is there within a millisecond. The
answer is as long as the phrase, in whole bars, or as long as was asked for, and comes to rest.
Whoever strikes a key during an answer has the word again at once.
"""

from __future__ import annotations

import math

from instrument.midi.messages import DOWN, is_control, is_note_on
from instrument.partner.partner import Partner
from instrument.partner.planning.phrasing import Shape

_PEDAL_BARS = 2
_BRUSHED_BEATS = 0.5
_CLOSE_BEATS = 1.5  # before its end an answer comes to rest
_SHORTEST_LEAD_SECONDS = 0.015
"""A phrase that ends so shortly before a line is answered on that line, a later one on the next."""


class Answer:
    """The mode "answer"."""

    def __init__(self) -> None:
        self._phrase_start: float | None = None
        self._is_asked = False  # the controller has ended the phrase
        self._start = self._end = 0.0  # of the answer
        self._is_answering = False
        self._has_first = False
        self._is_composed = False

    def situation(self) -> str:
        """Return "answering", "listening" or "waiting"."""
        if self._is_answering:
            return "answering"
        return "waiting" if self._phrase_start is None else "listening"

    def heard(
        self,
        partner: Partner,
        beats: float,
        frame: int,  # noqa: ARG002 - the protocol's
        data: bytes,
    ) -> None:
        """Begin a phrase with a strike; take the answer back if there is one."""
        if is_note_on(data):
            if self._is_answering:
                partner.take_back()
                self.begin_anew(partner)
            if self._phrase_start is None:
                self._phrase_start = beats
                partner.phrasing.ear.begin_phrase()
        elif is_control(data, partner.options.end_control):
            self._is_asked = data[2] >= DOWN and self._phrase_start is not None

    def step(self, partner: Partner, beats: float, frame: int) -> None:
        """Tell the composer what was played; answer when the phrase has ended."""
        if self._is_answering:
            self._answer(partner, beats)
            return
        partner.pen.feed(partner.hands.take_ready(beats))
        if self._phrase_start is not None and self._is_brushed(partner, beats):
            self.begin_anew(partner)
        if self._phrase_start is not None and self._has_ended(partner, beats):
            self._begin_answer(partner, beats, frame)
            self._answer(partner, beats)

    def was_cut(self, partner: Partner, beats: float) -> None:  # noqa: ARG002 - the protocol's
        """Compose the rest of the answer again."""
        self._is_composed = False
        self._has_first = self._has_first and beats > self._start

    def begin_anew(self, partner: Partner) -> None:
        """Wait for a phrase."""
        partner.phrasing.shape = None
        self._phrase_start, self._is_asked, self._is_answering = None, False, False

    def _has_ended(self, partner: Partner, beats: float) -> bool:
        if self._is_asked:
            return True
        hands = partner.hands
        if hands.are_down or hands.last_beats is None:
            return False
        silence = beats - hands.last_beats
        if not partner.phrasing.hears_what_is_meant:
            return silence >= partner.options.silence_beats
        if hands.pedal_is_down and silence < _PEDAL_BARS * partner.transport.bar_beats:
            return False
        wanted = partner.options.silence_beats * (1 if self._sounds_ended(partner) else 2)
        return silence >= wanted

    def _sounds_ended(self, partner: Partner) -> bool:
        """Tell a phrase that has come to rest from one that takes a breath."""
        assert self._phrase_start is not None
        phrase, last = partner.phrasing.ear.phrase, partner.hands.last_beats or 0.0
        if last - self._phrase_start < partner.transport.bar_beats / 2.0 or not phrase:
            return False
        key = partner.phrasing.key
        rests = phrase[-1].length_beats >= 1.0
        return rests or key is None or phrase[-1].pitch % 12 in key.tonic_chord

    def _is_brushed(self, partner: Partner, beats: float) -> bool:
        """Tell a single short note, long ago, from a phrase."""
        hands = partner.hands
        if self._is_asked or hands.are_down or hands.pedal_is_down or hands.last_beats is None:
            return False
        assert self._phrase_start is not None
        is_short = hands.last_beats - self._phrase_start < _BRUSHED_BEATS
        return (
            partner.phrasing.hears_what_is_meant
            and is_short
            and hands.strokes_since(self._phrase_start) <= 1
            and beats - hands.last_beats >= 2.0 * partner.options.silence_beats - 1e-3
        )

    def _begin_answer(self, partner: Partner, beats: float, frame: int) -> None:
        options, music = partner.options, partner.transport
        partner.pen.feed(partner.hands.take_all(beats))
        soonest = music.beats_at(round(frame + _SHORTEST_LEAD_SECONDS * music.rate_hz))
        self._start = music.next_line(soonest, options.division_beats)
        assert self._phrase_start is not None
        heard_until = partner.hands.last_beats or beats
        bars = options.answer_bars or math.ceil(
            (heard_until - self._phrase_start) / music.bar_beats - 0.25
        )
        self._end = self._start + max(1, bars) * music.bar_beats
        self._is_answering, self._is_asked = True, False
        self._has_first = self._is_composed = False
        partner.phrasing.shape = Shape(self._start, self._end, self._end - _CLOSE_BEATS)

    def _answer(self, partner: Partner, beats: float) -> None:
        """Compose the next note as far as the horizon goes."""
        if beats >= self._end:
            self.begin_anew(partner)
            return
        earliest = max(self._start, partner.soonest_beats()) if self._has_first else self._start
        horizon = beats + partner.options.horizon_bars * partner.transport.bar_beats
        last = partner.plan.written_beats
        if self._is_composed or (last is not None and last > horizon):
            return
        if not partner.pen.has_time(beats):
            return
        planned = partner.pen.compose_one(earliest, self._end, starts_now=not self._has_first)
        self._has_first = True
        self._is_composed = planned is None
