"""Turn a MIDI file into a WAV file: the engine without a device, faster than real time.

The same kernel, the same tone tables and the same events as live play, so the same samples: a test
replays a live session's log and compares bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console

from instrument.errors import FileError, MissingExtraError
from instrument.first_start import compile_once
from instrument.midi.messages import (
    PROGRAM_CHANGE,
    is_control,
    kind_of,
    release_everything,
)
from instrument.midi.song import Song, read_midi_file
from instrument.music.tuning import KeyTuning
from instrument.preset.banks import LoadedPreset, PresetBanks, chosen_preset, program_table
from instrument.preset.controllers import turn_control
from instrument.preset.parts import SoundPart, check_parts, make_room, part_channels, write_part
from instrument.preset.preset import list_presets, load_preset
from instrument.preset.rack import RackChoice
from instrument.progress import LongWork
from instrument.rack.render import RackInRender
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from instrument.remote.served_graphs import FIRST_SECONDS
from instrument.rendering.drum_kit import fill_drum_kit
from instrument.rendering.table_source import OpenTable, ToneTables
from instrument.rendering.tone_table import PITCHES
from instrument.wav_files import WavFile, check_target

Stereo = npt.NDArray[np.float32]

BLOCK_FRAMES = 128
CHUNK_SECONDS = 0.25
LONGEST_NOTE_SECONDS = 4.0
LONGEST_TAIL_SECONDS = 30.0
"""A release or a struck sound may ring on after the last event; this is where patience ends."""


def render_song(
    song_path: Path,
    out: Path,
    *,
    preset: str | None,
    parts: tuple[SoundPart, ...] = (),
    rack: str = "",
    impulse: str = "",
    rate_hz: int = 48_000,
    follow_programs: bool = False,
    drums: bool = True,
    tuning: KeyTuning | None = None,
    replace: bool = False,
    server: str = "",
) -> None:
    """Render a MIDI file into a WAV file with a progress bar.

    Parameters
    ----------
    preset
        Name or path; the default preset when not given.
    parts
        What plays besides, the first of them being `preset`; none when it plays alone.
    rack, impulse
        See `RackChoice`.
    follow_programs
        Let program changes choose presets, as they do while playing live. Otherwise they are
        ignored: a file's General MIDI programs mean other instruments than ours.
    drums
        Let drum channels play the built-in kit; they are left out otherwise.
    tuning
        How the keys are tuned; as usual when not given.
    replace
        Overwrite `out` if it exists.
    rate_hz
        Of the WAV file.
    server
        Where tones are rendered, as `instrument.remote.address` reads it; here when empty.

    Raises
    ------
    LatentkeysError
        Bad input, or the file cannot be written; there is no half-written file then.
    """
    check_target(out, replace=replace)
    keys = (tuning or KeyTuning()).key_semitones()
    song = read_song(song_path, drums=drums)
    path = chosen_preset(preset)
    check_parts(parts)
    write_song(
        song,
        out,
        path,
        parts=parts,
        rack=RackChoice(rack, impulse),
        rate_hz=rate_hz,
        follow_programs=follow_programs,
        keys=keys,
        server=server,
    )


def read_song(path: Path, *, drums: bool = True) -> Song:
    """Read what sounds of a MIDI file, and say on stderr what was wrong with it.

    Raises
    ------
    MidiFileError
        It cannot be read, or nothing sounds.
    """
    song = read_midi_file(path, drums=drums)
    if song.warning:
        Console(stderr=True).print(
            song.warning, style="yellow", markup=False, highlight=False, soft_wrap=True
        )
    return song


def write_song(
    song: Song,
    out: Path,
    preset: Path,
    *,
    parts: tuple[SoundPart, ...] = (),
    rack: RackChoice | None = None,
    rate_hz: int,
    follow_programs: bool,
    keys: npt.NDArray[np.float64] | None = None,
    server: str = "",
) -> None:
    """Render a song that was read or composed, and say where it is.

    Parameters
    ----------
    parts
        What plays besides, the first of them being `preset`.
    rack
        What everything goes through, before what the first preset says.
    rate_hz
        Of the WAV file.
    follow_programs
        Program changes choose other presets.
    keys
        What every key sounds (`music.tuning.KeyTuning.key_semitones`): float64, shape (128,); as
        usual when not given.
    server
        See `render_song`.
    """
    console = Console(stderr=True)
    compile_once()
    with (
        rack_of(preset, rack or RackChoice()) as racked,
        LongWork(console) as progress,
        WavFile(out, rate_hz) as file,
    ):
        player = SongPlayer(
            song, rate_hz, parts=parts, follow_programs=follow_programs, server=server, rack=racked
        )
        if keys is not None:
            player.engine.state.fields["key_semitones"] = keys
        notes = progress.add_task("Notes", total=len(PITCHES) * 2)
        player.load(preset, lambda: progress.advance(notes))
        progress.update(notes, completed=len(PITCHES) * 2)
        sound = progress.add_task("Sound", total=song.length_seconds or 1.0)
        for audio in player.play():
            file.write(audio)
            progress.update(sound, completed=file.frames / rate_hz)
    console.print(
        f"{out}: {file.frames / rate_hz:.1f} s", markup=False, highlight=False, soft_wrap=True
    )


@contextmanager
def rack_of(preset: Path, choice: RackChoice) -> Iterator[RackInRender | None]:
    """Open what a render goes through; None if that is nothing.

    A rack that only the preset brings is left out, with a word, where there is no pyo.

    Raises
    ------
    LatentkeysError
        The preset is wrong, or there is no such rack.
    """
    name, options = choice.options(load_preset(preset).rack)
    if name and not choice.rack and find_spec("pyo") is None:
        missing = MissingExtraError(f"the rack {name} of {preset.name}", "pyo", "rack")
        Console(stderr=True).print(str(missing), markup=False, highlight=False, soft_wrap=True)
        name = ""
    if not name:
        yield None
        return
    levels = {"send": options.send, "level": options.level, "direct": options.direct}
    with RackInRender(name, options.knobs, choice.impulse, **levels) as racked:
        yield racked


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
