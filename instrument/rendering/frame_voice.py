"""Render tones with a frame voice's graphs.

`training.frame_voice.model` says what goes in and comes out.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from instrument.bundle.bundle import FETCH_AGAIN, Bundle, GraphHost
from instrument.bundle.open_graph import RunnableGraph
from instrument.errors import BundleError
from instrument.rendering.renderer import FULL_VELOCITY, Audio, RendererInfo, checked_tones


@dataclass(frozen=True, slots=True)
class _ToneGraph:
    """One length of tone: the graph that makes it, opened when first needed."""

    name: str
    frames: int
    layers: int


class FrameVoiceRenderer:
    """Tones from a frame voice, in two velocity layers.

    The network is a function of time without memory, so the bundle's tone graphs of several
    lengths agree: the shortest that is long enough is run. Noise and motion are drawn from (seed,
    pitch), the same for every velocity. Belongs to one thread.

    Parameters
    ----------
    bundle
        A bundle of kind "frame_voice".
    runtime
        Where the graphs run.
    """

    def __init__(self, bundle: Bundle, runtime: GraphHost[RunnableGraph]) -> None:
        self._bundle, self._runtime = bundle, runtime
        self._motion = 1.0
        self._spares_high_keys = True
        self._graphs = sorted(_tone_graphs(bundle), key=lambda graph: graph.frames)
        self._sessions: dict[str, RunnableGraph] = {}
        card = bundle.sound
        self._seed = int(bundle.constant("seed", 0, (0, 2**32)))
        self.info = RendererInfo(
            sample_rate_hz=card.sample_rate_hz,
            pitch_range=(card.pitch_range[0], card.pitch_range[1]),
            latent_size=card.latent_size,
            attack_frames=self._graphs[0].frames,
            longest_frames=self._graphs[-1].frames,
            keeps_levels=False,
        )
        self._session(self._graphs[0].name)  # now it is known where it runs

    def moving(self, share: float) -> FrameVoiceRenderer:
        """Return this renderer with more or less motion; both share what is open."""
        other = copy.copy(self)
        other._motion = share
        return other

    def as_recorded(self) -> FrameVoiceRenderer:
        """Return this renderer with all the motion that the model has learned, on every key."""
        other = copy.copy(self)
        other._motion, other._spares_high_keys = 1.0, False
        return other

    def open(self, frames: int) -> None:
        """Open the graphs of attacks and of tones of `frames` frames: no key then waits for it."""
        self._session(self._graphs[0].name)
        self._session(self._graph(frames).name)

    def keep_awake(self) -> None:
        """Run something small, so that a GPU does not lower its clocks; a CPU needs no such."""
        if self.info.provider == "cuda":
            self._session(self._graphs[0].name).warm_up()

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
            More frames than the longest graph has, pitches out of range, or wrong shapes.
        """
        pitch, latent, velocity = checked_tones(self.info, pitches, latents, velocities)
        wanted = self.info.longest_frames if frames is None else frames
        graph = self._graph(wanted)
        tones = np.empty((len(pitch), wanted), np.float32)
        for rows in _alike(pitch, latent, graph.layers):
            audio = self._run(graph, int(pitch[rows[0]]), latent[rows[0]], velocity[rows])
            tones[rows] = audio[:, :wanted]
        return tones

    def _run(
        self,
        graph: _ToneGraph,
        pitch: int,
        latent: NDArray[np.float32],
        velocities: NDArray[np.int64],
    ) -> Audio:
        """Render one pitch at up to `layers` velocities, shape (len(velocities), frames)."""
        session = self._session(graph.name)
        tensors = {name: np.zeros(shape, np.float32) for name, (_, shape) in session.inputs.items()}
        tensors["latent"][:] = latent
        tensors["pitch"][:] = pitch
        tensors["velocity"][:] = velocities[-1] / FULL_VELOCITY  # a layer too many is not looked at
        tensors["velocity"][: len(velocities)] = velocities / FULL_VELOCITY
        tensors["motion"][:] = self._motion * (motion_of(pitch) if self._spares_high_keys else 1.0)
        random = np.random.Generator(np.random.Philox(key=[self._seed, pitch]))
        random.random(dtype=np.float32, out=tensors["motion_phases"])
        random.standard_normal(dtype=np.float32, out=tensors["noise"])
        outputs = session.run(tensors)
        level = np.power(np.float32(10.0), outputs["level_db"] / 20.0)
        audio: Audio = outputs["audio"][: len(velocities)] * level[:, None]
        if not np.isfinite(audio).all():
            raise BundleError(f"{self._bundle.what}: gives no finite sound for this latent")
        return audio

    def _graph(self, frames: int) -> _ToneGraph:
        graph = next((graph for graph in self._graphs if graph.frames >= frames), None)
        if graph is None:
            raise ValueError(f"a note has at most {self.info.longest_frames} frames, not {frames}")
        return graph

    def _session(self, name: str) -> RunnableGraph:
        if name not in self._sessions:
            session = self._sessions[name] = self._bundle.open_graph(name, self._runtime)
            self.info = dataclasses.replace(
                self.info, provider=session.provider, notice=self._runtime.notice
            )
        return self._sessions[name]


def motion_of(pitch: int) -> float:
    """Return the motion of a key over that of the instrument.

    A high note is its first partials, and where one of them beats the note's level does: 10 dB
    at C5 for some instruments, of which no more than 4 are left.
    """
    share = (pitch - _ALL_MOTION_TO) / (_LEAST_MOTION_FROM - _ALL_MOTION_TO)
    return 1.0 - (1.0 - _LEAST_MOTION) * min(max(share, 0.0), 1.0)


def _tone_graphs(bundle: Bundle) -> list[_ToneGraph]:
    """List the graphs that make whole tones or their beginnings."""
    graphs = []
    for name, graph in bundle.card.graphs.items():
        shapes = {tensor.name: tensor.shape for tensor in (*graph.inputs, *graph.outputs)}
        if set(shapes) == _NOTE_TENSORS and len(shapes["audio"]) == 2:
            graphs.append(_ToneGraph(name, shapes["audio"][1], shapes["audio"][0]))
    if not graphs:
        raise BundleError(f"{bundle.what}: has no graph that makes notes", FETCH_AGAIN)
    return graphs


_ALL_MOTION_TO, _LEAST_MOTION_FROM, _LEAST_MOTION = 52, 76, 0.35

_NOTE_TENSORS = {
    *("latent", "pitch", "velocity", "motion", "motion_phases", "noise"),
    *("audio", "level_db"),
}


def _alike(
    pitch: NDArray[np.int64], latent: NDArray[np.float32], limit: int
) -> Sequence[NDArray[np.int64]]:
    """Group neighbouring rows of equal pitch and latent, at most `limit` in a group."""
    groups: list[list[int]] = []
    for row in range(len(pitch)):
        last = groups[-1][-1] if groups else -1
        if (
            groups
            and len(groups[-1]) < limit
            and pitch[last] == pitch[row]
            and np.array_equal(latent[last], latent[row])
        ):
            groups[-1].append(row)
        else:
            groups.append([row])
    return [np.asarray(group) for group in groups]
