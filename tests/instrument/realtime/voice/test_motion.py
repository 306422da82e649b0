"""What moves in a held note by itself: a vibrato that comes late, a cut-off that settles."""

import numpy as np

from instrument.midi.messages import note_on
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.held import RATE_HZ, made_engine
from tests.helpers.sounds.tones import cents, heard_hz


def held(engine: OfflineEngine, pitch: int, seconds: float) -> np.ndarray:
    engine.send(-1, note_on(pitch, 100))
    return engine.render(round(seconds * RATE_HZ))[:, 0]


def spread_cents(audio: np.ndarray, pitch: int) -> float:
    """Return how far the pitch of pieces of 40 ms strays."""
    pieces = audio[: len(audio) // 1920 * 1920].reshape(-1, 1920)
    return float(np.ptp([cents(heard_hz(piece), pitch) for piece in pieces]))


def test_a_vibrato_comes_by_itself_after_its_delay() -> None:
    engine = made_engine(vibrato_share=1.0, vibrato_delay_seconds=0.5, vibrato_depth_cents=50.0)
    audio = held(engine, 81, 2.0)
    assert spread_cents(audio[RATE_HZ // 10 : RATE_HZ // 2], 81) < 2.0
    assert spread_cents(audio[RATE_HZ:], 81) > 60.0


def test_without_a_share_the_wheel_alone_brings_vibrato() -> None:
    assert spread_cents(held(made_engine(vibrato_depth_cents=50.0), 81, 2.0)[RATE_HZ:], 81) < 2.0


def test_a_note_begins_bright_and_settles_at_its_cutoff() -> None:
    steady = made_engine(cutoff_hz=500.0)
    moving = made_engine(cutoff_hz=500.0, cutoff_envelope_octaves=4.0, cutoff_decay_seconds=0.5)
    plain, bright = held(steady, 84, 1.5), held(moving, 84, 1.5)
    early, late = slice(480, 4800), slice(RATE_HZ, None)
    assert np.abs(bright[early]).max() > 2.0 * np.abs(plain[early]).max()
    np.testing.assert_allclose(bright[late], plain[late], atol=1e-3 * np.abs(plain).max())
