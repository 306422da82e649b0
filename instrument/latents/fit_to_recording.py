"""Find the latent whose sound is nearest to a recording: ``presets new NAME --like WAV``.

In: one note as a WAV file, a model. Out: a latent. First named instruments and draws from the prior
are compared by `likeness`; from the best of them gradient steps lead on. A bundle can only be run
forwards, so the gradient is estimated: all numbers are moved a little at once, at random to one
side and to the other, and the difference in likeness is the slope along that line (simultaneous
perturbation: J. C. Spall, IEEE Transactions on Automatic Control 37, 1992), averaged over a few
lines and followed with Adam (Kingma and Ba 2015). It needs nothing but notes, so every model that
plays has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from instrument.bundle.card import VoiceCard
from instrument.errors import FileError, SettingError
from instrument.files import open_regular
from instrument.latents.latent import Latent, draw, unwhiten, whiten
from instrument.latents.timbre_distance import Likeness, from_onset
from instrument.music.yin import RATE_HZ as ESTIMATE_HZ
from instrument.music.yin import estimate_pitch
from instrument.rendering.renderer import ToneRenderer

Samples = npt.NDArray[np.float32]

DRAWS = 150
STEPS, LINES = 40, 4
COMPARED_SECONDS = 1.2
LONGEST_SECONDS = 10.0
HIGHEST_RATE_HZ, MOST_CHANNELS = 768_000, 32
_LOUDEST = 1e6  # full scale is 1; some programs write samples of 16 bits as floats
_SILENCE = 1e-6  # -120 dB, once a constant is taken off
DIES_AWAY_DB = -12.0
"""A note whose last quarter is so far under its loudest moment is taken for struck or plucked."""

_SHIFT, _RATE = 0.05, 0.08  # in standard deviations of the prior
_MOMENTUM, _SCALE_MEMORY = 0.8, 0.95


@dataclass(frozen=True, slots=True)
class Example:
    """One note to come near to.

    Attributes
    ----------
    audio
        float32, shape (frames,), from its onset.
    rate_hz
        Frames per second.
    pitch
        MIDI number.
    """

    audio: Samples
    rate_hz: int
    pitch: int

    @property
    def dies_away(self) -> bool:
        """Whether it sounds struck or plucked."""
        quarters = np.array_split(self.audio[: round(COMPARED_SECONDS * self.rate_hz)], 24)
        power = [float(np.mean(np.square(part, dtype=np.float64))) for part in quarters]
        last = 10 * np.log10((np.mean(power[18:]) + 1e-20) / (max(power) + 1e-20))
        return bool(last < DIES_AWAY_DB)


@dataclass(frozen=True, slots=True)
class Nearest:
    """What was found.

    Attributes
    ----------
    latent
        float64, shape (latent_size,).
    searched_db, distance_db
        How far the best of the search is, and how far this latent is; see `likeness`.
    """

    latent: Latent
    searched_db: float
    distance_db: float


def read_example(path: Path, pitch: int | None, renderer: ToneRenderer) -> Example:
    """Read a recorded note and bring it to a renderer's rate and to tempered pitch.

    Parameters
    ----------
    pitch
        MIDI number; estimated when not given.
    path
        A WAV, FLAC or AIFF file with one note.

    Raises
    ------
    FileError
        The file is missing or no sound file, or it is silent.
    SettingError
        The pitch cannot be told, or the model does not have it.
    """
    import soxr

    audio, rate_hz = read_recording(path)
    tuned = float(pitch) if pitch is not None else _estimated(path, audio, rate_hz)
    nearest = round(tuned)
    lowest, highest = renderer.info.pitch_range
    if not lowest <= nearest <= highest:
        raise SettingError(
            f'"{path}" has pitch {nearest}; the model has notes from {lowest} to {highest}',
            "Record another note, or say its pitch with --pitch.",
        )
    faster = 2.0 ** ((nearest - tuned) / 12)
    own_hz = renderer.info.sample_rate_hz
    sound = np.asarray(soxr.resample(audio, rate_hz * faster, own_hz), np.float32)
    return Example(from_onset(sound), own_hz, nearest)


def find_nearest(
    example: Example,
    card: VoiceCard,
    renderer: ToneRenderer,
    on_step: Callable[[], None] = lambda: None,
) -> Nearest:
    """Search, then follow the slope; the same example gives the same latent.

    Parameters
    ----------
    on_step
        Called `steps_of` times.
    """
    frames = min(round(COMPARED_SECONDS * example.rate_hz), renderer.info.longest_frames)
    likeness = Likeness(example.rate_hz, min(frames, len(example.audio)))
    wanted = likeness.fingerprint(example.audio)

    def distances_db(latents: Sequence[Latent]) -> npt.NDArray[np.float64]:
        pitches = np.full(len(latents), example.pitch)
        notes = renderer.render(pitches, np.asarray(latents, np.float32), None, frames)
        return np.array([likeness.distance_db(wanted, likeness.fingerprint(n)) for n in notes])

    best, searched_db = _search(card, distances_db, on_step)
    latent, distance_db = _descend(card, best, searched_db, distances_db, on_step)
    return Nearest(latent, searched_db, distance_db)


def steps_of(card: VoiceCard) -> int:
    """Return how many steps `find_nearest` takes."""
    return -(-(len(card.latents) + DRAWS) // (2 * LINES)) + STEPS


Distances = Callable[[Sequence[Latent]], npt.NDArray[np.float64]]


def _search(
    card: VoiceCard, distances_db: Distances, on_step: Callable[[], None]
) -> tuple[Latent, float]:
    """Return the nearest of the named instruments and of some draws."""
    named = [np.asarray(entry.latent, np.float64) for entry in card.latents.values()]
    candidates = [*named, *(draw(card, seed, sharpness=0.0) for seed in range(DRAWS))]
    found: list[float] = []
    for start in range(0, len(candidates), 2 * LINES):
        found += distances_db(candidates[start : start + 2 * LINES]).tolist()
        on_step()
    best = int(np.argmin(found))
    return candidates[best], found[best]


def _descend(
    card: VoiceCard,
    start: Latent,
    start_db: float,
    distances_db: Distances,
    on_step: Callable[[], None],
) -> tuple[Latent, float]:
    """Follow the estimated slope, in standard deviations of the prior; keep the nearest seen."""
    random = np.random.Generator(np.random.PCG64(0))
    at = whiten(start, card.prior)
    best, best_db = start, start_db
    slope, scale = np.zeros_like(at), np.zeros_like(at)
    for step in range(1, STEPS + 1):
        lines = random.choice([-_SHIFT, _SHIFT], (LINES, len(at)))
        sides = [unwhiten(at + side * line, card.prior) for line in lines for side in (1, -1)]
        found = distances_db(sides)
        if found.min() < best_db:
            best, best_db = sides[int(found.argmin())], float(found.min())
        rise = (found[0::2] - found[1::2]) / (2 * _SHIFT**2)
        estimate = (rise[:, None] * lines).mean(axis=0)
        slope = _MOMENTUM * slope + (1 - _MOMENTUM) * estimate
        scale = _SCALE_MEMORY * scale + (1 - _SCALE_MEMORY) * estimate**2
        ahead = slope / (1 - _MOMENTUM**step)
        evenly = np.sqrt(scale / (1 - _SCALE_MEMORY**step)) + 1e-9
        at = at - _RATE * np.sqrt(1 - (step - 1) / STEPS) * ahead / evenly
        on_step()
    return best, best_db


def read_recording(path: Path) -> tuple[Samples, int]:
    """Read the beginning of a recording, mixed to one channel; return it and its rate in Hz.

    Raises
    ------
    FileError
        It is no sound file, silent, or has values that are no sound.
    """
    import soundfile

    try:
        # By its number: a seek to before the file is libsndfile's own business then, not a trace.
        with (
            open_regular(path) as opened,
            soundfile.SoundFile(opened.fileno(), closefd=False) as file,
        ):
            if file.samplerate > HIGHEST_RATE_HZ or file.channels > MOST_CHANNELS:
                raise FileError(
                    f'"{path}" says that it has {file.channels} channels at {file.samplerate} Hz',
                    "Record one note in mono or stereo.",
                )
            sound = file.read(round(LONGEST_SECONDS * file.samplerate), "float32", always_2d=True)
            rate_hz = int(file.samplerate)
    except (OSError, soundfile.LibsndfileError) as problem:
        reason = getattr(problem, "error_string", problem)  # without the number of our descriptor
        raise FileError(
            f'"{path}" cannot be read as a sound file: {reason}', "Choose a WAV, FLAC or AIFF file."
        ) from problem
    if not np.abs(sound).max(initial=0.0) < _LOUDEST:  # NaN is not, either
        raise FileError(f'"{path}" holds numbers that are no sound', "Record it again.")
    mono = np.asarray(sound.mean(axis=1), np.float32)
    if not len(mono) or np.abs(mono - mono.mean()).max() < _SILENCE:
        raise FileError(f'"{path}" is silent', "Record one note.")
    return mono, rate_hz


def _estimated(path: Path, audio: Samples, rate_hz: int) -> float:
    import soxr

    slow = np.asarray(soxr.resample(audio, rate_hz, ESTIMATE_HZ), np.float32)
    try:
        return estimate_pitch(slow)
    except ValueError as problem:
        raise SettingError(
            f'the pitch of "{path}" cannot be told', "Say it, for example: --pitch 60"
        ) from problem
