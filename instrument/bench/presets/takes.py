"""Play what is measured of a preset: one engine, one note or chord at a time, dry of each other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from instrument.bench.presets.measures import Stereo
from instrument.files import shipped_presets_folder
from instrument.midi.messages import PROGRAM_CHANGE, kind_of, note_off, note_on
from instrument.midi.song import SongMessage, read_midi_file
from instrument.preset.banks import PresetBanks
from instrument.realtime.offline_engine import OfflineEngine
from instrument.realtime.memory.constants import PANIC
from instrument.rendering.table_source import ToneTables
from instrument.rendering.tone_cache import DEFAULT_MAX_BYTES, ToneCache, kept_tones

RATE_HZ = 48_000
PIECE = "pieces/cello_prelude.mid"
_NOTE_SECONDS = 4.0
_CACHE_TIMES = 2  # the tones of all shipped presets take 3 GB


class PresetTakes:
    """A preset, ready to be played without a device.

    Parameters
    ----------
    path
        The preset's file.

    Raises
    ------
    LatentkeysError
        The preset or its model is wrong.
    """

    def __init__(self, path: Path) -> None:
        self.engine = OfflineEngine(RATE_HZ, 128, _NOTE_SECONDS)
        state = self.engine.state
        banks = PresetBanks(state)
        loaded = banks.place(path)
        assert loaded
        folder = kept_tones()
        tables = ToneTables(state, ToneCache(folder, _CACHE_TIMES * DEFAULT_MAX_BYTES))
        self.engine.stream_from(tables.streams.serve_all)
        if table := tables.begin(loaded.bank, path):
            while table.filler.step():
                pass
            tables.keep(table)
        banks.use(loaded)
        self.engine.render(RATE_HZ // 10)

    def note(self, pitch: int, velocity: int = 100, seconds: float = 1.0) -> Stereo:
        """Hold a key for so long and return just that, from the strike on."""
        return self.chord([pitch], velocity, seconds)

    def chord(self, pitches: Iterable[int], velocity: int = 100, seconds: float = 1.0) -> Stereo:
        """Hold keys for so long and return just that, from the strike on."""
        engine = self.engine
        keys = list(pitches)
        for pitch in keys:
            engine.send(-1, note_on(pitch, velocity))
        audio = engine.render(round(seconds * RATE_HZ))
        for pitch in keys:
            engine.send(-1, note_off(pitch))
        self._silence()
        return audio

    def piece(self, seconds: float) -> Stereo:
        """Play the first seconds of the shipped cello prelude."""
        audio = play_piece(self.engine, seconds)
        self._silence()
        return audio

    def _silence(self) -> None:
        self.engine.command(PANIC)
        self.engine.render(RATE_HZ // 10)


def piece(seconds: float) -> list[SongMessage]:
    """Return what sounds in the first seconds of the piece on which presets are compared."""
    messages = read_midi_file(shipped_presets_folder() / PIECE).messages
    return [
        message
        for message in messages
        if message.time_seconds < seconds and kind_of(message.data) != PROGRAM_CHANGE
    ]


def play_piece(engine: OfflineEngine, seconds: float) -> Stereo:
    """Play the first seconds of that piece on what the engine has loaded."""
    begin = engine.state.clock
    for message in piece(seconds):
        engine.send(begin + round(message.time_seconds * RATE_HZ), message.data)
    return engine.render(round(seconds * RATE_HZ))
