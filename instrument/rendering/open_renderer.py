"""Which class renders the tones of a bundle, and whether it does so rightly on this machine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from instrument.bundle.bundle import Bundle, GraphHost
from instrument.bundle.inference import Device, Runtime
from instrument.bundle.open_graph import RunnableGraph
from instrument.errors import BundleError
from instrument.preset.sections import Sound
from instrument.rendering.air_band import MODEL_HZ, AiredRenderer
from instrument.rendering.convgan import ConvganRenderer
from instrument.rendering.frame_voice import FrameVoiceRenderer
from instrument.rendering.gansynth import GansynthRenderer
from instrument.rendering.renderer import MovingRenderer, ToneRenderer

#: Which class plays a bundle, by the `kind` on its card.
RENDERERS: dict[str, Callable[[Bundle, GraphHost[RunnableGraph]], ToneRenderer]] = {
    "frame_voice": FrameVoiceRenderer,
    "gansynth": GansynthRenderer,
    "convgan": ConvganRenderer,
}


def open_renderer(bundle: Bundle, threads: int = 1, device: Device = "auto") -> ToneRenderer:
    """Open the renderer that a bundle asks for.

    Parameters
    ----------
    threads
        Of onnxruntime; 0 lets it choose.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    BundleError
        The kind is unknown to this version, or a graph is not what the card says.
    """
    kind = bundle.sound.kind
    if kind not in RENDERERS:
        known = ", ".join(RENDERERS)
        raise BundleError(
            f"{bundle.what}: kind must be one of {known}, got {kind!r}", "Update latentkeys."
        )
    return RENDERERS[kind](bundle, Runtime(threads, device))


def for_sound(renderer: ToneRenderer, sound: Sound, rate_hz: int) -> ToneRenderer:
    """Return what renders tones in the manner of a preset: its motion, its air.

    Parameters
    ----------
    rate_hz
        Of the device or file: one that ends where the model does has no room for air.
    """
    if sound.motion != 1.0 and isinstance(renderer, MovingRenderer):
        renderer = renderer.moving(sound.motion)
    if sound.air and renderer.info.sample_rate_hz == MODEL_HZ < rate_hz:
        return AiredRenderer(renderer, sound.air)
    return renderer


def self_test(bundle: Bundle, renderer: ToneRenderer) -> float:
    """Render the card's test tones here and compare a few samples with the exporting machine's.

    Returns
    -------
    float
        The largest absolute difference.

    Raises
    ------
    BundleError
        A sample differs by more than its tolerance: this runtime computes something else.
    """
    if isinstance(renderer, MovingRenderer):
        renderer = renderer.as_recorded()
    largest = 0.0
    for test in bundle.sound.self_test:
        tone = renderer.render([test.pitch], [test.latent], [test.velocity])[0]
        if max(test.frames) >= len(tone):
            raise BundleError(f"{bundle.what}: self-test: a note has only {len(tone)} frames")
        found = tone[np.asarray(test.frames)]
        difference = np.abs(found - np.asarray(test.values))
        worst = int(np.argmax(difference))
        if not difference[worst] <= test.tolerance:
            raise BundleError(
                f"{bundle.what}: self-test: pitch {test.pitch}, frame {test.frames[worst]} must be "
                f"{test.values[worst]:.6f} within {test.tolerance:g}, got {found[worst]:.6f}",
                "This onnxruntime computes another sound: try another version or --device cpu.",
            )
        largest = max(largest, float(difference[worst]))
    return largest
