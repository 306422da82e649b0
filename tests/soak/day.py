"""A day of virtual time: random hands, nonsense bytes and a partner on the real kernel."""

from __future__ import annotations

import gc
import random
from dataclasses import dataclass, field

import numpy as np
import psutil

from instrument.midi.messages import is_note_on, message_of
from instrument.partner.engine_bridge import LivePartner
from instrument.partner.open_partner import open_partner
from instrument.preset.partner_options import PartnerOptions
from instrument.realtime.memory.constants import CHANNEL_COUNT, PARTNER_SOURCE
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.music.wild_bytes import random_packets
from tests.helpers.sounds.tones import fill_bank
from tests.soak.player import hands_away, random_hands

RATE_HZ = 8_000
BLOCK_FRAMES = 160
HANDS, CABLE = 0, 1  # sources
_MINUTE = 60 * RATE_HZ
_NONSENSE_BYTES = 120  # a minute
_SOUNDS_PITCHES = range(24, 104, 4)


@dataclass(slots=True)
class Lived:
    """What came of it.

    Attributes
    ----------
    sent, applied
        Note-ons of the hands.
    answered
        Note-ons of the partner.
    stuck
        Keys that were down and voices that sounded a minute after the hands had gone; in all.
    meters
        The engine's counters at the end.
    megabytes
        Of the whole process, after each quarter of an hour.
    """

    sent: int = 0
    applied: int = 0
    answered: int = 0
    stuck: int = 0
    meters: dict[str, int] = field(default_factory=dict)
    megabytes: list[float] = field(default_factory=list)

    @property
    def growth_mb_per_hour(self) -> float:
        """How the process grows, once an hour has been lived through."""
        settled = self.megabytes[4:]
        return 4.0 * float(np.polyfit(range(len(settled)), settled, 1)[0])


def live_through(
    minutes: int, seed: int, mode: str = "answer", *, silence_every: int = 15
) -> Lived:
    """Play for some minutes of virtual time; every fifteenth, or so, is for silence."""
    day = _Day(seed, mode)
    for minute in range(1, minutes + 1):
        if minute % silence_every:
            day.play()
        else:
            day.rest()
    day.lived.meters = {
        name: int(day.engine.state.meters[name])
        for name in ("late_events", "lost_events", "invalid_samples", "cut_steals")
    }
    return day.lived


class _Day:
    """One engine, one partner, one pair of hands."""

    def __init__(self, seed: int, mode: str) -> None:
        self.engine = OfflineEngine(RATE_HZ, BLOCK_FRAMES, note_seconds=1.0)
        self.lived = Lived()
        state = self.engine.state
        fill_bank(state, 1, _SOUNDS_PITCHES, frames=RATE_HZ)
        state.channels["bank"] = 1
        options = PartnerOptions(mode=mode, model="ngram", seed=seed)  # type: ignore[arg-type]
        self._partner = LivePartner(state, open_partner(options, RATE_HZ))
        self._log = state.read_log()
        self._rng = random.Random(seed)
        self._hands = random_hands(self._rng)

    def play(self) -> None:
        """Let the hands play for a minute, and a loose cable beside them."""
        begin = self.engine.state.clock
        packets = random_packets(self._rng.randrange(1 << 30), _NONSENSE_BYTES, _MINUTE)
        events = [(begin + frame, CABLE, data) for frame, data in packets]
        at = begin
        for pause, message in self._hands:
            at += round(pause * RATE_HZ)
            if at >= begin + _MINUTE:
                break
            events.append((at, HANDS, message))
        for frame, source, data in sorted(events):
            self.lived.sent += source == HANDS and is_note_on(data)
            self.engine.send(frame, data, source=source)
        self._go_on(_MINUTE)

    def rest(self) -> None:
        """Take the hands away for a minute, see what still sounds, and look at the memory."""
        for source in (HANDS, CABLE):
            for message in hands_away():
                self.engine.send(-1, message, source=source)
        self._go_on(_MINUTE)
        state = self.engine.state
        old = state.voices["start_frame"] < state.clock - _MINUTE // 2
        self.lived.stuck += int(((state.voices["stage"] > 0) & old).sum())
        self.lived.stuck += int(
            (state.fields["held_by"][:PARTNER_SOURCE, :CHANNEL_COUNT] > 0).sum()
        )
        gc.collect()
        self.lived.megabytes.append(psutil.Process().memory_info().rss / 2**20)

    def _go_on(self, frames: int) -> None:
        for _ in range(frames // BLOCK_FRAMES):
            sound = self.engine.render(BLOCK_FRAMES)
            assert np.abs(sound).max() <= 1.0  # false for what is no number, too
            self._partner.follow()
        for event in self._log.read():
            if is_note_on(message_of(event)):
                self.lived.applied += event["source"] == HANDS
                self.lived.answered += event["source"] == PARTNER_SOURCE
