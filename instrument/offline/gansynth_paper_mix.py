"""A performance as the authors of GANSynth mix it: envelope, velocity and level of every note.

In: a song, its sound at every moment, notes. Out: mono audio. As Magenta's gansynth_generate.py and
its ``generate_util`` do it: a note lasts 3 s at most, has a straight attack of 10 ms and a straight
release of 0.3 s, is brought to a peak of 1 and weighted with velocity / 127; the sum is brought to
a peak of 0.5. Where this differs: any pitch sounds, a silent note is silent and not NaN, the
sustain pedal holds notes, a note that the model holds for less goes round its loop, and a piece of
any length streams through bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from instrument.midi.song import Song
from instrument.offline.timbre_path import TimbrePath
from instrument.rendering.prefetch import AHEAD_STRIKES, Strike, TonePrefetch
from instrument.rendering.tone_cache import Tone

Samples = npt.NDArray[np.float32]

ATTACK_SECONDS = 0.010
RELEASE_SECONDS = 0.3
LONGEST_SECONDS = 3.0
PEAK = 0.5

_NOTE_OFF, _NOTE_ON, _CONTROL_CHANGE = 0x80, 0x90, 0xB0
_SUSTAIN, _ALL_SOUND_OFF, _ALL_NOTES_OFF = 64, 120, 123


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A note of a performance, from its strike until its key and its pedal are up."""

    start_seconds: float
    end_seconds: float
    pitch: int
    velocity: int


def played_notes(song: Song) -> list[PlayedNote]:
    """List a song's notes in order of their strikes; the sustain pedal holds them (CC 64 from 64).

    A key that is struck again ends its older note, and what is held at the end ends with the song.
    """
    down: dict[tuple[int, int], tuple[float, int]] = {}  # channel and pitch: strike, velocity
    let_go: set[tuple[int, int]] = set()  # keys that only the pedal holds
    pedals: set[int] = set()
    notes: list[PlayedNote] = []

    def end(key: tuple[int, int], seconds: float) -> None:
        let_go.discard(key)
        if struck := down.pop(key, None):
            notes.append(PlayedNote(struck[0], seconds, key[1], struck[1]))

    for message in song.messages:
        now, channel = message.time_seconds, message.data[0] & 0x0F
        kind, key = message.data[0] & 0xF0, (channel, message.data[1])
        if kind == _NOTE_ON and message.data[2] > 0:
            end(key, now)
            down[key] = (now, message.data[2])
        elif kind in (_NOTE_ON, _NOTE_OFF):
            let_go.add(key)
            if channel not in pedals:
                end(key, now)
        elif kind == _CONTROL_CHANGE and message.data[1] == _SUSTAIN and message.data[2] >= 64:
            pedals.add(channel)
        elif kind == _CONTROL_CHANGE and message.data[1] == _SUSTAIN:
            pedals.discard(channel)
            for held in [held for held in let_go if held[0] == channel]:
                end(held, now)
        elif kind == _CONTROL_CHANGE and message.data[1] in (_ALL_SOUND_OFF, _ALL_NOTES_OFF):
            for held in [held for held in down if held[0] == channel]:
                end(held, now)
    for key in list(down):
        end(key, song.length_seconds)
    return sorted(notes, key=lambda note: (note.start_seconds, note.pitch))


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
