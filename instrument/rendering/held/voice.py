"""A held note of the frame voice from any moment on, half a second at a time, and never the same.

In: `HeldPartials`, and which half second. Out: float32 at the voice's own rate. While the table's
tone is there, it is the same sound. Then its levels stay as they are, or die away as those of what
was struck do; beats and noise go on, and each partial's phase begins to wander by itself, as those
of anything that is blown, bowed or sung do. A chunk is a function of the note and the chunk's
number alone.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.rendering.held.partials import BINS, HOP_FRAMES, PARTIALS, RATE_HZ, HeldPartials

Floats = NDArray[np.float32]

CHUNK_HOPS = 50
_HOPS_PER_SECOND = RATE_HZ // HOP_FRAMES
_WANDER_TURNS = 0.3  # rms, at drift 1
_WANDER_SHARE = 0.003  # of a partial's frequency, rms: 5 cents
_WANDER_HZ = (0.15, 0.9)
_WANDER_LINES = 3
_WANDER_SECONDS = 1.0  # until it wanders in full
_WANDER_DRAW = (1 << 24) - 1
_SILENCE = 1e-9  # below it nothing is told apart
_WINDOW = np.sin(np.pi * (np.arange(2 * HOP_FRAMES) + 0.5) / (2 * HOP_FRAMES)).astype(np.float32)
_RISE = (np.arange(HOP_FRAMES) / HOP_FRAMES).astype(np.float32)


@dataclass(frozen=True, slots=True)
class StreamedNote:
    """What tells one held note from another.

    Attributes
    ----------
    pitch
        The key.
    number
        The voice's own (`realtime.expression.variation`): nobody else has its noise.
    weights
        Of the soft and the loud layer.
    drift
        How much it wanders, 0 to 1.
    joins_hop
        From when on it does.
    """

    pitch: int
    number: int
    weights: tuple[float, float]
    drift: float
    joins_hop: float


@dataclass(frozen=True, slots=True)
class Before:
    """How a tone came to what is held: two moments of it, and that of what is held.

    Attributes
    ----------
    hops
        float64, (3,): when, in order.
    amplitudes, noise
        At the first two: float32, (2, 2, P) and (2, 2, 480), as `HeldPartials` has them.
    """

    hops: NDArray[np.float64]
    amplitudes: Floats
    noise: Floats


@dataclass(frozen=True, slots=True)
class After:
    """How a tone that was struck dies away from what is held.

    Attributes
    ----------
    hops
        float64, (n + 1,): when, in order; the first is that of what is held.
    amplitudes, noise
        At the n others: float32, (n, 2, P) and (n, 2, 480), as `HeldPartials` has them.
    """

    hops: NDArray[np.float64]
    amplitudes: Floats
    noise: Floats


class HeldVoice:
    """One note of the hands.

    Parameters
    ----------
    partials
        What sounds.
    note
        Whose.
    seed
        The bundle's, which all tones begin with.
    drawn_hops
        So far the tone of the table has noise.
    before
        What came before; as if it had always been held when not given.
    after
        What comes of it; held evenly when not given.
    """

    def __init__(
        self,
        partials: HeldPartials,
        note: StreamedNote,
        seed: int,
        drawn_hops: int,
        before: Before | None = None,
        after: After | None = None,
    ) -> None:
        weights = np.asarray(note.weights, np.float32)
        self._partials, self._note, self._seed, self._drawn = partials, note, seed, drawn_hops
        self._levels = [weights @ partials.amplitudes]
        self._gains = [weights @ partials.noise]
        self._knots = np.zeros(1)
        self._falls, self._noise_falls = _Fall.none(), _Fall.none()
        if after:
            self._falls = _Fall.of(after.hops, self._levels[0], weights @ after.amplitudes)
            self._noise_falls = _Fall.of(after.hops, self._gains[0], weights @ after.noise)
        if before:
            self._levels = [*(weights @ before.amplitudes), *self._levels]
            self._gains = [*(weights @ before.noise), *self._gains]
            self._knots = np.log(before.hops)
        basis = _circle(partials.cycles[:, None] * np.arange(HOP_FRAMES))
        self._waves = np.concatenate([basis.real, -basis.imag]).astype(np.float32)
        random = self._random(_WANDER_DRAW)
        shape = (_WANDER_LINES, PARTIALS)  # each partial has its own, whichever others are heard
        self._wander_hz = random.uniform(*_WANDER_HZ, shape)[:, partials.numbers]
        self._wander_phase = random.random(shape)[:, partials.numbers]
        most = _WANDER_SHARE * RATE_HZ * partials.cycles / (2.0 * np.pi * self._wander_hz)
        reach = note.drift * np.minimum(_WANDER_TURNS, most)
        self._wander_reach = reach * np.sqrt(2.0 / _WANDER_LINES)

    def render(self, first_hop: int, hops: int) -> Floats:
        """Return float32, shape (480 hops,), from a hop of the tone on."""
        return self._tonal(first_hop, hops) + self._noise(first_hop, hops)

    def _tonal(self, first_hop: int, hops: int) -> Floats:
        """Add up partials whose amplitudes go in straight lines from hop to hop."""
        partials = self._partials
        hop = np.arange(first_hop, first_hop + hops + 1, dtype=np.float64)[:, None]
        phase = _circle(partials.start_turns + hop * HOP_FRAMES * partials.cycles)
        up, down = (
            _circle(phases + hop * turns)
            for phases, turns in zip(partials.beat_phases, partials.beat_turns, strict=True)
        )
        level = self._falls.lower(hop, self._course(hop, self._levels))
        moving = level * (1.0 + partials.depth * (up + down)) * _circle(self._wander(hop))
        before, after = moving[:-1] * phase[:-1], moving[1:] * phase[:-1]
        ends = np.stack([before, after - before], axis=1)  # (hops, 2, P)
        ends = np.concatenate([ends.real, ends.imag], axis=2).astype(np.float32)
        lines = ends @ self._waves  # hop by hop, so small that BLAS keeps to one core
        return np.asarray((lines[:, 0] + lines[:, 1] * _RISE).ravel(), np.float32)

    def _course(self, hop: NDArray[np.float64], levels: list[Floats]) -> Floats:
        """Return levels at hops (n, 1): in straight lines between those known, over log time."""
        if len(levels) == 1:
            return levels[0]
        place = np.interp(np.log(np.maximum(hop, 1.0)), self._knots, np.arange(len(levels)))
        shares = (np.maximum(1.0 - np.abs(place - knot), 0.0) for knot in range(len(levels)))
        return np.asarray(
            sum(share * level for share, level in zip(shares, levels, strict=True)), np.float32
        )

    def _wander(self, hop: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far each partial's phase has wandered, in turns, (hops, P)."""
        seconds = hop / _HOPS_PER_SECOND
        far = np.clip((hop - self._note.joins_hop) / (_WANDER_SECONDS * _HOPS_PER_SECOND), 0.0, 1.0)
        turns = np.zeros((len(hop), len(self._levels[-1])))
        for hz, phase, reach in zip(
            self._wander_hz, self._wander_phase, self._wander_reach, strict=True
        ):
            turns += reach * np.sin(2.0 * np.pi * (hz * seconds + phase))
        return np.asarray(far * far * (3.0 - 2.0 * far) * turns)

    def _noise(self, first_hop: int, hops: int) -> Floats:
        white = self._white(first_hop, hops + 1)
        spectrum = np.zeros((hops + 1, BINS + 1), np.complex64)
        hop = np.arange(first_hop, first_hop + hops + 1, dtype=np.float64)[:, None]
        gains = self._noise_falls.lower(hop, self._course(hop, self._gains))
        spectrum.real[:, :BINS] = gains * white[:, 0]
        spectrum.imag[:, :BINS] = gains * white[:, 1]
        spectrum[:, 0] *= 2.0
        frames = np.fft.irfft(spectrum, axis=1) * (_WINDOW * np.float32(np.sqrt(BINS)))
        return np.asarray((frames[:-1, HOP_FRAMES:] + frames[1:, :HOP_FRAMES]).ravel(), np.float32)

    def _white(self, first_hop: int, rows: int) -> Floats:
        """Return rows of the tone's noise: those of the table, then this note's own."""
        end = first_hop + rows
        chunks = range(first_hop // CHUNK_HOPS, -(-end // CHUNK_HOPS))
        own = [
            self._random(chunk).standard_normal(
                (min(CHUNK_HOPS, end - CHUNK_HOPS * chunk), 2, BINS), dtype=np.float32
            )
            for chunk in chunks
        ]
        white = np.concatenate(own)[first_hop % CHUNK_HOPS :]
        if first_hop < self._drawn:
            until = min(end, self._drawn)
            drawn = _table_noise(self._seed, self._note.pitch, self._drawn)
            white[: until - first_hop] = drawn[first_hop:until]
        return white

    def _random(self, draw: int) -> np.random.Generator:
        strikes, fellow = self._note.number & 0xFFFFFFFF, self._note.number >> 32
        place = self._seed + (self._note.pitch << 33) + (fellow << 40)
        return np.random.Generator(np.random.Philox(key=[place, (strikes << 24) + draw]))


@dataclass(frozen=True, slots=True)
class _Fall:
    """How levels (P,) fall in straight lines of dB, from one moment to the next and on for ever."""

    hops: NDArray[np.float64]  #: (m,), when each line begins
    lost: NDArray[np.float64]  #: (m, P), nepers that are lost by then
    slopes: NDArray[np.float64]  #: (m, P), nepers per hop

    @classmethod
    def none(cls) -> _Fall:
        return cls(np.zeros(0), np.zeros((0, 1)), np.zeros((0, 1)))

    @classmethod
    def of(cls, hops: NDArray[np.float64], held: Floats, after: Floats) -> _Fall:
        """Describe how `held` (P,) comes to `after` (m, P); nothing ever grows."""
        levels = np.maximum(np.concatenate([held[None], after]), _SILENCE).astype(np.float64)
        lost = np.maximum.accumulate(np.log(levels[0] / levels), axis=0)
        slopes = np.diff(lost, axis=0) / np.diff(hops)[:, None]
        return cls(hops[:-1], lost[:-1], slopes)

    def lower(self, hop: NDArray[np.float64], levels: Floats) -> Floats:
        """Return levels (P,) or (n, P) as they are at hops (n, 1)."""
        if not self.hops.size:
            return levels
        line = np.maximum(np.searchsorted(self.hops, hop[:, 0], side="right") - 1, 0)
        gone = np.maximum(hop - self.hops[line, None], 0.0)
        return np.asarray(levels * np.exp(-self.lost[line] - self.slopes[line] * gone), np.float32)


class SlidVoice:
    """What a note's slide adds to it: the far end of its preset's way, less the note itself.

    Both ends have the same frequencies, phases, wandering and noise, so that any share of the
    difference, added to the note, lies between them in timbre alone.

    Parameters
    ----------
    near, far
        The note itself, and the other end.
    gain
        Of the far one.
    """

    def __init__(self, near: HeldVoice, far: HeldVoice, gain: float) -> None:
        self._near, self._far, self._gain = near, far, np.float32(gain)

    def render(self, first_hop: int, hops: int) -> Floats:
        """Return float32, shape (480 hops,), from a hop of the tone on."""
        far = self._far.render(first_hop, hops) * self._gain
        return np.asarray(far - self._near.render(first_hop, hops), np.float32)


@functools.lru_cache(maxsize=16)
def _table_noise(seed: int, pitch: int, hops: int) -> Floats:
    """Return what the tones of a key draw, (hops, 2, 480): 1 MB, and 5 ms of work."""
    random = np.random.Generator(np.random.Philox(key=[seed, pitch]))
    random.random((4, PARTIALS), dtype=np.float32)
    return random.standard_normal((hops, 2, BINS), dtype=np.float32)


def _circle(turns: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return e to the i times an angle in turns."""
    angle = 2.0 * np.pi * (turns - np.round(turns))
    circle = np.empty(angle.shape, np.complex128)
    circle.real, circle.imag = np.cos(angle), np.sin(angle)
    return circle
