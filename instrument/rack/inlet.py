"""What a rack is built from: the sound that comes in, its knobs, the tempo, the partner's voice."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from instrument.errors import RackError
from instrument.rack.knob import Knob

GLIDE_SECONDS = 0.02
"""In which a knob arrives where it was turned to."""
PARTNER_VOICES = 4
_FORMANTS_HZ = (500.0, 1500.0, 2500.0)


class Inlet:
    """Handed to a rack's ``build(pyo, inlet)``.

    Parameters
    ----------
    pyo
        The library.
    tables
        Of the left and the right channel, one block long.
    knobs, values
        The rack's knobs and where they stand.
    rate_hz, block_frames
        Of the server.
    impulse
        Writes an impulse response and returns its file.

    Attributes
    ----------
    sound
        pyo object, two streams: what comes in, left and right.
    mono
        The same, one stream.
    beat
        Seconds of one beat, a pyo object.
    """

    def __init__(
        self,
        pyo: ModuleType,
        tables: list[Any],
        knobs: tuple[Knob, ...],
        values: tuple[float, ...],
        rate_hz: float,
        block_frames: int,
        impulse: Callable[[], Path],
    ) -> None:
        self._pyo, self._impulse = pyo, impulse
        self.rate_hz, self.block_frames = rate_hz, block_frames
        self.sound = pyo.TableScan(tables)
        self.mono = self.sound.mix(1) * 0.5
        self.beat = pyo.SigTo(0.5, GLIDE_SECONDS, 0.5)
        self._knobs = {
            knob.name: pyo.SigTo(value, GLIDE_SECONDS, value)
            for knob, value in zip(knobs, values, strict=True)
        }
        self._strikes: list[tuple[int, Any, Any]] = []

    def knob(self, name: str) -> Any:
        """Return a knob as a pyo object, which glides to where it is turned.

        Raises
        ------
        RackError
            The rack declares none of that name.
        """
        if name not in self._knobs:
            raise RackError(f"KNOBS declares no knob {name!r}")
        return self._knobs[name]

    @cached_property
    def impulse(self) -> str:
        """The WAV file of an impulse response at `rate_hz`: the player's, or a hall."""
        return str(self._impulse())

    @cached_property
    def partner(self) -> Any:
        """The partner's notes, as a buzzing voice with vowels: one stream."""
        pyo = self._pyo
        for _ in range(PARTNER_VOICES):
            pitch = pyo.SigTo(110.0, 0.01, 110.0)
            level = pyo.SigTo(0.0, 0.03, 0.0)
            self._strikes.append((-1, pitch, level))
        buzz = pyo.Mix([pyo.LFO(p, sharp=0.9, type=0, mul=v) for _, p, v in self._strikes], 1)
        open_mouth = pyo.Sine(0.7, mul=0.3, add=1.0)
        vowels = [pyo.Reson(buzz, freq=open_mouth * hz, q=4.0) for hz in _FORMANTS_HZ]
        return pyo.Mix([*vowels, buzz * 0.2], 1)

    def turn(self, values: tuple[float, ...]) -> None:
        """Turn the knobs, in order."""
        for knob, value in zip(self._knobs.values(), values, strict=True):
            knob.value = value

    def strike(self, pitch: int, velocity: int) -> None:
        """Let the partner's voice strike a note; velocity 0 lets it go."""
        index = next((k for k, (held, _, _) in enumerate(self._strikes) if held == pitch), -1)
        if not self._strikes or (index < 0 and velocity == 0):
            return
        index = max(index, 0)  # the one that was struck longest ago
        _, frequency, level = self._strikes.pop(index)
        level.value = velocity / 127.0
        if velocity:
            frequency.value = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
        self._strikes.insert(
            len(self._strikes) if velocity else 0, (pitch if velocity else -1, frequency, level)
        )
