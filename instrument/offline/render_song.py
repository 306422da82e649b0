"""Turn a MIDI file into a WAV file: the engine without a device, faster than real time.

The same kernel, the same tone tables and the same events as live play, so the same samples: a test
replays a live session's log and compares bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console

from instrument.errors import MissingExtraError
from instrument.first_start import compile_once
from instrument.midi.song import Song, read_midi_file
from instrument.music.tuning import KeyTuning
from instrument.offline.song_player import SongPlayer
from instrument.preset.banks import chosen_preset
from instrument.preset.parts import SoundPart, check_parts
from instrument.preset.preset import load_preset
from instrument.preset.rack import RackChoice
from instrument.progress import LongWork
from instrument.rack.render import RackInRender
from instrument.rendering.tone_table import PITCHES
from instrument.wav_files import WavFile, check_target


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
