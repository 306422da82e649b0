"""Loops of held notes, judged by what a listener would hear: clicks, level, pitch, decay."""

import numpy as np
import numpy.typing as npt
import pytest

from instrument.rendering.loop_points import CROSSFADE_SECONDS, LoopedTone, bake_loop, loop_tone

RATE = 48000
SECONDS = 2.5
TIME = np.arange(int(RATE * SECONDS)) / RATE


def harmonics(pitch_hz: float, count: int = 12) -> npt.NDArray[np.float64]:
    numbers = np.arange(1, count + 1)
    numbers = numbers[numbers * pitch_hz < 16000]
    phases = np.random.default_rng(7).uniform(0, 2 * np.pi, len(numbers))
    waves = np.sin(2 * np.pi * pitch_hz * numbers[:, None] * TIME + phases[:, None])
    return np.asarray((waves / numbers[:, None]).sum(0) * 0.2)


def held(note: LoopedTone, seconds: float) -> npt.NDArray[np.float64]:
    """Play a looped note the way the kernel does: wrap, and die away from the loop's start on."""
    frames = np.arange(int(seconds * RATE))
    length = note.loop_end - note.loop_start
    wrapped = (frames - note.loop_start) % length + note.loop_start
    sound = note.samples[np.where(frames < note.loop_end, frames, wrapped)].astype(np.float64)
    return sound * note.decay_per_frame ** np.maximum(frames - note.loop_start, 0)


def level_db(sound: npt.NDArray[np.float64], start: float, seconds: float = 0.3) -> float:
    part = sound[int(start * RATE) : int((start + seconds) * RATE)]
    return float(10 * np.log10(np.mean(part**2)))


@pytest.mark.parametrize("pitch", [21, 33, 60, 61, 84, 108])
def test_a_steady_tone_goes_round_without_a_seam(pitch: int) -> None:
    pitch_hz = 440 * 2 ** ((pitch - 69) / 12)
    note = loop_tone(harmonics(pitch_hz).astype(np.float32), RATE, pitch_hz)
    assert note.loop_end == len(note.samples)
    sound = held(note, 10)
    # The same tone computed straight on has the largest curvature that this sound can have.
    straight = np.abs(np.diff(harmonics(pitch_hz), 2)).max()
    assert np.abs(np.diff(sound, 2)).max() < 1.1 * straight
    assert abs(level_db(sound, 9) - level_db(sound, 1)) < 0.1


def test_a_looped_tone_keeps_its_pitch_to_a_tenth_of_a_cent() -> None:
    pitch_hz = 440 * 2 ** ((61 - 69) / 12)
    sound = held(loop_tone(harmonics(pitch_hz).astype(np.float32), RATE, pitch_hz), 20)
    # Fundamental by the phase advance between two windows 10 s apart.
    window = np.hanning(RATE)
    turn = np.exp(-2j * np.pi * pitch_hz * np.arange(len(sound)) / RATE)
    early = np.sum((sound * turn)[5 * RATE : 6 * RATE] * window)
    late = np.sum((sound * turn)[15 * RATE : 16 * RATE] * window)
    detuned_hz = np.angle(late / early) / (2 * np.pi * 10)
    assert abs(1200 * np.log2(1 + detuned_hz / pitch_hz)) < 0.1


def test_a_struck_tone_goes_on_dying_away_at_its_own_rate() -> None:
    decay_db_per_second = 8.0
    tone = harmonics(220.0) * 10 ** (-decay_db_per_second * TIME / 20)
    note = loop_tone(tone.astype(np.float32), RATE, 220.0)
    sound = held(note, 8)
    assert level_db(sound, 1) - level_db(sound, 7) == pytest.approx(48, abs=0.5)
    seam = note.loop_end - 100, note.loop_end + 100
    around = np.abs(np.diff(sound[seam[0] : seam[1]], 2)).max()
    assert around < 1.1 * np.abs(np.diff(sound[seam[0] - RATE // 4 : seam[0]], 2)).max()


def test_beating_stacks_are_looped_in_step_with_their_beat() -> None:
    tone = 0.3 * np.sin(2 * np.pi * 220 * TIME) + 0.3 * np.sin(2 * np.pi * 222 * TIME)
    note = loop_tone(tone.astype(np.float32), RATE, 220.0)
    beats = (note.loop_end - note.loop_start) / RATE * 2
    # LIKE_ENOUGH lets the beat be off by arccos(0.96) = 0.045 turns, the candidates' grid by some.
    assert beats == pytest.approx(round(beats), abs=0.07)


def test_of_loops_that_are_equally_good_the_longest_is_taken() -> None:
    note = loop_tone(harmonics(440.0).astype(np.float32), RATE, 440.0)
    assert (note.loop_end - note.loop_start) / RATE > 1.15


@pytest.mark.parametrize("seed", range(3))
def test_a_cross_fade_of_noise_keeps_its_power(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.1, len(TIME)).astype(np.float32)
    note = loop_tone(noise, RATE, 220.0)
    fade = int(CROSSFADE_SECONDS * RATE)
    faded = note.samples[note.loop_end - fade : note.loop_end]
    # 3840 values: the standard error of their power is 0.1 dB; linear weights would lose 1.8 dB.
    assert 10 * np.log10(np.mean(faded.astype(np.float64) ** 2) / 0.01) == pytest.approx(0, abs=0.4)


def test_a_tone_that_has_died_away_is_cut_and_ends_at_zero() -> None:
    tone = harmonics(880.0) * 10 ** (-60 * TIME / 20)  # -66 dB after 1.1 s
    note = loop_tone(tone.astype(np.float32), RATE, 880.0)
    assert note.loop_end == 0
    assert 1.0 * RATE < len(note.samples) < 1.3 * RATE
    assert note.samples[-1] == 0


def test_silence_and_very_short_notes_need_no_loop() -> None:
    assert len(loop_tone(np.zeros(RATE, np.float32), RATE, 220.0).samples) == 0
    short = loop_tone(harmonics(220.0)[: RATE // 10].astype(np.float32), RATE, 220.0)
    assert short.loop_end == 0
    assert short.samples[-1] == 0


def test_another_layer_can_follow_the_same_loop() -> None:
    loud = loop_tone(harmonics(220.0).astype(np.float32), RATE, 220.0)
    soft_tone = harmonics(220.0, count=3) * 10 ** (-6 * TIME / 20)
    samples, decay = bake_loop(soft_tone.astype(np.float32), RATE, loud.loop_start)
    assert 20 * np.log10(decay) * RATE == pytest.approx(-6, abs=0.1)
    soft = LoopedTone(samples, loud.loop_start, loud.loop_end, decay)
    sound = held(soft, 8)
    assert level_db(sound, 1) - level_db(sound, 7) == pytest.approx(36, abs=0.5)
