"""The ensemble LSTM as a composer of phrases: it goes on, and accompanies what it knows ahead.

In: the note model. Out: phrases, in the voices, the register and the density of what was heard.
"""

from __future__ import annotations

from dataclasses import replace

from instrument.composers.continuer import (
    PhraseContinuer,
    continuation,
    one_voice,
    pitched_notes,
)
from instrument.composers.ensemble_lstm.ensemble_lstm import Ensemble, EnsembleLSTM
from instrument.errors import SettingError, check_whole
from instrument.music.constraints import MOST_BARS, Constraints
from instrument.music.meant import Ear
from instrument.music.note import Phrase, Track
from instrument.music.note_tuples import in_telling_order

_SLACK = 5  # semitones


class EnsembleComposer(PhraseContinuer[Ensemble]):
    """The ensemble LSTM as a composer of phrases.

    Parameters
    ----------
    model
        Draws the notes.
    name
        What messages call it.
    """

    model: EnsembleLSTM

    def __init__(self, model: EnsembleLSTM, name: str) -> None:
        super().__init__(model, name)

    def continue_phrase(
        self, phrase: Phrase, length_beats: float, controls: Constraints, seed: int
    ) -> Phrase:
        """Go on in the phrase's voices, register and density; see `Continuer.continue_phrase`.

        Parameters
        ----------
        length_beats
            How much follows the phrase, quarter notes.
        """
        ear = Ear.of(phrase)
        voices = controls.voices or ear.voices()
        register = controls.register or ear.register()
        if controls.register is None and register is not None:
            register = max(0, register[0] - _SLACK), min(127, register[1] + _SLACK)
        density = controls.density or ear.density()
        controls = replace(controls, voices=voices, register=register, density=density)
        made = super().continue_phrase(phrase, length_beats, controls, seed)
        if voices > 1:
            return made
        tracks = tuple(replace(track, notes=one_voice(track.notes)) for track in made.tracks)
        return replace(made, tracks=tracks)

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        """Make bars from nothing, go on, or accompany; see `BarGenerator.generate`."""
        check_whole("bars", bars, 1, MOST_BARS)
        if condition is None:
            return super().generate(bars, seed, controls, None, previous)
        notes = in_telling_order(pitched_notes(condition))
        if not notes:
            raise SettingError("there is nothing to accompany", "Give a phrase with pitched notes.")
        begun = self.model.begin(condition.bar_beats, condition.pickup_beats)
        length = min(bars * condition.bar_beats, condition.length_beats)
        drawn = self._draw(self.model.knowing(begun, notes), 0.0, length, controls, seed)
        made = continuation(condition, (Track(drawn, name="accompaniment"),), length)
        return replace(made, pickup_beats=condition.pickup_beats, meters=condition.meters)
