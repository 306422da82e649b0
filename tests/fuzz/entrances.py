"""Where something from outside comes in, and how one made-up input is put in there.

Whatever comes, the reader takes it or raises a `LatentkeysError`: anything else is a failure.
"""

from __future__ import annotations

import gzip
import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from export.magenta.tensorflow_checkpoint import TensorBundle
from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.errors import LatentkeysError
from instrument.latents.fit_to_recording import read_recording
from instrument.midi.phrases import read_phrase
from instrument.midi.song import read_midi_file
from instrument.partner.takes.take import read_take
from instrument.preset.preset import load_preset
from instrument.realtime.memory.constants import PANIC
from instrument.rendering.tone_cache import Tone, ToneCache
from instrument.unfinished import entries_folder, unfinished_recordings
from tests.fuzz.mutation import Try, mutated, mutated_text
from tests.fuzz.talk import api_messages, lines, page_messages, plugin_requests
from tests.helpers.live.fake_jack import FakeJack
from tests.helpers.models.forged_bundle import edit_card, relist
from tests.helpers.music.wild_bytes import random_packets
from tests.helpers.places import GOLDEN, ROOT
from tests.helpers.sounds.nsynth_files import write_archive, write_folder
from tests.helpers.sounds.tones import fill_bank
from training.data.audio.nsynth import read_nsynth
from training.data.audio.own_notes import read_own_notes

MIDI = ROOT / "tests" / "golden" / "midi"
PRESETS = ROOT / "presets"
TAKES = ROOT / "tests" / "instrument" / "partner"
CHECKPOINT = GOLDEN / "tiny" / "stage_00012"
BUNDLE = PRESETS / "models" / "crnngan"


@dataclass(frozen=True, slots=True)
class Entrance:
    """One of them.

    Attributes
    ----------
    open
        Gets an empty folder; returns what tries one input and raises `LatentkeysError` at most.
    share
        Of all inputs, in per cent.
    """

    open: Callable[[Path], Try]
    share: float


def live_bytes(_: Path) -> Try:
    """A cable: 200 bytes each, through the driver's callback into the kernel."""
    jack = FakeJack(block_frames=64)
    fill_bank(jack.state, 1, range(24, 100, 6), frames=9_600)
    blocks = 480

    def try_one(rng: random.Random) -> None:
        sound = jack.play(random_packets(rng.randrange(1 << 30), 200, blocks), blocks)
        assert np.isfinite(sound).all() and np.abs(sound).max() <= 1.0
        if rng.random() < 0.02:
            jack.state.control_ring.command(PANIC)
            jack.play([], 4_800)
            assert not jack.state.voices["stage"].any(), "a stuck note"

    return try_one


def midi_files(folder: Path) -> Try:
    """Files of notes, as ``render`` and as ``continue`` read them."""
    originals = [path.read_bytes() for path in sorted(MIDI.glob("*.mid"))]

    def try_one(rng: random.Random) -> None:
        path = folder / "a.mid"
        path.write_bytes(mutated(rng.choice(originals), rng))
        with suppress(LatentkeysError):
            read_midi_file(path)
        with suppress(LatentkeysError):
            read_phrase(path)

    return try_one


def presets(folder: Path) -> Try:
    """Presets."""
    originals = [path.read_bytes() for path in sorted(PRESETS.glob("*.toml"))]

    def try_one(rng: random.Random) -> None:
        path = folder / "a.toml"
        path.write_bytes(mutated_text(rng.choice(originals), rng))
        load_preset(path)

    return try_one


def bundles(folder: Path) -> Try:
    """Cards of bundles."""
    copy = Path(shutil.copytree(BUNDLE, folder / "bundle"))
    card = (copy / "card.json").read_bytes()

    def try_one(rng: random.Random) -> None:
        (copy / "card.json").write_bytes(mutated_text(card, rng))
        bundle = Bundle.load(copy)
        for name in bundle.card.graphs:
            bundle.graph(name)

    return try_one


def graphs(folder: Path) -> Try:
    """Graphs of bundles whose card tells the truth about them."""
    copy = Path(shutil.copytree(BUNDLE, folder / "bundle"))
    card = (copy / "card.json").read_bytes()
    name, graph = next(iter(Bundle.load(copy).card.graphs.items()))
    content = (copy / graph.file).read_bytes()

    def try_one(rng: random.Random) -> None:
        (copy / graph.file).write_bytes(mutated(content, rng))
        (copy / "card.json").write_bytes(card)
        relist(copy, graph.file)
        edit_card(copy, lambda _: None)
        Bundle.load(copy).open_graph(name, Runtime(threads=1, device="cpu"))

    return try_one


def takes(folder: Path) -> Try:
    """Takes of both formats."""
    originals = [path.read_bytes() for path in sorted(TAKES.rglob("*.json"))]

    def try_one(rng: random.Random) -> None:
        path = folder / "take.json"
        path.write_bytes(mutated_text(rng.choice(originals), rng))
        read_take(path)

    return try_one


def recordings(folder: Path) -> Try:
    """Recorded notes, as ``--like`` and as ``learn`` read them."""
    sound = 0.4 * np.sin(np.arange(6_000) * 0.05)
    originals = []
    for kind, subtype in (
        ("WAV", "PCM_16"),
        ("WAV", "FLOAT"),
        ("FLAC", "PCM_16"),
        ("AIFF", "PCM_24"),
    ):
        file = folder / f"original.{kind}"
        soundfile.write(file, sound, 16_000, subtype, format=kind)
        originals.append(file.read_bytes())
        file.unlink()

    def try_one(rng: random.Random) -> None:
        path = folder / "note_C4.wav"
        path.write_bytes(mutated(rng.choice(originals), rng))
        with suppress(LatentkeysError):
            read_recording(path)
        if rng.random() < 0.2:
            read_own_notes(folder, lambda *_: None)

    return try_one


def archives(folder: Path) -> Try:
    """Archives of recordings, packed by tar and gzip."""
    packed = write_archive(folder / "a.tar.gz", write_folder(folder / "nsynth"), list_first=True)
    plain = gzip.decompress(packed.read_bytes())
    headers = plain[:4096]

    def try_one(rng: random.Random) -> None:
        content = mutated(headers, rng) + plain[4096 : rng.choice((8_192, 200_000))]
        packed.write_bytes(gzip.compress(content, 1) if rng.random() < 0.9 else content)
        out = folder / "out"
        try:
            read_nsynth(packed, out, "a", "acoustic", lambda *_: None)
        finally:
            shutil.rmtree(out, ignore_errors=True)

    return try_one


def checkpoints(folder: Path) -> Try:
    """Checkpoints of TensorFlow."""
    for path in CHECKPOINT.glob("model.ckpt-128.*"):
        shutil.copy(path, folder)
    prefix = folder / "model.ckpt-128"
    index = prefix.with_name("model.ckpt-128.index")
    content = index.read_bytes()

    def try_one(rng: random.Random) -> None:
        index.write_bytes(mutated(content, rng))
        bundle = TensorBundle.open(prefix)
        for name in list(bundle.variables)[:3]:
            bundle.read(name)

    return try_one


def caches(folder: Path) -> Try:
    """Tables of tones that were kept."""
    cache = ToneCache(folder)
    tones = [Tone(1, pitch, np.zeros(400, np.float32), 100, 300, 1.0, 0.5) for pitch in (60, 64)]
    cache.save("a", tones)
    path = folder / "a.npz"
    content = path.read_bytes()

    def try_one(rng: random.Random) -> None:
        path.write_bytes(mutated(content, rng))
        for tone in cache.load("a", 1_000) or ():
            assert 0 <= tone.loop_start <= tone.loop_end <= len(tone.samples) <= 1_000

    return try_one


def entries(_: Path) -> Try:
    """Notes on recordings that were not finished."""
    entries_folder().mkdir(parents=True, exist_ok=True)
    content = b'{"format":1,"path":"/a.wav","temporary":"/dev/zero","rate_hz":48000,"began":1.5}'

    def try_one(rng: random.Random) -> None:
        (entries_folder() / "a.json").write_bytes(mutated_text(content, rng))
        unfinished_recordings()

    return try_one


ENTRANCES = {
    "live bytes": Entrance(live_bytes, 20.0),
    "MIDI files": Entrance(midi_files, 20.0),
    "presets": Entrance(presets, 10.0),
    "cards of bundles": Entrance(bundles, 5.0),
    "graphs of bundles": Entrance(graphs, 1.0),
    "takes": Entrance(takes, 10.0),
    "recordings": Entrance(recordings, 5.0),
    "archives": Entrance(archives, 2.0),
    "checkpoints": Entrance(checkpoints, 5.0),
    "kept tones": Entrance(caches, 5.0),
    "unfinished recordings": Entrance(entries, 2.0),
    "lines between processes": Entrance(lines, 5.0),
    "messages of programs": Entrance(api_messages, 2.0),
    "messages of pages": Entrance(page_messages, 7.0),
    "requests of plug-ins": Entrance(plugin_requests, 1.0),
}


def scratch(name: str) -> Path:
    """Make a folder for an entrance."""
    return Path(tempfile.mkdtemp(prefix=f"latentkeys-fuzz-{name.replace(' ', '-')}-"))
