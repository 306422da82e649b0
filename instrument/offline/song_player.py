"""Play a song's messages on an engine without a device, as live play would.

In: a `Song` and presets. Out: its samples in chunks, to the end of the last sound; this thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console

from instrument.errors import FileError
from instrument.midi.messages import (
    PROGRAM_CHANGE,
    is_control,
    kind_of,
    release_everything,
)
from instrument.midi.song import Song
from instrument.preset.banks import LoadedPreset, PresetBanks, chosen_preset, program_table
from instrument.preset.controllers import turn_control
from instrument.preset.parts import SoundPart, make_room, part_channels, write_part
from instrument.preset.preset import list_presets
from instrument.rack.render import RackInRender
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from instrument.remote.served_graphs import FIRST_SECONDS
from instrument.rendering.drum_kit import fill_drum_kit
from instrument.rendering.table_source import OpenTable, ToneTables

Stereo = npt.NDArray[np.float32]
BLOCK_FRAMES = 128
CHUNK_SECONDS = 0.25
LONGEST_NOTE_SECONDS = 4.0
LONGEST_TAIL_SECONDS = 30.0
"""A release or a struck sound may ring on after the last event; this is where patience ends."""


class SongPlayer:
    """Play a song's messages on an engine without a device.

    Parameters
    ----------
    song
        The messages.
    rate_hz
        Frames per second.
    parts
        What plays besides the first preset, which is the first of them.
    follow_programs
        Let program changes choose presets.
    supply
        Where tone tables come from; made when not given.
    server
        See `render_song`.
    rack
        What everything goes through.
    """

    def __init__(
        self,
        song: Song,
        rate_hz: int,
        *,
        parts: tuple[SoundPart, ...] = (),
        follow_programs: bool = False,
        supply: Callable[[EngineState], ToneTables] = ToneTables,
        server: str = "",
        rack: RackInRender | None = None,
    ) -> None:
        folder = rack.folder if rack else None
        self.engine = OfflineEngine(
            rate_hz, BLOCK_FRAMES, LONGEST_NOTE_SECONDS, folder, shares_tones=False
        )
        if rack:
            rack.begin(self.engine)
        self._song, self._rate_hz, self._rack = song, rate_hz, rack
        make_room(self.engine.state, len(parts))
        self._parts, self._channels = parts, part_channels(parts, song.drum_channels)
        self._banks = PresetBanks(self.engine.state, self._channels[1:])
        self._supply = supply(self.engine.state)
        self._supply.render_at(server, FIRST_SECONDS)
        self.engine.stream_from(self._serve)
        self._programs = program_table(list_presets()) if follow_programs else {}

    def load(self, preset: Path, on_step: Callable[[], None] = lambda: None) -> None:
        """Load the first preset, and the drums if there are any, before anything sounds."""
        for _ in self._change_preset(preset, on_step):
            raise AssertionError("a bank sounds before the song")
        for number, (part, channel) in enumerate(zip(self._parts, self._channels, strict=True)):
            if number:
                loaded = self._bring(chosen_preset(part.preset), on_step)
                assert loaded is not None, "`check_parts` has counted them"
                self._banks.use_on((channel,), loaded)
            write_part(self.engine.state, number, part, channel, self._song.drum_channels)
        if self._song.drum_channels:
            fill_drum_kit(self.engine.state)
            self._banks.use_kit(self._song.drum_channels)

    def _serve(self) -> None:
        """Do before each block what other processes do while playing live."""
        self._supply.streams.serve_all()
        if self._rack:
            self._rack.wait()

    def play(self) -> Iterator[Stereo]:
        """Yield the song's audio in chunks, to the end of its last sound: float32, (frames, 2)."""
        sound = self._play()
        return self._rack.aligned(sound) if self._rack else sound

    def _play(self) -> Iterator[Stereo]:
        for message in self._song.messages:
            frame = round(message.time_seconds * self._rate_hz)
            if kind_of(message.data) == PROGRAM_CHANGE:
                if entry := self._programs.get(message.data[1]):
                    yield from render_to(self.engine, frame)
                    yield from self._change_preset(entry.path)
                continue
            if is_control(message.data) and self._has_knob(message.data[1]):
                yield from render_to(self.engine, frame)
                self._turn_knob(message.data[1], message.data[2])
            self.engine.send(frame, message.data)
        yield from ring_out(self.engine, round(self._song.length_seconds * self._rate_hz))

    def _has_knob(self, control: int) -> bool:
        return any(f"cc{control}" in entry.preset.controls for entry in self._banks.loaded)

    def _turn_knob(self, control: int, value: int) -> None:
        for entry in self._banks.loaded:
            turn_control(self.engine.state, entry, control, value)

    def _change_preset(
        self, preset: Path, on_step: Callable[[], None] = lambda: None
    ) -> Iterator[Stereo]:
        """Render a preset's notes, or get them from the cache, and play with it from now on."""
        while (loaded := self._bring(preset, on_step)) is None:
            yield self.engine.render(BLOCK_FRAMES)  # every bank sounds; the oldest one is fading
        self._banks.use(loaded)

    def _bring(self, preset: Path, on_step: Callable[[], None]) -> LoadedPreset | None:
        """Bring a preset's notes into a bank; None if every bank sounds."""
        loaded = self._banks.place(preset)
        if loaded and (table := self._supply.begin(loaded.bank, preset)):
            while table.filler.step():
                on_step()
            self._keep(table)
        return loaded

    def _keep(self, table: OpenTable) -> None:
        console = Console(stderr=True)
        if table.notice:
            console.print(table.notice, markup=False)
        try:
            self._supply.keep(table)
        except FileError as problem:
            console.print(str(problem), markup=False)


def render_to(engine: OfflineEngine, frame: int) -> Iterator[Stereo]:
    """Yield what sounds up to a frame, in chunks: float32, (frames, 2)."""
    while (left := frame - engine.state.clock) > 0:
        yield engine.render(min(left, round(CHUNK_SECONDS * engine.state.rate_hz)))


def ring_out(engine: OfflineEngine, end: int) -> Iterator[Stereo]:
    """Let every key and pedal go at the song's end, and yield what sounds until it is quiet."""
    for data in release_everything():  # a file may end with keys and pedals down
        engine.send(end, data)
    yield from render_to(engine, end)
    meters = engine.state.meters
    latest = engine.state.clock + round(LONGEST_TAIL_SECONDS * engine.state.rate_hz)
    while engine.state.clock < latest:
        yield engine.render(round(CHUNK_SECONDS * engine.state.rate_hz))
        if not meters["bank_voices"].any():  # neither voices nor what effects let ring
            return
