"""The air band: what it adds above 8 kHz, what it leaves alone, and where it is not asked for."""

from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from instrument.bundle.bundle import load_sound
from instrument.files import shipped_presets_folder
from instrument.music.pitch import pitch_to_hz
from instrument.preset.preset import Preset, load_preset
from instrument.preset.sections import Sound
from instrument.rendering.air_band import (
    AIR_DB,
    AIR_EDGES_HZ,
    KNOWN_HZ,
    MODEL_HZ,
    RATE_HZ,
    AiredRenderer,
    level_db,
    short_spectra,
    with_air,
)
from instrument.rendering.open_renderer import for_sound, open_renderer
from instrument.rendering.prefetch import Strike, TonePrefetch
from instrument.rendering.renderer import Audio, SineRenderer, ToneRenderer

PITCH = np.array([50])


def noise(seconds: float, seed: int = 0) -> Audio:
    """White noise at the model's rate, shape (1, frames)."""
    random = np.random.default_rng(seed)
    return (0.1 * random.standard_normal((1, round(seconds * MODEL_HZ)))).astype(np.float32)


def partials(pitch: int, seconds: float = 1.0) -> Audio:
    """All partials of a key below 7.7 kHz, 3 dB down each octave, shape (1, frames)."""
    hz = pitch_to_hz(pitch) * np.arange(1, 200)
    hz = hz[hz < 7700.0]
    at = np.arange(round(seconds * MODEL_HZ)) / MODEL_HZ
    waves = (
        np.sin(2 * np.pi * hz[:, None] * at + np.arange(len(hz))[:, None]) / np.sqrt(hz)[:, None]
    )
    return np.asarray(waves.sum(axis=0)[None], np.float32)


def mean_db(audio: Audio, edges: tuple[float, ...]) -> NDArray[np.float64]:
    power = 10.0 ** (level_db(short_spectra(audio), edges) / 10.0)
    return np.asarray(10.0 * np.log10(power[20:-20].mean(axis=0)))


def test_every_band_of_air_is_as_much_fainter_as_recordings_have_it() -> None:
    aired = with_air(noise(2.0), PITCH)[0]
    found = mean_db(aired, AIR_EDGES_HZ) - mean_db(aired, KNOWN_HZ)
    # The lowest band still has what the resampler leaves of the model's own end.
    assert np.abs(found - AIR_DB)[1:].max() < 1.5
    assert mean_db(aired, (18_750.0, 24_000.0))[0] < mean_db(aired, KNOWN_HZ)[0] - 30.0


@pytest.mark.parametrize("pitch", [36, 60, 79])
def test_partials_go_on_where_partials_belong(pitch: int) -> None:
    aired = with_air(partials(pitch, 4.0), np.array([pitch]))[0][RATE_HZ:]
    power = np.abs(np.fft.rfft(aired * np.hanning(len(aired)))) ** 2
    hz = np.fft.rfftfreq(len(aired), 1.0 / RATE_HZ)
    number = hz / pitch_to_hz(pitch)
    is_near = np.abs(number - np.round(number)) * pitch_to_hz(pitch) < 4.0
    is_air = (hz > 8500.0) & (hz < 17_000.0)
    assert power[is_air & is_near].sum() > 100.0 * power[is_air & ~is_near].sum()


def test_nothing_changes_below_the_air() -> None:
    tone = noise(1.0)
    plain, aired = soxr.resample(tone[0], MODEL_HZ, RATE_HZ), with_air(tone, PITCH)[0]
    hz = np.fft.rfftfreq(len(plain), 1.0 / RATE_HZ)
    there = np.abs(np.fft.rfft(plain))[hz < 7000.0]
    added = np.abs(np.fft.rfft(aired - plain))[hz < 7000.0]
    assert np.sum(added**2) < 1e-5 * np.sum(there**2)  # 50 dB under it


def test_air_is_as_much_louder_as_the_tone_and_as_it_is_asked_for() -> None:
    tone = noise(0.5)
    plain = soxr.resample(tone[0], MODEL_HZ, RATE_HZ)
    air = with_air(tone, PITCH)[0] - plain
    assert with_air(tone, PITCH, 0.5)[0] - plain == pytest.approx(0.5 * air, abs=1e-6)
    assert with_air(4.0 * tone, PITCH)[0] == pytest.approx(4.0 * (plain + air), abs=1e-5)
    assert not with_air(np.zeros_like(tone), PITCH).any()


def test_a_dull_tone_gets_no_air_of_rounding() -> None:
    dull = partials(60)
    dull = soxr.resample(soxr.resample(dull[0], MODEL_HZ, 6000), 6000, MODEL_HZ)[None]
    aired = with_air(dull, np.array([60]))[0]
    assert mean_db(aired, (9000.0, 18_000.0))[0] < mean_db(aired, (0.0, 3000.0))[0] - 80.0


@pytest.mark.parametrize("frames", [1, 1000, 4416, 20_000])
def test_a_beginning_is_the_beginning_of_the_whole(frames: int) -> None:
    renderer = AiredRenderer(Stack(), 1.0)
    whole = renderer.render([60, 72], np.zeros((2, 2)))
    assert whole.shape == (2, renderer.info.longest_frames)
    begun = renderer.render([60, 72], np.zeros((2, 2)), None, frames)
    assert begun.shape == (2, frames)
    assert np.abs(begun - whole[:, :frames]).max() < 1e-6


def test_an_attack_can_be_had_from_the_models_own_attack() -> None:
    asked: list[int] = []
    renderer = AiredRenderer(Stack(asked), 1.0)
    renderer.render([60], np.zeros((1, 2)), None, renderer.info.attack_frames)
    assert asked == [Stack().info.attack_frames]


def test_air_is_asked_for_by_the_preset_and_heard_only_above_the_models_end() -> None:
    model = Stack()
    airy, plain = Sound((0.0, 0.0), air=1.0), Sound((0.0, 0.0))
    assert isinstance(for_sound(model, airy, 44_100), AiredRenderer)
    assert for_sound(model, plain, 44_100) is model
    assert for_sound(model, airy, MODEL_HZ) is model
    full = SineRenderer()
    assert for_sound(full, airy, 48_000) is full


def test_tones_with_and_without_air_are_kept_apart() -> None:
    presets = [Preset.of([0.0, 0.0]), Preset.of([0.0, 0.0])]
    presets[1] = presets[1].__class__(presets[1].name, presets[1].model, Sound((0.0, 0.0), air=1.0))
    prefetch = TonePrefetch(Stack(), 48_000)
    plain, airy = (prefetch.tone(Strike(60, preset))[-1].samples for preset in presets)
    assert mean_db(airy, (9000.0, 18_000.0))[0] > mean_db(plain, (9000.0, 18_000.0))[0] + 40.0
    assert Sound((0.0,)).manner == ""
    assert Sound((0.0,), motion=0.5, air=1.0).manner == " 0.5 air 1.0"


@pytest.mark.parametrize("name", ["copper_grand", "northern_cello", "silver_breath"])
def test_shipped_gansynths_do_not_end_at_8_khz(name: str) -> None:
    folder = shipped_presets_folder()
    preset = load_preset(Path(folder / f"{name}.toml"))
    opened = open_renderer(load_sound(folder / "models" / preset.model.name), device="cpu")
    renderer = for_sound(opened, preset.sound, 48_000)
    tone = renderer.render([60], np.asarray([preset.sound.latent]), None, RATE_HZ)[0]
    assert mean_db(tone, (10_000.0, 18_000.0))[0] > mean_db(tone, (0.0, 7500.0))[0] - 75.0


class Stack:
    """A model that ends at 8 kHz: all partials of a key, with a rise."""

    def __init__(self, asked: list[int] | None = None) -> None:
        self.asked = [] if asked is None else asked
        self.info = SineRenderer(MODEL_HZ, 2, 4.0).info

    def open(self, frames: int) -> None:
        """There is nothing to open."""

    def keep_awake(self) -> None:
        """There is no GPU."""

    def render(
        self,
        pitches: object,
        latents: object,
        velocities: object = None,
        frames: int | None = None,
    ) -> Audio:
        wanted = frames or self.info.longest_frames
        self.asked.append(wanted)
        tones = [partials(pitch, 4.0)[0, :wanted] for pitch in np.asarray(pitches)]
        rise = np.minimum(1.0, np.arange(wanted) / 200.0)
        return np.asarray(0.1 * rise * np.stack(tones), np.float32)


def test_the_stack_is_a_renderer() -> None:
    renderer: ToneRenderer = Stack()
    assert renderer.info.sample_rate_hz == MODEL_HZ
