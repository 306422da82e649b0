"""Notes from a real (tiny, untrained) bundle, and from plain sines."""

import dataclasses

import numpy as np
import pytest

from instrument.bundle.bundle import Bundle
from instrument.errors import BundleError
from instrument.rendering.frame_voice import FrameVoiceRenderer
from instrument.rendering.open_renderer import open_renderer, self_test
from instrument.rendering.renderer import SineRenderer, ToneRenderer
from tests.helpers.models.tiny_model import tiny_bundle

RATE_HZ = 48_000


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(tiny_bundle())


@pytest.fixture(scope="module")
def voice(bundle: Bundle) -> FrameVoiceRenderer:
    renderer = open_renderer(bundle, device="cpu")
    assert isinstance(renderer, FrameVoiceRenderer)
    return renderer


@pytest.fixture(scope="module")
def choir(bundle: Bundle) -> tuple[float, ...]:
    return bundle.sound.latents["Choir"].latent


def cents(audio: np.ndarray, pitch: int) -> float:
    """Measure how far the strongest partial near the fundamental is from the tempered pitch."""
    size = 8 * len(audio)
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), size))
    wanted = 440.0 * 2 ** ((pitch - 69) / 12)
    low, high = (round(wanted * ratio * size / RATE_HZ) for ratio in (0.97, 1.03))
    found = (low + np.argmax(spectrum[low:high])) * RATE_HZ / size
    return float(1200 * np.log2(found / wanted))


def centroid_hz(audio: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(audio)) ** 2
    return float((power * np.fft.rfftfreq(len(audio), 1 / RATE_HZ)).sum() / power.sum())


@pytest.mark.parametrize("pitch", [36, 60, 69, 84])
def test_notes_have_the_tempered_pitch(
    voice: FrameVoiceRenderer, choir: tuple[float, ...], pitch: int
) -> None:
    note = voice.render([pitch], [choir])[0]
    assert note.dtype == np.float32
    assert note.shape == (4 * RATE_HZ,)
    assert abs(cents(note, pitch)) < 1.0


def test_two_velocities_are_coherent_and_the_louder_is_brighter(
    voice: FrameVoiceRenderer, choir: tuple[float, ...]
) -> None:
    soft, loud = voice.render([60, 60], [choir, choir], [40, 115], RATE_HZ)
    assert centroid_hz(loud) > 1.05 * centroid_hz(soft)
    fundamental = np.exp(-2j * np.pi * 261.6255653 * np.arange(RATE_HZ) / RATE_HZ)
    phases = [np.angle(np.sum(layer * fundamental)) for layer in (soft, loud)]
    assert abs(phases[0] - phases[1]) < 0.01


def test_a_pair_is_what_two_single_renderings_are(
    voice: FrameVoiceRenderer, choir: tuple[float, ...]
) -> None:
    pair = voice.render([60, 60], [choir, choir], [40, 115], 9600)
    for row, velocity in enumerate((40, 115)):
        single = voice.render([60], [choir], [velocity], 9600)[0]
        assert np.abs(pair[row] - single).max() < 1e-6


def test_an_attack_is_the_beginning_of_the_whole_note(
    voice: FrameVoiceRenderer, choir: tuple[float, ...]
) -> None:
    assert voice.info.attack_frames < voice.info.longest_frames
    attack = voice.render([50], [choir], [100], voice.info.attack_frames)[0]
    whole = voice.render([50], [choir], [100])[0]
    assert np.abs(whole).max() > 0.01
    assert np.abs(attack - whole[: len(attack)]).max() < 1e-5


def test_rendering_again_gives_the_same_bits_and_another_key_other_noise(
    bundle: Bundle, voice: FrameVoiceRenderer, choir: tuple[float, ...]
) -> None:
    first = voice.render([60, 61], [choir, choir], frames=9600)
    again = open_renderer(bundle, device="cpu").render([60, 61], [choir, choir], frames=9600)
    assert np.array_equal(first, again)
    assert np.corrcoef(first[0], first[1]).min() < 0.9


def test_the_level_of_each_key_is_in_its_note(bundle: Bundle, voice: FrameVoiceRenderer) -> None:
    """The tiny model's table falls from +3 dB at pitch 21 to -3 dB at 108."""
    session = bundle.open_graph("attack", voice._runtime)
    tensors = {name: np.zeros(shape, np.float32) for name, (_, shape) in session.inputs.items()}
    tensors["latent"][:] = bundle.sound.latents["Reed"].latent
    tensors["pitch"][:], tensors["velocity"][:], tensors["motion"][:] = 108, 1, 1
    random = np.random.Generator(np.random.Philox(key=[0, 108]))
    random.random(dtype=np.float32, out=tensors["motion_phases"])
    random.standard_normal(dtype=np.float32, out=tensors["noise"])
    bare = session.run(tensors)["audio"][0]
    note = voice.as_recorded().render(
        [108], [bundle.sound.latents["Reed"].latent], None, voice.info.attack_frames
    )[0]
    ratio_db = 20 * np.log10(np.sqrt(np.mean(note**2) / np.mean(bare**2)))
    assert ratio_db == pytest.approx(-3.0, abs=0.01)


def test_several_notes_come_in_the_order_asked_for(
    voice: FrameVoiceRenderer, bundle: Bundle
) -> None:
    latents = [entry.latent for entry in bundle.sound.latents.values()]
    pitches = [60, 60, 72, 60, 60, 60]
    chosen = [latents[index] for index in (0, 0, 0, 1, 1, 1)]
    velocities = [20, 120, 60, 30, 60, 90]
    together = voice.render(pitches, chosen, velocities, 4800)
    for row in range(len(pitches)):
        alone = voice.render([pitches[row]], [chosen[row]], [velocities[row]], 4800)[0]
        assert np.abs(together[row] - alone).max() < 1e-6


def test_the_self_test_passes_here_and_notices_another_sound(
    bundle: Bundle, voice: FrameVoiceRenderer
) -> None:
    assert self_test(bundle, voice) <= 1e-6
    test = bundle.sound.self_test[1]
    for changed in (
        dataclasses.replace(test, pitch=test.pitch + 1),
        dataclasses.replace(test, values=(test.values[0] + 3e-4, *test.values[1:])),
        dataclasses.replace(test, values=(float("nan"), *test.values[1:])),
    ):
        card = dataclasses.replace(bundle.sound, self_test=(changed,))
        with pytest.raises(BundleError, match=r"self-test: pitch .* must be .* got"):
            self_test(dataclasses.replace(bundle, card=card), voice)
    late = dataclasses.replace(test, frames=(10**7, *test.frames[1:]))
    card = dataclasses.replace(bundle.sound, self_test=(late,))
    with pytest.raises(BundleError, match="has only 192000 frames"):
        self_test(dataclasses.replace(bundle, card=card), voice)


def test_an_unknown_kind_is_refused(bundle: Bundle) -> None:
    card = dataclasses.replace(bundle.card, kind="organ")
    with pytest.raises(
        BundleError, match="must be one of frame_voice, gansynth, convgan, got 'organ'"
    ):
        open_renderer(dataclasses.replace(bundle, card=card))


def test_a_bundle_without_note_graphs_is_refused(bundle: Bundle) -> None:
    graphs = {"step_8": bundle.card.graphs["step_8"]}
    card = dataclasses.replace(bundle.card, graphs=graphs)
    with pytest.raises(BundleError, match="has no graph that makes notes"):
        open_renderer(dataclasses.replace(bundle, card=card))


@pytest.mark.parametrize("renderer", ["voice", "sine"])
def test_arrays_of_the_wrong_shape_are_refused(renderer: str, voice: FrameVoiceRenderer) -> None:
    chosen: ToneRenderer = voice if renderer == "voice" else SineRenderer(latent_size=6)
    with pytest.raises(ValueError, match=r"latents \(n, 6\)"):
        chosen.render([60], [[0.0] * 5])
    with pytest.raises(ValueError, match=r"pitches must be \(n,\)"):
        chosen.render([[60]], [[0.0] * 6])
    with pytest.raises(ValueError, match=r"velocities \(n,\)"):
        chosen.render([60], [[0.0] * 6], [1, 2])


def test_a_note_longer_than_the_longest_graph_is_refused(
    voice: FrameVoiceRenderer, choir: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="at most 192000 frames"):
        voice.render([60], [choir], None, 192_001)


@pytest.mark.parametrize("pitch", [20, 109])
def test_a_pitch_that_the_model_never_learned_is_refused(
    voice: FrameVoiceRenderer, choir: tuple[float, ...], pitch: int
) -> None:
    with pytest.raises(ValueError, match=r"pitches must be in 21\.\.108"):
        voice.render([60, pitch], [choir, choir])


@pytest.mark.parametrize("pitch", [21, 69, 108])
def test_a_sine_has_its_pitch_level_and_overtones(pitch: int) -> None:
    sines = SineRenderer(latent_size=2)
    plain, rich = sines.render([pitch, pitch], [[0.0, 0.0], [1.0, 0.5]], [127, 127], RATE_HZ)
    assert abs(cents(plain, pitch)) < 1.0
    assert np.sqrt(np.mean(plain[4800:] ** 2)) == pytest.approx(0.1, rel=0.01)
    spectrum = np.abs(np.fft.rfft(rich * np.hanning(len(rich)), 8 * RATE_HZ))  # 1/8 Hz per bin
    hz = 440.0 * 2 ** ((pitch - 69) / 12)
    peaks = [spectrum[round(8 * k * hz) - 8 : round(8 * k * hz) + 9].max() for k in (1, 2, 3)]
    assert peaks[1] / peaks[0] == pytest.approx(1.0, rel=0.05)
    assert peaks[2] / peaks[0] == pytest.approx(0.5, rel=0.05)


def test_a_sines_overtones_never_fold_back() -> None:
    note = SineRenderer(RATE_HZ, latent_size=20).render([108], [[1.0] * 20], None, RATE_HZ)[0]
    spectrum = np.abs(np.fft.rfft(note[4800:] * np.hanning(RATE_HZ - 4800)))
    hz = np.fft.rfftfreq(RATE_HZ - 4800, 1 / RATE_HZ)
    number = hz / (440.0 * 2 ** (39 / 12))
    between = np.abs(number - np.round(number)) > 0.1
    assert spectrum[between & (hz > 1000)].max() < 1e-3 * spectrum.max()
