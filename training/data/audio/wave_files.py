"""Read sound files of any rate and number of channels as mono at 16 kHz.

In: a WAV, FLAC, OGG or AIFF file of a stranger. Out: float32, or a ValueError that says in a few
words what is wrong with it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from instrument.files import open_regular
from training.audio.format import WAVE_FRAMES, WAVE_RATE_HZ

SUFFIXES = (".wav", ".flac", ".ogg", ".aif", ".aiff")

_HIGHEST_RATE_HZ, _MOST_CHANNELS = 768_000, 32
"""A header may claim anything; this much memory is the most that four seconds may take."""
_NOTE_SECONDS = WAVE_FRAMES / WAVE_RATE_HZ
_SILENCE = 1e-4


def read_note(file: Path | BinaryIO) -> NDArray[np.float32]:
    """Read the first four seconds.

    Returns
    -------
    NDArray
        float32, shape (frames,) with 1 to 64000 frames, full scale ±1.

    Raises
    ------
    ValueError
        It is no sound file, it is cut off, empty or silent, or it has values that are no numbers.
    """
    with _sound_file(file) as sound:
        count = min(sound.frames, int(np.ceil(_NOTE_SECONDS * sound.samplerate)))
        audio = _mono(sound.read(count, "float32", always_2d=True), count)
        wave = audio
        if sound.samplerate != WAVE_RATE_HZ:
            wave = soxr.resample(audio, sound.samplerate, WAVE_RATE_HZ, quality="VHQ")[:WAVE_FRAMES]
    if np.abs(wave).max(initial=0.0) < _SILENCE:
        raise ValueError("it is silent")
    return np.asarray(wave, np.float32)


def read_recording(path: Path, longest_seconds: float) -> tuple[NDArray[np.float32], int]:
    """Read the beginning of a recording as it is.

    Returns
    -------
    NDArray
        float32, shape (frames, channels), full scale ±1.
    int
        Frames per second.

    Raises
    ------
    ValueError
        As for `read_note`.
    """
    with _sound_file(path) as sound:
        rate_hz = int(sound.samplerate)
        count = min(sound.frames, int(longest_seconds * rate_hz))
        audio = sound.read(count, "float32", always_2d=True)
    _mono(audio, count)
    if np.abs(audio).max(initial=0.0) < _SILENCE:
        raise ValueError("it is silent")
    return audio, rate_hz


def read_tiles(path: Path) -> Iterator[NDArray[np.float32]]:
    """Read a whole recording in tiles of four seconds; what remains at its end is left out.

    Returns
    -------
    Iterator
        Of float32, shape (64000,), full scale ±1; tiles may be silent.

    Raises
    ------
    ValueError
        As for `read_note`, or it is shorter than a tile.
    """
    with _sound_file(path) as sound:
        if sound.frames < _NOTE_SECONDS * sound.samplerate:
            raise ValueError(f"it is shorter than {_NOTE_SECONDS:g} s")
        resampler = soxr.ResampleStream(sound.samplerate, WAVE_RATE_HZ, 1, quality="VHQ")
        count, left = int(_NOTE_SECONDS * sound.samplerate), sound.frames
        kept = np.zeros(0, np.float32)
        while left:
            audio = _mono(sound.read(min(count, left), "float32", always_2d=True), min(count, left))
            left -= audio.size
            kept = np.concatenate([kept, resampler.resample_chunk(audio, last=not left)])
            while kept.size >= WAVE_FRAMES:
                yield kept[:WAVE_FRAMES]
                kept = kept[WAVE_FRAMES:]


@contextmanager
def _sound_file(file: Path | BinaryIO) -> Iterator[soundfile.SoundFile]:
    try:
        with ExitStack() as opened:
            if isinstance(file, Path):
                file = opened.enter_context(open_regular(file))
            _refuse_cut_off(file)
            sound = opened.enter_context(_opened(file))
            if not 0 < sound.samplerate <= _HIGHEST_RATE_HZ or sound.channels > _MOST_CHANNELS:
                raise ValueError(f"it has {sound.channels} channels at {sound.samplerate} Hz")
            if sound.frames <= 0:
                raise ValueError("it is empty")
            yield sound
    except (soundfile.LibsndfileError, OSError) as reason:
        words = getattr(reason, "error_string", reason)  # without the name of our file object
        raise ValueError(f"it cannot be read: {words}") from reason


def _opened(file: BinaryIO) -> soundfile.SoundFile:
    """Open a file by its number, if it has one.

    A seek to before the file is libsndfile's own business then, not a trace on the terminal.
    """
    try:
        number = file.fileno()
    except io.UnsupportedOperation:  # it lies in memory
        return soundfile.SoundFile(file)
    os.lseek(number, 0, os.SEEK_SET)
    return soundfile.SoundFile(number, closefd=False)


def _refuse_cut_off(file: BinaryIO) -> None:
    """Compare a RIFF file's length with what it says: libsndfile takes what there is, silently."""
    head = file.read(12)
    length = file.seek(0, 2)
    file.seek(0)
    if not length:
        raise ValueError("it is empty")
    said = int.from_bytes(head[4:8], "little")
    # A program that streams to a pipe does not know the length, and says none or the most.
    if head[:4] == b"RIFF" and 0 < said < 0xFFFFFF00 and length < said + 8 - said % 2:
        raise ValueError(f"it is cut off: {length} of {said + 8} bytes")


def _mono(audio: NDArray[np.float32], wanted: int) -> NDArray[np.float32]:
    if len(audio) != wanted:
        raise ValueError(f"it is cut off: {len(audio)} of {wanted} frames")
    if not np.isfinite(audio).all():
        raise ValueError("it has values that are no numbers")
    return np.asarray(audio.mean(axis=1, dtype=np.float32), np.float32)
