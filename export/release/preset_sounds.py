"""Hear presets as a player does, and put numbers on what is heard.

In: presets and their renderer. Out: audio from the very kernel that plays live, and measures of it:
loudness, brightness by velocity, attack, decay, and how far two presets are from each other.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from instrument.bench.presets.figures import PIECE_SECONDS
from instrument.bench.presets.takes import piece, play_piece
from instrument.midi.messages import is_note_on
from instrument.preset.effects import Effects
from instrument.preset.playing import Playing
from instrument.preset.preset import Preset
from instrument.preset.voice_parameters import write_sound
from instrument.realtime.memory.constants import (
    ALL_CHANNELS,
    BUILT_IN_BANK,
    LOWEST_PITCH,
    PANIC,
    USE_BANK,
)
from instrument.realtime.offline_engine import OfflineEngine
from instrument.rendering.k_weighting import integrated_lufs
from instrument.rendering.open_renderer import for_sound
from instrument.rendering.renderer import ToneRenderer
from instrument.rendering.tone_table import TableFiller

Mono = NDArray[np.float32]
Stereo = NDArray[np.float32]

RATE_HZ = 48_000
PITCHES = (36, 48, 60, 72, 84)
VELOCITIES = (32, 64, 100, 127)
USUAL_VELOCITY = 100
HELD_SECONDS, RELEASED_SECONDS = 1.6, 0.6
_BANK = BUILT_IN_BANK + 1
_BAND_COUNT, _SEGMENT_SECONDS = 32, (0.0, 0.03, 0.1, 0.3, 0.8, 1.6, 2.2)
_FLOOR_DB = -60.0


@dataclass(frozen=True, slots=True)
class ProbeMeasures:
    """What a preset's probe notes sound like.

    Attributes
    ----------
    centroid_hz
        float64, shape (pitches, velocities): centre of gravity of the power spectrum while held.
    attack_seconds
        Until the level first comes within 1 dB of its maximum, median over the pitches.
    decay_db
        How much the level falls from its maximum to key-up, median over the pitches.
    peak
        Largest sample of all notes, full scale 1.
    picture
        float64, shape (pitches, segments, bands): levels in dB below the loudest band of each
        note, at the usual velocity; what `distance_db` compares.
    """

    centroid_hz: NDArray[np.float64]
    attack_seconds: float
    decay_db: float
    peak: float
    picture: NDArray[np.float64]


class Listener:
    """Plays presets on an engine without a device.

    Parameters
    ----------
    renderer
        Of the presets' model.
    """

    def __init__(self, renderer: ToneRenderer) -> None:
        self._renderer = renderer
        self._engine = OfflineEngine(RATE_HZ, note_seconds=4.0)

    def play(self, preset: Preset, pitch: int, velocity: int, held_seconds: float) -> Mono:
        """Play one note and its release; float32, shape (frames,), both sides added up."""
        self._prepare(preset, (pitch,))
        return _mono(self._note(pitch, velocity, held_seconds))

    def hear(self, preset: Preset) -> ProbeMeasures:
        """Play a preset's probe notes and measure them.

        Without effects, whose rooms would ring from one note into the next, and without what
        makes two strikes differ: variation, drift, the beats of a unison, glide.
        """
        sound = dataclasses.replace(preset.sound, variation=0.0, drift=0.0)
        plain = dataclasses.replace(preset, sound=sound, playing=Playing(), effects=Effects())
        self._prepare(plain, PITCHES)
        sides = np.array(
            [
                [self._note(pitch, velocity, HELD_SECONDS) for velocity in VELOCITIES]
                for pitch in PITCHES
            ]
        )
        notes = _mono(sides)
        usual = notes[:, VELOCITIES.index(USUAL_VELOCITY)]
        held = notes[:, :, : round(HELD_SECONDS * RATE_HZ)]
        levels = [_level_db(note[: held.shape[2]]) for note in usual]
        return ProbeMeasures(
            centroid_hz=np.array([[centroid_hz(note) for note in row] for row in held]),
            attack_seconds=float(np.median([_attack_seconds(level) for level in levels])),
            decay_db=float(np.median([level.max() - level[-5:].mean() for level in levels])),
            peak=float(np.abs(sides).max()),
            picture=np.array([_picture(note) for note in usual]),
        )

    def loudness_lufs(self, preset: Preset) -> float:
        """Play the beginning of a piece as everybody hears it, effects included, and measure it."""
        struck = {message.data[1] for message in piece(PIECE_SECONDS) if is_note_on(message.data)}
        self._prepare(preset, tuple(sorted(struck)))
        lufs = integrated_lufs(play_piece(self._engine, PIECE_SECONDS), RATE_HZ)
        self._engine.command(PANIC)
        self._engine.render(RATE_HZ // 10)
        return lufs

    def _prepare(self, preset: Preset, pitches: tuple[int, ...]) -> None:
        """Fill the slots of a few keys only: a whole table would take thirty times as long."""
        state = self._engine.state
        state.clear_bank(_BANK)
        write_sound(state, _BANK, preset)
        renderer = for_sound(self._renderer, preset.sound, round(state.rate_hz))
        filler = TableFiller(state, _BANK, preset, renderer)
        for pitch in pitches:
            state.wanted[_BANK][pitch - LOWEST_PITCH] = 1
        for _ in range(2 * len(pitches)):  # the attack, then the whole
            filler.step()
        self._engine.command(USE_BANK, _BANK, ALL_CHANNELS)
        self._engine.render(RATE_HZ // 10)

    def _note(self, pitch: int, velocity: int, held_seconds: float) -> Stereo:
        held, released = round(held_seconds * RATE_HZ), round(RELEASED_SECONDS * RATE_HZ)
        self._engine.send(-1, (0x90, pitch, velocity))
        sounding = self._engine.render(held)
        self._engine.send(-1, (0x80, pitch, 0))
        note = np.concatenate([sounding, self._engine.render(released)])
        self._engine.send(-1, (0xB0, 120, 0))  # all sound off: the next note starts from silence
        self._engine.render(RATE_HZ // 10)
        return note


def _mono(sides: Stereo) -> Mono:
    """Add both sides up; (..., frames, 2) becomes (..., frames)."""
    return np.asarray(sides.sum(axis=-1) / np.sqrt(2.0), np.float32)


def distance_db(one: ProbeMeasures, other: ProbeMeasures) -> float:
    """Say how different two presets sound: rms difference of their pictures in dB.

    Loudness is left out, bands and moments in which both are silent count as equal.
    """
    return float(np.sqrt(np.mean((one.picture - other.picture) ** 2)))


def distances_db(hearings: list[ProbeMeasures]) -> NDArray[np.float64]:
    """Return all pairwise distances, float64, shape (presets, presets)."""
    table = np.zeros((len(hearings), len(hearings)))
    for i, j in itertools.combinations(range(len(hearings)), 2):
        table[i, j] = table[j, i] = distance_db(hearings[i], hearings[j])
    return table


def centroid_hz(audio: Mono) -> float:
    """Return the centre of gravity of a power spectrum."""
    power = np.abs(np.fft.rfft(audio)) ** 2
    hz = np.fft.rfftfreq(len(audio), 1 / RATE_HZ)
    return float((power * hz).sum() / max(power.sum(), 1e-20))


def _level_db(audio: Mono) -> NDArray[np.float64]:
    """Return the level every 10 ms."""
    frames = audio[: len(audio) // 480 * 480].reshape(-1, 480).astype(np.float64)
    return _db(np.mean(frames**2, axis=1))


def _attack_seconds(level_db: NDArray[np.float64]) -> float:
    return 0.01 * float(np.argmax(level_db > level_db.max() - 1.0))


def _picture(audio: Mono) -> NDArray[np.float64]:
    """Return band levels by moment, in dB above a floor under the loudest."""
    edges = (np.asarray(_SEGMENT_SECONDS) * RATE_HZ).astype(int)
    rows = []
    for start, end in itertools.pairwise(edges):
        part = audio[start:end]
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * RATE_HZ // 10)) ** 2
        hz = np.fft.rfftfreq(8 * RATE_HZ // 10, 1 / RATE_HZ)
        bands = np.geomspace(50.0, 20_000.0, _BAND_COUNT + 1)
        sums = np.add.reduceat(power, np.searchsorted(hz, bands))[:-1]
        rows.append(_db(sums / len(part) ** 2))
    picture = np.array(rows)
    below: NDArray[np.float64] = np.maximum(picture - picture.max(), _FLOOR_DB)
    return below


def _db(power: object) -> NDArray[np.float64]:
    level: NDArray[np.float64] = 10.0 * np.log10(np.maximum(np.asarray(power, np.float64), 1e-20))
    return level
