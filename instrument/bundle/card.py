"""The card of a bundle: the only truth about what a model is, needs and gives.

In: ``card.json``. Out: a `VoiceCard` or a `ComposerCard`, the frozen trees below; the card's
``kind`` says which (`CARDS`). Written by `export.bundle.card_file`,
read and checked by `instrument.bundle.bundle`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from instrument.bundle.reference import LatentNumber, ModelName
from instrument.errors import BundleError
from instrument.schema import Sha256, Text, decode, ranged, read_limited

FORMAT = 1
LIMIT_BYTES = 2 * 1024 * 1024
CARD_NAME = "card.json"
MOST_NUMBERS = 2**26
"""Of one input or output; a whole keyboard of GANSynth's tones has a sixteenth of it."""

FileName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        extra={"says": "a plain file name inside the bundle, no path"},
    ),
]
Symbol = Annotated[str, Meta(min_length=1, max_length=400)]
Count = Annotated[int, ranged(0, 2**53)]
Size = Annotated[int, ranged(1, 2**31)]


@dataclass(frozen=True, slots=True)
class CardFile:
    """One file of the bundle, as it was written."""

    sha256: Sha256
    size_bytes: Annotated[int, ranged(0, 2**30, "bytes")]


@dataclass(frozen=True, slots=True)
class Dimension:
    """One axis of a tensor: its meaning and its fixed length."""

    name: Text  #: "notes", "frames", "latent", …
    size: Size


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output of a graph."""

    name: Text
    dtype: Literal["float32", "int64"]
    dims: tuple[Dimension, ...]
    #: Inputs: the lowest and the highest value it may take; any, if there are none.
    limits: tuple[float, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The fixed lengths of all axes."""
        return tuple(dimension.size for dimension in self.dims)


@dataclass(frozen=True, slots=True)
class Graph:
    """One ONNX file and what goes in and out of it."""

    file: FileName
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def rows(self) -> int:
        """How many tones or voices a run makes: the length of its longest first axis outside."""
        return max((tensor.shape[0] for tensor in self.outputs if tensor.dims), default=1)


@dataclass(frozen=True, slots=True)
class NamedLatent:
    """An instrument that the model learned: a point that recipes can blend."""

    latent: tuple[LatentNumber, ...]
    program: Annotated[int, ranged(0, 127)] | None = None  #: General MIDI program it was taught
    is_struck: bool = False  #: struck or plucked: it dies away while the key is held


@dataclass(frozen=True, slots=True)
class Prior:
    """The Gaussian that latents come from: ``z = mean + factor @ n``, n standard normal.

    Both are left out where latents are standard normal themselves, as GANSynth's are.
    """

    mean: tuple[float, ...] = ()  #: shape (latent_size,)
    factor: tuple[tuple[float, ...], ...] = ()  #: Cholesky factor, (latent_size, latent_size)
    #: Of new draws: how far they are drawn towards few instruments, see `latent.draw`; 0: not.
    sharpness: Annotated[float, ranged(0, 16)] = 0.0


@dataclass(frozen=True, slots=True)
class SelfTest:
    """One note's few samples, so that a user's machine can prove its runtime right."""

    pitch: Annotated[int, ranged(0, 127)]
    velocity: Annotated[int, ranged(1, 127)]
    latent: tuple[LatentNumber, ...]
    frames: tuple[Count, ...]  #: which samples of the note
    values: tuple[float, ...]  #: what the exporting machine heard there
    tolerance: Annotated[float, ranged(1e-7, 1e-1)]  #: largest absolute difference


@dataclass(frozen=True, slots=True)
class Licence:
    """Who allows what; the full notices are in the bundle's LICENSE file."""

    weights: Text
    data: Text


@dataclass(frozen=True, slots=True)
class GraphTest:
    """A few numbers of one run of a graph on seeded inputs, as the exporting machine had them.

    `instrument.bundle.self_test.seeded_inputs` makes the inputs from the seed.
    """

    graph: Text
    seed: Count
    output: Text
    places: tuple[Count, ...]  #: positions in the flattened output
    values: tuple[float, ...]
    tolerance: Annotated[float, ranged(1e-7, 1e-1)]  #: largest absolute difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What every model's card says; the rest depends on what the model makes."""

    format: Annotated[int, ranged(1, 10**6)]
    kind: Text  #: which class opens it, see `CARDS`
    name: ModelName
    version: Text
    description: Annotated[str, Meta(max_length=2000)]
    licence: Licence
    pitch_range: tuple[Annotated[int, ranged(0, 127)], ...]  #: lowest and highest MIDI pitch
    weights: FileName  #: the file that identifies the network; a preset's latent is tied to it
    files: dict[FileName, CardFile]
    graphs: dict[str, Graph]
    constants: dict[str, float] = field(default_factory=dict)  #: numbers the host needs
    training: dict[str, Any] = field(default_factory=dict)  #: data, steps, seconds, hardware, hash
    metrics: dict[str, Any] = field(default_factory=dict)  #: measured figures with their date
    parity: dict[str, float] = field(default_factory=dict)  #: largest difference to torch per graph


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceCard(Card):
    """The card of a model that renders tones; `instrument.rendering.open_renderer` opens it."""

    sample_rate_hz: Annotated[int, ranged(8_000, 192_000, "Hz")]
    latent_size: Annotated[int, ranged(1, 4096)]
    latents: dict[str, NamedLatent]
    prior: Prior = Prior()
    self_test: tuple[SelfTest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposerCard(Card):
    """The card of a model that writes notes, see `instrument.composers.registry.COMPOSERS`."""

    steps_per_beat: Annotated[int, ranged(1, 960)]  #: the grid of times and lengths
    voices: tuple[Text, ...]  #: names of the tracks it writes; one name for a melody
    bars: Annotated[int, ranged(0, 64)] = 0  #: bars per phrase; 0 = note by note, without end
    conditions: tuple[Text, ...] = ()  #: what it can be asked for or shown: "key", "previous", …
    vocabulary: dict[str, tuple[Symbol, ...]] = field(default_factory=dict)  #: in the ids' order
    tables: dict[str, tuple[float, ...]] = field(default_factory=dict)  #: numbers that ids mean
    self_test: tuple[GraphTest, ...] = ()


#: What a card of each kind holds: a model that makes sounds or one that makes notes.
CARDS: dict[str, type[VoiceCard] | type[ComposerCard]] = {
    "frame_voice": VoiceCard,
    "gansynth": VoiceCard,
    "convgan": VoiceCard,
    "note_lstm": ComposerCard,
    "ensemble_lstm": ComposerCard,
    "chorale_lstm": ComposerCard,
    "stacked_lstm": ComposerCard,
    "attention_lstm": ComposerCard,
    "crnngan": ComposerCard,
    "crnngan_simple": ComposerCard,
    "musegan": ComposerCard,
}


def read_card(path: Path, what: str) -> VoiceCard | ComposerCard:
    """Read and check ``card.json``; the files it names are not touched.

    Raises
    ------
    BundleError
        The card is missing, is not JSON, comes from the future, or has a wrong key or value.
    """
    content = read_limited(path, LIMIT_BYTES, what, BundleError)
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as reason:
        raise BundleError(f"{what}: is not JSON: {reason}", "Fetch the bundle again.") from reason
    found = raw.get("format") if isinstance(raw, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise BundleError(
            f"{what}: has format {found}, this version reads up to {FORMAT}", "Update latentkeys."
        )
    card = decode(raw, _card_class(raw, what), what, BundleError)
    _check_common(card, what)
    if isinstance(card, VoiceCard):
        _check_sound(card, what)
    else:
        _check_music(card, what)
    return card


def _card_class(raw: object, what: str) -> type[VoiceCard] | type[ComposerCard]:
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if isinstance(kind, str) and kind not in CARDS:
        raise BundleError(
            f"{what}: kind must be one of {', '.join(CARDS)}, got {kind[:40]!r}",
            "Update latentkeys.",
        )
    return CARDS[kind] if isinstance(kind, str) else VoiceCard


def _check_common(card: Card, what: str) -> None:
    """Check what no single field can say: files that must be listed, a range in order."""
    named = {card.weights, *(graph.file for graph in card.graphs.values())}
    for name, graph in card.graphs.items():
        for tensor in (*graph.inputs, *graph.outputs):
            if math.prod(tensor.shape) > MOST_NUMBERS:
                raise BundleError(
                    f"{what}: graphs.{name[:40]}: {tensor.name} has {math.prod(tensor.shape):.3g} "
                    f"numbers, may have {MOST_NUMBERS:.3g}"
                )
    if missing := sorted(named - set(card.files)):
        raise BundleError(f"{what}: files does not list {missing[0]!r}")
    if len(card.pitch_range) != 2 or card.pitch_range[0] > card.pitch_range[1]:
        raise BundleError(
            f"{what}: pitch_range must be [lowest, highest], got {list(card.pitch_range)}"
        )


def _check_sound(card: VoiceCard, what: str) -> None:
    """Check that every latent has the model's length and every self-test its values."""
    prior = card.prior
    fitted = {
        "prior.mean": len(prior.mean),
        "prior.factor": len(prior.factor),
        **{f"prior.factor, row {i + 1},": len(row) for i, row in enumerate(prior.factor)},
    }
    lengths = {
        **(fitted if prior.mean or prior.factor else {}),
        **{f"latents.{name}": len(entry.latent) for name, entry in card.latents.items()},
        **{f"self_test, item {i + 1},": len(test.latent) for i, test in enumerate(card.self_test)},
    }
    for where, length in lengths.items():
        if length != card.latent_size:
            raise BundleError(
                f"{what}: {where} must have {card.latent_size} numbers (latent_size), got {length}"
            )
    for index, test in enumerate(card.self_test):
        if not test.frames or len(test.frames) != len(test.values):
            raise BundleError(f"{what}: self_test, item {index + 1}, needs one value per frame")


def _check_music(card: ComposerCard, what: str) -> None:
    """Check that there is a voice and that every self-test names a graph and has its values."""
    if not card.voices:
        raise BundleError(f"{what}: voices must name at least one track")
    for index, test in enumerate(card.self_test):
        where = f"{what}: self_test, item {index + 1},"
        if not test.places or len(test.places) != len(test.values):
            raise BundleError(f"{where} needs one value per place")
        outputs = card.graphs[test.graph].outputs if test.graph in card.graphs else ()
        named = [tensor for tensor in outputs if tensor.name == test.output]
        if not named:
            raise BundleError(f"{where} tests {test.graph!r}, output {test.output!r}: no such one")
        if max(test.places) >= math.prod(named[0].shape):
            raise BundleError(f"{where} looks at a place beyond the end of {test.output!r}")
