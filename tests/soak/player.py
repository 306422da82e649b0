"""Random hands: what a keyboard sends in a long evening, note by note."""

from __future__ import annotations

import random
from collections.abc import Iterator

from instrument.midi.messages import control_change, note_off, note_on, pitch_bend

CHANNELS = 16
_MOST_HELD = 10
_PEDALS = (64, 66, 67)
_OTHER_CONTROLS = (1, 7, 10, 11, 74)


def random_hands(rng: random.Random) -> Iterator[tuple[float, bytes]]:
    """Yield messages without end, each with the seconds that pass before it.

    Some eight strikes a second with rests of up to twenty seconds; at most ten keys are down.
    """
    held: list[tuple[int, int]] = []
    while True:
        pause = rng.expovariate(16.0)
        if rng.random() < 0.002:
            pause = rng.uniform(2.0, 20.0)
        kind, channel = rng.random(), rng.choice((0, 0, 0, rng.randrange(CHANNELS)))
        if held and (len(held) == _MOST_HELD or kind < 0.45):
            yield pause, note_off(*held.pop(rng.randrange(len(held))))
        elif kind < 0.92:
            held.append((rng.randrange(24, 100), channel))
            yield pause, note_on(held[-1][0], rng.randrange(1, 128), channel)
        elif kind < 0.95:
            yield pause, pitch_bend(rng.randrange(-8192, 8192), channel)
        else:
            control = rng.choice(_PEDALS if kind < 0.97 else _OTHER_CONTROLS)
            yield pause, control_change(control, rng.choice((0, 40, 127)), channel)


def hands_away() -> list[bytes]:
    """Return what lets go of everything: pedals up and all notes off, on every channel."""
    return [
        control_change(control, 0, channel)
        for channel in range(CHANNELS)
        for control in (*_PEDALS, 123)
    ]
