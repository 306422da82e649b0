"""From formula-made notes to a played song, with the commands that a user types."""

import os
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.slow

SECONDS_PER_NOTE = 1.0
PITCHES = (45, 60, 69)


def latentkeys(home: Path, *arguments: str) -> str:
    """Run a command as a user whose folders all lie in `home`; return what it printed."""
    folders = {f"XDG_{name}_HOME": str(home / name) for name in ("DATA", "CACHE", "CONFIG")}
    run = subprocess.run(
        [sys.executable, "-m", "instrument", *arguments],
        env={**os.environ, **folders, "HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def write_song(path: Path) -> None:
    """Three held notes, one after the other, at 120 beats per minute."""
    song = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    song.tracks.append(track)
    for pitch in PITCHES:
        track.append(mido.Message("note_on", note=pitch, velocity=100))
        track.append(mido.Message("note_off", note=pitch, time=960))
    song.save(path)


def measured_hz(audio: np.ndarray, rate_hz: int) -> float:
    """Return the fundamental from the autocorrelation's first high peak."""
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 2 * len(audio))) ** 2
    correlation = np.fft.irfft(spectrum)[: rate_hz // 40]
    correlation /= correlation[0]
    rising = np.flatnonzero(correlation < 0.3)[0]
    lags = np.arange(rising, len(correlation) - 1)
    peaks = lags[
        (correlation[lags] > correlation[lags - 1]) & (correlation[lags] >= correlation[lags + 1])
    ]
    lag = peaks[correlation[peaks] > 0.9 * correlation[peaks].max()][0]
    before, at, after = correlation[lag - 1 : lag + 2]
    return float(rate_hz / (lag + 0.5 * (before - after) / (before - 2 * at + after)))


@pytest.mark.timeout(240)
def test_notes_train_export_preset_and_render_at_the_right_pitch(tmp_path: Path) -> None:
    notes, run, song, wav = (tmp_path / name for name in ("notes", "run", "song.mid", "song.wav"))
    latentkeys(tmp_path, "data", "tones", str(notes))
    training = ("--recipe", "tiny", "--steps", "20", "--device", "cpu")
    latentkeys(tmp_path, "train", "frame-voice", str(run), "--data", str(notes), *training)
    latentkeys(tmp_path, "export", str(run), "--name", "first_model")
    latentkeys(tmp_path, "presets", "new", "first", "--model", "first_model", "--seed", "1")
    write_song(song)
    latentkeys(tmp_path, "render", str(song), str(wav), "--preset", "first")

    audio, rate_hz = soundfile.read(wav, dtype="float32")
    assert np.isfinite(audio).all()
    assert 0.01 < np.abs(audio).max() <= 1.0
    for index, pitch in enumerate(PITCHES):
        start = int((index * SECONDS_PER_NOTE + 0.2) * rate_hz)
        hz = measured_hz(audio[start : start + rate_hz // 2].sum(axis=1), rate_hz)
        cents = 1200 * np.log2(hz / (440 * 2 ** ((pitch - 69) / 12)))
        assert abs(cents) < 5, f"pitch {pitch} sounds {cents:.1f} cents off"
