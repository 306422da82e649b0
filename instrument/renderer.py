"""Renderers: whatever turns pitches and latents into notes.

In: pitches, latents, velocities. Out: float32 audio of held notes, one row per note, full scale ±1,
at the renderer's own rate. The models process calls them, ahead of the hands; the audio thread
never does. A shorter rendering is, to the bit of one graph and to 1e-6 between graphs, the
beginning of a longer one; two velocities of a pitch have the same phases and the same noise, so
that they can be blended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from instrument.bundle import FETCH_AGAIN, Bundle
from instrument.errors import BundleError
from instrument.inference import Device, Runtime, Session

Audio = NDArray[np.float32]
FULL_VELOCITY = 127


class NoteRenderer(Protocol):
    """What the note tables are filled by."""

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the audio that comes out."""
        ...

    @property
    def pitch_range(self) -> tuple[int, int]:
        """Lowest and highest pitch."""
        ...

    @property
    def latent_size(self) -> int:
        """How many numbers a latent has."""
        ...

    @property
    def attack_frames(self) -> int:
        """The length of a beginning that is much cheaper than a whole note."""
        ...

    @property
    def longest_frames(self) -> int:
        """The length of the longest note."""
        ...

    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        """Render held notes from their first frame.

        Parameters
        ----------
        pitches
            int64, shape (n,): MIDI numbers.
        latents
            float32, shape (n, latent_size).
        velocities
            int64, shape (n,), 1 to 127: brightness, not level; all 127 when not given. Equal
            pitches and latents that follow one another share most of the work.
        frames
            Length; the longest there is when not given.

        Returns
        -------
        ndarray
            float32, shape (n, frames). The strongest 50 ms have an RMS near 0.1, less the level
            that this key has against the others.
        """
        ...


class SineRenderer:
    """Plain tones without any model: for tests, and when nothing else is there.

    Each latent number raises one overtone: ``[]`` is a sine, ``[1, 0.5]`` adds partials 2 and 3.
    """

    def __init__(
        self, sample_rate_hz: int = 48_000, latent_size: int = 2, seconds: float = 4.0
    ) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.latent_size = latent_size
        self.pitch_range = (0, 127)
        self.attack_frames = round(0.32 * sample_rate_hz)
        self.longest_frames = round(seconds * sample_rate_hz)

    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        """Render held notes; see `NoteRenderer.render`."""
        pitch, latent, velocity = _checked(pitches, latents, velocities, self.latent_size)
        seconds = np.arange(self.longest_frames if frames is None else frames) / self.sample_rate_hz
        notes = np.zeros((len(pitch), len(seconds)))
        for number in range(1, self.latent_size + 2):
            hz = number * 440.0 * 2.0 ** ((pitch - 69) / 12)
            overtone = latent[:, number - 2] * velocity / FULL_VELOCITY if number > 1 else 1.0
            level = np.where(hz < self.sample_rate_hz / 2, overtone, 0.0)
            notes += level[:, None] * np.sin(2 * np.pi * hz[:, None] * seconds)
        rise = np.minimum(1.0, seconds / 0.005)
        return np.asarray(0.1 * np.sqrt(2) * rise * notes, np.float32)


@dataclass(frozen=True, slots=True)
class _NoteGraph:
    """One length of note: the graph that makes it, opened when first needed."""

    name: str
    frames: int
    layers: int


class FrameVoiceRenderer:
    """Notes from a frame voice (training/frame_voice.py says what goes in and out).

    The network is a function of time without memory, so the bundle's note graphs of several
    lengths agree: the shortest that is long enough is run. Noise and motion are drawn from (seed,
    pitch), the same for every velocity. Belongs to one thread.

    Parameters
    ----------
    bundle
        A bundle of kind "frame_voice".
    runtime
        Where and on how many threads the graphs run.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        card = bundle.sound
        self.sample_rate_hz = card.sample_rate_hz
        self.pitch_range = (card.pitch_range[0], card.pitch_range[1])
        self.latent_size = card.latent_size
        self._bundle, self._runtime = bundle, runtime
        self._graphs = sorted(_note_graphs(bundle), key=lambda graph: graph.frames)
        self._sessions: dict[str, Session] = {}
        self._seed = int(card.constants.get("seed", 0))
        self.attack_frames = self._graphs[0].frames
        self.longest_frames = self._graphs[-1].frames

    @property
    def provider(self) -> str:
        """Where the notes are really rendered: "cpu" or "cuda"."""
        return self._session(self._graphs[0].name).provider

    @property
    def notice(self) -> str:
        """Why notes are not rendered where one would expect; empty if they are."""
        return self._runtime.notice

    def open(self, frames: int) -> None:
        """Open the graphs of attacks and of notes of `frames` frames: no key then waits for it."""
        self._session(self._graphs[0].name)
        self._session(self._graph(frames).name)

    def render(
        self,
        pitches: ArrayLike,
        latents: ArrayLike,
        velocities: ArrayLike | None = None,
        frames: int | None = None,
    ) -> Audio:
        """Render held notes; see `NoteRenderer.render`.

        Raises
        ------
        ValueError
            More frames than the longest graph has, pitches out of range, or wrong shapes.
        """
        pitch, latent, velocity = _checked(pitches, latents, velocities, self.latent_size)
        lowest, highest = self.pitch_range
        if np.any((pitch < lowest) | (pitch > highest)):
            raise ValueError(f"pitches must be in {lowest}..{highest}, got {pitch.tolist()}")
        wanted = self.longest_frames if frames is None else frames
        graph = self._graph(wanted)
        notes = np.empty((len(pitch), wanted), np.float32)
        for rows in _alike(pitch, latent, graph.layers):
            audio = self._run(graph, int(pitch[rows[0]]), latent[rows[0]], velocity[rows])
            notes[rows] = audio[:, :wanted]
        return notes

    def _run(
        self,
        graph: _NoteGraph,
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
        tensors["motion"][:] = 1.0
        random = np.random.Generator(np.random.Philox(key=[self._seed, pitch]))
        random.random(dtype=np.float32, out=tensors["motion_phases"])
        random.standard_normal(dtype=np.float32, out=tensors["noise"])
        outputs = session.run(tensors)
        level = np.power(np.float32(10.0), outputs["level_db"] / 20.0)
        audio: Audio = outputs["audio"][: len(velocities)] * level[:, None]
        return audio

    def _graph(self, frames: int) -> _NoteGraph:
        graph = next((graph for graph in self._graphs if graph.frames >= frames), None)
        if graph is None:
            raise ValueError(f"a note has at most {self.longest_frames} frames, not {frames}")
        return graph

    def _session(self, name: str) -> Session:
        if name not in self._sessions:
            self._sessions[name] = self._bundle.open_graph(name, self._runtime)
        return self._sessions[name]


#: Which class plays a bundle, by the `kind` on its card.
RENDERERS = {"frame_voice": FrameVoiceRenderer}


def open_renderer(bundle: Bundle, threads: int = 1, device: Device = "auto") -> FrameVoiceRenderer:
    """Open the renderer that a bundle asks for.

    Raises
    ------
    BundleError
        The kind is unknown to this version, or a graph is not what the card says.
    """
    kind = bundle.sound.kind
    if kind not in RENDERERS:
        known = ", ".join(RENDERERS)
        raise BundleError(
            f"{bundle.what}: kind must be one of {known}, got {kind!r}", "Update latentkeys."
        )
    return RENDERERS[kind](bundle, Runtime(threads, device))


def self_test(bundle: Bundle, renderer: NoteRenderer) -> float:
    """Render the card's test notes here and compare a few samples with the exporting machine's.

    Returns
    -------
    float
        The largest absolute difference.

    Raises
    ------
    BundleError
        A sample differs by more than its tolerance: this runtime computes something else.
    """
    largest = 0.0
    for test in bundle.sound.self_test:
        note = renderer.render([test.pitch], [test.latent], [test.velocity])[0]
        if max(test.frames) >= len(note):
            raise BundleError(f"{bundle.what}: self-test: a note has only {len(note)} frames")
        found = note[np.asarray(test.frames)]
        difference = np.abs(found - np.asarray(test.values))
        worst = int(np.argmax(difference))
        if not difference[worst] <= test.tolerance:
            raise BundleError(
                f"{bundle.what}: self-test: pitch {test.pitch}, frame {test.frames[worst]} must be "
                f"{test.values[worst]:.6f} within {test.tolerance:g}, got {found[worst]:.6f}",
                "This onnxruntime computes another sound: try another version or --device cpu.",
            )
        largest = max(largest, float(difference[worst]))
    return largest


def _note_graphs(bundle: Bundle) -> list[_NoteGraph]:
    """List the graphs that make whole notes or their beginnings."""
    graphs = []
    for name, graph in bundle.card.graphs.items():
        shapes = {tensor.name: tensor.shape for tensor in (*graph.inputs, *graph.outputs)}
        if set(shapes) == _NOTE_TENSORS and len(shapes["audio"]) == 2:
            graphs.append(_NoteGraph(name, shapes["audio"][1], shapes["audio"][0]))
    if not graphs:
        raise BundleError(f"{bundle.what}: has no graph that makes notes", FETCH_AGAIN)
    return graphs


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


def _checked(
    pitches: ArrayLike, latents: ArrayLike, velocities: ArrayLike | None, latent_size: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    pitch = np.asarray(pitches, np.int64)
    latent = np.asarray(latents, np.float32)
    full = np.full(pitch.shape, FULL_VELOCITY)
    velocity = full if velocities is None else np.asarray(velocities, np.int64)
    if (
        pitch.ndim != 1
        or latent.shape != (len(pitch), latent_size)
        or velocity.shape != pitch.shape
    ):
        raise ValueError(
            f"pitches must be (n,), latents (n, {latent_size}) and velocities (n,), got "
            f"{pitch.shape}, {latent.shape} and {velocity.shape}"
        )
    return pitch, latent, velocity
