"""Bundles: a trained model as a folder that proves itself before it is played.

In: a folder with ``card.json``, ONNX graphs, one file of weights that they share, LICENSE and
``sample.wav`` or ``sample.mid``. Out: a `Bundle`, whose files have the size and sha256 that the
card states, lie inside the folder and are no links. `Bundle.open_graph` gives onnxruntime the very
bytes that were checked: the weights are handed over in memory, so a graph that names any other
file, inside or outside the bundle, is refused by the runtime.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from instrument.bundle.card import (
    CARD_NAME,
    CardFile,
    ComposerCard,
    Graph,
    Tensor,
    VoiceCard,
    read_card,
)
from instrument.bundle.reference import ModelReference
from instrument.errors import BundleError
from instrument.files import is_folder

FETCH_AGAIN = "Fetch or export the bundle again."
ELEMENT_TYPES = {"float32": "tensor(float)", "int64": "tensor(int64)"}
Signature = dict[str, tuple[str, tuple[int, ...]]]
"""Element type, as onnxruntime calls it, and shape of tensors, by name."""


class SignedGraph(Protocol):
    """A graph that says what it takes and gives."""

    @property
    def inputs(self) -> Signature:
        """What it takes."""
        ...

    @property
    def outputs(self) -> Signature:
        """What it gives."""
        ...


AnyGraph = TypeVar("AnyGraph", bound=SignedGraph, covariant=True)


class GraphHost(Protocol[AnyGraph]):
    """Where graphs run: `inference.Runtime` on this machine, or a server."""

    @property
    def notice(self) -> str:
        """Why graphs do not run where one would expect; usually empty."""
        ...

    def open_graph(self, bundle: Bundle, name: str) -> AnyGraph:
        """Open a graph of a bundle; `Bundle.open_graph` checks it."""
        ...


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model's folder and its checked card."""

    path: Path
    card: VoiceCard | ComposerCard
    sha256: str  #: of the card, and so of everything it lists: the key of rendered-tone caches

    @property
    def sound(self) -> VoiceCard:
        """The card of a model that renders notes.

        Raises
        ------
        BundleError
            The model writes notes instead.
        """
        if isinstance(self.card, VoiceCard):
            return self.card
        raise BundleError(
            f"{self.what}: is a composer (kind {self.card.kind}), it makes notes, not sounds",
            f"Let it write with: latentkeys continue IN.mid OUT.mid --model {self.card.name}",
        )

    @property
    def music(self) -> ComposerCard:
        """The card of a model that writes notes.

        Raises
        ------
        BundleError
            The model renders notes instead.
        """
        if isinstance(self.card, ComposerCard):
            return self.card
        raise BundleError(
            f"{self.what}: is a sound (kind {self.card.kind}), it makes sounds, not notes",
            "Play it with: latentkeys play; see the composers with: latentkeys models list",
        )

    @property
    def weights_sha256(self) -> str:
        """Identify the network that a preset's latent numbers belong to."""
        return self.card.files[self.card.weights].sha256

    @property
    def reference(self) -> ModelReference:
        """What a preset writes down about this model."""
        return ModelReference(self.card.name, self.card.version, self.weights_sha256)

    @staticmethod
    def load(path: Path) -> Bundle:
        """Read the card and check every file it lists against its size and sha256.

        Raises
        ------
        BundleError
            The folder, the card or a file is missing, foreign, changed, or leads outside.
        """
        if not is_folder(path):
            raise BundleError(f"bundle {path} is not a folder")
        what = f'bundle "{path.name}", {CARD_NAME}'
        card_path = _inside(path, CARD_NAME)
        card = read_card(card_path, what)
        for name, listed in card.files.items():
            _check_file(path, name, listed)
        return Bundle(path, card, hashlib.sha256(card_path.read_bytes()).hexdigest())

    def read(self, name: str) -> bytes:
        """Read a listed file; the bytes returned are the bytes that were checked."""
        return _check_file(self.path, name, self.card.files[name])

    def graph(self, name: str) -> Graph:
        """Look up a graph on the card.

        Parameters
        ----------
        name
            As the card calls it, such as ``tone``.

        Raises
        ------
        BundleError
            The bundle has no such graph.
        """
        if name not in self.card.graphs:
            have = ", ".join(sorted(self.card.graphs))
            raise BundleError(f'{self.what}: has no graph "{name}" (it has: {have})')
        return self.card.graphs[name]

    def constant(self, name: str, usual: float, limits: tuple[float, float]) -> float:
        """Read a number of the card, or take the usual one.

        Parameters
        ----------
        limits
            Both ends of what is allowed.

        Raises
        ------
        BundleError
            It is out of its range.
        """
        found = self.card.constants.get(name, usual)
        if not limits[0] <= found <= limits[1]:
            raise BundleError(
                f"{self.what}: constants.{name} must be in {limits[0]:g}..{limits[1]:g}, "
                f"got {found:g}",
                FETCH_AGAIN,
            )
        return found

    def open_graph(self, name: str, runtime: GraphHost[AnyGraph]) -> AnyGraph:
        """Open a graph where it shall run, and compare what it takes and gives with the card.

        Parameters
        ----------
        name
            As the card calls it.
        runtime
            This machine's onnxruntime, or a server.

        Raises
        ------
        BundleError
            The graph is broken, swapped, reaches for other files, or differs from its card.
        """
        graph = self.graph(name)
        opened = runtime.open_graph(self, name)
        _check_tensors(f"{self.what}, {graph.file}: input", graph.inputs, opened.inputs)
        _check_tensors(f"{self.what}, {graph.file}: output", graph.outputs, opened.outputs)
        return opened

    @property
    def what(self) -> str:
        """Name the bundle in messages."""
        return f'bundle "{self.path.name}"'


def load_sound(path: Path) -> Bundle:
    """Load a bundle that must render notes.

    Raises
    ------
    BundleError
        The bundle fails a check, or it is a composer.
    """
    bundle = Bundle.load(path)
    _ = bundle.sound  # a composer is refused here
    return bundle


def _inside(folder: Path, name: str) -> Path:
    """Refuse a link: it could lead anywhere, and its target could change after the check."""
    path = folder / name
    if path.is_symlink():
        raise BundleError(f'bundle "{folder.name}", {name}: is a link, not a file', FETCH_AGAIN)
    if not path.is_file():
        raise BundleError(f'bundle "{folder.name}", {name}: is missing', FETCH_AGAIN)
    return path


def _check_file(folder: Path, name: str, listed: CardFile) -> bytes:
    where = f'bundle "{folder.name}", {name}'
    path = _inside(folder, name)
    size = path.stat().st_size
    if size != listed.size_bytes:
        raise BundleError(
            f"{where}: must have {listed.size_bytes} bytes, has {size}: cut short or changed",
            FETCH_AGAIN,
        )
    try:
        content = path.read_bytes()
    except OSError as reason:
        raise BundleError(f"{where}: cannot be read: {reason.strerror}") from reason
    found = hashlib.sha256(content).hexdigest()
    if found != listed.sha256:
        raise BundleError(
            f"{where}: sha256 must be {listed.sha256[:16]}…, is {found[:16]}…: damaged or swapped",
            FETCH_AGAIN,
        )
    return content


def _check_tensors(where: str, stated: tuple[Tensor, ...], found: Signature) -> None:
    """Compare the card's tensors with the runtime's, name by name."""
    if names := {tensor.name for tensor in stated} ^ set(found):
        raise BundleError(f"{where}s differ from the card: {', '.join(sorted(names))}")
    for tensor in stated:
        dtype, shape = found[tensor.name]
        if (dtype, shape) != (ELEMENT_TYPES[tensor.dtype], tensor.shape):
            raise BundleError(
                f"{where} {tensor.name} must be {tensor.dtype} {list(tensor.shape)} "
                f"as on the card, is {dtype} {list(shape)}"
            )
