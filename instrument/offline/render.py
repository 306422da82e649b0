"""Render music to an array, for programs that use latentkeys as a library.

In: a phrase, a song or a MIDI file, and a preset. Out: float32 audio, the same to the bit as live
play and as ``latentkeys render``.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np

from instrument.errors import check_whole
from instrument.midi.song import Song, song_from
from instrument.music.note import Phrase
from instrument.offline.render_song import rack_of
from instrument.offline.song_player import SongPlayer, Stereo
from instrument.preset.banks import preset_file
from instrument.preset.preset import Preset
from instrument.preset.rack import RackChoice
from instrument.realtime.memory.constants import RATES_HZ
from instrument.rendering.renderer import ToneRenderer, check_renderer
from instrument.rendering.table_source import RendererTables, ToneTables


def render(
    music: Phrase | Song | Path | str,
    preset: Preset | Path | str | None = None,
    *,
    rate_hz: int = 48_000,
    follow_programs: bool = False,
    renderer: ToneRenderer | None = None,
    rack: str = "",
) -> Stereo:
    """Play music without a device, faster than real time.

    Parameters
    ----------
    music
        A phrase, a song, or the path of a MIDI file.
    preset
        A preset, or the name or path of one; the default preset when not given.
    rate_hz
        Frames per second, 8000 to 192000.
    follow_programs
        Let program changes choose presets. Otherwise they are ignored: a file's General MIDI
        programs mean other instruments than ours.
    renderer
        One's own, instead of the model that the preset names.
    rack
        A shipped rack's name, or a file, as behind ``--rack``; empty: as the preset says.

    Returns
    -------
    ndarray
        float32, shape (frames, 2), full scale ±1, to the end of the last sound. A minute at 48 kHz
        takes 23 MB; `instrument.offline.render_song.render_song` writes long pieces to a file.

    Raises
    ------
    LatentkeysError
        The rate is out of its range, the music is none, the file or the preset is wrong, or its
        model is not there.

    Examples
    --------
    >>> from instrument import Note, Phrase, render
    >>> audio = render(Phrase.of([Note(0.0, 60, 1.0)]), "glass_choir")
    >>> audio.dtype, audio.shape[1]
    (dtype('float32'), 2)
    """
    check_whole("rate_hz", rate_hz, *RATES_HZ)
    check_renderer(renderer)
    song = song_from(music)
    tables = functools.partial(RendererTables, renderer=renderer) if renderer else ToneTables
    with tempfile.TemporaryDirectory(prefix="latentkeys-") as folder:
        path = preset_file(preset, Path(folder))
        with rack_of(path, RackChoice(rack)) as racked:
            player = SongPlayer(
                song, rate_hz, follow_programs=follow_programs, supply=tables, rack=racked
            )
            player.load(path)
            return np.concatenate(list(player.play()))
