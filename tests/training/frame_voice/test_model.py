"""The frame voice's promises: exact pitch, prefixes, streams, velocity, motion."""

import numpy as np
import pytest
import torch

from instrument.music.pitch import pitch_to_hz
from training.data.audio.analysis import measure_wobble
from training.data.audio.stiff_string import partial_hz
from training.data.audio.tone_set import Instrument, TuningTables
from training.frame_voice.config import PARTIAL_COUNT, FrameVoiceConfig
from training.frame_voice.graphs import FrameStep, WholeTone, moving_partials, seeded_inputs
from training.frame_voice.model import FrameVoice
from training.metrics.audio.spectra import spectral_centroid_hz
from training.metrics.audio.tone_measures import pitch_error_cents

CONFIG = FrameVoiceConfig(latent_size=6, note_width=48, note_blocks=1, frame_width=32)
INSTRUMENTS = tuple(Instrument(f"voice {k}", k, k == 0, False, 3.0 + k) for k in range(3))
HOPS = 120


@pytest.fixture(scope="module")
def voice() -> FrameVoice:
    """An untrained voice: a sawtooth over faint noise that changes with time and latent."""
    torch.manual_seed(3)
    tuning = TuningTables.harmonic(3)
    tuning.log2_inharmonicity[0] = -11.0
    tuning.mode_ratios[1, :2], tuning.mode_gates[1, :2] = (0.5, 5.25), 1.0
    tuning.level_db[2] = np.linspace(6.0, -6.0, 88)
    voice = FrameVoice(CONFIG, INSTRUMENTS, tuning)
    with torch.no_grad():
        voice.network.motion.bias[:8] = 1.0  # audible motion
        voice.latent_of.copy_(2.0 * torch.eye(3, 6))  # as far apart as trained ones are
    return voice.eval().requires_grad_(False)


def play(
    voice: FrameVoice,
    pitches: list[float],
    hops: int = HOPS,
    velocity: float = 1.0,
    motion: float = 1.0,
    instrument: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    inputs = note_inputs(voice, pitches, hops, velocity, motion, instrument)
    audio, level = WholeTone(voice, hops)(*inputs)
    return audio.numpy(), level.numpy()


def note_inputs(
    voice: FrameVoice,
    pitches: list[float],
    hops: int,
    velocity: float,
    motion: float,
    instrument: int,
) -> list[torch.Tensor]:
    count = len(pitches)
    phases, noise = zip(*(seeded_inputs(1, round(p), hops) for p in pitches), strict=True)
    return [
        voice.latent_of[instrument].expand(count, -1),
        torch.tensor(pitches),
        torch.full((count,), velocity),
        torch.full((count,), motion),
        torch.from_numpy(np.stack(phases)),
        torch.from_numpy(np.stack(noise)),
    ]


@pytest.mark.parametrize("pitch", [24, 45, 60, 69.37, 96, 107])
def test_a_note_has_the_pitch_that_was_asked_for(voice: FrameVoice, pitch: float) -> None:
    audio, _ = play(voice, [pitch], hops=200, motion=0.0, instrument=2)
    # An FFT of 1.4 s resolves hundredths of a cent of a steady partial.
    assert abs(pitch_error_cents(audio[0], pitch_to_hz(pitch))) < 0.1


def test_a_stiff_string_stretches_its_partials(voice: FrameVoice) -> None:
    audio, _ = play(voice, [48], hops=200, motion=0.0, instrument=0)
    stretch = 2.0**-11 - 2.0**-20
    assert abs(pitch_error_cents(audio[0], pitch_to_hz(48), stretch)) < 0.1
    expected = partial_hz(pitch_to_hz(48), stretch, 10)[-1]
    spectrum = np.abs(np.fft.rfft(audio[0] * np.blackman(audio.shape[1])))
    frequency = np.fft.rfftfreq(audio.shape[1], 1 / 48000)
    near = np.abs(frequency - expected) < 40
    assert frequency[near][np.argmax(spectrum[near])] == pytest.approx(expected, abs=1.0)


def test_an_attack_rendered_alone_is_the_beginning_of_the_note(voice: FrameVoice) -> None:
    whole, _ = play(voice, [40, 77])
    attack, _ = play(voice, [40, 77], hops=32)
    np.testing.assert_array_equal(attack, whole[:, : attack.shape[1]])


def test_streaming_equals_the_whole_note(voice: FrameVoice) -> None:
    pitches = [33.0, 100.0]
    latent, pitch, velocity, motion, phases, noise = note_inputs(voice, pitches, HOPS, 0.6, 1.0, 1)
    whole, _ = WholeTone(voice, HOPS)(latent, pitch, velocity, motion, phases, noise)
    # A started voice needs no valid state: what is left of another note must not be heard.
    shapes = ((2, 2 * PARTIAL_COUNT), (2, PARTIAL_COUNT), (2, 2, PARTIAL_COUNT), (2, 480))
    state = [torch.full(shape, 0.3) for shape in shapes]
    hops = []
    for hop in range(HOPS + 1):
        since = torch.full((2,), hop / 100)
        held = torch.full((2,), -1.0)
        audio, *state = FrameStep(voice)(
            latent, pitch, velocity, motion, phases, noise[:, hop], since, held, *state
        )
        hops.append(audio)
    assert float(hops[0].abs().max()) == 0.0
    difference = (torch.cat(hops[1:], dim=1) - whole).abs().max()
    assert float(difference) < 1e-4 * float(whole.abs().max())


def test_a_released_voice_becomes_silent(voice: FrameVoice) -> None:
    latent, pitch, velocity, motion, phases, noise = note_inputs(voice, [60.0], 1, 1.0, 1.0, 1)
    shapes = ((1, 2 * PARTIAL_COUNT), (1, PARTIAL_COUNT), (1, 2, PARTIAL_COUNT), (1, 480))
    state = [torch.zeros(shape) for shape in shapes]
    levels = []
    for hop in range(400):
        since_release = torch.tensor([(hop - 20) / 100 if hop >= 20 else -1.0])
        since = torch.tensor([hop / 100])
        audio, *state = FrameStep(voice)(
            latent, pitch, velocity, motion, phases, noise[:, 0], since, since_release, *state
        )
        levels.append(float(audio.abs().max()))
    assert max(levels[1:20]) > 1e-3
    assert max(levels[-20:]) < 1e-6


@pytest.mark.parametrize("instrument", [0, 1, 2])
@pytest.mark.parametrize("pitch", [30, 60, 95])
def test_velocity_brightens(voice: FrameVoice, instrument: int, pitch: int) -> None:
    centroids = [
        spectral_centroid_hz(play(voice, [pitch], 50, v, instrument=instrument)[0][0], 48000)
        for v in (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
    ]
    assert np.all(np.diff(centroids) > 0)


def test_velocity_layers_blend_coherently(voice: FrameVoice) -> None:
    soft, _ = play(voice, [52], velocity=0.3)
    loud, _ = play(voice, [52], velocity=0.9)
    # Same phases, noise and motion: the spectra differ in level only, so nothing cancels.
    soft_bins, loud_bins = np.fft.rfft(soft[0, :4800]), np.fft.rfft(loud[0, :4800])
    strong = np.abs(loud_bins) > 0.05 * np.abs(loud_bins).max()
    assert np.all(np.real(soft_bins * np.conj(loud_bins))[strong] > 0)


def test_motion_does_not_change_the_mean_log_level() -> None:
    turns = torch.rand(200_000, 2, 1, generator=torch.Generator().manual_seed(0))
    for depth in (0.1, 0.3, 0.48):
        real, imaginary = moving_partials(turns, torch.full((1, 1), depth)).unbind(dim=-2)
        log_level = 0.5 * torch.log(real**2 + imaginary**2)
        assert abs(float(log_level.mean())) < 0.005
        # For small c the variance is that of c cos a + c cos b.
        if depth == 0.1:
            assert float(log_level.std()) == pytest.approx(depth, rel=0.02)


def test_motion_makes_partials_wobble(voice: FrameVoice) -> None:
    still, moving = (play(voice, [57], 300, motion=m, instrument=2)[0][0] for m in (0.0, 1.0))
    depths = [
        np.nanmedian(measure_wobble(audio, partial_hz(pitch_to_hz(57), 0.0, 16))[0])
        for audio in (still, moving)
    ]
    assert depths[1] > 0.5 > 3 * depths[0]


def test_motion_and_noise_are_prefixes_and_reproducible() -> None:
    short_phases, short_noise = seeded_inputs(9, 60, 10)
    phases, noise = seeded_inputs(9, 60, 40)
    np.testing.assert_array_equal(short_phases, phases)
    np.testing.assert_array_equal(short_noise, noise[:11])
    assert not np.array_equal(seeded_inputs(9, 61, 10)[1], short_noise)


def test_an_instruments_own_latent_has_exactly_its_tuning(voice: FrameVoice) -> None:
    share = voice.share_of_instruments(voice.latent_of)
    torch.testing.assert_close(share, torch.eye(3), atol=1e-6, rtol=0)


def test_level_follows_the_keyboard_table(voice: FrameVoice) -> None:
    _, level = play(voice, [21, 108], hops=4, instrument=2)
    np.testing.assert_allclose(level, [6.0, -6.0], atol=0.05)
