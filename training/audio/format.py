"""The formats of the two kinds of tones that voices learn: rates, lengths, loudness, pitches.

A *tone set* is at 48 kHz and spans the keyboard: the frame voice learns it. A *wave set* is at
16 kHz, as NSynth is: GANSynth and what measures it learn that.
"""

from __future__ import annotations

SAMPLE_RATE_HZ = 48000
HOP_FRAMES = 480
"""The frame voice's network gives levels once per hop: every 10 ms."""
REFERENCE_RMS = 0.1
"""Loudness of every tone as the frame voice hears it: the strongest 50 ms have this RMS."""
LOWEST_PITCH, HIGHEST_PITCH = 21, 108
PITCH_COUNT = HIGHEST_PITCH - LOWEST_PITCH + 1

WAVE_RATE_HZ, WAVE_FRAMES = 16000, 64000
"""What NSynth has, and GANSynth makes: tones of four seconds."""
LOWEST_WAVE_PITCH, HIGHEST_WAVE_PITCH = 24, 84
WAVE_PITCHES = range(LOWEST_WAVE_PITCH, HIGHEST_WAVE_PITCH + 1)
"""Those that GANSynth learned (Engel et al., ICLR 2019, section 3)."""
WAVE_PITCH_COUNT = len(WAVE_PITCHES)
