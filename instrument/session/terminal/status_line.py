"""The status line: one line that says what plays, where, how soon, and whether it keeps up.

On a terminal it stays at the bottom and notices scroll above it. Elsewhere (a pipe, a log, a
service) there are only the notices, one per line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING

from instrument.partner.messages import View
from instrument.realtime.memory.state import EngineState

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

REFRESHES_PER_SECOND = 4


@dataclass(frozen=True, slots=True)
class Situation:
    """What does not change by itself from block to block.

    Attributes
    ----------
    preset
        Name of what new notes play.
    notes
        How far its notes are: ``""`` when all are there.
    provider
        Where they were rendered: "cpu", "cuda", or "cache".
    output
        What the engine plays on, in its own words.
    block_frames, rate_hz
        Frames per block and per second.
    latency_seconds
        From a note-on to its first sample at the device, as far as the device tells.
    song
        Position and length of the piece that is being played; empty without one.
    recording
        Seconds recorded, or None.
    partner
        What the partner does; empty without one.
    """

    preset: str = ""
    notes: str = ""
    provider: str = ""
    output: str = ""
    block_frames: int = 0
    rate_hz: float = 0.0
    latency_seconds: float = 0.0
    song: str = ""
    recording: float | None = None
    partner: str = ""


class LoadMeter:
    """How much of the audio thread's time the kernel takes, between one look and the next."""

    def __init__(self, state: EngineState) -> None:
        self._meters = state.meters
        self._busy_ns, self._at_ns = self._read()

    def percent(self) -> float:
        """Return the share of wall time since the last call, in per cent of one core."""
        busy_ns, at_ns = self._read()
        passed_ns = max(1, at_ns - self._at_ns)
        share = (busy_ns - self._busy_ns) / passed_ns
        self._busy_ns, self._at_ns = busy_ns, at_ns
        return 100.0 * share

    def _read(self) -> tuple[int, int]:
        return int(self._meters["callback_ns_sum"]), time.monotonic_ns()


def status_text(state: EngineState, situation: Situation, load_percent: float) -> Text:
    """Put a situation and the meters into one line."""
    from rich.text import Text  # a start does not wait for it

    meters = state.meters
    voices, underruns = int(meters["active_voices"]), int(meters["underruns"])
    latency_ms = 1000 * situation.latency_seconds
    text = Text(no_wrap=True, overflow="ellipsis")
    if situation.recording is not None:  # first: a narrow window cuts the end off
        text.append(f"● {clock(situation.recording)} ", style="red")
    text.append(situation.preset or "-", style="bold")
    parts = [
        situation.partner,
        situation.song,
        situation.notes,
        situation.provider,
        situation.output,
        f"{situation.block_frames} frames {latency_ms:.1f} ms" if situation.block_frames else "",
        f"{voices} voice{'' if voices == 1 else 's'}",
    ]
    for part in filter(None, parts):
        text.append(f" · {part}")
    text.append(" · ")
    text.append(
        f"{underruns} under-run{'' if underruns == 1 else 's'}", "red" if underruns else "green"
    )
    text.append(f" · load {load_percent:.0f} %")
    if meters["limiter_gain"] < 1:
        text.append(" · limiting", style="yellow")
    return text


def clock(seconds: float) -> str:
    """Write seconds as ``m:ss``."""
    seconds = max(0.0, seconds)
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class StatusLine:
    """Show notices and, on a terminal, the status line; use it in a ``with`` statement.

    Parameters
    ----------
    state
        The engine block whose meters are shown.
    console
        Where to write; stderr when not given, so that stdout stays free.
    """

    def __init__(self, state: EngineState, console: Console | None = None) -> None:
        self._state = state
        if console:
            self._console = console
        self._live: Live | None = None
        self._load = LoadMeter(state)
        self._due = 0.0
        self._view: View | None = None
        self.situation = Situation()
        self.also: Callable[[str, str], None] = lambda *_: None  #: told every notice, too

    @cached_property
    def _console(self) -> Console:
        """Made for the first notice: by then the other processes are starting."""
        from rich.console import Console

        return Console(stderr=True, highlight=False)

    def update(self, **changes: object) -> None:
        """Change the situation."""
        self.situation = replace(self.situation, **changes)  # type: ignore[arg-type]

    def say(self, notice: str, remedy: str = "") -> None:
        """Tell the player something, once."""
        self.also(notice, remedy)
        self._console.print(notice, markup=False, soft_wrap=True)
        if remedy:
            self._console.print(f"  {remedy}", markup=False, soft_wrap=True, style="dim")

    def show(self, view: View) -> None:
        """Show what the partner does, and its next notes above the line."""
        self._view = view
        bar, beat = divmod(view.beats, view.bar_beats)
        place = f"{int(bar) + 1}.{int(beat) + 1}"
        parts = (
            view.situation,
            "locked" if view.is_locked else "",
            view.key,
            view.knob,
            place,
            f"{view.bpm:.0f} bpm",
            view.clock,
        )
        self.update(partner=" · ".join(filter(None, parts)))

    def refresh(self) -> None:
        """Draw the line anew if it is time."""
        if self._live and time.monotonic() >= self._due:
            self._due = time.monotonic() + 1 / REFRESHES_PER_SECOND
            line = status_text(self._state, self.situation, self._load.percent())
            if self._view is not None:
                from instrument.partner.roll_view import draw_roll

                line = draw_roll(self._view, self._console.width).append_text(line)
            self._live.update(line, refresh=True)

    def __enter__(self) -> StatusLine:
        if self._console.is_terminal:
            from rich.live import Live

            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        live, self._live = self._live, None
        if live:
            live.stop()
