"""What a MuseGAN hears and writes: bars of several tracks as classes and rolls.

In: phrases. Out: classes, int64 (tracks, bars, steps): 0 rests, 1 holds, 2 and more start a pitch;
rolls, float32, of what sounds and what begins; and phrases again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrument.bundle.card import ComposerCard
from instrument.music.constraints import Constraints
from instrument.music.note import Note, Phrase, Track
from instrument.music.piano_rolls import FIRST_PITCH, HOLD, phrase_of_rolls, rolls_of
from instrument.music.pitch import PERFECT, PITCHES, clashing

Classes = NDArray[np.int64]
Rolls = NDArray[np.float32]
Logits = NDArray[np.float32]
_SURENESS = 4.0  # a GAN's logits are no likelihoods: what it prefers lies further above the rest
_IMPOSSIBLE = np.float32(-1e9)


@dataclass(frozen=True, slots=True)
class MuseShape:
    """The phrases of a model, as its card has them.

    Attributes
    ----------
    names
        Of the tracks.
    bars, steps, steps_per_beat, pitches, lowest_pitch
        Of a phrase.
    given_track, previous_bars
        What it is conditioned on; -1 and 0 where it is not.
    head
        "categorical" where every voice chooses a class, else how a pitch is switched on.
    """

    names: tuple[str, ...]
    bars: int
    steps: int
    steps_per_beat: int
    pitches: int
    lowest_pitch: int
    given_track: int
    previous_bars: int
    head: str

    @classmethod
    def of(cls, card: ComposerCard) -> MuseShape:
        """Read the card."""
        number = {name: int(value) for name, value in card.constants.items()}
        return cls(
            card.voices,
            card.bars,
            number["steps"],
            card.steps_per_beat,
            number["pitches"],
            number["lowest_pitch"],
            number["given_track"],
            number["previous_bars"],
            card.vocabulary["head"][0],
        )

    @property
    def tracks(self) -> int:
        """How many tracks a phrase has."""
        return len(self.names)

    @property
    def played(self) -> tuple[int, ...]:
        """The tracks that are written."""
        return tuple(track for track in range(self.tracks) if track != self.given_track)

    @property
    def played_names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.names[track] for track in self.played)

    @property
    def bar_beats(self) -> float:
        """How long a bar is."""
        return self.steps / self.steps_per_beat

    def choose(
        self,
        logits: Logits,
        controls: Constraints,
        random: np.random.Generator,
        given: Classes | None = None,
    ) -> Classes:
        """Let every voice do what is likeliest among what is asked for.

        Parameters
        ----------
        logits
            float32, shape (tracks, bars, steps, classes), of the tracks that are written.
        given
            What sounds beside them: int64, shape (tracks, bars, steps). They take care not to
            clash with it; only those that choose classes do.

        Returns
        -------
        ndarray
            int64, shape (tracks, bars, steps). Of a head that switches pitches the highest one
            that is on becomes the voice's note.
        """
        allowed = controls.allowed_pitches()[self.lowest_pitch :][: self.pitches]
        allowed = np.pad(allowed, (0, self.pitches - len(allowed)))
        if self.head == "categorical":
            mask = np.concatenate([[True, True], allowed])
            possible = np.where(mask, logits, _IMPOSSIBLE)
            if controls.care:
                return self._careful(possible, _SURENESS * controls.care, given)
            return np.asarray(possible.argmax(axis=-1))
        by_chance = self.head == "bernoulli"
        limit = random.logistic(size=logits.shape) if by_chance else np.zeros(1)
        return _voices(np.asarray((logits > limit) & allowed))

    def _careful(self, logits: Logits, care: float, given: Classes | None) -> Classes:
        """Choose step by step, voice by voice, what clashes with none of those that have chosen."""
        tracks, bars, steps, _ = logits.shape
        lines = logits.reshape(tracks, bars * steps, -1)
        beside = _lines_of(given, bars * steps)
        chosen = np.zeros((tracks, bars * steps), np.int64)
        held = [-1] * tracks  # offsets from the lowest pitch
        before: list[int] = [-1] * (tracks + len(beside))
        for step in range(bars * steps):
            now = beside[:, step].tolist()
            for track in range(tracks):
                harsh = care * clashing([pitch for pitch in now if pitch >= 0])[: self.pitches]
                for fifth in _parallel(before, now, held[track]):
                    harsh[fifth % 12 :: 12] += 3.0 * care
                wished = lines[track, step].copy()
                wished[FIRST_PITCH:] -= harsh
                if held[track] >= 0:
                    wished[HOLD] -= harsh[held[track]]
                choice = int(wished.argmax())
                chosen[track, step] = choice
                if choice != HOLD:
                    held[track] = choice - FIRST_PITCH if choice >= FIRST_PITCH else -1
                now.append(held[track])
            before = now
        return chosen.reshape(tracks, bars, steps)


def tracks_of(phrase: Phrase, shape: MuseShape) -> list[int]:
    """Choose the track of a phrase that each track of a model hears; -1 where there is none.

    The highest comes first and the lowest last; drums are left out.
    """
    pitched = [index for index, t in enumerate(phrase.tracks) if t.notes and not t.is_drum]
    ordered = sorted(pitched, key=lambda index: _height(phrase.tracks[index]), reverse=True)
    if len(ordered) > shape.tracks:
        ordered = [*ordered[: shape.tracks - 1], ordered[-1]]
    if len(ordered) < 2:
        return ordered + [-1] * (shape.tracks - len(ordered))
    return [*ordered[:-1], *[-1] * (shape.tracks - len(ordered)), ordered[-1]]


def bars_of(phrase: Phrase, shape: MuseShape, order: list[int]) -> Classes:
    """Read tracks by number as classes, int64 (tracks, bars, steps); -1 rests.

    Pitches out of range come in by octaves; a pickup is the end of a bar.
    """
    tracks = [
        _in_range(phrase.tracks[index], shape) if index >= 0 else Track(()) for index in order
    ]
    bars = rolls_of(
        replace(phrase, tracks=tuple(tracks)),
        shape.steps_per_beat,
        lowest_pitch=shape.lowest_pitch,
        pitches=shape.pitches,
    )
    return np.ascontiguousarray(bars.transpose(1, 0, 2))


def heard_rolls(classes: Classes, shape: MuseShape) -> Rolls:
    """Write what the critic hears: what sounds and what begins, (tracks, 2, bars, steps, pitches).

    Where heads switch pitches it hears what sounds alone: (tracks, 1, …), with -1 for silence if
    the head is a threshold of a tanh.
    """
    sounding, onsets = _sounding_and_onsets(classes, shape)
    if shape.head == "categorical":
        return np.stack([sounding, onsets], axis=1)
    heard = 2.0 * sounding - 1.0 if shape.head == "threshold" else sounding
    return np.asarray(heard[:, None], np.float32)


def given_rolls(classes: Classes, shape: MuseShape) -> Rolls:
    """Write what the generator hears, (tracks, bars, steps, pitches): 1 sounds on, 2 begins."""
    sounding, onsets = _sounding_and_onsets(classes, shape)
    return np.asarray(sounding + onsets, np.float32)


def _sounding_and_onsets(classes: Classes, shape: MuseShape) -> tuple[Rolls, Rolls]:
    """Hold on to what sounds; at the beginning and after a rest a hold is silent."""
    tracks, bars, steps = classes.shape
    lines = classes.reshape(tracks, bars * steps)
    onsets = np.zeros((tracks, bars * steps, shape.pitches), np.float32)
    track, step = np.nonzero(lines >= FIRST_PITCH)
    onsets[track, step, lines[track, step] - FIRST_PITCH] = 1.0
    sounding = onsets.copy()
    for now in range(1, bars * steps):
        sounding[:, now] += sounding[:, now - 1] * (lines[:, now] == HOLD)[:, None]
    whole = (tracks, bars, steps, shape.pitches)
    return sounding.reshape(whole), onsets.reshape(whole)


def _parallel(before: Sequence[int], now: Sequence[int], mine: int) -> list[int]:
    """Return where, in some octave, a voice would move in parallel with one that has chosen."""
    return [
        then + (mine - was)
        for was, then in zip(before, now, strict=False)
        if was >= 0 <= mine and was != then >= 0 and abs(mine - was) % 12 in PERFECT
    ]


def _lines_of(classes: Classes | None, steps: int) -> Classes:
    """Return what sounds at each step, offsets from the lowest pitch, -1 for silence."""
    if classes is None:
        return np.zeros((0, steps), np.int64)
    lines = classes.reshape(len(classes), -1)
    sounding = np.full(lines.shape, -1)
    now = np.full(len(lines), -1)
    for step in range(lines.shape[1]):
        now = np.where(lines[:, step] == HOLD, now, lines[:, step] - FIRST_PITCH)
        sounding[:, step] = now
    return np.asarray(np.maximum(sounding, -1))


def settled(classes: Classes, bar: int) -> Classes:
    """Cut bars off in front; what is held into the rest starts there anew."""
    rest = classes[:, bar:].copy()
    for before, after in zip(classes[:, :bar], rest, strict=True):
        starts = before[before != HOLD]
        if after.size and after[0, 0] == HOLD and starts.size:
            after[0, 0] = starts[-1]
    return rest


def phrase_of_classes(classes: Classes, shape: MuseShape) -> Phrase:
    """Turn classes (tracks, bars, steps) into a phrase whose tracks have the voices' names."""
    phrase = phrase_of_rolls(
        classes.transpose(1, 0, 2), shape.steps_per_beat, lowest_pitch=shape.lowest_pitch
    )
    named = zip(phrase.tracks, shape.names, strict=True)
    return replace(phrase, tracks=tuple(replace(track, name=name) for track, name in named))


def _voices(switched: NDArray[np.bool_]) -> Classes:
    """Read pitches that are on as one voice: its highest; held where it stays."""
    top = switched.shape[-1] - 1 - switched[..., ::-1].argmax(axis=-1)
    pitch = np.where(switched.any(axis=-1), top, -1)
    lines = pitch.reshape(len(pitch), -1)
    before = np.pad(lines, ((0, 0), (1, 0)), constant_values=-1)[:, :-1]
    classes = np.where(lines < 0, 0, np.where(lines == before, HOLD, lines + FIRST_PITCH))
    return np.asarray(classes.reshape(pitch.shape), np.int64)


def _in_range(track: Track, shape: MuseShape) -> Track:
    lowest, highest = shape.lowest_pitch, shape.lowest_pitch + shape.pitches - 1
    notes = []
    for note in track.notes:
        pitch = note.pitch
        while pitch < lowest:
            pitch += 12
        while pitch > highest:
            pitch -= 12
        notes.append(Note(note.start_beats, pitch % PITCHES, note.length_beats, note.velocity))
    return replace(track, notes=tuple(notes))


def _height(track: Track) -> float:
    return sum(note.pitch for note in track.notes) / len(track.notes)
