"""Measure a frame voice against recordings at pitches that it never heard.

In: a voice and its tone set. Out: a `VoiceReport` of figures, each beside the same figure of two
yardsticks where there is one: resampling the nearest training pitch, and GANSynth's mel-IF round
trip. Everything is seeded; the recordings' vibrato has been straightened for all of them alike.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from instrument.music.pitch import pitch_to_hz
from training.audio.format import LOWEST_PITCH, SAMPLE_RATE_HZ, WAVE_FRAMES
from training.audio.format import WAVE_RATE_HZ as MEL_IF_RATE_HZ
from training.audio.spectrogram import Spectrogram
from training.data.audio.tone_set import TEST, ToneSet
from training.frame_voice.figures import ToneFigures, VoiceReport, gates_of
from training.frame_voice.model import FrameVoice
from training.frame_voice.render import play, play_like
from training.metrics.audio import tone_measures as measure
from training.metrics.audio.nearest_pitch_baseline import resample_nearest
from training.metrics.audio.spectra import (
    log_spectral_distance,
    magnitudes,
    spectral_centroid_hz,
    spectral_convergence,
)
from training.metrics.audio.tone_samples import Show

_SEED = 0
_PATHS, _PATH_PITCHES, _PATH_STEPS = 10, (36, 60, 84), 9
_VELOCITIES = (0.2, 0.4, 0.6, 0.8, 1.0)
_CENTS_PITCHES = range(36, 97)
_LEVEL_CHANGE_DB = 1.0
_ONSET_BAND_HZ = (5000.0, 10_000.0)


def evaluate(
    voice: FrameVoice,
    step: int,
    notes: ToneSet,
    count: int | None,
    show: Show,
    motion: float = 1.0,
) -> VoiceReport:
    """Measure everything.

    Parameters
    ----------
    voice
        In ``eval`` mode, on the CPU.
    step
        How long it has learned.
    notes
        The tone set of the run.
    count
        Held-out tones to use, all when None.
    show
        Called with what is measured, how much is done, and how much there is.
    motion
        Depth of the motion, 1 = as recorded.
    """
    rows = np.flatnonzero(notes.split == TEST)
    if count is not None and count < rows.size:
        rows = np.sort(np.random.default_rng(_SEED).choice(rows, count, replace=False))
    figures = []
    for done, row in enumerate(rows):
        show("held-out notes", done, rows.size)
        figures.append(measure_note(voice, notes, int(row), motion))
    dips, backward = measure_paths(voice, show)
    drift = measure_drift(voice, notes, show)
    darker = tuple(find_darker(voice, show))
    return VoiceReport(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        step=step,
        motion=motion,
        notes=tuple(figures),
        dips_db=dips,
        centroid_backward=backward,
        drift_db=drift,
        darker_when_louder=darker,
        gates=gates_of(figures, dips, drift, len(darker)),
    )


def measure_note(voice: FrameVoice, notes: ToneSet, row: int, motion: float) -> ToneFigures:
    """Measure one held-out tone: the recording, the voice, and the two yardsticks."""
    instrument, pitch = notes.instruments[notes.instrument[row]], int(notes.pitch[row])
    source = notes.audio(row)
    ours = play_like(voice, notes, row, motion, _SEED)
    nearest = resample_nearest(notes, row)
    truth, played, copied = (magnitudes(a, SAMPLE_RATE_HZ) for a in (source, ours, nearest))
    mel_if_distance, mel_if_convergence = _mel_if_figures(source)
    f0 = pitch_to_hz(pitch + float(notes.cents[row]) / 100.0)
    log2_b = float(notes.tuning.log2_inharmonicity[notes.instrument[row], pitch - LOWEST_PITCH])
    inharmonicity = 2.0**log2_b - 2.0**-20
    has_pitch = pitch in _CENTS_PITCHES
    attacks = [measure.attack_seconds(audio, f0) for audio in (source, ours)]
    held = int(notes.hold_frames[row])
    wobbles = [measure.wobble_db(audio[:held], f0, inharmonicity) for audio in (source, ours)]
    both = np.isfinite(wobbles[0]) & np.isfinite(wobbles[1])
    wobble = [float(np.median(w[both])) if both.any() else float("nan") for w in wobbles]
    common = measure.common_motion_db(source[:held], ours[:held], f0, inharmonicity)
    onsets = [measure.onset_level_db(audio, *_ONSET_BAND_HZ) for audio in (source, ours)]
    return ToneFigures(
        instrument=instrument.name,
        pitch=pitch,
        is_struck=instrument.is_struck,
        lsd=log_spectral_distance(truth, played, SAMPLE_RATE_HZ),
        lsd_8k=log_spectral_distance(truth, played, SAMPLE_RATE_HZ, 8000.0),
        convergence=spectral_convergence(truth, played),
        nearest_lsd=log_spectral_distance(truth, copied, SAMPLE_RATE_HZ),
        nearest_lsd_8k=log_spectral_distance(truth, copied, SAMPLE_RATE_HZ, 8000.0),
        nearest_convergence=spectral_convergence(truth, copied),
        mel_if_lsd_8k=mel_if_distance,
        mel_if_convergence=mel_if_convergence,
        cents=measure.pitch_error_cents(ours, f0, inharmonicity) if has_pitch else float("nan"),
        attack_error_seconds=abs(attacks[1] - attacks[0]),
        source_wobble_db=wobble[0],
        wobble_db=wobble[1],
        source_common_db=common[0],
        common_db=common[1],
        onset_error_db=onsets[1] - onsets[0],
    )


def measure_paths(voice: FrameVoice, show: Show) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Walk between instruments in nine steps; return level dips and centroid reversals."""
    random = np.random.default_rng(_SEED)
    dips: list[float] = []
    backward: list[float] = []
    for _ in range(_PATHS):
        start, end = random.choice(len(voice.latent_of), 2, replace=False)
        for pitch in _PATH_PITCHES:
            show("paths between instruments", len(dips), _PATHS * len(_PATH_PITCHES))
            share = torch.linspace(0.0, 1.0, _PATH_STEPS)[:, None]
            latents = torch.lerp(voice.latent_of[start], voice.latent_of[end], share)
            audio = play(voice, latents, pitch, 1.0, seconds=1.0)
            levels = np.array([measure.level_db(step) for step in audio])
            centroids = np.array([spectral_centroid_hz(step, SAMPLE_RATE_HZ) for step in audio])
            dips.append(measure.deepest_dip_db(levels))
            backward.append(measure.backward_share(centroids))
    return tuple(dips), tuple(backward)


def measure_drift(voice: FrameVoice, notes: ToneSet, show: Show) -> dict[str, float]:
    """Hold pitch 60 for 20 s on every instrument that stays level; return 19 s against 2 s.

    Without motion, whose slow beats are no drift.
    """
    level = [
        index
        for index, instrument in enumerate(voice.instruments)
        if not instrument.is_struck and _stays_level(notes, index)
    ]
    drift = {}
    for done, index in enumerate(level):
        show("twenty-second notes", done, len(level))
        latents = voice.latent_of[index : index + 1]
        audio = play(voice, latents, 60, 1.0, seconds=20.0, motion=0.0)[0]
        early, late = (
            measure.level_db(
                audio[int((s - 0.5) * SAMPLE_RATE_HZ) : int((s + 0.5) * SAMPLE_RATE_HZ)]
            )
            for s in (2.0, 19.0)
        )
        drift[voice.instruments[index].name] = late - early
    return drift


def find_darker(voice: FrameVoice, show: Show) -> Iterator[str]:
    """Find instruments whose spectral centroid does not rise from each velocity to the next."""
    for index, instrument in enumerate(voice.instruments):
        show("velocities", index, len(voice.instruments))
        for pitch in _PATH_PITCHES:
            latents = voice.latent_of[index : index + 1].expand(len(_VELOCITIES), -1)
            audio = play(voice, latents, pitch, np.array(_VELOCITIES), seconds=0.5)
            centroids = [spectral_centroid_hz(note, SAMPLE_RATE_HZ) for note in audio]
            if min(np.diff(centroids)) <= 0.0:
                yield f"{instrument.name} {pitch}"


def _stays_level(notes: ToneSet, instrument: int) -> bool:
    """Return whether an instrument's long recordings are as loud at their end as at 2 s."""
    rows = np.flatnonzero((notes.instrument == instrument) & (notes.split != TEST))
    changes = []
    for row in rows[notes.frames[rows] >= 4 * SAMPLE_RATE_HZ]:
        audio = notes.audio(int(row))
        early = measure.level_db(audio[int(1.5 * SAMPLE_RATE_HZ) : int(2.5 * SAMPLE_RATE_HZ)])
        changes.append(measure.level_db(audio[-SAMPLE_RATE_HZ:]) - early)
    return bool(changes) and abs(float(np.median(changes))) < _LEVEL_CHANGE_DB


def _mel_if_figures(source: NDArray[np.float32]) -> tuple[float, float]:
    low = soxr.resample(np.asarray(source, np.float64), SAMPLE_RATE_HZ, MEL_IF_RATE_HZ, "VHQ")
    low = np.pad(low, (0, max(WAVE_FRAMES - low.size, 0)))[:WAVE_FRAMES]
    again = Spectrogram().round_trip(torch.from_numpy(low)[None])[0].numpy()
    pair = [magnitudes(np.asarray(audio, np.float32), MEL_IF_RATE_HZ) for audio in (low, again)]
    distance = log_spectral_distance(pair[0], pair[1], MEL_IF_RATE_HZ, 8000.0)
    return distance, spectral_convergence(pair[0], pair[1])
