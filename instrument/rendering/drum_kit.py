"""The built-in drum kit: what a MIDI file's drum channel plays, instead of pitches of the preset.

In: a sample rate. Out: one short sound for each key of the General MIDI percussion map. Nothing is
sampled or learned: falling sines for skins, filtered noise for snares and cymbals, clusters of
partials for metal, as drum machines made them; the noise is seeded, so that a kit is always the
same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrument.realtime.memory.constants import HIGHEST_PITCH, KIT_BANK, LOUD, LOWEST_PITCH, SOFT
from instrument.realtime.memory.state import EngineState

Samples = npt.NDArray[np.float32]

LEVEL = 0.7
"""Peak of the loudest drum, full scale 1."""
_GAIN_DB = -3.0
_LONGEST_SECONDS = 1.6
_ATTACK_SECONDS = 0.0006
_QUIET = 1e-3  # -60 dB: a sound ends here
_METAL = (1.0, 1.342, 1.4, 1.65, 1.87, 2.16, 2.55, 3.11)  # inharmonic, as of a struck plate


@dataclass(frozen=True, slots=True)
class Drum:
    """How one drum sounds: a body, noise and metal together.

    Attributes
    ----------
    level
        Its peak beside the loudest drum's.
    seconds
        In which it falls by 60 dB.
    hz, drop
        Of the body, a sine that starts `drop` times as high; 0: none.
    noise, low_hz, high_hz
        Share of noise, and its band.
    metal_hz
        The lowest of the partials of metal; 0: none.
    strokes
        When it is struck, for claps, rolls and scrapes.
    """

    level: float
    seconds: float
    hz: float = 0.0
    drop: float = 1.0
    noise: float = 0.0
    low_hz: float = 200.0
    high_hz: float = 16_000.0
    metal_hz: float = 0.0
    strokes: Sequence[float] = (0.0,)


def _skin(hz: float, seconds: float = 0.45, level: float = 0.7, noise: float = 0.08) -> Drum:
    return Drum(level, seconds, hz, drop=1.6, noise=noise, low_hz=300.0, high_hz=5_000.0)


def _cymbal(seconds: float, level: float, low_hz: float, metal_hz: float = 420.0) -> Drum:
    return Drum(level, seconds, noise=1.0, low_hz=low_hz, metal_hz=metal_hz)


def _rattle(seconds: float, level: float = 0.35, low_hz: float = 5_000.0) -> Drum:
    return Drum(level, seconds, noise=1.0, low_hz=low_hz)


def _wood(hz: float, seconds: float = 0.12, level: float = 0.5) -> Drum:
    return Drum(level, seconds, hz, drop=1.05, noise=0.1, low_hz=1_000.0, high_hz=6_000.0)


def _bell(hz: float, seconds: float, level: float = 0.45) -> Drum:
    return Drum(level, seconds, metal_hz=hz)


_SNARE = Drum(0.8, 0.28, 185.0, drop=1.5, noise=1.2, low_hz=900.0, high_hz=10_000.0)
_SCRAPE = tuple(stroke * 0.012 for stroke in range(8))
_LONG_SCRAPE = tuple(stroke * 0.018 for stroke in range(18))

# The percussion map of General MIDI 1, and what GS and General MIDI 2 add below and above it.
KIT: dict[int, Drum] = {
    27: Drum(0.5, 0.12, 900.0, drop=2.0),  # high Q
    28: Drum(0.5, 0.08, noise=1.0, low_hz=1_500.0),  # slap
    29: Drum(0.4, 0.10, noise=1.0, low_hz=2_500.0),  # scratch push
    30: Drum(0.4, 0.10, noise=1.0, low_hz=1_800.0),  # scratch pull
    31: _wood(2_200.0, 0.06, 0.4),  # sticks
    32: _wood(1_000.0, 0.05, 0.4),  # square click
    33: _wood(1_600.0, 0.05, 0.4),  # metronome click
    34: _bell(1_500.0, 0.6, 0.4),  # metronome bell
    35: Drum(1.0, 0.50, 48.0, drop=3.0, noise=0.06, high_hz=3_000.0),  # acoustic bass drum
    36: Drum(1.0, 0.40, 55.0, drop=3.5, noise=0.08, high_hz=4_000.0),  # bass drum 1
    37: _wood(1_700.0, 0.07, 0.5),  # side stick
    38: _SNARE,  # acoustic snare
    39: Drum(
        0.6, 0.22, noise=1.0, low_hz=900.0, high_hz=7_000.0, strokes=(0, 0.011, 0.022)
    ),  # clap
    40: Drum(0.8, 0.22, 220.0, drop=1.5, noise=1.5, low_hz=1_200.0),  # electric snare
    41: _skin(78.0, 0.6),  # low floor tom
    42: _cymbal(0.09, 0.35, 7_000.0, 540.0),  # closed hi-hat
    43: _skin(92.0, 0.55),  # high floor tom
    44: _cymbal(0.07, 0.30, 6_000.0, 500.0),  # pedal hi-hat
    45: _skin(110.0, 0.5),  # low tom
    46: _cymbal(0.55, 0.38, 6_500.0, 540.0),  # open hi-hat
    47: _skin(130.0, 0.48),  # low-mid tom
    48: _skin(155.0, 0.45),  # hi-mid tom
    49: _cymbal(1.6, 0.50, 3_000.0),  # crash 1
    50: _skin(185.0, 0.42),  # high tom
    51: _cymbal(1.2, 0.32, 5_000.0, 700.0),  # ride 1
    52: _cymbal(1.4, 0.50, 2_000.0, 300.0),  # Chinese cymbal
    53: _bell(850.0, 1.0, 0.4),  # ride bell
    54: _rattle(0.25, 0.35, 6_000.0),  # tambourine
    55: _cymbal(0.6, 0.45, 4_000.0, 600.0),  # splash
    56: _bell(560.0, 0.30, 0.5),  # cowbell
    57: _cymbal(1.5, 0.50, 2_600.0, 380.0),  # crash 2
    58: Drum(
        0.4, 0.7, noise=1.0, low_hz=1_500.0, high_hz=5_000.0, strokes=_LONG_SCRAPE
    ),  # vibraslap
    59: _cymbal(1.1, 0.32, 4_500.0, 640.0),  # ride 2
    60: _skin(400.0, 0.16, 0.55),  # high bongo
    61: _skin(300.0, 0.20, 0.55),  # low bongo
    62: _skin(330.0, 0.10, 0.55),  # muted high conga
    63: _skin(250.0, 0.30, 0.6),  # open high conga
    64: _skin(185.0, 0.35, 0.6),  # low conga
    65: _skin(430.0, 0.30, 0.6, 0.2),  # high timbale
    66: _skin(320.0, 0.35, 0.6, 0.2),  # low timbale
    67: _bell(900.0, 0.35),  # high agogo
    68: _bell(680.0, 0.40),  # low agogo
    69: _rattle(0.10, 0.3),  # cabasa
    70: _rattle(0.06, 0.3, 6_000.0),  # maracas
    71: Drum(0.4, 0.20, 2_300.0, noise=0.15),  # short whistle
    72: Drum(0.4, 0.55, 2_300.0, noise=0.15),  # long whistle
    73: Drum(0.4, 0.15, noise=1.0, low_hz=1_500.0, high_hz=7_000.0, strokes=_SCRAPE),  # short guiro
    74: Drum(0.4, 0.4, noise=1.0, low_hz=1_500.0, high_hz=7_000.0, strokes=_LONG_SCRAPE),  # long
    75: _wood(2_500.0, 0.08),  # claves
    76: _wood(1_150.0),  # high wood block
    77: _wood(850.0),  # low wood block
    78: _skin(520.0, 0.20, 0.45),  # muted cuica
    79: _skin(420.0, 0.35, 0.45),  # open cuica
    80: _bell(2_800.0, 0.12, 0.3),  # muted triangle
    81: _bell(2_800.0, 1.3, 0.3),  # open triangle
    82: _rattle(0.12, 0.3, 7_000.0),  # shaker
    83: _bell(3_500.0, 0.6, 0.25),  # jingle bell
    84: _bell(4_200.0, 1.2, 0.2),  # bell tree
    85: _wood(1_400.0, 0.09),  # castanets
    86: _skin(70.0, 0.25, 0.8),  # muted surdo
    87: _skin(65.0, 0.7, 0.8),  # open surdo
}


def drum_sound(pitch: int, rate_hz: float) -> Samples:
    """Return one drum, float32, shape (frames,), full scale ±1.

    Parameters
    ----------
    pitch
        A key of the percussion map; those beyond it have the nearest key's sound.
    rate_hz
        Frames per second.
    """
    drum = KIT[min(max(pitch, min(KIT)), max(KIT))]
    seconds = min(_LONGEST_SECONDS, drum.seconds + drum.strokes[-1])
    frames = int(seconds * rate_hz)
    sound = np.zeros(frames)
    random = np.random.default_rng(pitch)
    for stroke in drum.strokes:
        begin = int(stroke * rate_hz)
        sound[begin:] += _stroke(drum, frames - begin, rate_hz, random)
    last = np.linspace(1.0, 0.0, min(frames, int(0.005 * rate_hz)))
    sound[-len(last) :] *= last
    gain = LEVEL * drum.level / float(np.abs(sound).max())
    return np.asarray(sound * gain, np.float32)


def fill_drum_kit(state: EngineState) -> None:
    """Put the kit into its bank; the rate must be known. Control's thread, before drums play.

    Every drum sounds to its end, however short its note: a release takes longer than all of them.
    """
    bank = state.banks[KIT_BANK]
    bank["gain_db"], bank["release_seconds"], bank["loop"] = _GAIN_DB, 20.0, 0
    longest = state.tones.shape[-1]
    for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1):
        sound = drum_sound(pitch, state.rate_hz)[:longest]
        for layer in (SOFT, LOUD):
            state.write_slot(KIT_BANK, layer, pitch, sound)


def _stroke(drum: Drum, frames: int, rate_hz: float, random: np.random.Generator) -> Samples:
    """Return what one stroke gives: body, noise and metal, each under its envelope."""
    seconds = np.arange(frames) / rate_hz
    sound = np.zeros(frames)
    if drum.hz:
        hz = drum.hz * (1.0 + (drum.drop - 1.0) * np.exp(-seconds / 0.02))
        sound += np.sin(2 * np.pi * np.cumsum(hz) / rate_hz)
    if drum.noise:
        sound += drum.noise * _band_of_noise(frames, drum.low_hz, drum.high_hz, rate_hz, random)
    if drum.metal_hz:
        lowest = min(drum.metal_hz, 0.45 * rate_hz)
        for ratio in _METAL:
            if lowest * ratio < rate_hz / 2:
                sound += 0.25 * np.sin(2 * np.pi * lowest * ratio * seconds)
    envelope = _QUIET ** (seconds / drum.seconds) * np.minimum(1.0, seconds / _ATTACK_SECONDS)
    return np.asarray(sound * envelope, np.float32)


def _band_of_noise(
    frames: int, low_hz: float, high_hz: float, rate_hz: float, random: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return noise between two frequencies, with a root mean square of a third."""
    spectrum = np.fft.rfft(random.standard_normal(frames))
    hz = np.fft.rfftfreq(frames, 1.0 / rate_hz)
    highest = min(high_hz, 0.45 * rate_hz)  # a low rate has no cymbals, but something to hear
    spectrum[(hz < min(low_hz, 0.8 * highest)) | (hz > highest)] = 0.0
    noise = np.fft.irfft(spectrum, frames)
    return np.asarray(noise / max(3.0 * float(np.sqrt(np.mean(noise**2))), 1e-9))
