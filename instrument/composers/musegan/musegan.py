"""Play a MuseGAN: phrases of several tracks, some bars at a time.

In: a bundle of kind "musegan" (training/musegan/system.py trains it). Out: a composer that writes
from nothing, beside a given track, or on from the bars before, as its card says. Every phrase is
drawn `Constraints.candidates` times, and the one that the critic likes best is kept; where it goes
on, what is like the prompt is liked better. Chance is in the latents alone: the temperature widens
or narrows them, and voices then do what is likeliest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.open_graph import OpenGraph, Tensors
from instrument.composers.continuer import continuation, leading_track
from instrument.composers.musegan.latents import latents_of
from instrument.composers.musegan.rolls import (
    MuseShape,
    bars_of,
    given_rolls,
    heard_rolls,
    phrase_of_classes,
    settled,
    tracks_of,
)
from instrument.composers.other_meters import OtherMeters
from instrument.composers.protocols import Composer
from instrument.composers.transposing import TransposedComposer
from instrument.errors import SettingError, check_whole
from instrument.music.constraints import MOST_BARS, Constraints
from instrument.music.likeness import likeness
from instrument.music.note import Phrase, Track
from instrument.music.sampling import NoteRandom

_DEVIATIONS_OF_LIKENESS = 2.0
"""A likeness of 1 counts so many standard deviations of the critic's verdicts."""

Classes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A phrase that was drawn.

    Attributes
    ----------
    classes
        int64, shape (tracks, bars, steps), with what was given.
    score
        The critic's verdict; higher is better.
    """

    classes: Classes
    score: float


class MuseGAN:
    """The composer; belongs to one thread.

    Parameters
    ----------
    bundle
        Of kind "musegan".
    runtime
        Where it runs.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        card = bundle.music
        self.name, self.shape = card.name, MuseShape.of(card)
        self._sessions: dict[str, OpenGraph] = {
            name: bundle.open_graph(name, runtime) for name in card.graphs
        }
        inputs = self._sessions["generate"].inputs
        self._latents = {n: shape for n, (_, shape) in inputs.items() if n.startswith("z_")}

    def continue_phrase(
        self, phrase: Phrase, length_beats: float, controls: Constraints, seed: int
    ) -> Phrase:
        """Go on from the last bars of a phrase; see `Continuer.continue_phrase`."""
        if not self.shape.previous_bars:
            raise SettingError(
                f"{self.name} does not go on from what was played",
                "Continue with musegan_continue, or a model that goes on note by note.",
            )
        leading_track(phrase)
        bars = math.ceil(length_beats / self.shape.bar_beats - 1e-6)
        known = bars_of(phrase, self.shape, tracks_of(phrase, self.shape))
        made = self._go_on(known, bars, controls, seed)
        written = phrase_of_classes(made, self.shape).between(0.0, length_beats)
        return continuation(phrase, _beside(phrase, written, self.shape), length_beats)

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        """Write bars; see `BarGenerator.generate`."""
        check_whole("bars", bars, 1, MOST_BARS)
        shape = self.shape
        if condition is not None:
            return self._accompany(condition, controls, seed)
        if previous is not None:
            return self.continue_phrase(previous, bars * shape.bar_beats, controls, seed)
        if shape.given_track >= 0:
            raise SettingError(
                f"{self.name} accompanies a track and writes nothing alone",
                "Give it one: latentkeys accompany IN.mid OUT.mid",
            )
        if shape.previous_bars:
            silence = np.zeros((shape.tracks, shape.previous_bars, shape.steps), np.int64)
            made = self._go_on(silence, bars, controls, seed)
        else:
            made = self._from_nothing(bars, controls, seed)
        return phrase_of_classes(made, shape)

    def _from_nothing(self, bars: int, controls: Constraints, seed: int) -> Classes:
        """Write phrases whose song and tracks stay akin, on a way from one draw to another."""
        count = math.ceil(bars / self.shape.bars)
        parts = [
            self._best({}, None, controls, seed, at, at / max(1, count - 1)) for at in range(count)
        ]
        return np.concatenate(parts, axis=1)[:, :bars]

    def _go_on(self, known: Classes, bars: int, controls: Constraints, seed: int) -> Classes:
        """Write phrase after phrase, each from the bars before it."""
        shape, start = self.shape, known.shape[1]
        prompt = phrase_of_classes(known, shape) if known.any() else None
        lacking = max(0, shape.previous_bars - start)
        known = np.pad(known, ((0, 0), (lacking, 0), (0, 0)))
        for at in range(math.ceil(bars / shape.bars)):
            before = known[:, -shape.previous_bars :]
            rolls = given_rolls(before, shape)
            features = self._sessions["hear_bars"].run({"rolls": rolls[None]})
            made = self._best(features, before, controls, seed, at, 0.0, prompt)
            known = np.concatenate([known, made[:, shape.previous_bars :]], axis=1)
        return settled(known[:, : start + lacking + bars], start + lacking)

    def _accompany(self, condition: Phrase, controls: Constraints, seed: int) -> Phrase:
        shape = self.shape
        if shape.given_track < 0:
            raise SettingError(
                f"{self.name} does not accompany", "Accompany with musegan_accompany."
            )
        order = [condition.tracks.index(leading_track(condition))]
        given = bars_of(condition, shape, order)
        bars = given.shape[1]
        given = np.pad(given, ((0, 0), (0, -bars % shape.bars), (0, 0)))
        parts = []
        for at in range(given.shape[1] // shape.bars):
            window = given[:, at * shape.bars : (at + 1) * shape.bars]
            whole = np.zeros((shape.tracks, shape.bars, shape.steps), np.int64)
            whole[shape.given_track] = window[0]
            roll = given_rolls(window, shape)
            features = self._sessions["hear_track"].run({"roll": roll})
            parts.append(self._best(features, whole, controls, seed, at, 0.0))
        made = np.concatenate(parts, axis=1)[:, :bars]
        made = np.delete(made, shape.given_track, axis=0)
        written = phrase_of_classes(made, replace(shape, names=shape.played_names))
        silence = -condition.pickup_beats % shape.bar_beats
        length = min(condition.length_beats, written.length_beats - silence)
        return replace(condition, tracks=written.between(silence, silence + length).tracks)

    def _best(
        self,
        features: Tensors,
        given: Classes | None,
        controls: Constraints,
        seed: int,
        at: int,
        way: float,
        prompt: Phrase | None = None,
    ) -> Classes:
        """Draw the candidates of a phrase and return the classes of the best."""
        drawn = [
            self._draw(features, given, controls, seed, at, candidate, way)
            for candidate in range(controls.candidates)
        ]
        return drawn[int(np.argmax(self._worth(drawn, prompt)))].classes

    def _worth(self, drawn: Sequence[Drawn], prompt: Phrase | None) -> NDArray[np.float64]:
        """Return how good candidates are, float64 (n,): what the critic says of them.

        Where they go on, what they have in common with the prompt counts, too. The critic hears
        the last bars alone, which soon are all our own, and likes what is usual.
        """
        scores = np.array([one.score for one in drawn], np.float64)
        if prompt is None or len(drawn) == 1:
            return scores
        new = (one.classes[:, self.shape.previous_bars :] for one in drawn)
        alike = np.array([likeness(prompt, phrase_of_classes(one, self.shape)) for one in new])
        liked: NDArray[np.float64] = (scores - scores.mean()) / max(float(scores.std()), 1e-9)
        return liked + _DEVIATIONS_OF_LIKENESS * alike

    def _draw(
        self,
        features: Tensors,
        given: Classes | None,
        controls: Constraints,
        seed: int,
        at: int,
        candidate: int,
        way: float,
    ) -> Drawn:
        shape, random = self.shape, NoteRandom(seed, candidate)
        latents = latents_of(self._latents, random, at, way, controls.temperature)
        logits = self._sessions["generate"].run(latents | features)["logits"][0]
        beside = given if given is not None and shape.given_track >= 0 else None
        made = shape.choose(logits, controls, random.at(3 * at + 2), beside)
        classes = np.zeros((shape.tracks, shape.previous_bars + shape.bars, shape.steps), np.int64)
        if given is not None:
            classes[:, : given.shape[1]] = given
        classes[list(shape.played), shape.previous_bars :] = made
        rolls = heard_rolls(classes, shape).reshape(1, -1, *classes.shape[1:], shape.pitches)
        score = self._sessions["critic"].run({"rolls": rolls})["score"]
        return Drawn(classes, float(score[0]))


def open_musegan(bundle: Bundle, runtime: Runtime) -> Composer:
    """Open a bundle as a composer, in every key and meter."""
    inner = MuseGAN(bundle, runtime)
    composer = OtherMeters(inner, inner.shape.bar_beats)
    return TransposedComposer(composer) if bundle.music.constants["in_one_scale"] else composer


def _beside(phrase: Phrase, written: Phrase, shape: MuseShape) -> tuple[Track, ...]:
    """Put the voices in the places of the prompt's tracks that they were read from."""
    tracks = [replace(track, notes=()) for track in phrase.tracks]
    added = []
    for place, voice in zip(tracks_of(phrase, shape), written.tracks, strict=True):
        if place >= 0:
            tracks[place] = replace(tracks[place], notes=voice.notes)
        else:
            added.append(voice)
    return (*tracks, *added)
