"""``latentkeys render`` with a moving timbre, or with the touch of GANSynth's paper.

In: a MIDI file and what was asked for. Out: a WAV file, whole or not at all; memory stays the same
however long the piece is.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from rich.console import Console

from instrument.bundle.bundle import Bundle
from instrument.bundle.installed import installed_bundle
from instrument.errors import SettingError
from instrument.files import cannot_write
from instrument.first_start import compile_once
from instrument.latents.create_preset import check_preset, plain_preset
from instrument.latents.latent import draw
from instrument.midi.song import Song
from instrument.offline.gansynth_paper_mix import PaperPlayer
from instrument.offline.morph_player import MorphPlayer
from instrument.offline.render_song import read_song
from instrument.offline.timbre_path import (
    Morph,
    RandomTimbres,
    TimbrePath,
    TimbrePoint,
    check_morph,
    parse_morph,
    parse_pace,
)
from instrument.preset.banks import chosen_preset
from instrument.preset.preset import Preset, find_preset
from instrument.progress import LongWork
from instrument.remote.served_graphs import FIRST_SECONDS
from instrument.rendering.open_renderer import open_renderer
from instrument.rendering.prefetch import TonePrefetch
from instrument.wav_files import WavFile, check_target

Stereo = npt.NDArray[np.float32]
Touch = Literal["preset", "paper"]

_CHUNK_FRAMES = 1 << 16


@dataclass(frozen=True, slots=True)
class MorphRequest:
    """What ``latentkeys render`` was asked for."""

    preset: str | None = None  #: name or path; of `pace`: all but its latent
    model: str | None = None  #: of `pace`: instead of a preset's
    morph: str | None = None  #: PRESET@0:00,PRESET@0:30,…
    pace: str | None = None  #: every=6s
    seed: int | None = None  #: of `pace`; 0 when not given
    truncation: float | None = None  #: of `pace`; 1 when not given
    sharpness: float | None = None  #: of `pace`; the model's own when not given
    #: How velocity and envelope are heard: as the preset says, or as in the paper's script.
    touch: Touch = "preset"

    def __post_init__(self) -> None:
        if self.morph is not None and self.pace is not None:
            raise SettingError(
                "--morph and --random-timbres exclude each other", "Leave one of them out."
            )
        if self.morph is not None and self.preset is not None:
            raise SettingError(
                "--morph names its presets itself", "Leave --preset out, or write it into --morph."
            )
        if self.model is not None and self.preset is not None:
            raise SettingError("--preset brings its own model", "Leave --model out.")
        if self.model is not None and self.pace is None:
            raise SettingError(
                "--model chooses the model of random timbres; presets bring their own",
                "For example: --random-timbres every=6s --model frame_voice",
            )
        chance = (self.seed, self.truncation, self.sharpness)
        if chance != (None, None, None) and self.pace is None:
            raise SettingError(
                "--seed, --truncation and --sharpness belong to random timbres",
                "For example: --random-timbres every=6s --seed 7",
            )

    @property
    def moves(self) -> bool:
        """Whether notes need timbres of their own, or another touch than the preset's."""
        return self.morph is not None or self.pace is not None or self.touch != "preset"


def render_morph(
    song_path: Path,
    out: Path,
    request: MorphRequest,
    *,
    rate_hz: int = 48_000,
    follow_programs: bool = False,
    drums: bool = True,
    replace: bool = False,
    server: str = "",
) -> None:
    """Render a MIDI file with a moving timbre into a WAV file, with a progress bar.

    With the touch of the paper, which has none, drums are left out.

    Raises
    ------
    LatentkeysError
        Bad input, or the file cannot be written; there is no half-written file then.
    """
    if follow_programs:
        raise SettingError(
            "--follow-programs changes presets; --morph, --random-timbres and --touch paper have "
            "their own",
            "Leave one of them out.",
        )
    check_target(out, replace=replace)
    song = read_song(song_path, drums=drums and request.touch != "paper")
    path, bundle = open_path(request, song.length_seconds)
    compile_once()
    write_morph(song, out, path, bundle, rate_hz=rate_hz, touch=request.touch, server=server)


def open_path(request: MorphRequest, length_seconds: float) -> tuple[TimbrePath, Bundle]:
    """Find what a request names: the path of the timbre, and the model it lies in.

    Raises
    ------
    LatentkeysError
        A preset or model is missing, wrong, or of another model; or a time is.
    """
    if request.pace is not None:
        pace_seconds = parse_pace(request.pace)
        preset, bundle = _of_random_timbres(request)
        truncation = 1.0 if request.truncation is None else request.truncation
        seed = request.seed or 0
        card = bundle.sound
        path = RandomTimbres(preset, card, pace_seconds, seed, truncation, request.sharpness)
        return path, bundle
    if request.morph is not None:
        named = parse_morph(request.morph)
        loaded = [(seconds, *check_preset(find_preset(name))) for name, seconds in named]
        points = check_morph(loaded, length_seconds)
        bundle = loaded[0][2]
    else:
        preset, bundle = check_preset(chosen_preset(request.preset))
        points = [TimbrePoint(0.0, preset)]
    return Morph(points, bundle.sound), bundle


def write_morph(
    song: Song,
    out: Path,
    path: TimbrePath,
    bundle: Bundle,
    *,
    rate_hz: int,
    touch: Touch = "preset",
    server: str = "",
) -> None:
    """Render a song along a path, and say where it is."""
    console = Console(stderr=True)
    renderer = open_renderer(bundle, threads=os.cpu_count() or 1)
    if server:
        from instrument.rendering.remote_renderer import RemoteRenderer

        renderer = RemoteRenderer(bundle, renderer, server, FIRST_SECONDS)
    with LongWork(console) as progress, WavFile(out, rate_hz) as file:
        sound = progress.add_task("Sound", total=song.length_seconds or 1.0)
        notes = TonePrefetch(renderer, rate_hz)
        if isinstance(path, Morph) and touch != "paper":
            path = path.evened(renderer)
        if touch == "paper":
            mixed = progress.add_task("Notes", total=song.length_seconds or 1.0)
            player = PaperPlayer(song, path, notes, rate_hz)
            audio = _levelled(
                player, out, lambda seconds: progress.update(mixed, completed=seconds)
            )
        else:
            audio = MorphPlayer(song, path, notes, rate_hz).play()
        for piece in audio:
            file.write(piece)
            progress.update(sound, completed=file.frames / rate_hz)
    if renderer.info.notice:
        console.print(renderer.info.notice, markup=False)
    console.print(
        f"{out}: {file.frames / rate_hz:.1f} s", markup=False, highlight=False, soft_wrap=True
    )


def _of_random_timbres(request: MorphRequest) -> tuple[Preset, Bundle]:
    """Return what all random timbres have in common."""
    if request.model:
        bundle = installed_bundle(request.model)
        return plain_preset("Random", bundle, draw(bundle.sound, request.seed or 0)), bundle
    return check_preset(chosen_preset(request.preset))


def _levelled(
    player: PaperPlayer, out: Path, on_seconds: Callable[[float], None]
) -> Iterator[Stereo]:
    """Give out a mix whose level is known at its end only; until then it lies on the disk."""
    try:
        with tempfile.TemporaryFile(dir=out.parent) as mix:
            for piece in player.play():
                mix.write(piece.tobytes())
                on_seconds(mix.tell() / 4 / player.rate_hz)
            mix.seek(0)
            while content := mix.read(4 * _CHUNK_FRAMES):
                mono = np.frombuffer(content, np.float32) * np.float32(player.level)
                yield np.repeat(mono[:, None], 2, axis=1)
    except OSError as problem:
        raise cannot_write(out, problem) from problem
