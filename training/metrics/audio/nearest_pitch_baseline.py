"""The baseline that a voice must beat: resample the recording of the nearest training pitch.

Keys within one zone of a SoundFont are resamplings of one recording, so this baseline is nearly
perfect there; a weaker one would flatter the voice.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from instrument.errors import FileError
from training.audio.format import SAMPLE_RATE_HZ
from training.data.audio.tone_set import HELD, TRAIN, ToneSet

_REPEATED_FRAMES = 12000
_SMOOTH = 480


def nearest_training_note(tones: ToneSet, row: int) -> int:
    """Return the held training tone of the same instrument that is nearest in pitch.

    Raises
    ------
    FileError
        When the instrument has no held training tone.
    """
    candidates = np.flatnonzero(
        (tones.split == TRAIN)
        & (tones.hold_frames == HELD)
        & (tones.instrument == tones.instrument[row])
    )
    if candidates.size == 0:
        name = tones.instruments[tones.instrument[row]].name
        raise FileError(f"{tones.path} has no held training note of {name}")
    distance = np.abs(tones.pitch[candidates] - tones.pitch[row])
    # Among a pitch's held tones the shorter one is the ordinary one.
    order = np.lexsort((tones.frames[candidates], distance))
    return int(candidates[order[0]])


def resample_nearest(tones: ToneSet, row: int) -> NDArray[np.float32]:
    """Play a tone by resampling its nearest training pitch, as a sampler does.

    The onset stays where it is and the tuning is set to the tone's own. The training tone is held;
    it is let go with the *tested recording's own* release, which favours this baseline.

    Returns
    -------
    NDArray
        float32, shape (frames,), as long as the tone.
    """
    source = nearest_training_note(tones, row)
    cents = float(tones.cents[row] - tones.cents[source])
    cents += 100.0 * float(tones.pitch[row] - tones.pitch[source])
    rate = SAMPLE_RATE_HZ * 2.0 ** (cents / 1200.0)
    audio = soxr.resample(tones.audio(source), rate, SAMPLE_RATE_HZ, "HQ")
    frames = int(tones.frames[row])
    if audio.size < frames:
        last = audio[-_REPEATED_FRAMES:]
        missing = frames - audio.size
        audio = np.concatenate([audio, np.resize(last, missing)])
    return np.asarray(audio[:frames] * release_curve(tones, row), np.float32)


def release_curve(tones: ToneSet, row: int) -> NDArray[np.float32]:
    """Return a recording's level against its level at note-off; 1 while the key is down."""
    curve = np.ones(int(tones.frames[row]), np.float32)
    hold = int(tones.hold_frames[row])
    if hold != HELD:
        power = np.convolve(tones.audio(row) ** 2, np.ones(_SMOOTH) / _SMOOTH, "same")
        curve[hold:] = np.sqrt(power[hold:] / max(float(power[hold - _SMOOTH]), 1e-12))
    return np.minimum(curve, 1.0)
