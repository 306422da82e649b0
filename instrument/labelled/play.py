"""Play one note of a labelled set on an engine of its own, as hands would.

In: a sound, a pitch and a velocity. Out: its samples. The engine is new for each note, so that a
note is the same whatever was played before it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.card import VoiceCard
from instrument.labelled.plan import NotePlan, PlannedNote
from instrument.labelled.sounds import LabelledSound, SoundSource
from instrument.midi.messages import note_off, note_on
from instrument.midi.song import Song, SongMessage
from instrument.offline.morph_player import MorphPlayer
from instrument.offline.timbre_path import Morph, TimbrePoint
from instrument.rendering.prefetch import TonePrefetch

Samples = NDArray[np.float32]


class NotePlayer:
    """Plays notes of one sound after the other; velocities of a pitch share a rendering.

    Parameters
    ----------
    plan
        Lengths, rate and channels.
    source
        Gives renderers.
    card
        The voice's.
    """

    def __init__(self, plan: NotePlan, source: SoundSource, card: VoiceCard) -> None:
        self._plan, self._source, self._card = plan, source, card
        self._sound: LabelledSound | None = None
        self._tones: TonePrefetch | None = None

    def play(self, sound: LabelledSound, note: PlannedNote) -> Samples:
        """Return a note: float32, shape (frames, channels), full scale ±1."""
        plan = self._plan
        if self._sound is not sound or self._tones is None:
            self._sound = sound
            self._tones = TonePrefetch(self._source.renderer_of(sound.preset), plan.rate_hz)
        struck = SongMessage(0.0, note_on(note.pitch, note.velocity))
        let_go = SongMessage(plan.held_seconds, note_off(note.pitch))
        song = Song((struck, let_go), plan.held_seconds)
        path = Morph([TimbrePoint(0.0, sound.preset)], self._card)
        player = MorphPlayer(song, path, self._tones, plan.rate_hz)
        samples = np.zeros((round(plan.seconds * plan.rate_hz), 2), np.float32)
        filled = 0
        for piece in player.play():
            count = min(len(piece), len(samples) - filled)
            samples[filled : filled + count] = piece[:count]
            filled += count
            if filled == len(samples):
                break
        return samples if plan.channels == 2 else samples.mean(axis=1, keepdims=True)
