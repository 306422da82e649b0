"""Play the chorale LSTM: four voices, sixteenth by sixteenth, one voice after the other.

In: a bundle of kind "chorale_lstm" (training/chorale_lstm/system.py trains it). Out: a composer
that goes on from a chorale, harmonises a melody, or makes a chorale from nothing. A frame costs
one run of the graph "advance" and up to four of "place".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.bundle.open_graph import Tensors
from instrument.bundle.recurrent_graph import States, StepGraph
from instrument.composers.chorale_lstm.features import ORDER, frame_vector, relations, voice_vector
from instrument.composers.chorale_lstm.state import (
    FALL_SILENT,
    FRAMES_PER_BEAT,
    HOLD,
    Past,
    advance,
    begin,
    harshness,
    is_frozen,
    move_of,
    pitch_of,
    possible_moves,
)
from instrument.composers.chorale_lstm.state import VOICE_COUNT as VOICES
from instrument.composers.continuer import BAR_BEATS, continuation, leading_track
from instrument.errors import check_whole
from instrument.music.chorale_frames import REST, frames_of, phrase_of
from instrument.music.constraints import MOST_BARS, Constraints
from instrument.music.note import Phrase, Track
from instrument.music.sampling import NoteRandom, draw, probabilities

Frames = NDArray[np.int16]
FREE = -2
"""In a frame that is given: this voice is to be drawn."""


@dataclass(frozen=True, slots=True)
class Sung:
    """What has been sung so far, and the network's memory of it."""

    past: Past
    states: States


class ChoraleLSTM:
    """The composer; belongs to one thread.

    Parameters
    ----------
    bundle
        Of kind "chorale_lstm".
    runtime
        Where it runs.
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        self._advance = StepGraph(bundle, "advance", runtime)
        self._place = StepGraph(bundle, "place", runtime)

    def begin(self, bar_beats: float, pickup_beats: float) -> Sung:
        """Return the state of a chorale that has not begun."""
        return Sung(begin(bar_beats, pickup_beats), self._advance.begin())

    def sing(
        self, sung: Sung, given: Sequence[int], controls: Constraints, random: NoteRandom
    ) -> tuple[tuple[int, ...], Sung]:
        """Sing one frame.

        Parameters
        ----------
        given
            For each of the four voices a pitch, -1 for a rest, or `FREE`.
        random
            The frame's number in the piece is its place in it.

        Returns
        -------
        tuple
            Four pitches, -1 for a rest.
        Sung
            The state after it.
        """
        generator = random.at(len(sung.past.frames))
        outputs, states = self._advance.step(sung.states, {"frame": frame_vector(sung.past)[None]})
        placed = [REST if pitch == FREE else pitch for pitch in given]
        for voice in ORDER:
            if given[voice] != FREE:
                continue
            wished = self._wished(outputs["context"], sung.past, voice, placed)
            allowed = _allowed(sung.past, voice, controls)
            if controls.care and is_frozen(sung.past, placed) and allowed.sum() > 1:
                allowed[HOLD] = False
            wished = wished - controls.care * harshness(sung.past, voice, placed)
            move = draw(wished, generator, controls.temperature, controls.top_p, allowed)
            placed[voice] = pitch_of(sung.past, voice, move)
        frame = tuple(placed)
        return frame, Sung(advance(sung.past, frame), states)

    def surprise(self, phrase: Phrase) -> tuple[float, int]:
        """Return how surprised it is by a chorale.

        Parameters
        ----------
        phrase
            Of four voices.

        Returns
        -------
        nats
            Over all cells: a voice in a sixteenth, rests included.
        cells
            How many they are.
        """
        frames = given_frames(phrase).tolist()
        sung, nats = self.begin(phrase.bar_beats, phrase.pickup_beats), 0.0
        for frame in frames:
            outputs, states = self._advance.step(
                sung.states, {"frame": frame_vector(sung.past)[None]}
            )
            placed = [REST] * VOICES
            for voice in ORDER:
                logits = self._wished(outputs["context"], sung.past, voice, placed)
                possible = np.where(possible_moves(sung.past, voice), logits, -np.inf)
                nats -= math.log(probabilities(possible)[move_of(sung.past, voice, frame[voice])])
                placed[voice] = frame[voice]
            sung = Sung(advance(sung.past, tuple(frame)), states)
        return nats, VOICES * len(frames)

    def _wished(
        self, context: NDArray[np.float32], past: Past, voice: int, placed: Sequence[int]
    ) -> NDArray[np.float32]:
        """Return what a voice would like to do next: the logits of its moves, float32 (51,)."""
        inputs: Tensors = {
            "context": context,
            "voice": voice_vector(past, voice, tuple(placed))[None],
            "relations": relations(past, voice, tuple(placed))[None],
        }
        outputs, _ = self._place.step((), inputs)
        return np.asarray(outputs["logits"][0], np.float32)

    def continue_phrase(
        self, phrase: Phrase, length_beats: float, controls: Constraints, seed: int
    ) -> Phrase:
        """Go on in four voices; voices that the prompt lacks are harmonised first, unheard."""
        leading_track(phrase)
        random = NoteRandom(seed)
        sung = self.begin(phrase.bar_beats, phrase.pickup_beats)
        for frame in given_frames(phrase).tolist():
            _, sung = self.sing(sung, frame, Constraints(temperature=0.5), random)
        frames = self._free_frames(
            sung, math.ceil(length_beats * FRAMES_PER_BEAT), controls, random
        )
        made = phrase_of(frames, FRAMES_PER_BEAT)
        return continuation(phrase, _like(phrase, made.tracks), length_beats)

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        """Harmonise a melody, go on, or begin; see `BarGenerator.generate`."""
        check_whole("bars", bars, 1, MOST_BARS)
        if condition is not None:
            return self._harmonise(condition, controls, seed)
        if previous is not None:
            length = bars * previous.meter_at(previous.length_beats).bar_beats
            return self.continue_phrase(previous, length, controls, seed)
        sung = self.begin(BAR_BEATS, 0.0)
        steps = round(bars * BAR_BEATS * FRAMES_PER_BEAT)
        frames = self._free_frames(sung, steps, controls, NoteRandom(seed))
        return phrase_of(frames, FRAMES_PER_BEAT)

    def _harmonise(self, melody: Phrase, controls: Constraints, seed: int) -> Phrase:
        """Return alto, tenor and bass to the leading track, which is the soprano."""
        soprano = leading_track(melody)
        given = np.full((math.ceil(melody.length_beats * FRAMES_PER_BEAT), VOICES), FREE, np.int16)
        own = frames_of(replace(melody, tracks=(soprano,)), FRAMES_PER_BEAT)[:, 0]
        given[: len(own), 0] = own
        random, frames = NoteRandom(seed), []
        sung = self.begin(melody.bar_beats, melody.pickup_beats)
        for frame in given.tolist():
            placed, sung = self.sing(sung, frame, controls, random)
            frames.append(placed)
        made = phrase_of(np.array(frames), FRAMES_PER_BEAT)
        return replace(melody, tracks=made.tracks[1:])

    def _free_frames(
        self, sung: Sung, steps: int, controls: Constraints, random: NoteRandom
    ) -> NDArray[np.int64]:
        free, frames = (FREE,) * VOICES, []
        for _ in range(steps):
            placed, sung = self.sing(sung, free, controls, random)
            frames.append(placed)
        return np.array(frames, np.int64).reshape(-1, VOICES)


def given_frames(phrase: Phrase) -> Frames:
    """Read a prompt as frames of four voices, with `FREE` for voices that it does not have.

    Up to four tracks are soprano, alto, tenor and bass from the highest down; a single track with
    chords is read as the voices of its chords.
    """
    tracks = [track for track in phrase.tracks if track.notes and not track.is_drum]
    tracks = sorted(tracks, key=_height, reverse=True)
    if len(tracks) > VOICES:
        tracks = [*tracks[: VOICES - 1], tracks[-1]]
    if len(tracks) == 1 and _most_at_once(tracks[0]) > 1:
        return _chord_frames(phrase, tracks[0])
    frames = frames_of(replace(phrase, tracks=tuple(tracks)), FRAMES_PER_BEAT)
    if len(tracks) < VOICES:
        places = {1: (0,), 2: (0, 3), 3: (0, 1, 3)}[len(tracks)]
        spread = np.full_like(frames, FREE)
        spread[:, places] = frames[:, : len(tracks)]
        return spread
    return frames


def _chord_frames(phrase: Phrase, track: Track) -> Frames:
    """Give the highest note of each chord to the soprano, the lowest to the bass."""
    steps = math.ceil(phrase.length_beats * FRAMES_PER_BEAT)
    frames = np.full((steps, VOICES), FREE, np.int16)
    sounding: list[set[int]] = [set() for _ in range(steps)]
    for note in track.notes:
        first = round(note.start_beats * FRAMES_PER_BEAT)
        for step in range(
            first, min(steps, max(first + 1, round(note.end_beats * FRAMES_PER_BEAT)))
        ):
            sounding[step].add(note.pitch)
    for frame, pitches in zip(frames, sounding, strict=True):
        ordered = sorted(pitches, reverse=True)
        if len(ordered) > VOICES:
            ordered = [*ordered[: VOICES - 1], ordered[-1]]
        places = {0: (), 1: (0,), 2: (0, 3), 3: (0, 1, 3), 4: (0, 1, 2, 3)}[len(ordered)]
        frame[list(places)] = ordered
        if not ordered:
            frame[:] = REST
    return frames


def _like(phrase: Phrase, voices: tuple[Track, ...]) -> tuple[Track, ...]:
    """Put the voices in the places of the prompt's tracks, the highest first; others are added."""
    pitched = [index for index, t in enumerate(phrase.tracks) if t.notes and not t.is_drum]
    by_height = sorted(pitched, key=lambda index: _height(phrase.tracks[index]), reverse=True)
    if len(by_height) > VOICES:
        by_height = [*by_height[: VOICES - 1], by_height[-1]]
    which = {1: (0,), 2: (0, 3), 3: (0, 1, 3), 4: (0, 1, 2, 3)}[len(by_height)]
    tracks = [replace(track, notes=()) for track in phrase.tracks]
    for index, voice in zip(by_height, which, strict=True):
        tracks[index] = replace(tracks[index], notes=voices[voice].notes)
    added = [replace(v, channel=None) for n, v in enumerate(voices) if n not in which]
    return (*tracks, *added)


def _allowed(past: Past, voice: int, controls: Constraints) -> NDArray[np.bool_]:
    """Return the moves that mean something and lead to a pitch that is asked for.

    The register is the soprano's alone: four voices do not fit into one.
    """
    possible = possible_moves(past, voice)
    controls = controls if voice == 0 else replace(controls, register=None)
    if controls.key is None and controls.register is None:
        return possible
    pitches = np.array([pitch_of(past, voice, move) for move in range(len(possible))])
    allowed = np.zeros(len(possible), np.bool_)
    is_pitch = (pitches >= 0) & (pitches < 128)
    allowed[is_pitch] = controls.allowed_pitches()[pitches[is_pitch]]
    allowed[FALL_SILENT] = True
    allowed[HOLD] |= pitches[HOLD] < 0
    return np.logical_and(possible, allowed)


def open_chorale_lstm(bundle: Bundle, runtime: Runtime) -> ChoraleLSTM:
    """Open a bundle as a composer."""
    return ChoraleLSTM(bundle, runtime)


def _height(track: Track) -> float:
    return sum(note.pitch for note in track.notes) / len(track.notes)


def _most_at_once(track: Track) -> int:
    starts: dict[float, int] = {}
    for note in track.notes:
        starts[note.start_beats] = starts.get(note.start_beats, 0) + 1
    return max(starts.values())
