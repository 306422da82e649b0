"""Between a plug-in instance and its panel: what pages ask for is done as in `latentkeys play`.

What cannot be in a host (sound cards, keyboards, takes, a click) is refused in words; the page does
not offer it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import msgspec

from instrument.errors import LatentkeysError
from instrument.panel.messages.link import (
    IN_A_HOST,
    CallPartner,
    DismissPartner,
    NowPlaying,
    Panic,
    PlayFile,
    Report,
)
from instrument.partner.commands import Accept, ComeToEnd, Lock, LockKey, Silence, ThinkAgain
from instrument.partner.messages import View
from instrument.plugin.instance_panel import InstancePanel
from instrument.preset.preset import Preset, list_presets, load_preset
from instrument.processes.json_lines import Failed, Notice

QUIET_SECONDS, LONGEST_SECONDS = 0.25, 1.0
"""A drag that stops for so long, or has gone on for so long, has its sound rendered."""
_TO_PARTNER = (Accept, ComeToEnd, Lock, LockKey, Silence, ThinkAgain)


class PanelOf(Protocol):
    """An instance as its panel sees it."""

    def choose(self, path: Path) -> None:
        """Let it play another preset."""

    def shape(self, path: Path, *, carries: bool) -> None:
        """Let what it plays become another preset."""

    def call_partner(self, request: CallPartner | None) -> None:
        """Let such a partner play along, or none."""

    def ask_partner(self, command: msgspec.Struct) -> None:
        """Ask the partner for something."""

    def silence(self) -> None:
        """End every sound at once."""

    def needs_tones(self, preset: Preset) -> bool:
        """Tell whether a preset has other tones than what plays."""


class PanelWishes:
    """Serve one instance's panel, from the first time it is opened.

    Parameters
    ----------
    instance
        What it is about.
    folder
        Where its session lies.
    say
        Takes lines for the plug-in.
    """

    def __init__(self, instance: PanelOf, folder: Path, say: Callable[[str], None]) -> None:
        self._instance, self._folder, self._say = instance, folder / "panel", say
        self._panel: InstancePanel | None = None
        self._situation = NowPlaying(kind=IN_A_HOST, output="the host")
        self._chosen: Path | None = None  #: a preset of the library, or of the song
        self._waiting: PlayFile | None = None
        self._waits_since = self._wished_at = self._played_at = -LONGEST_SECONDS
        # The host's wishes and the pages' come in threads of their own.
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """There is one."""
        return self._panel is not None

    def open(self, rate_hz: int, address: tuple[int, str], *, shows: bool) -> None:
        """Have a panel, in a browser or where an earlier service has shown it.

        Raises
        ------
        OSError
            There is no room for its session.
        """
        if self._panel and not self._panel.is_there:
            self._panel.close()
            self._panel = None
        if self._panel is None:
            self._folder.mkdir(exist_ok=True)
            panel = InstancePanel(self._folder, rate_hz, address, self._say, self._hear)
            self._situation = msgspec.structs.replace(self._situation, rate_hz=float(rate_hz))
            panel.tell(self._situation)
            self._panel = panel
        if shows:
            self._panel.open()

    def show_song(self, path: Path) -> None:
        """Show the preset that the host has brought, by its card if it is one of the library."""
        preset = None
        with suppress(LatentkeysError):
            preset = load_preset(path)
        same = (entry.path for entry in list_presets() if preset and entry.preset == preset)
        self.show(next(same, path))

    def show(self, path: Path) -> None:
        """Show a preset that has been chosen elsewhere."""
        self._chosen, self._waiting = path, None
        self._tell(preset=str(path))

    def show_partner(self, channels: tuple[int, ...] | None) -> None:
        """Show the partner that plays along, on these channels; None without one."""
        self._tell(has_partner=channels is not None, partner_channels=channels or ())

    def show_view(self, view: View) -> None:
        """Show what the partner does."""
        if self._panel:
            self._panel.tell(msgspec.structs.replace(view, clock="the host's tempo"))

    def notice(self, message: str) -> None:
        """Show what the player reads as the plug-in's status."""
        if self._panel:
            self._panel.tell(Notice(message))

    def see(self, words: list[bytes]) -> None:
        """Take what the plug-in has seen of its kernel.

        Raises
        ------
        ValueError
            It is nonsense.
        """
        if self._panel:
            channels = self._situation.partner_channels
            self._panel.see(words, channels[0] if channels else -1)

    def close(self) -> None:
        """End it."""
        if self._panel:
            self._panel.close()

    def _tell(self, **changes: object) -> None:
        with self._lock:
            self._situation = msgspec.structs.replace(self._situation, **changes)
            if self._panel:
                self._panel.tell(self._situation)

    def _hear(self, reports: Sequence[Report | Notice]) -> None:
        """Do what pages have asked for, and what it is time for."""
        for report in reports:
            with self._told():
                self._do(report)
        now = time.monotonic()
        is_time = now - self._wished_at > QUIET_SECONDS or now - self._waits_since > LONGEST_SECONDS
        if self._waiting and is_time:
            with self._told():
                self._play(self._waiting)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell the pages what goes wrong."""
        try:
            yield
        except LatentkeysError as problem:
            self.notice(f"{problem.message}. {problem.remedy}")
        except OSError as problem:
            self.notice(f"This cannot be: {problem}")

    def _do(self, report: Report | Notice) -> None:
        if isinstance(report, PlayFile):
            self._wish(report)
        elif isinstance(report, Panic):
            self._instance.silence()
        elif isinstance(report, CallPartner):
            self._instance.call_partner(report)
        elif isinstance(report, DismissPartner):
            self._instance.call_partner(None)
        elif isinstance(report, _TO_PARTNER):
            self._instance.ask_partner(report)
        elif isinstance(report, (Notice, Failed)):
            self._say(f"NOTICE {report.message}. {report.remedy}")
        else:
            self.notice("The host does this")

    def _wish(self, wish: PlayFile) -> None:
        """Play it at once, unless that would have tones rendered which the next one drops."""
        now = time.monotonic()
        self._waits_since = self._waits_since if self._waiting else now
        self._wished_at, self._waiting = now, wish
        is_quick = not self._instance.needs_tones(load_preset(wish.path))
        if is_quick or now - self._played_at > LONGEST_SECONDS:
            self._play(wish)

    def _play(self, wish: PlayFile) -> None:
        self._waiting, self._played_at = None, time.monotonic()
        path = Path(wish.path)
        with self._lock:  # the pages know already
            self._situation = msgspec.structs.replace(self._situation, preset=wish.path)
            if self._panel:
                self._panel.assume(self._situation)
        is_changed = path.parent == self._folder / "panel"  # the workbench's
        if is_changed or path == self._chosen:
            self._instance.shape(path, carries=wish.carries)
        else:
            self._chosen = path
            self._instance.choose(path)
