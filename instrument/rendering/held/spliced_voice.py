"""A held note of any model that gives whole tones, from any moment on, and never the same.

In: a tone as it lies in the table, and which stretch of it is steady. Out: half seconds of sound at
the device's rate. While the table's tone is there, it is the same sound. Then pieces of the steady
stretch follow each other, of random place and length, each joined where its wave fits best; and the
pitch begins to wander, by a few cents, as that of anything that is blown, bowed or sung does.
A half second is a function of the note and its number alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from instrument.music.pitch import pitch_to_hz
from instrument.realtime.memory.constants import CHUNK_SECONDS, LOUD, LOWEST_PITCH
from instrument.rendering.held.partials import HOP_FRAMES, RATE_HZ
from instrument.rendering.held.splicing import next_piece
from instrument.rendering.held.stream_state import StreamState
from instrument.rendering.held.voice import StreamedNote

Floats = NDArray[np.float32]

_JOIN_SECONDS, _LOOK_SECONDS = 0.04, 0.02
_SHORTEST_PIECE = 0.3  # of the steady stretch
_KEPT_SECONDS = 2.0  # of what was made, for whoever asks for a half second again
_MARGIN = 4  # frames that the wandering reads around itself
_WANDER_SHARE = 0.003  # of the frequency, rms, at drift 1: 5 cents, as for the frame voice
_WANDER_TURNS = 0.3
_WANDER_HZ = (0.15, 0.9)
_WANDER_LINES = 3
_WANDER_SECONDS = 1.0  # until it wanders in full


class SplicedSource:
    """The held notes of a bank whose tones lie in the table. Belongs to one thread.

    Parameters
    ----------
    state
        The engine block.
    bank
        Where the tones are.
    """

    is_open, slides = True, False  # there is no model to open, and so no way to slide

    def __init__(self, state: StreamState, bank: int) -> None:
        self._state, self._bank = state, bank

    def voice(self, note: StreamedNote, seconds: float) -> SplicedVoice:
        """Return a note that sounds on from the steady stretch that begins so long after it."""
        key, rate_hz = note.pitch - LOWEST_PITCH, round(self._state.rate_hz)
        end = int(self._state.slots[self._bank][LOUD, key]["loop_end"])
        weights = np.asarray(note.weights, np.float32)
        tone = weights @ self._state.tones[self._bank][:, key, :end]
        return SplicedVoice(tone, round(seconds * rate_hz), note, rate_hz)

    def slid_voice(self, note: StreamedNote, seconds: float) -> SplicedVoice:
        """Return what a note's slide adds to it: nothing."""
        silent = replace(note, weights=(0.0, 0.0))
        return self.voice(silent, seconds)

    def open(self) -> None:
        """Do nothing."""

    def knows_slide(self, pitch: int, seconds: float) -> bool:  # noqa: ARG002 - as `HeldSource`
        """Return True: there is nothing to look at."""
        return True

    def look_at_slide(self, pitch: int, seconds: float) -> None:
        """Do nothing."""


class SplicedVoice:
    """One note of the hands.

    Parameters
    ----------
    tone
        float32, shape (frames,), from the strike to the end of its loop, at the device's rate.
    steady_from
        The loop's first frame.
    note
        Whose.
    rate_hz
        Of the device.
    """

    def __init__(self, tone: Floats, steady_from: int, note: StreamedNote, rate_hz: int) -> None:
        self._note, self._rate_hz = note, rate_hz
        self._join, self._look = round(_JOIN_SECONDS * rate_hz), round(_LOOK_SECONDS * rate_hz)
        steady, least = tone[steady_from:], 2 * self._join + self._look
        if steady.size < least:  # a loop so short goes round first
            steady = np.resize(steady, least)
            tone = np.concatenate([tone[:steady_from], steady])
        self._tone, self._steady = tone, steady
        random = self._random(0)
        self._hz = random.uniform(*_WANDER_HZ, _WANDER_LINES)
        self._phase = random.random(_WANDER_LINES)
        f0_hz = float(pitch_to_hz(note.pitch))
        turns = np.minimum(_WANDER_TURNS, _WANDER_SHARE * f0_hz / (2.0 * np.pi * self._hz))
        reach = note.drift * turns * np.sqrt(2.0 / _WANDER_LINES) / f0_hz * rate_hz
        self._reach = reach  # in frames
        self._most = int(np.ceil(reach.sum())) + _MARGIN
        self._begin()

    def chunk(self, number: int) -> Floats:
        """Return a half second: float32, shape (frames,).

        Parameters
        ----------
        number
            Which one, from the strike on; best in order, as what came before has to be made first.
        """
        frames = round(CHUNK_SECONDS * self._rate_hz)
        first = number * frames
        if first - self._most < self._first:
            self._begin()
        while self._first + self._made.size < first + frames + self._most + self._join:
            self._splice()
        at = np.arange(first, first + frames)
        audio = _read_at(self._made, at + self._wander(at) - self._first)
        self._forget(first - round(_KEPT_SECONDS * self._rate_hz))
        return audio

    def _begin(self) -> None:
        self._made, self._first, self._pieces = self._tone, 0, 0

    def _splice(self) -> None:
        """Make what follows: another piece, from where it goes on best."""
        self._pieces += 1
        end, random = self._made[-self._join :], self._random(self._pieces)
        piece = next_piece(self._steady, end, self._look, _SHORTEST_PIECE, random)
        self._made = np.concatenate([self._made[: -self._join], piece])

    def _forget(self, until: int) -> None:
        """Let go of what nobody asks for any more: a note may be held for hours."""
        if until - self._first > self._rate_hz:
            self._made = self._made[until - self._first :].copy()
            self._first = until

    def _wander(self, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how many frames the note is ahead of itself."""
        joins = self._note.joins_hop * HOP_FRAMES / RATE_HZ
        far = np.clip((at / self._rate_hz - joins) / _WANDER_SECONDS, 0.0, 1.0)
        lines = np.sin(
            2.0 * np.pi * (self._hz[:, None] * at / self._rate_hz + self._phase[:, None])
        )
        return np.asarray(far * far * (3.0 - 2.0 * far) * (self._reach @ lines))

    def _random(self, draw: int) -> np.random.Generator:
        number = self._note.number & 0xFFFFFFFFFFFFFFFF
        return np.random.Generator(np.random.Philox(key=[number, (self._note.pitch << 32) + draw]))


def _read_at(audio: Floats, places: NDArray[np.float64]) -> Floats:
    """Read between frames, by the cubic through the four around (Catmull and Rom, 1974)."""
    whole = np.floor(places).astype(np.int64)
    part = (places - whole).astype(np.float32)
    a, b, c, d = (audio[np.maximum(whole + step, 0)] for step in (-1, 0, 1, 2))
    curve = b + 0.5 * part * (
        c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a))
    )
    return np.asarray(np.where(part == 0.0, b, curve), np.float32)
