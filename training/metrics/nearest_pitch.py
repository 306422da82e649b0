"""The baseline that a voice must beat: resample the recording of the nearest training pitch.

Keys within one zone of a SoundFont are resamplings of one recording, so this baseline is nearly
perfect there; a weaker one would flatter the voice.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from training.config import SAMPLE_RATE_HZ
from training.data.notes import HELD, TRAIN, NoteSet


def nearest_training_note(notes: NoteSet, row: int) -> int | None:
    """Return the held training note of the same instrument that is nearest in pitch, or None."""
    candidates = np.flatnonzero(
        (notes.split == TRAIN)
        & (notes.hold_frames == HELD)
        & (notes.instrument == notes.instrument[row])
    )
    if candidates.size == 0:
        return None
    distance = np.abs(notes.pitch[candidates] - notes.pitch[row])
    # Among a key's held notes the shorter one is the ordinary one.
    order = np.lexsort((notes.frames[candidates], distance))
    return int(candidates[order[0]])


def resample_nearest(notes: NoteSet, row: int) -> NDArray[np.float32] | None:
    """Play a note by resampling its nearest training pitch, as a sampler does.

    The onset stays where it is; the release is the recording's own fade at that time, taken as
    a 30 dB fall over the release, for the training note is still held.

    Returns
    -------
    NDArray or None
        float32, as long as the note; None when the instrument has no training note.
    """
    source = nearest_training_note(notes, row)
    if source is None:
        return None
    semitones = float(notes.pitch[row] - notes.pitch[source])
    cents = float(notes.cents[row] - notes.cents[source]) + 100.0 * semitones
    ratio = 2.0 ** (cents / 1200.0)
    audio = soxr.resample(notes.audio(source), SAMPLE_RATE_HZ * ratio, SAMPLE_RATE_HZ, "HQ")
    out = np.zeros(int(notes.frames[row]), np.float32)
    out[: min(out.size, audio.size)] = audio[: out.size]
    return out
