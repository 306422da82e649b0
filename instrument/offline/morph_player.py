"""Play a song whose timbre moves: every note keeps the sound that it started with.

In: a song, a path through the latent space, notes. Out: the engine's stereo audio. Pedals,
bends, controllers, envelopes and loops are the engine's own, as in live play; only where a note is
read from changes from strike to strike.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from instrument.midi.messages import (
    PROGRAM_CHANGE,
    channel_of,
    is_control,
    is_note_on,
    kind_of,
)
from instrument.midi.song import Song, SongMessage
from instrument.offline.song_player import BLOCK_FRAMES, LONGEST_NOTE_SECONDS, render_to, ring_out
from instrument.offline.timbre_path import TimbrePath
from instrument.offline.tone_slots import ToneSlots
from instrument.preset.controllers import parameter_value
from instrument.preset.preset import Preset
from instrument.preset.voice_parameters import write_sound
from instrument.realtime.memory.constants import HIGHEST_PITCH, KIT_BANK, LOWEST_PITCH, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from instrument.rendering.drum_kit import fill_drum_kit
from instrument.rendering.prefetch import AHEAD_STRIKES, Strike, TonePrefetch

Stereo = npt.NDArray[np.float32]


class MorphPlayer:
    """Play a song's messages on an engine without a device.

    Parameters
    ----------
    song
        The messages; program changes are left out.
    path
        The sound of every moment.
    notes
        Where its notes come from.
    rate_hz
        Frames per second, of the notes as well.
    """

    def __init__(self, song: Song, path: TimbrePath, notes: TonePrefetch, rate_hz: int) -> None:
        self.engine = OfflineEngine(rate_hz, BLOCK_FRAMES, LONGEST_NOTE_SECONDS)
        self._song = song
        self._path = path
        self._rate_hz = rate_hz
        self._slots = ToneSlots(self.engine.state, notes)
        self._strikes = [message for message in song.messages if self._has_timbre(message)]
        self._played = 0
        if song.drum_channels:
            fill_drum_kit(self.engine.state)
        for channel in song.drum_channels:
            self.engine.command(USE_BANK, KIT_BANK, channel, frame=0)
        self._knobs: dict[int, int] = {}

    def play(self) -> Iterator[Stereo]:
        """Yield the song's audio in chunks, to the end of its last sound: float32, (frames, 2)."""
        for message in self._song.messages:
            frame = round(message.time_seconds * self._rate_hz)
            if kind_of(message.data) == PROGRAM_CHANGE:
                continue
            if is_control(message.data):
                self._knobs[message.data[1]] = message.data[2]
            elif self._has_timbre(message):
                yield from render_to(self.engine, frame)
                self._aim(message, frame)
            self.engine.send(frame, message.data)
        yield from ring_out(self.engine, round(self._song.length_seconds * self._rate_hz))

    def _has_timbre(self, message: SongMessage) -> bool:
        """Tell whether a message starts a note of the path, and no drum."""
        is_drum = channel_of(message.data) in self._song.drum_channels
        return is_note_on(message.data) and not is_drum

    def _aim(self, message: SongMessage, frame: int) -> None:
        """Let the key that is struck now read a note of this moment's sound."""
        strike = self._strike(message)
        self._played += 1
        coming = self._strikes[self._played : self._played + AHEAD_STRIKES]
        bank = self._slots.bank_for(strike, map(self._strike, coming))
        write_sound(self.engine.state, bank, strike.preset)
        self._turn_knobs(bank, strike.preset)
        self.engine.command(USE_BANK, bank, channel_of(message.data), frame=frame)

    def _strike(self, message: SongMessage) -> Strike:
        """The engine reads a key beyond the slots from the last one, at another rate."""
        pitch = min(max(message.data[1], LOWEST_PITCH), HIGHEST_PITCH)
        return Strike(pitch, self._path.at(message.time_seconds))

    def _turn_knobs(self, bank: int, preset: Preset) -> None:
        for control, value in self._knobs.items():
            if entry := preset.controls.get(f"cc{control}"):
                self.engine.state.banks[bank][entry.parameter] = parameter_value(entry, value)
