"""The web panel of one plug-in instance: the same process as that of `latentkeys play`.

The instance's engine block lies in the host, so the panel gets one that stands for it: what its
pages play is taken out of the block's ring and goes to the plug-in, and what the plug-in sees of
its own is written into it. What pages ask for goes to the instance, which answers as control does::

    PANEL shows port token  →   PANEL_AT port token: how its address can be had again
    SEEN figures keys           what `FIGURES` and `FIRST_KEY_CHARACTER` say
                            →   NOTE status d1 d2; LET_GO and PANIC of everything
                            →   SHAPED n carries, n bytes: the preset that plays has been changed
                            →   TURN id value: a parameter
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from instrument.panel.messages.link import FromControl, NowPlaying, PanelSettings, Report, Serving
from instrument.panel.supervised_panel import SupervisedPanel, open_browser
from instrument.processes.json_lines import Notice
from instrument.realtime.memory.constants import DECAY, FREE, LOUD, LOWEST_PITCH, PITCH_COUNT
from instrument.realtime.memory.state import EngineState

FIGURES = 6
"""Voices, stolen ones, lost and late messages, the peak of the last block, the limiter's gain."""
FIRST_KEY_CHARACTER = ord("a")
"""Of a key: 0 not rendered yet, 1 its attack, 2 whole; 3 more: you play it; 6 more: the partner."""
FOLLOW_SECONDS = 0.03
KEY_SECONDS = 0.002
"""How soon a key of a page goes on its way."""
AWAKE_SECONDS = 5.0
"""So long after a key the next one is expected at any moment; then they are looked for rarely."""
_TOKEN_BYTES = 24


class InstancePanel:
    """Keep one instance's panel going until `close`.

    Parameters
    ----------
    folder
        For its session; it must exist.
    rate_hz
        The host's.
    address
        Port and token of the panel that an earlier service has shown, or 0 and nothing.
    say
        Takes lines for the plug-in.
    hear
        Takes what pages have asked for, which may be nothing, every `FOLLOW_SECONDS` on a thread of
        this object's.
    """

    def __init__(
        self,
        folder: Path,
        rate_hz: int,
        address: tuple[int, str],
        say: Callable[[str], None],
        hear: Callable[[Sequence[Report | Notice]], None],
    ) -> None:
        self._say, self._hear = say, hear
        self._state = EngineState.create(folder)
        self._state.fields["rate_hz"] = rate_hz
        port, token = address
        self._settings = PanelSettings(
            port=port, token=token or secrets.token_urlsafe(_TOKEN_BYTES), any_port=True
        )
        self._is_closed = threading.Event()
        self._process = _Process(self._state, folder, self._settings, self._let_go)
        self._address = ""
        self._shows = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_there(self) -> bool:
        """It has not given up."""
        return self._process.is_there

    def open(self) -> None:
        """Show it in a browser, now or as soon as it is there."""
        self._shows = True

    def tell(self, message: FromControl) -> None:
        """Tell its pages what goes on."""
        with self._lock:
            self._process.tell(message)

    def assume(self, message: NowPlaying) -> None:
        """Take it that its pages know this: they have asked for it."""
        with self._lock:
            self._process.assume(message)

    def see(self, words: list[bytes], partner_channel: int) -> None:
        """Take what the plug-in has seen of its kernel.

        Raises
        ------
        ValueError
            It is nonsense.
        """
        *figures, keys = words
        meters = self._state.meters
        names = ("active_voices", "stolen_voices", "lost_events", "late_events")
        for name, value in zip((*names, "peak", "limiter_gain"), figures, strict=True):
            meters[name] = float(value)
        seen = [key - FIRST_KEY_CHARACTER for key in keys]
        if len(seen) != PITCH_COUNT or not all(0 <= key < 12 for key in seen):
            raise ValueError(f"what are {keys!r}?")
        slots = self._state.slots[int(self._state.channels[0]["bank"]), LOUD]
        slots["frames_whole"] = [2 if key % 3 == 1 else 1 for key in seen]
        slots["frames_ready"] = [min(1, key % 3) for key in seen]
        sounding = [
            (index + LOWEST_PITCH, channel)
            for index, key in enumerate(seen)
            for bit, channel in ((1, -1), (2, partner_channel))
            if key // 3 & bit
        ]
        voices = self._state.voices
        for voice, (pitch, channel) in zip(voices, sounding, strict=False):
            voice["pitch"], voice["channel"], voice["stage"] = pitch, channel, DECAY
        voices[len(sounding) :]["stage"] = FREE

    def close(self) -> None:
        """Let it end, soon."""
        self._is_closed.set()

    def _run(self) -> None:
        followed_at = played_at = 0.0
        try:
            while not self._is_closed.is_set():
                now = time.monotonic()
                if self._carry_keys():
                    played_at = now
                if now - followed_at > FOLLOW_SECONDS:
                    followed_at = now
                    self._follow()
                is_awake = now - played_at < AWAKE_SECONDS
                self._is_closed.wait(KEY_SECONDS if is_awake else 4 * KEY_SECONDS)
        finally:
            self._process.end()

    def _carry_keys(self) -> bool:
        """Pass on what the pages play; tell whether there was anything."""
        has_played = False
        while (event := self._state.panel_ring.pop()) is not None:
            self._tell_plugin(f"NOTE {event['status']} {event['data1']} {event['data2']}")
            has_played = True
        return has_played

    def _follow(self) -> None:
        with self._lock:
            reports = self._process.follow()
        for report in reports:
            if isinstance(report, Serving):
                self._address = report.address
                self._tell_plugin(f"PANEL_AT {report.port} {self._settings.token}")
        with suppress(OSError):  # the plug-in has gone: its connection says so
            self._hear([report for report in reports if not isinstance(report, Serving)])
        if self._shows and self._address:
            self._shows = False
            threading.Thread(target=self._open_browser, daemon=True).start()  # some wait for it

    def _open_browser(self) -> None:
        if not open_browser(self._address):
            self._tell_plugin(f"NOTICE Panel: {self._address}")

    def _let_go(self) -> None:
        self._tell_plugin("LET_GO")

    def _tell_plugin(self, line: str) -> None:
        try:
            self._say(line)
        except OSError:
            self._is_closed.set()  # it has gone


class _Process(SupervisedPanel):
    """The panel's process; when it ends, the keys that its pages held are let go."""

    def __init__(
        self,
        state: EngineState,
        folder: Path,
        settings: PanelSettings,
        let_go: Callable[[], None],
    ) -> None:
        self._let_go = let_go
        super().__init__(state, folder, settings, "The plug-in plays on; open the panel again.")

    def _clean_up(self) -> None:
        self._let_go()
