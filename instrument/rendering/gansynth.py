"""Render tones with GANSynth's graphs (export/gansynth/graph.py says what goes in and out).

What the graphs give is made playable here: tones begin with their sound, not with the half-silence
before it; their attacks have a common level; and nothing comes out beyond the time for which the
tones that the model learned were held, because there every tone releases itself.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from instrument.bundle.bundle import FETCH_AGAIN, Bundle, GraphHost
from instrument.bundle.open_graph import Bound, RunnableGraph
from instrument.errors import BundleError
from instrument.rendering.loudness import LEVEL, strongest_rms
from instrument.rendering.renderer import Audio, RendererInfo, checked_tones

LONGEST_ONSET_SECONDS = 0.020
"""Tones may lose so much of their beginning; attacks and whole tones are shorter by it."""
ONSET_SHARE = 0.05
"""Of the attack's peak: below it, at the beginning, is what the analysis window smeared there."""
ONSET_LEAD_SECONDS = 0.001
SHORTEST_HOLD_SECONDS = 0.25
"""Less leaves nothing to loop."""
TYPICAL_LEVEL = 0.15
"""RMS of a tone's strongest 50 ms as networks give it, unless the card says otherwise."""
MOST_LIFTED = 2.0
"""An attack that is fainter than typical is lifted by so much beyond the others: what follows a
slow one would be far too loud for those who play before whole tones are there."""

_INPUTS, _OUTPUT = {"z", "pitch"}, "waveform"


@dataclass(frozen=True, slots=True)
class _Length:
    """The graphs that make tones of one length."""

    frames: int
    names: dict[int, str] = field(default_factory=dict)  #: graph by how many tones it makes


class GansynthRenderer:
    """Tones from a GANSynth bundle; velocities change nothing.

    Both gain and onset of a tone are taken from the frames that its attack has, so that attack and
    whole tone agree although they are rendered at different times. Belongs to one thread.

    Parameters
    ----------
    bundle
        A bundle of kind "gansynth".
    runtime
        Where the graphs run.

    Raises
    ------
    BundleError
        The bundle has no graph that makes tones, or a constant of its card is out of range.
    """

    def __init__(self, bundle: Bundle, runtime: GraphHost[RunnableGraph]) -> None:
        self._bundle, self._runtime = bundle, runtime
        self._lengths = _lengths(bundle)
        self._sessions: dict[str, Bound] = {}
        typical = bundle.constant("typical_level", TYPICAL_LEVEL, (1e-3, 10.0))
        self._most_gain = MOST_LIFTED * LEVEL / typical
        card = bundle.sound
        rate_hz = card.sample_rate_hz
        self._onset_frames = round(LONGEST_ONSET_SECONDS * rate_hz)
        whole = self._lengths[-1].frames
        held = bundle.constant("hold_seconds", whole / rate_hz, (SHORTEST_HOLD_SECONDS, 60.0))
        held_frames = round(held * rate_hz)
        self.info = RendererInfo(
            sample_rate_hz=rate_hz,
            pitch_range=(card.pitch_range[0], card.pitch_range[1]),
            latent_size=card.latent_size,
            attack_frames=min(self._beginning, held_frames) - self._onset_frames,
            longest_frames=min(whole, held_frames) - self._onset_frames,
            hears_velocity=False,
            keeps_levels=False,
        )
        if self.info.attack_frames <= 0:
            raise BundleError(f"{bundle.what}: its shortest graph is too short", FETCH_AGAIN)
        self._open(self._shortest)  # now it is known where it runs

    def open(self, frames: int) -> None:
        """Open the graphs of attacks and of tones of `frames` frames: no key then waits for it."""
        for length in (self._lengths[0], self._length(min(frames, self.info.longest_frames))):
            self._session(length, 1)
            self._session(length, self.info.tones_at_once)

    def keep_awake(self) -> None:
        """Run something small, so that a GPU does not lower its clocks; a CPU needs no such."""
        if self.info.provider == "cuda":
            self._open(self._shortest).session.warm_up()

    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        """Render held tones; see `ToneRenderer.render`.

        Raises
        ------
        ValueError
            More frames than the tones are held for, pitches out of range, or wrong shapes.
        BundleError
            The latent is so far out that the network gives no numbers.
        """
        pitch, latent, _ = checked_tones(self.info, pitches, latents, velocities)
        wanted = self.info.longest_frames if frames is None else frames
        raw = self._run(self._length(wanted), pitch, latent)
        if not np.isfinite(raw).all():
            raise BundleError(f"{self._bundle.what}: gives no finite sound for this latent")
        beginnings = raw[:, : self._beginning]
        rms = strongest_rms(beginnings, self.info.sample_rate_hz)
        gains = LEVEL / np.maximum(rms, LEVEL / self._most_gain)
        tones = np.empty((len(pitch), wanted), np.float32)
        for row, onset in enumerate(self._onsets(beginnings)):
            tones[row] = raw[row, onset : onset + wanted] * np.float32(gains[row])
        return tones

    @property
    def _beginning(self) -> int:
        """Frames from which gain and onset are taken."""
        return self._lengths[0].frames

    def _onsets(self, beginnings: Audio) -> NDArray[np.int64]:
        """Return the frame of each tone that it shall begin with."""
        loudness = np.abs(beginnings)
        is_sound = loudness >= ONSET_SHARE * loudness.max(axis=1, keepdims=True)
        lead = round(ONSET_LEAD_SECONDS * self.info.sample_rate_hz)
        onsets: NDArray[np.int64] = np.clip(is_sound.argmax(axis=1) - lead, 0, self._onset_frames)
        return onsets

    def _run(self, length: _Length, pitch: NDArray[np.int64], latent: Audio) -> Audio:
        """Run the graphs until every row is rendered; the last batch is filled up."""
        tones = np.empty((len(pitch), length.frames), np.float32)
        start = 0
        while start < len(pitch):
            bound = self._session(length, len(pitch) - start)
            count = bound.session.inputs["pitch"][1][0]
            rows = np.minimum(np.arange(start, start + count), len(pitch) - 1)
            outputs = bound.run({"z": latent[rows], "pitch": pitch[rows]})
            used = min(count, len(pitch) - start)
            tones[start : start + used] = outputs[_OUTPUT][:used]
            start += used
        return tones

    def _length(self, frames: int) -> _Length:
        if frames > self.info.longest_frames:
            raise ValueError(f"a note has at most {self.info.longest_frames} frames, not {frames}")
        needed = frames + self._onset_frames
        return next(length for length in self._lengths if length.frames >= needed)

    @property
    def _shortest(self) -> str:
        """The graph that has least to do."""
        names = self._lengths[0].names
        return names[min(names)]

    def _session(self, length: _Length, tones: int) -> Bound:
        """Open the graph that makes `tones` tones quickest; a CPU makes them one by one."""
        sizes = sorted(length.names)
        wanted = tones if self.info.provider == "cuda" else 1
        size = next((size for size in sizes if size >= wanted), sizes[-1])
        return self._open(length.names[size])

    def _open(self, name: str) -> Bound:
        if name not in self._sessions:
            session = self._bundle.open_graph(name, self._runtime)
            self._sessions[name] = session.bind()
            on_gpu = session.provider == "cuda"
            self.info = dataclasses.replace(
                self.info,
                tones_at_once=max(self._lengths[-1].names) if on_gpu else 1,
                provider=session.provider,
                notice=self._runtime.notice,
            )
        return self._sessions[name]


def _lengths(bundle: Bundle) -> list[_Length]:
    """List the lengths that there are graphs for, the shortest first."""
    lengths: dict[int, _Length] = {}
    for name, graph in bundle.card.graphs.items():
        outputs = {tensor.name: tensor.shape for tensor in graph.outputs}
        if {tensor.name for tensor in graph.inputs} == _INPUTS and len(outputs[_OUTPUT]) == 2:
            tones, frames = outputs[_OUTPUT]
            lengths.setdefault(frames, _Length(frames)).names[tones] = name
    if not lengths:
        raise BundleError(f"{bundle.what}: has no graph that makes notes", FETCH_AGAIN)
    return [lengths[frames] for frames in sorted(lengths)]
