"""What every export proves before a bundle appears, and what the card then lets others prove."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from export.bundle.card_file import list_files
from export.bundle.folder import fill
from export.bundle.sound_sample import sample_wav
from instrument.bundle.bundle import Bundle
from instrument.bundle.card import SelfTest, VoiceCard
from instrument.bundle.open_graph import OpenGraph, Tensors
from instrument.errors import BundleError
from instrument.rendering.open_renderer import open_renderer, self_test
from instrument.rendering.renderer import MovingRenderer, ToneRenderer

_TEST_TONES = ((36, 127), (60, 64), (84, 100))  # pitch, velocity
_TEST_FRAMES = 12


def run_twice(session: OpenGraph, tensors: Tensors, where: str) -> Tensors:
    """Run a graph twice on the same input and return what it gives.

    Raises
    ------
    BundleError
        The two differ.
    """
    first, second = session.run(tensors), session.run(tensors)
    for name, values in first.items():
        if not np.array_equal(values, second[name]):
            raise BundleError(f"{where}: two runs on the same input differ in {name}")
    return first


def check_difference(where: str, difference: float, limit: float) -> None:
    """Refuse a graph that differs too much from torch, or by no number at all.

    Parameters
    ----------
    difference
        The largest one that was found, in the outputs' unit.
    limit
        The largest one that passes.

    Raises
    ------
    BundleError
        It does.
    """
    if not difference <= limit:
        raise BundleError(
            f"{where}: differs from torch by {difference:.1e}, may differ by {limit:.0e}"
        )


def finish_voice(
    folder: Path,
    card: VoiceCard,
    files: dict[str, bytes],
    heard: npt.ArrayLike,
    tested: npt.ArrayLike,
    tolerance: float,
) -> None:
    """Add a sample and self-tests to a bundle whose graphs are proven, and let it prove itself.

    Parameters
    ----------
    folder
        Has everything that `card` needs to be opened.
    files
        Every file of the bundle but the card, by name.
    heard, tested
        float, shape (n, latent_size): latents of the sample, and of the three tones of the test.
    tolerance
        How far another machine's samples may be off.
    """
    renderer = open_renderer(Bundle.load(folder), device="cpu")
    files["sample.wav"] = sample_wav(heard, renderer)
    tests = tone_tests(renderer, tested, tolerance)
    fill(folder, dataclasses.replace(card, self_test=tests, files=list_files(files)), files)
    bundle = Bundle.load(folder)
    self_test(bundle, open_renderer(bundle, device="cpu"))


def tone_tests(
    renderer: ToneRenderer, latents: npt.ArrayLike, tolerance: float
) -> tuple[SelfTest, ...]:
    """Note a few samples of three tones, as this machine renders them."""
    if isinstance(renderer, MovingRenderer):
        renderer = renderer.as_recorded()
    tests = []
    for (pitch, velocity), latent in zip(_TEST_TONES, np.asarray(latents), strict=True):
        pitch = int(np.clip(pitch, *renderer.info.pitch_range))
        tone = renderer.render([pitch], [latent], [velocity])[0]
        frames = np.linspace(1000, len(tone) - 1, _TEST_FRAMES).astype(int)
        tests.append(
            SelfTest(
                pitch=pitch,
                velocity=velocity,
                latent=tuple(float(number) for number in latent),
                frames=tuple(int(frame) for frame in frames),
                values=tuple(round(float(value), 8) for value in tone[frames]),
                tolerance=tolerance,
            )
        )
    return tuple(tests)
