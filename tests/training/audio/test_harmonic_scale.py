"""Images relative to the played pitch, against tones whose levels and phases are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from training.audio.spectrogram import Spectrogram
from training.gansynth.network import Generator, NetworkSize
from training.gansynth.tones import GansynthTones, Normalizer

SPECTROGRAM = Spectrogram("harmonic")
RATE_HZ, WHOLE = 16000, 6  # the first window that lies in the note entirely


def tone(pitch: int, harmonics: int, cents: float = 0.0) -> torch.Tensor:
    """Return a harmonic tone that is there at once, every harmonic with amplitude 0.1."""
    hz = 440.0 * 2.0 ** ((pitch - 69 + cents / 100.0) / 12.0)
    seconds = torch.arange(SPECTROGRAM.frames, dtype=torch.float64) / RATE_HZ
    number = torch.arange(1, harmonics + 1, dtype=torch.float64)[:, None]
    wave: torch.Tensor = 0.1 * (2.0 * math.pi * hz * number * seconds + number).cos().sum(dim=0)
    return wave[None]


def harmonic_bins(pitch: int, harmonics: int) -> torch.Tensor:
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    number = torch.arange(1, harmonics + 1)
    bins: torch.Tensor = (number * hz / 7.8125).round().long() - 1  # the bin at 0 Hz is left out
    return bins


@pytest.mark.parametrize("pitch", [48, 60, 84])
def test_a_steady_tone_has_one_level_from_its_first_window_on(pitch: int) -> None:
    level = SPECTROGRAM.image(tone(pitch, 6), torch.tensor([pitch]))[0, 0]
    at_harmonics = level[:, harmonic_bins(pitch, 6)]
    expected = math.log(0.1 * 2048 / 4)  # half the amplitude, half the window: Hann's mean
    assert (at_harmonics[:124] - expected).abs().max() < 0.7  # 6 dB: bins beside the harmonic
    assert (at_harmonics[20:124] - at_harmonics[60]).abs().max() < 0.01


@pytest.mark.parametrize(("cents", "expected"), [(0.0, 0.0), (10.0, 1.0), (-5.0, -0.5)])
def test_only_what_is_out_of_tune_turns(cents: float, expected: float) -> None:
    pitch, hop_seconds = 60, 512 / RATE_HZ
    turn = SPECTROGRAM.image(tone(pitch, 4, cents), torch.tensor([pitch]))[0, 1]
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12.0) * (2.0 ** (cents / 1200.0) - 1.0)
    number = torch.arange(1, 5)
    # Half turns per hop: the image is phase over pi.
    np.testing.assert_allclose(
        turn[10:100, harmonic_bins(pitch, 4)],
        (2.0 * hz * number * hop_seconds).expand(90, 4),
        atol=2e-4,
    )
    assert np.sign(expected) == np.sign(hz)


def test_the_first_levels_are_repeated_before_the_note() -> None:
    image = SPECTROGRAM.image(tone(60, 4), torch.tensor([60]))[0]
    assert SPECTROGRAM.tone.silent_windows == 3  # 3072 frames of silence, 2048 to a window
    assert torch.equal(image[0, :3], image[0, 3:4].expand(3, -1))
    assert image[1, :3].abs().max() == 0.0


def test_a_note_comes_back_as_from_linear_images() -> None:
    random = torch.Generator().manual_seed(0)
    noise = 0.05 * torch.randn((2, SPECTROGRAM.frames), generator=random, dtype=torch.float64)
    notes = torch.cat([tone(31, 40, 20.0), tone(77, 3)]) + noise
    back = SPECTROGRAM.round_trip(notes, torch.tensor([31, 77]))
    # Tables of the tone are float32.
    assert (back - Spectrogram("if").round_trip(notes)).abs().max() < 2e-5


@pytest.mark.parametrize("pitch", [24, 45, 60, 84])
def test_an_image_of_zeros_is_in_tune(pitch: int) -> None:
    image = torch.zeros(1, 2, 128, 1024)
    image[0, 0, :, 400:] = -9.0  # low harmonics only
    audio = SPECTROGRAM.audio(image, torch.tensor([pitch]))[0].double().numpy()
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(audio.size), 1 << 20))
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    near = np.round(np.array([hz * 0.97, hz * 1.03]) * (1 << 20) / RATE_HZ).astype(int)
    found = (near[0] + spectrum[near[0] : near[1]].argmax()) * RATE_HZ / (1 << 20)
    assert abs(1200.0 * math.log2(found / hz)) < 0.5


def test_nothing_sounds_before_the_note() -> None:
    image = torch.zeros(1, 2, 128, 1024)
    magnitude, phase = SPECTROGRAM.polar(image, torch.tensor([60]))
    assert magnitude[:, :3].max() == 0.0
    image[:, :, :3] = 0.7  # whatever is drawn there
    assert torch.equal(SPECTROGRAM.polar(image, torch.tensor([60]))[1], phase)


def test_harmonics_do_not_add_up_to_pulses() -> None:
    image = torch.zeros(1, 2, 128, 1024)
    audio = SPECTROGRAM.audio(image, torch.tensor([36]))[0, 16000:32000]
    crest = float(audio.abs().max() / audio.square().mean().sqrt())
    assert crest < 6.0  # in step it would be 15


def test_plain_operations_sound_the_same() -> None:
    from export.gansynth.graph import PlainTones

    torch.manual_seed(0)
    generator = Generator(NetworkSize(feature_base=512, feature_limit=4))
    normalizer = Normalizer(0.16, -0.12, 0.8, 0.0)
    notes = GansynthTones(generator, normalizer, SPECTROGRAM)
    z, pitch = torch.randn(3, 256), torch.tensor([24, 53, 84])
    with torch.no_grad():
        expected = notes(z, pitch)
        whole, beginning = PlainTones(notes)(z, pitch), PlainTones(notes, 2048)(z, pitch)
    scale = expected.abs().max()
    assert (whole - expected).abs().max() < 1e-3 * scale
    assert (beginning - whole[:, :2048]).abs().max() <= 1e-6 * scale


def test_all_of_it_lies_where_the_pitches_lie() -> None:
    """Torch's device without memory refuses to be mixed with the CPU, as a GPU does."""
    pitch = torch.tensor([36, 60], device="meta")
    audio = torch.zeros(2, SPECTROGRAM.frames, device="meta")
    assert SPECTROGRAM.round_trip(audio, pitch).is_meta
    assert SPECTROGRAM.tone.turns_per_hop(pitch).is_meta
