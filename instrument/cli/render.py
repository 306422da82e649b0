"""``latentkeys render``: a MIDI file becomes a WAV file, on one preset or with a moving timbre.

In: a MIDI file and what was asked for. Out: a WAV file, whole or not at all; memory stays the same
however long the piece is.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from instrument.cli.options import (
    PRESET_HELP,
    RATE_HZ,
    SEED,
    Choice,
    HeadedCommand,
    check_rack_options,
    check_renderer,
    part_options,
    rack_options,
    renderer_option,
    tuning_options,
    under,
)
from instrument.cli.render_morph import MorphRequest, Touch, render_morph
from instrument.errors import SettingError
from instrument.music.tuning import KeyTuning
from instrument.offline.render_song import render_song
from instrument.preset.parts import parts_of

SOUND = "Sound"
_sound, _timbre = under(SOUND), under("Moving timbre")


@click.command("render", cls=HeadedCommand)
@click.argument("song", metavar="SONG.mid", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT.wav", type=click.Path(path_type=Path))
@_sound("--preset", metavar="NAME", help=PRESET_HELP)
@partial(part_options, heading=SOUND)
@partial(rack_options, heading=SOUND)
@_sound("--follow-programs", is_flag=True, help="Let the song's program changes choose presets.")
@_sound("--no-drums", is_flag=True, help="Leave the drum channels out.")
@_sound(
    "--rate",
    "rate_hz",
    type=RATE_HZ,
    default=48_000,
    show_default=True,
    metavar="HZ",
    help="Frames per second.",
)
@renderer_option(SOUND)
@_sound("--force", is_flag=True, help="Replace OUT.wav if it exists.")
@tuning_options
@_timbre(
    "--morph",
    metavar="PRESET@M:SS,…",
    help="Move from preset to preset; each is reached at its time.",
)
@_timbre(
    "--random-timbres",
    "pace",
    metavar="every=6s",
    help="Move from one random sound to the next, a new one every so many seconds.",
)
@_timbre("--model", metavar="NAME", help="The voice of the random sounds; else the preset's.")
@_timbre(
    "--seed", type=SEED, metavar="N", help="The same number gives the same sounds; 0 by default."
)
@_timbre(
    "--truncation",
    type=click.FloatRange(0, 4),
    metavar="X",
    help="Below 1 random sounds are tamer, above 1 stranger; 1 by default.",
)
@_timbre(
    "--sharpness",
    type=click.FloatRange(0, 16),
    metavar="X",
    help="How far random sounds are drawn towards single instruments; 0 draws them as before.",
)
@_timbre(
    "--touch",
    type=Choice(["preset", "paper"]),
    default="preset",
    show_default=True,
    help="Envelope and velocity: as the preset has them, or as the GANSynth paper's script.",
)
def render_command(
    song: Path,
    out: Path,
    preset: str | None,
    keys: str | None,
    part: tuple[str, ...],
    rack: str,
    impulse: str,
    follow_programs: bool,
    no_drums: bool,
    rate_hz: int,
    renderer: str,
    force: bool,
    morph: str | None,
    pace: str | None,
    model: str | None,
    seed: int | None,
    truncation: float | None,
    sharpness: float | None,
    touch: Touch,
    **tuning: Any,
) -> None:
    """Turn a MIDI file into a WAV file, exactly as live play sounds."""
    check_renderer(renderer)
    check_rack_options(rack, impulse)
    request = MorphRequest(preset, model, morph, pace, seed, truncation, sharpness, touch)
    tuned = KeyTuning(**{name.removeprefix("tuning_"): value for name, value in tuning.items()})
    parts = parts_of(keys, part)
    if request.moves:
        if tuned != KeyTuning():
            raise SettingError(
                "a moving timbre, and the touch of the paper, have the usual tuning only",
                "Leave --a4, --transpose, --stay-in, --tuning and --keyboard-map out.",
            )
        if rack:
            raise SettingError(
                "a moving timbre, and the touch of the paper, go through no rack",
                "Leave --rack out.",
            )
        if parts:
            raise SettingError(
                "a moving timbre, and the touch of the paper, play alone and on all keys",
                "Leave --keys and --part out.",
            )
        render_morph(
            song,
            out,
            request,
            rate_hz=rate_hz,
            follow_programs=follow_programs,
            drums=not no_drums,
            replace=force,
            server=renderer,
        )
        return
    render_song(
        song,
        out,
        preset=preset,
        parts=parts,
        rack=rack,
        impulse=impulse,
        rate_hz=rate_hz,
        follow_programs=follow_programs,
        drums=not no_drums,
        tuning=tuned,
        replace=force,
        server=renderer,
    )
