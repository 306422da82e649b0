"""What the engine block tells: meters, the keys that sound and are ready, the MIDI monitor."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from instrument.midi.messages import message_of
from instrument.panel.messages.news import Heard, Keys, Meters
from instrument.panel.pictures import PICTURE_PITCH, picture_of
from instrument.realtime.memory.constants import (
    CONTROL_SOURCE,
    FREE,
    LOUD,
    LOWEST_PITCH,
    OUR_SOURCE,
    PANEL_SOURCE,
    PARTNER_SOURCE,
    RELEASE,
)
from instrument.realtime.memory.state import EngineState

HOLD_SECONDS = 2.0
"""So long the highest peak stays to be seen."""
_MOST_HEARD = 100
_WORDS = {
    0x80: "note off",
    0x90: "note on",
    0xA0: "key pressure",
    0xB0: "controller",
    0xC0: "program",
    0xD0: "pressure",
    0xE0: "bend",
}
_WHO = {
    OUR_SOURCE: "MIDI port",
    PANEL_SOURCE: "panel",
    CONTROL_SOURCE: "song",
    PARTNER_SOURCE: "partner",
}


class Watcher:
    """Look at the engine; it never notices.

    Parameters
    ----------
    state
        The engine block.
    """

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._log = state.read_log()
        self._busy_ns, self._at_ns = 0, time.monotonic_ns()
        self._level = Level(state)
        self.partner_channels: frozenset[int] = frozenset()

    def meters(self, listeners: int, pages: int, key_p99_ms: float) -> Meters:
        """Return how it goes; the load is that since the last call."""
        meters = self._state.meters
        busy_ns, now_ns = int(meters["callback_ns_sum"]), time.monotonic_ns()
        load = (busy_ns - self._busy_ns) / max(1, now_ns - self._at_ns)
        self._busy_ns, self._at_ns = busy_ns, now_ns
        peak, hold = self._level.look()
        return Meters(
            seconds=self._state.clock / (self._state.rate_hz or 1.0),
            peak=peak,
            hold=hold,
            limiter_gain=float(meters["limiter_gain"]),
            load=min(1.0, max(0.0, load)),
            voices=int(meters["active_voices"]),
            underruns=int(meters["underruns"]),
            late=int(meters["late_events"]),
            lost=int(meters["lost_events"]),
            stolen=int(meters["stolen_voices"]),
            late_streams=int(meters["late_streams"]),
            late_racks=int(meters["late_racks"]),
            listeners=listeners,
            pages=pages,
            key_p99_ms=round(key_p99_ms, 1),
        )

    def keys(self) -> Keys:
        """Return what sounds by whom, and how far the tones of what new notes play are."""
        voices = self._state.voices
        sounds = (
            (voices["stage"] != FREE)
            & (voices["stage"] != RELEASE)
            & ~voices["is_fading"].astype(bool)
        )
        pairs = {
            (int(voice["pitch"]), int(int(voice["channel"]) in self.partner_channels))
            for voice in voices[sounds]
        }
        slots = self._state.slots[self.bank, LOUD]
        begun = slots["frames_ready"] > 0
        whole = begun & (slots["frames_ready"] == slots["frames_whole"])
        ready = "".join(str(int(state)) for state in begun.astype(int) + whole)
        return Keys(tuple(sorted(pairs)), ready)

    @property
    def bank(self) -> int:
        """What new notes play."""
        return int(self._state.channels[0]["bank"])

    def heard(self) -> Heard | None:
        """Return the MIDI messages since the last call, at most the last hundred."""
        events = self._log.read()
        events = events[(events["command"] == 0) & (events["status"] < 0xF0)][-_MOST_HEARD:]
        if not len(events):
            return None
        rate_hz = self._state.rate_hz or 1.0
        return Heard(
            tuple(
                (float(event["time_frames"]) / rate_hz, _who(int(event["source"])), _said(event))
                for event in events
            )
        )

    def picture(self) -> str:
        """Draw middle C of what plays; empty while it is not whole, or lies elsewhere."""
        if not int(self._state.fields["slot_stride"]):
            return ""
        slot = self._state.slots[self.bank, LOUD, PICTURE_PITCH - LOWEST_PITCH]
        frames = int(slot["frames_ready"])
        if not frames or frames != int(slot["frames_whole"]):
            return ""
        tone = self._state.tones[self.bank, LOUD, PICTURE_PITCH - LOWEST_PITCH, :frames]
        return picture_of(np.asarray(tone), self._state.rate_hz)


class Level:
    """How loud it is: every sample counts, not only the block that happens to be looked at.

    Parameters
    ----------
    state
        The engine block.
    now
        Seconds; a test has its own.
    """

    def __init__(self, state: EngineState, now: Callable[[], float] = time.monotonic) -> None:
        self._state, self._now = state, now
        self._sound = state.read_recording()
        self._hold = self._held_at = 0.0

    def look(self) -> tuple[float, float]:
        """Return the highest sample since the last call, and that of the last seconds."""
        now, most = self._now(), int(HOLD_SECONDS * (self._state.rate_hz or 1.0))
        if int(self._state.fields["record_ring"]["head"]) - self._sound.position > most:
            self._sound = self._state.read_recording()  # nobody has looked for long
        block = float(self._state.meters["peak"])  # all that a plug-in's host tells
        peak = float(np.abs(self._sound.read()).max(initial=block))
        if peak >= self._hold or now - self._held_at > HOLD_SECONDS:
            self._hold, self._held_at = peak, now
        return round(peak, 4), round(self._hold, 4)


def _who(source: int) -> str:
    return _WHO.get(source, f"keyboard {source}")


def _said(event: np.void) -> str:
    message = message_of(event)
    channel = (message[0] & 0x0F) + 1
    return f"{_WORDS[message[0] & 0xF0]} {' '.join(map(str, message[1:]))} · channel {channel}"
