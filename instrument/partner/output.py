"""The partner's way out: what is planned becomes messages, shortly before its time.

In: a `Plan`. Out: messages with their frames, for our voices and for the MIDI output; whatever was
struck is let go. Clicks and clock ticks go the same way.
"""

from __future__ import annotations

from collections import deque

from instrument.partner.clocks.metronome import BeatKeeper
from instrument.partner.planning.phrasing import Phrasing
from instrument.partner.planning.plan import Plan, Planned
from instrument.partner.sounding_notes import Message, SentNote, SoundingNotes
from instrument.partner.timeline import HAND_OVER_SECONDS, Timeline
from instrument.realtime.memory.constants import TO_OUT, TO_VOICES

_SHOWN_NOTES = 64


class Output:
    """Hand over what begins and ends soon.

    Parameters
    ----------
    time
        Tells the frames of positions.
    phrasing
        Knows where notes go, and how many may sound at once.

    Attributes
    ----------
    ledger
        What sounds.
    lately
        The last notes that were handed over.
    until_beats
        Everything before it has been sent.
    """

    def __init__(self, time: Timeline, phrasing: Phrasing) -> None:
        self._time, self._phrasing = time, phrasing
        self.ledger = SoundingNotes(self._frame_of, leaves_at_once=phrasing.rules.leaves_at_once)
        self.lately: deque[Planned] = deque(maxlen=_SHOWN_NOTES)
        self.until_beats = 0.0
        options = phrasing.options
        self._beat_keeper = BeatKeeper(
            clicks=options.metronome,
            sends_clock=options.sends_clock,
            count_in_beats=options.count_in_bars * time.transport.bar_beats,
        )
        self._messages: list[Message] = []

    @property
    def is_sounding(self) -> bool:
        """Something of ours sounds."""
        return bool(len(self.ledger))

    def take(self) -> list[Message]:
        """Take what is to be sent."""
        messages, self._messages = self._messages, []
        return messages

    def hand_over(self, plan: Plan) -> None:
        """Send what begins or ends soon."""
        music, frame = self._time.transport, self._time.frame
        ahead = frame + (HAND_OVER_SECONDS + self._early_seconds) * music.rate_hz
        until = music.beats_at(round(ahead))
        self.until_beats = until
        for planned in plan.take_until(until):
            self._strike(planned)
        self._messages += self.ledger.let_go_until(until)
        self._messages += self._beat_keeper.until(until, music, frame)

    def let_all_go(self) -> None:
        """Let everything go that sounds."""
        self._messages += self.ledger.let_all_go(self._time.frame)

    def begin_anew(self) -> None:
        """Go on from another position, with nothing that sounds."""
        self.let_all_go()
        self.lately.clear()
        self.until_beats = 0.0
        if not self._time.transport.is_running:
            self._messages += self._beat_keeper.go_to(self._time.beats, self._time.frame)
        elif not self._phrasing.hears_what_is_meant:
            self._beat_keeper.tell_again(self._time.beats)

    def end(self) -> list[Message]:
        """Return what lets everything go, for good."""
        time = self._time
        return [
            *self.ledger.let_all_go(time.frame),
            *self._beat_keeper.go_to(time.beats, time.frame),
        ]

    def _strike(self, planned: Planned) -> None:
        note, options = planned.note, self._phrasing.options
        self.lately.append(planned)
        places = ((TO_VOICES, options.voice_channels), (TO_OUT, options.output_channels))
        keys = tuple(
            SentNote(
                to, channels[planned.part % len(channels)], self._frame_of(to, note.start_beats)
            )
            for to, channels in places
            if channels
        )
        begins = min((key.frame for key in keys), default=self._time.frame)
        room = self._most_sounding - 1
        self._messages += self.ledger.make_room(room, begins, note.start_beats)
        self._messages += self.ledger.strike(note.pitch, note.velocity, keys, note.end_beats)

    @property
    def _most_sounding(self) -> int:
        is_band = self._phrasing.options.mode == "accompany"
        return self._phrasing.options.polyphony if is_band else self._phrasing.polyphony

    @property
    def _early_seconds(self) -> float:
        options = self._phrasing.options
        return options.out_early_milliseconds / 1e3 if options.output_channels else 0.0

    def _frame_of(self, to: int, beats: float) -> int:
        """Return when a message for a position is to be sent, never in the past."""
        music = self._time.transport
        early = self._early_seconds if to == TO_OUT else 0.0
        return max(music.frame_at(beats) - round(early * music.rate_hz), self._time.frame)
