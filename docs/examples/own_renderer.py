"""Bring a model of your own: here a plucked string (Karplus and Strong 1983), played live.

python own_renderer.py --audio jack --brightness 0.7
"""

import argparse

import numpy as np

from instrument import Note, Phrase, Preset, RendererInfo, Session


class StringRenderer:
    """A plucked string; the only latent number is its brightness, 0 to 1."""

    info = RendererInfo(
        sample_rate_hz=48_000,
        pitch_range=(21, 108),
        latent_size=1,
        attack_frames=9_600,
        longest_frames=96_000,
        hears_velocity=False,
    )

    def open(self, frames):
        """There is nothing to open."""

    def keep_awake(self):
        """There is no graphics card."""

    def render(self, pitches, latents, velocities=None, frames=96_000):
        """Return float32 audio, shape (len(pitches), frames)."""
        tones = [
            pluck(pitch, latent[0], frames) for pitch, latent in zip(pitches, latents, strict=True)
        ]
        return np.asarray(tones, np.float32)


def pluck(pitch, brightness, frames):
    """Return a tone: noise that goes round a delay line, softened each time."""
    period = round(StringRenderer.info.sample_rate_hz / (440 * 2 ** ((pitch - 69) / 12)))
    string = np.random.default_rng(0).uniform(-0.3, 0.3, period)
    periods = []
    for _ in range(-(-frames // period)):
        periods.append(string)
        string = brightness * string + (1 - brightness) * (string + np.roll(string, 1)) / 2
    return np.concatenate(periods)[:frames]


parser = argparse.ArgumentParser(description="Play a plucked string live.")
parser.add_argument("--audio", default="auto", help="auto, jack, a device, null, or FILE.wav")
parser.add_argument("--brightness", type=float, default=0.5, help="0 to 1")
options = parser.parse_args()

chord = Phrase.of([Note(0.25 * n, pitch, 4.0) for n, pitch in enumerate((45, 52, 57, 60, 64))])
preset = Preset.of([options.brightness], "String")
with Session(preset, audio=options.audio, renderer=StringRenderer()) as session:
    session.wait_until_rendered()
    session.play(chord)
