"""Single keys of the terminal, without Enter, where there is one."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from instrument.partner.commands import (
    Accept,
    BarLine,
    ComeToEnd,
    Command,
    Keep,
    Learn,
    Lock,
    LockKey,
    Silence,
    Tap,
    ThinkAgain,
)
from instrument.partner.knobs import KNOBS

#: What a key of the computer asks the partner for.
KEYS: dict[str, Command] = {
    "t": Tap(),
    "b": BarLine(),
    "r": ThinkAgain(),
    "a": Accept(),
    "l": Lock(),
    "s": Silence(),
    "e": ComeToEnd(),
    "g": LockKey(),
    "k": Keep(),
    **{str(number): Learn(knob) for number, knob in enumerate(KNOBS, start=1)},
}
HELP = (
    "? shows this; "
    "t taps the tempo, b marks a bar line (twice: the meter), r thinks again, a accepts, l locks, "
    "s silences, e ends, g stays in the key, k keeps the take; "
    f"1-{len(KNOBS)} learn a knob: then turn a controller ({', '.join(KNOBS)})"
)


class TerminalKeys:
    """Read keys while the body of a ``with`` statement lasts; none if stdin is no terminal."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        self.is_there = sys.stdin is not None and sys.stdin.isatty()

    def read(self) -> str:
        """Return the next key that was struck, or nothing; never waits."""
        if not self.is_there:
            return ""
        if sys.platform == "win32":
            import msvcrt

            return msvcrt.getwch() if msvcrt.kbhit() else ""
        import select

        ready, _, _ = select.select([sys.stdin], [], [], 0.0)
        return sys.stdin.read(1) if ready else ""

    def __enter__(self) -> TerminalKeys:
        if self.is_there and sys.platform != "win32":
            import termios
            import tty

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)  # Ctrl-C goes on to work
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._before is not None and sys.platform != "win32":
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)
