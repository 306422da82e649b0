"""``python -m instrument.bench.presets.release``: what the frame voice says after a key is up.

It has learned releases (`since_release`); the kernel has an envelope. Printed is how far what was
learned is from the envelope's straight line of decibels, whether it is darker, and how long it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import click
import numpy as np

from instrument.bench.presets.command import shipped_presets
from instrument.bundle.installed import find_bundle
from instrument.preset.preset import Preset, load_preset
from instrument.rendering.held.partials import RATE_HZ, PartialsProbe
from instrument.rendering.k_weighting import k_response
from instrument.rendering.held.stream_server import STREAMED_KIND

KEYS = (48, 60, 72)
HELD_SECONDS = 1.5
TIMES = np.array((0.0, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.9, 1.4, 2.0))
DOWN_DB = 30.0  # so far the two are compared
DARKER_AT_DB = 20.0
READY_SECONDS = 0.08  # a stream of it would begin then


@dataclass(frozen=True, slots=True)
class Release:
    """One key's."""

    seconds: float  #: until it would be 60 dB lower, as it falls at first
    error_db: float  #: rms, from the line
    octaves: float  #: that its centroid has moved when it is 20 dB lower
    late_db: float  #: its level after 80 ms


def learned_release(probe: PartialsProbe, preset: Preset, pitch: int) -> Release:
    """Measure a key's loudness and centroid after it was let go."""
    latent = np.asarray(preset.sound.latent, np.float32)
    held = probe.look(pitch, latent, 0.0, HELD_SECONDS)
    hz = held.cycles * RATE_HZ
    powers = np.square(probe.look_after(pitch, latent, held, HELD_SECONDS, TIMES), dtype=np.float64)
    level = 10.0 * np.log10(powers @ k_response(hz) + 1e-20)
    level = np.minimum.accumulate(level - level[0])
    octaves = np.log2(powers @ hz / (powers.sum(axis=1) + 1e-20) + 1e-9)
    until = float(np.interp(DOWN_DB, -level, TIMES))
    compared = TIMES <= until
    error = level[compared] + DOWN_DB * TIMES[compared] / until
    darker = np.interp(np.interp(DARKER_AT_DB, -level, TIMES), TIMES, octaves - octaves[0])
    late = float(np.interp(READY_SECONDS, TIMES, level))
    return Release(until * 60.0 / DOWN_DB, float(np.sqrt(np.mean(error**2))), float(darker), late)


def main() -> None:
    """Print the medians, and the least and the most, over all presets that stream."""
    found: list[tuple[Preset, Release]] = []
    for path in shipped_presets(1):
        preset = load_preset(path)
        bundle = find_bundle(preset.model, path)
        if preset.sound.sustain == "stream" and bundle.sound.kind == STREAMED_KIND:
            probe = PartialsProbe(bundle)
            found += [(preset, learned_release(probe, preset, pitch)) for pitch in KEYS]
    rows = {
        "seconds to fall by 60 dB": [release.seconds for _, release in found],
        "over the preset's": [r.seconds / p.envelope.release_seconds for p, r in found],
        "dB from a straight line": [release.error_db for _, release in found],
        "octaves brighter at -20 dB": [release.octaves for _, release in found],
        "dB after 80 ms": [release.late_db for _, release in found],
    }
    click.echo(f"{len(found)} keys: median; 5 % and 95 % of them")
    for name, values in rows.items():
        low, middle, high = np.percentile(values, (5, 50, 95))
        click.echo(f"{name:28} {middle:6.2f}; {low:.2f} to {high:.2f}")


if __name__ == "__main__":
    main()
