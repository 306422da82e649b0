"""From a folder of notes to a sound of one's own: the work behind ``latentkeys learn``.

In: sound files, a frame voice's bundle. Out: a bundle of the same voice with one more instrument,
a preset of it, figures beside a sampler's, and a WAV file in which recordings and the voice take
turns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from export.frame_voice.restore import restore_voice
from export.frame_voice.write import write_voice
from instrument.bundle.bundle import Bundle
from instrument.files import replacing_file
from training.audio.format import SAMPLE_RATE_HZ
from training.data.audio.own_notes import OwnNotes, write_own_notes
from training.data.audio.tone_set import TEST, ToneSet
from training.frame_voice.adapt import Adaptation, Adapted, all_to_learn_from
from training.frame_voice.config import TrainingConfig, VoiceRecipe
from training.frame_voice.model import FrameVoice
from training.frame_voice.render import play_like
from training.metrics.audio.nearest_pitch_baseline import resample_nearest
from training.metrics.audio.spectra import log_spectral_distance, magnitudes
from training.trainer.checkpoint import FRAME_VOICE
from training.trainer.hardware import describe_hardware
from training.trainer.run_card import Length, RunCard

Report = Callable[[float, str], None]

_JUDGED_SHARE = 0.75
"""Of the time; the rest is for learning the hidden keys too, once they have served to judge."""
_TOP_HZ = 8000.0
_AB_SECONDS, _GAP_SECONDS = 2.0, 0.25
_PEAK = 0.7


@dataclass(frozen=True, slots=True)
class NoteLikeness:
    """How near one note came: distances to its recording up to 8 kHz, in dB.

    Attributes
    ----------
    pitch
        MIDI number.
    ours
        Of the voice.
    nearest
        Of the nearest recorded key resampled, as a sampler would play it; None for keys that were
        learned, which a sampler simply has.
    """

    pitch: int
    ours: float
    nearest: float | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of the notes.

    Attributes
    ----------
    adapted
        What the learning came to.
    hidden
        Figures of keys that were kept back, measured before they were learned too; may be empty.
    learned
        Figures of all keys at the end.
    bundle
        The new model.
    """

    adapted: Adapted
    hidden: tuple[NoteLikeness, ...]
    learned: tuple[NoteLikeness, ...]
    bundle: Bundle


def learn_notes(
    notes: OwnNotes,
    source: str,
    base: Bundle,
    target: Path,
    ab: Path,
    seconds: float,
    report: Report,
) -> Learned:
    """Learn notes and write the bundle and the comparison.

    Parameters
    ----------
    notes, source
        The recordings, and a few words for the card on where they come from.
    base
        The frame voice that learns them.
    target
        The new bundle's folder; its name is the model's and the instrument's.
    ab
        A WAV file to write: every recording, followed by the voice's note.
    seconds
        How long to learn; export and measuring come on top.
    report
        Told how much is done, 0 to 1, and what is going on.

    Raises
    ------
    BundleError, FileError, EngineError
        The base is no frame voice; a file cannot be written; the export failed. Nothing half-done
        is left.
    """
    voice = restore_voice(base)
    with tempfile.TemporaryDirectory(prefix="latentkeys-learn-") as scratch:
        tones = write_own_notes(notes, Path(scratch) / "notes", target.name, source)
        learner, own = Adaptation(voice, tones), len(voice.instruments)
        has_hidden = bool((tones.split == TEST).any())
        first = _JUDGED_SHARE if has_hidden else 1.0
        adapted = learner.learn(seconds * first, lambda done, said: report(first * done, said))
        hidden = tuple(_judged(learner.voice, tones, own))
        if has_hidden:
            learner.learn_on(
                all_to_learn_from(tones),
                seconds * (1 - first),
                lambda done, said: report(first + (1 - first) * done, said),
            )
        learned = tuple(_figures(learner.voice, tones, own))
        bundle = write_voice(
            learner.voice,
            _trained(learner.voice, base, source),
            target,
            _notices(source, base),
            graph_names=tuple(base.card.graphs),
            report=lambda said: report(1.0, said),
        )
        write_comparison(ab, learner.voice, tones, own)
    return Learned(adapted, hidden, learned, bundle)


def write_comparison(path: Path, voice: FrameVoice, tones: ToneSet, instrument: int) -> None:
    """Write a WAV file: each recording, then the voice's note of the same key, from low to high.

    Raises
    ------
    FileError
        It cannot be written.
    """
    frames = round(_AB_SECONDS * SAMPLE_RATE_HZ)
    gap = np.zeros(round(_GAP_SECONDS * SAMPLE_RATE_HZ), np.float32)
    pieces: list[NDArray[np.float32]] = []
    for row in np.argsort(tones.pitch, kind="stable"):
        ours = play_like(voice, _played_by(tones, instrument), int(row))
        pieces += [_faded(tones.audio(int(row))[:frames]), gap, _faded(ours[:frames]), gap, gap]
    audio = np.concatenate(pieces)
    audio *= _PEAK / max(float(np.abs(audio).max()), 1e-9)
    with replacing_file(path) as temporary:
        soundfile.write(temporary, audio, SAMPLE_RATE_HZ, format="WAV", subtype="PCM_24")


def _judged(voice: FrameVoice, tones: ToneSet, instrument: int) -> list[NoteLikeness]:
    """Measure the hidden keys beside a sampler that lacks them too."""
    rows = np.flatnonzero(tones.split == TEST)
    return [
        replace(
            _likeness(voice, tones, int(row), instrument),
            nearest=_distance_db(tones.audio(int(row)), resample_nearest(tones, int(row))),
        )
        for row in rows
    ]


def _figures(voice: FrameVoice, tones: ToneSet, instrument: int) -> list[NoteLikeness]:
    order = np.argsort(tones.pitch, kind="stable")
    return [_likeness(voice, tones, int(row), instrument) for row in order]


def _likeness(voice: FrameVoice, tones: ToneSet, row: int, instrument: int) -> NoteLikeness:
    ours = play_like(voice, _played_by(tones, instrument), row)
    return NoteLikeness(int(tones.pitch[row]), _distance_db(tones.audio(row), ours))


def _distance_db(recording: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    pair = (magnitudes(recording, SAMPLE_RATE_HZ), magnitudes(other, SAMPLE_RATE_HZ))
    return log_spectral_distance(*pair, SAMPLE_RATE_HZ, _TOP_HZ)


def _played_by(tones: ToneSet, instrument: int) -> ToneSet:
    """Return the set as played by another of the voice's instruments."""
    return replace(tones, instrument=np.full_like(tones.instrument, instrument))


def _faded(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    fade = np.ones(audio.size, np.float32)
    length = min(audio.size, SAMPLE_RATE_HZ // 20)
    fade[-length:] = np.linspace(1.0, 0.0, length, dtype=np.float32)
    return audio * fade


def _notices(source: str, base: Bundle) -> bytes:
    """Write whose terms the weights stand under: the notes' owner's, and those they began with."""
    before = base.read("LICENSE").decode("utf-8", "replace")
    return (
        f"The weights in this folder were learned from {source}, on top of the model "
        f"{base.card.name}.\nWhoever owns those recordings decides who may use them; write it here "
        f"before you pass them on.\n\nThe model that they began with:\n\n{before}"
    ).encode()


def _trained(voice: FrameVoice, base: Bundle, source: str) -> RunCard:
    """Say what was trained on what, for the card: the base's training, and these notes."""
    before = base.sound.training
    return RunCard(
        system=FRAME_VOICE,
        recipe="",
        config=asdict(VoiceRecipe(voice.config, TrainingConfig())),
        corpus="",
        corpus_sha256="",
        source=f"{before['source']} and {source}",
        notice="",
        length=Length(0, 0.0, 0),
        step=int(before["steps"]),
        seconds=float(before["seconds"]),
        processes=1,
        hardware=describe_hardware(torch.device("cpu")),
        validation={},
    )
