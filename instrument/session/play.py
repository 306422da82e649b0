"""``latentkeys play``: a session from the first check to Ctrl-C, or until its piece has ended.

In: the options. Out: sound, and lines in the terminal. `play_live` is the whole of it; the work is
done by `control.Host`.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from instrument.errors import RateChangedError
from instrument.files import free_name
from instrument.first_start import compile_once
from instrument.preset.banks import chosen_preset
from instrument.preset.preset import load_preset
from instrument.session.children.models_process import ModelsProcess
from instrument.session.control import Host
from instrument.session.ending import Ending
from instrument.session.session_folder import USUAL_RATE_HZ, other_sessions, session_folder
from instrument.session.settings import PlaySettings, check_files, check_others
from instrument.unfinished import unfinished_recordings

if TYPE_CHECKING:
    from instrument.midi.song import Song

ALREADY_PLAYING = (
    "latentkeys is playing already (process {}); this is another one, beside it. Its JACK ports "
    "have another name, and a sound card may belong to the first one alone."
)
UNFINISHED = "The recording {} was not finished. To save it, type: latentkeys recover"
DEMO_FILE = Path("latentkeys-demo.wav")


def play_live(settings: PlaySettings) -> None:
    """Play until Ctrl-C, or until the piece has ended if one is played.

    Raises
    ------
    LatentkeysError
        A wrong option, a preset or device that does not work, an engine that died.
    """
    preset = chosen_preset(settings.preset)
    # What is wrong is told before anything starts.
    check_others(settings, load_preset(preset))
    settings.tuning.key_semitones()
    song = _song(settings)
    check_files(settings)
    compile_once()
    for other in other_sessions():
        click.echo(ALREADY_PLAYING.format(other), err=True)
    for recording in unfinished_recordings():
        click.echo(UNFINISHED.format(recording.path.name), err=True)
    with Ending() as ending:
        is_bare = _play_session(settings, preset, song, ending)
    if is_bare:
        play_into_file(settings, preset)


def _play_session(settings: PlaySettings, preset: Path, song: Song | None, ending: Ending) -> bool:
    """Play in one session after the other, should the device change its rate.

    Returns
    -------
    bool
        There is nothing here to play with.
    """
    models = partial(ModelsProcess, server=settings.renderer)
    while True:
        with (
            session_folder(settings.rate_hz or USUAL_RATE_HZ) as folder,
            Host(folder, settings, preset, models=models, ending=ending) as host,
        ):
            try:
                host.start()
                if not host.is_bare:
                    with panic_key(host):
                        host.play(song)
                return host.is_bare
            except RateChangedError as change:
                click.echo(f"{change.message}: starting again at that rate", err=True)
                preset = host.presets.plays or preset
                settings = host.devices.settings
        if settings.record:
            settings = replace(settings, record=free_name(settings.record))


def play_into_file(settings: PlaySettings, preset: Path) -> None:
    """Play the demonstration piece into a file: what a machine without sound and MIDI can do."""
    from instrument.offline.render_song import write_song
    from instrument.session.songs.demo import demonstration

    click.echo(f"No sound card and no MIDI: the demonstration piece goes to {DEMO_FILE}", err=True)
    is_free = settings.preset is None
    write_song(demonstration(), DEMO_FILE, preset, rate_hz=48_000, follow_programs=is_free)


@contextmanager
def panic_key(host: Host) -> Iterator[None]:
    """Silence everything at Ctrl and backslash, where the system has it."""
    if hasattr(signal, "SIGQUIT"):
        signal.signal(signal.SIGQUIT, lambda *_: host.panic())
    try:
        yield
    finally:
        if hasattr(signal, "SIGQUIT"):
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def _song(settings: PlaySettings) -> Song | None:
    if settings.midi:
        from instrument.midi.song import read_midi_file  # for pieces alone, like the demonstration

        song = read_midi_file(settings.midi, drums=not settings.no_drums)
        if song.warning:
            click.echo(song.warning, err=True)
        return song
    if settings.demo:
        from instrument.session.songs.demo import demonstration

        return demonstration()
    return None
