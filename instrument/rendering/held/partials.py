"""What a frame voice plays while a key is held: its partials and its noise at one moment of a tone.

In: a bundle of kind "frame_voice", a key, a latent. Out: `HeldPartials`, from which
`instrument.rendering.held.voice` makes the tone's sound at any later time without a graph.

The bundle's step graph says nothing of frequencies and levels: it has state in and state out. But
its state *is* partials and phases, so one step from a state of zeros shows them: without motion the
partials that come out are the amplitudes, with motion they are those times the copies; the phases
are one hop's turns; the noise that comes out for an impulse is the shape of the bands. Turns are
known without their whole part. That is found again: the stretch of the series lies on known steps,
of which one fits, and a mode's frequency follows from how its turns differ a little higher up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.open_graph import OpenGraph
from instrument.errors import BundleError
from instrument.music.pitch import pitch_to_hz
from instrument.realtime.memory.constants import LOUD_VELOCITY, SOFT_VELOCITY
from instrument.rendering.renderer import FULL_VELOCITY

Floats = NDArray[np.float32]

HOP_FRAMES = 480
"""The voice's own grid: 10 ms at 48 kHz."""
RATE_HZ = 48_000
HARMONICS, MODES, BINS = 128, 12, 480
PARTIALS = HARMONICS + MODES

_HOP_SECONDS = HOP_FRAMES / RATE_HZ
_A_LITTLE = 1.0 / 64.0  # semitones; the highest partial makes less than half a turn more
_STRETCHES = 2.0 ** (np.arange(-20 * 16, 1) / 16.0) - 2.0**-20  # `training.frame_voice.model`
_QUIET = 1e-6  # partials below are left out
_GRAPH = "step_8"
_LOUD, _SOFT, _MOVING, _LOUD_NOISE, _SOFT_NOISE, _HIGHER, _FIRST, _TUNED = range(8)
_TUNING = [_HIGHER, _FIRST, _TUNED]


@dataclass(frozen=True, slots=True)
class HeldPartials:
    """A key at one moment, for both velocity layers (soft, loud); P partials that are heard.

    Attributes
    ----------
    cycles
        float64, (P,): frequencies in cycles per frame.
    start_turns
        float64, (P,): phases at the tone's first frame.
    amplitudes
        float32, (2, P).
    depth
        float32, (P,): level of each partial's two detuned copies over its own.
    beat_phases, beat_turns
        float64, (2, P): where the copies begin, and how far they turn per hop.
    noise
        float32, (2, 480): amplitudes of the noise's bins, 50 Hz apart.
    numbers
        int64, (P,): which of the model's partials they are.
    level
        Of the key over the instrument's middle one, in all that is here; float32, (2, 1).
    """

    cycles: NDArray[np.float64]
    start_turns: NDArray[np.float64]
    amplitudes: Floats
    depth: Floats
    beat_phases: NDArray[np.float64]
    beat_turns: NDArray[np.float64]
    noise: Floats
    numbers: NDArray[np.int64]
    level: Floats


class PartialsProbe:
    """Find out what a frame voice plays. Belongs to one thread; a look takes about 6 ms.

    Parameters
    ----------
    bundle
        A bundle of kind "frame_voice" with the step graph of eight voices.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._what = bundle.what
        self.seed = int(bundle.constant("seed", 0, (0, 2**32)))
        runtime = Runtime(1, "cpu")
        self._step = bundle.open_graph(_GRAPH, runtime)
        self._attack = bundle.open_graph("attack", runtime)

    def look(
        self,
        pitch: int,
        latent: Floats,
        motion: float,
        seconds: float,
        tuned_as: Floats | None = None,
        soft: Floats | None = None,
    ) -> HeldPartials:
        """Return what sounds some time into a held tone.

        Parameters
        ----------
        latent
            float32, shape (24,).
        motion
            Depth of the motion, 1 = as recorded.
        seconds
            Since the key went down.
        tuned_as
            Another latent, whose frequencies and phases its partials shall have; float32, (24,).
        soft
            The latent of soft notes, if they have one of their own; float32, (24,).

        Raises
        ------
        BundleError
            A graph fails, or gives no finite numbers.
        """
        random = np.random.Generator(np.random.Philox(key=[self.seed, pitch]))
        phases = random.random((4, PARTIALS), dtype=np.float32)
        tensors = self._tensors(pitch, latent, seconds)
        tensors["pitch"][_HIGHER] += _A_LITTLE
        _ask_for_both_layers(tensors, slice(_LOUD, _SOFT + 1), slice(_LOUD_NOISE, _SOFT_NOISE + 1))
        tensors["motion"][_MOVING] = motion
        tensors["motion_phases"][:] = phases
        tensors["since_onset"][_FIRST] = 0.0
        if tuned_as is not None:
            tensors["latent"][_TUNING] = tuned_as
        if soft is not None:
            _let_be_soft(tensors, [_SOFT, _SOFT_NOISE], soft)
        outputs = self._run(tensors)
        beats = _centred(outputs["beats_out"][_MOVING].astype(np.float64))
        amplitudes = outputs["partials_out"][[_SOFT, _LOUD], :PARTIALS]
        moved = outputs["partials_out"][_MOVING]
        level = self._levels(pitch, latent, soft)
        heard = ((amplitudes * level).max(axis=0) > _QUIET) & (amplitudes.min(axis=0) > 0.0)
        copies = np.cos(2.0 * np.pi * beats).sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = (moved[:PARTIALS] / amplitudes[1] - 1.0) / copies
        return HeldPartials(
            cycles=self._cycles(pitch, outputs["phases_out"])[heard],
            start_turns=outputs["phases_out"][_FIRST, heard].astype(np.float64),
            amplitudes=amplitudes[:, heard] * level,
            depth=depth[heard].astype(np.float32),
            beat_phases=phases[:2, heard].astype(np.float64),
            beat_turns=beats[:, heard],
            noise=_noise(outputs, [_SOFT_NOISE, _LOUD_NOISE], [_SOFT, _LOUD]) * level,
            numbers=np.flatnonzero(heard),
            level=level,
        )

    def look_at(
        self,
        pitch: int,
        latent: Floats,
        partials: HeldPartials,
        seconds: tuple[float, float],
        soft: Floats | None = None,
    ) -> tuple[Floats, Floats]:
        """Return what a tone's partials and noise are at two other moments.

        Parameters
        ----------
        latent
            float32, shape (24,).
        partials
            As `look` found them.
        seconds
            Since the key went down.
        soft
            The latent of soft notes, if they have one of their own; float32, (24,).

        Returns
        -------
        amplitudes, noise
            float32, (2, 2, P) and (2, 2, 480): as in `HeldPartials`, moment by moment.

        Raises
        ------
        BundleError
            A graph fails, or gives no finite numbers.
        """
        tensors = self._tensors(pitch, latent, 0.0)
        tensors["since_onset"][:] = np.tile(np.asarray(seconds, np.float32), 4)
        _ask_for_both_layers(tensors, slice(0, 4), slice(4, 8))
        if soft is not None:
            _let_be_soft(tensors, [2, 3, 6, 7], soft)
        outputs = self._run(tensors)
        amplitudes, noise = [], []
        for moment in range(2):
            layers = [moment + 2, moment]  # soft, loud
            amplitudes.append(outputs["partials_out"][layers][:, partials.numbers])
            noise.append(_noise(outputs, [moment + 6, moment + 4], layers))
        return np.stack(amplitudes) * partials.level, np.stack(noise) * partials.level

    def look_after(
        self,
        pitch: int,
        latent: Floats,
        partials: HeldPartials,
        seconds: float,
        since_release: NDArray[np.float64],
    ) -> Floats:
        """Return what a tone's partials are after its key was let go, at velocity 115.

        Parameters
        ----------
        latent
            float32, shape (24,).
        partials
            As `look` found them.
        seconds
            So long the key was held.
        since_release
            Seconds after that, shape (n,).

        Returns
        -------
        ndarray
            float32, (n, P).

        Raises
        ------
        BundleError
            A graph fails, or gives no finite numbers.
        """
        found = []
        rows = len(_zeros(self._step)["pitch"])
        for start in range(0, len(since_release), rows):
            since = since_release[start : start + rows]
            tensors = self._tensors(pitch, latent, seconds)
            tensors["since_onset"][: len(since)] = seconds + since
            tensors["since_release"][: len(since)] = np.where(since > 0.0, since, -1.0)
            found.append(self._run(tensors)["partials_out"][: len(since)][:, partials.numbers])
        after: Floats = np.concatenate(found) * partials.level[1]
        return after

    def _tensors(self, pitch: int, latent: Floats, seconds: float) -> dict[str, Floats]:
        """Return what the graph takes: a held key in all its rows, without motion and noise."""
        tensors = _zeros(self._step)
        tensors["latent"][:] = latent
        tensors["pitch"][:] = pitch
        tensors["velocity"][:] = LOUD_VELOCITY / FULL_VELOCITY
        tensors["since_onset"][:] = max(seconds, _HOP_SECONDS)
        tensors["since_release"][:] = -1.0
        return tensors

    def _run(self, tensors: dict[str, Floats]) -> dict[str, Floats]:
        outputs = self._step.run(tensors)
        if not all(np.isfinite(found).all() for found in outputs.values()):
            raise BundleError(f"{self._what}: gives no finite sound for this latent")
        return outputs

    def _levels(self, pitch: int, latent: Floats, soft: Floats | None) -> Floats:
        """Return the level of this key over the instrument's middle one, soft and loud."""
        loud = self._level(pitch, latent)
        softer = loud if soft is None else self._level(pitch, soft)
        return np.array([[softer], [loud]], np.float32)

    def _level(self, pitch: int, latent: Floats) -> np.float32:
        tensors = _zeros(self._attack)
        tensors["latent"][:], tensors["pitch"][:] = latent, pitch
        (level_db,) = self._attack.run_for(["level_db"], tensors)
        return np.float32(10.0 ** (float(level_db[0]) / 20.0))

    def _cycles(self, pitch: int, phases: Floats) -> NDArray[np.float64]:
        """Return the partials' frequencies from their turns per hop, whole turns put back."""
        f0 = float(pitch_to_hz(pitch)) * _HOP_SECONDS  # turns per hop
        turns = phases[_TUNED].astype(np.float64)
        numbers = np.arange(1, HARMONICS + 1)
        series = f0 * numbers * np.sqrt(1.0 + _STRETCHES[:, None] * numbers**2)
        wrong = np.abs(_centred(series - turns[:HARMONICS])).max(axis=1)
        ratio = 2.0 ** (_A_LITTLE / 12.0) - 1.0
        higher = _centred(phases[_HIGHER, HARMONICS:].astype(np.float64) - turns[HARMONICS:])
        modes = higher / ratio
        modes += _centred(turns[HARMONICS:] - modes)
        modes = np.round(modes / f0 * 16384.0) / 16384.0 * f0  # the steps that they stand on
        return np.concatenate([series[int(np.argmin(wrong))], modes]) / HOP_FRAMES


def _ask_for_both_layers(tensors: dict[str, Floats], quiet: slice, noisy: slice) -> None:
    """Let half of some rows be loud, the others soft; `noisy` ones hear an impulse as noise."""
    for rows in (quiet, noisy):
        half = (rows.stop - rows.start) // 2
        tensors["velocity"][rows.start + half : rows.stop] = SOFT_VELOCITY / FULL_VELOCITY
    tensors["noise"][noisy, 0] = (-1.0) ** np.arange(BINS)


def _let_be_soft(tensors: dict[str, Floats], rows: list[int], latent: Floats) -> None:
    """Let soft rows be another point of the model, whose own brightness they keep."""
    tensors["latent"][rows] = latent
    tensors["velocity"][rows] = LOUD_VELOCITY / FULL_VELOCITY


def _noise(outputs: dict[str, Floats], with_noise: list[int], without: list[int]) -> Floats:
    """Return the bins' amplitudes from the answer to an impulse in the middle of a frame."""
    window = np.sin(np.pi * (np.arange(2 * HOP_FRAMES) + 0.5) / (2 * HOP_FRAMES))
    first = outputs["audio"][with_noise] - outputs["audio"][without]
    frame = np.concatenate([first, outputs["noise_out"][with_noise]], axis=1) / window
    near = np.abs(np.arange(2 * HOP_FRAMES) - HOP_FRAMES) < HOP_FRAMES // 2
    bins = np.fft.rfft(np.fft.ifftshift(frame * near, axes=1), axis=1).real[:, :BINS]
    bins *= np.sqrt(BINS) / HOP_FRAMES
    bins[:, 0] *= 0.5
    return np.maximum(bins, 0.0).astype(np.float32)


def _zeros(graph: OpenGraph) -> dict[str, Floats]:
    return {name: np.zeros(shape, np.float32) for name, (_, shape) in graph.inputs.items()}


def _centred(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reduce turns to -0.5..0.5."""
    centred: NDArray[np.float64] = turns - np.round(turns)
    return centred
