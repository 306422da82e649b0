"""A performance as the authors of GANSynth mix it: envelope, velocity and level of every note.

In: a song, its sound at every moment, notes. Out: mono audio. As Magenta's gansynth_generate.py and
its ``generate_util`` do it: a note lasts 3 s at most, has a straight attack of 10 ms and a straight
release of 0.3 s, is brought to a peak of 1 and weighted with velocity / 127; the sum is brought to
a peak of 0.5. Where this differs: any pitch sounds, a silent note is silent and not NaN, the
sustain pedal holds notes, a note that the model holds for less goes round its loop, and a piece of
any length streams through bounded memory.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from instrument.midi.messages import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    DOWN,
    SUSTAIN,
    channel_of,
    is_control,
    is_note_off,
    is_note_on,
)
from instrument.midi.note_tracker import NoteTracker
from instrument.midi.song import Song
from instrument.offline.timbre_path import TimbrePath
from instrument.rendering.prefetch import AHEAD_STRIKES, Strike, TonePrefetch
from instrument.rendering.tone_cache import Tone

Samples = npt.NDArray[np.float32]

ATTACK_SECONDS = 0.010
RELEASE_SECONDS = 0.3
LONGEST_SECONDS = 3.0
PEAK = 0.5

_Key = tuple[int, int]  # channel, pitch
_Struck = tuple[float, int]  # seconds, velocity


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A note of a performance, from its strike until its key and its pedal are up."""

    start_seconds: float
    end_seconds: float
    pitch: int
    velocity: int


def played_notes(song: Song) -> list[PlayedNote]:
    """List a song's notes in order of their strikes; the sustain pedal holds them (CC 64 from 64).

    A key that is struck again ends the note that only the pedal holds, and what is held at the end
    ends with the song.
    """
    performance = _Performance()
    for message in song.messages:
        performance.take(message.time_seconds, message.data)
    performance.end_all(song.length_seconds)
    return sorted(performance.notes, key=lambda note: (note.start_seconds, note.pitch))


class _Performance:
    """The notes of a song so far, and what is held."""

    def __init__(self) -> None:
        self.notes: list[PlayedNote] = []
        self._keys: NoteTracker[_Key, _Struck] = NoteTracker()
        self._lifted: NoteTracker[_Key, _Struck] = NoteTracker()  # what only the pedal holds
        self._pedals: set[int] = set()  # channels whose pedal is down

    def take(self, now: float, data: bytes) -> None:
        """Take one message."""
        channel, key = channel_of(data), (channel_of(data), data[1])
        if is_note_on(data):
            while struck := self._lifted.release(key):
                self._end(key, struck, now)
            self._keys.strike(key, (now, data[2]))
        elif is_note_off(data) and channel in self._pedals:
            if struck := self._keys.release(key):
                self._lifted.strike(key, struck)
        elif is_note_off(data):
            self._end(key, self._keys.release(key), now)
        elif is_control(data, SUSTAIN) and data[2] >= DOWN:
            self._pedals.add(channel)
        elif is_control(data, SUSTAIN):
            self._pedals.discard(channel)
            self._end_held(self._lifted, now, {channel})
        elif is_control(data, ALL_SOUND_OFF, ALL_NOTES_OFF):
            self.end_all(now, {channel})

    def end_all(self, now: float, channels: Container[int] = range(16)) -> None:
        """End what is held, on some channels or on all."""
        for held in (self._keys, self._lifted):
            self._end_held(held, now, channels)

    def _end_held(
        self, held: NoteTracker[_Key, _Struck], now: float, channels: Container[int]
    ) -> None:
        for key, struck in held.release_all(lambda key: key[0] in channels):
            self._end(key, struck, now)

    def _end(self, key: _Key, struck: _Struck | None, now: float) -> None:
        if struck is not None:
            self.notes.append(PlayedNote(struck[0], now, key[1], struck[1]))


def note_envelope(seconds: float, rate_hz: int) -> Samples:
    """Return the level of a note that is held for `seconds`, float32, 0 to 1.

    A note shorter than the attack is cut off there by its release, with a step, as upstream.
    """
    held = int(rate_hz * min(seconds, LONGEST_SECONDS))
    attack, release = int(rate_hz * ATTACK_SECONDS), int(rate_hz * RELEASE_SECONDS)
    envelope = np.ones(held + release, np.float32)
    rise = np.linspace(0.0, 1.0, attack, dtype=np.float32)
    envelope[:attack] = rise[: len(envelope)]
    envelope[held:] = np.linspace(1.0, 0.0, release, dtype=np.float32)
    return envelope


class PaperPlayer:
    """Play a song with the authors' touch.

    Parameters
    ----------
    song, path
        The messages, and the sound of every moment.
    notes
        Where its notes come from.
    rate_hz
        Frames per second, of the notes as well.
    """

    def __init__(self, song: Song, path: TimbrePath, notes: TonePrefetch, rate_hz: int) -> None:
        self._played = played_notes(song)
        self._path = path
        self._notes = notes
        self.rate_hz = rate_hz
        self._mixer = PaperMixer(rate_hz)

    @property
    def level(self) -> float:
        """What all audio has to be multiplied by; known when `play` is at its end."""
        return self._mixer.level

    def play(self) -> Iterator[Samples]:
        """Yield the song's audio in pieces, not yet levelled: float32, shape (frames,)."""
        for number, note in enumerate(self._played):
            coming = self._played[number + 1 : number + 1 + AHEAD_STRIKES]
            layers = self._notes.tone(self._strike(note), map(self._strike, coming))
            frames = round((LONGEST_SECONDS + RELEASE_SECONDS) * self.rate_hz)
            yield from self._mixer.add(note, gone_round(layers[-1], frames))
        yield from self._mixer.finish()

    def _strike(self, note: PlayedNote) -> Strike:
        preset = self._path.at(note.start_seconds)
        longest = LONGEST_SECONDS + RELEASE_SECONDS
        return Strike(
            note.pitch, replace(preset, sound=replace(preset.sound, note_seconds=longest))
        )


def gone_round(note: Tone, frames: int) -> Samples:
    """Let a note go round its loop for as long as it is held, float32, shape (up to `frames`,)."""
    if not note.loop_end or len(note.samples) >= frames:
        return note.samples[:frames] * _decay(note, min(frames, len(note.samples)))
    length = note.loop_end - note.loop_start
    later = np.arange(frames - note.loop_start) % length + note.loop_start
    samples = np.concatenate([note.samples[: note.loop_start], note.samples[later]])
    return samples * _decay(note, frames)


def _decay(note: Tone, frames: int) -> Samples:
    """Return what the engine multiplies a looped note by: it dies away from the loop's start on."""
    into_loop = np.maximum(np.arange(frames) - note.loop_start, 0) if note.loop_end else 0.0
    return np.asarray(note.loop_decay_per_frame**into_loop * np.ones(frames), np.float32)


class PaperMixer:
    """Add notes up in order of their starts, and give out what no later note can change.

    Parameters
    ----------
    rate_hz
        Of the notes and of the mix.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._open = np.zeros(0, np.float32)  # from `_begin` on
        self._begin = 0
        self.peak = 0.0  #: the highest value given out so far; see `level`

    def add(self, note: PlayedNote, waveform: Samples) -> Iterator[Samples]:
        """Add one note, and yield what lies before it.

        Parameters
        ----------
        note
            It starts no earlier than the one before.
        waveform
            float32, (frames,): the note as the model makes it; what is missing is silence.
        """
        start = int(note.start_seconds * self._rate_hz)
        yield from self._give_out(start)
        envelope = note_envelope(note.end_seconds - note.start_seconds, self._rate_hz)
        sound = waveform[: len(envelope)] * envelope[: len(waveform)]
        peak = float(sound.max(initial=0.0))
        self._grow(len(envelope))
        if peak > 0.0:
            self._open[: len(sound)] += sound * np.float32(note.velocity / 127.0 / peak)

    def finish(self) -> Iterator[Samples]:
        """Yield the rest."""
        yield from self._give_out(self._begin + len(self._open))

    @property
    def level(self) -> float:
        """What the whole mix has to be multiplied by; known at the end."""
        return PEAK / self.peak if self.peak > 0.0 else 0.0

    def _give_out(self, until: int) -> Iterator[Samples]:
        ready = self._open[: until - self._begin]
        if len(ready):
            self._keep_peak(ready)
            yield ready
        missing = until - self._begin - len(ready)
        while missing > 0:  # a rest, in pieces: it may last for hours
            silence = np.zeros(min(missing, self._rate_hz), np.float32)
            missing -= len(silence)
            yield silence
        self._open = self._open[len(ready) :]
        self._begin = until

    def _grow(self, frames: int) -> None:
        if frames > len(self._open):
            self._open = np.pad(self._open, (0, frames - len(self._open)))

    def _keep_peak(self, samples: Samples) -> None:
        self.peak = max(self.peak, float(samples.max()))
