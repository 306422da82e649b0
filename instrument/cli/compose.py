"""``latentkeys continue``, ``accompany`` and ``compose``.

In: a MIDI file, what is asked. Out: a MIDI file. The same file, options and seed give the same
bytes. Every event of the file stays in the result as it was; what is added keeps its tempo and
metre.
"""

from __future__ import annotations

import math
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from instrument.cli.compose_options import (
    bars_option,
    constraint_options,
    in_file,
    judge_option,
    model_option,
    music,
    out_file,
)
from instrument.cli.options import Choice, HeadedCommand
from instrument.composers.continuer import at_bar_line, pitched_notes
from instrument.composers.hearing import accompany_as_heard, continue_as_heard
from instrument.composers.protocols import Composer
from instrument.composers.registry import (
    BUILT_IN,
    BUILT_IN_CONDITIONS,
    find_composer,
    list_composers,
    open_composer,
    open_judge,
)
from instrument.errors import MidiFileError, SettingError
from instrument.midi.additions import write_accompanied, write_continued
from instrument.midi.midi_file import MidiFile, read_midi
from instrument.midi.phrases import phrase_of, write_phrase
from instrument.midi.track_notes import FileNotes, notes_of
from instrument.music.constraints import Constraints, Key
from instrument.music.note import Note, Phrase

FEWEST_NOTES = 2
_VOICES, _LEGATO_BEATS = 4, 0.25
_MODES = ("jamming", "composer", "hybrid")
_console = Console(highlight=False, soft_wrap=True)


@click.command("continue", cls=HeadedCommand)
@in_file
@out_file
@model_option(
    "The composer: note_lstm_tunes after a melody, note_lstm_chorale after chords, chorale_lstm "
    "after four tracks of one voice each."
)
@bars_option
@constraint_options
@judge_option
def continue_command(
    prompt: Path,
    out: Path,
    model: str | None,
    bars: int,
    force: bool,
    seed: int,
    judge: str | None,
    **asked: Any,
) -> None:
    """Go on from a MIDI file.

    OUT.mid has all of IN.mid, and the new bars from the bar line after its last note on.
    """
    constraints = _constraints_of(**asked)
    file, notes, phrase = _prompt(prompt, out, force)
    name = model or _usual_model(phrase)
    composer, ranks = _open(name, phrase, constraints), open_judge(name, judge or "none")
    length = bars * phrase.meter_at(phrase.length_beats).bar_beats
    began = time.perf_counter()
    made = continue_as_heard(composer, phrase, length, constraints, seed, ranks)
    took = time.perf_counter() - began
    write_continued(out, file, notes, phrase.length_beats, made)
    _say(out, name, made, bars, took, f"from beat {phrase.length_beats:g} on")


@click.command("accompany", cls=HeadedCommand)
@in_file
@out_file
@model_option("The composer: chorale_lstm, which harmonises; musegan_accompany is faster.")
@constraint_options
@judge_option
def accompany_command(
    prompt: Path,
    out: Path,
    model: str | None,
    force: bool,
    seed: int,
    judge: str | None,
    **asked: Any,
) -> None:
    """Add tracks to a MIDI file.

    OUT.mid has all of IN.mid, and the new tracks beside it.
    """
    constraints = _constraints_of(**asked)
    file, notes, phrase = _prompt(prompt, out, force)
    # To sopranos of the test pieces, 1.5 % of its pairs of notes on the beat are a semitone apart
    # in some octave, 3.3 % of the MuseGAN's, 0.4 % of Bach's.
    name = model or _installed("chorale_lstm", "musegan_accompany")
    composer, ranks = _open(name, phrase, constraints), open_judge(name, judge)
    bars = math.ceil(phrase.length_beats / phrase.bar_beats)
    began = time.perf_counter()
    made = accompany_as_heard(composer, bars, seed, constraints, phrase, ranks)
    took = time.perf_counter() - began
    write_accompanied(out, file, notes, phrase.length_beats, made)
    _say(out, name, made, bars, took, f"beside {len(phrase.notes)} notes")


@click.command("compose", cls=HeadedCommand)
@out_file
@model_option("The composer: musegan.")
@bars_option
@music(
    "--mode",
    type=Choice(_MODES),
    help="How a MuseGAN's tracks listen to each other; it must have been trained so.",
)
@constraint_options
def compose_command(
    out: Path,
    model: str | None,
    bars: int,
    mode: str | None,
    force: bool,
    seed: int,
    **asked: Any,
) -> None:
    """Write a new MIDI file.

    OUT.mid begins with nothing but a number: see --seed.
    """
    constraints = _constraints_of(**asked)
    _check_out(out, force)
    name = model or _installed("musegan", "note_lstm_tunes")
    if mode is not None:
        _check_mode(name, mode)
    composer = open_composer(name)
    _say_what_it_ignores(name, constraints)
    began = time.perf_counter()
    made = composer.generate(bars, seed, constraints)
    took = time.perf_counter() - began
    write_phrase(out, made)
    _say(out, name, made, bars, took, "a new piece")


def _constraints_of(
    temperature: float,
    top_p: float,
    key: str | None,
    density: float | None,
    register: tuple[int, int] | None,
    candidates: int,
    care: float,
) -> Constraints:
    constraints = Constraints(
        temperature=temperature,
        top_p=top_p,
        key=Key.named(key) if key else None,
        density=density,
        register=register,
        candidates=candidates,
        care=care,
    )
    constraints.allowed_pitches()  # a register without a note of the key is refused now
    return constraints


def _prompt(path: Path, out: Path, force: bool) -> tuple[MidiFile, FileNotes, Phrase]:
    """Read a file that has notes to go on from; the phrase ends at the bar line after them."""
    _check_out(out, force)
    file = read_midi(path)
    if file.warning:
        _console.print(file.warning, style="yellow", markup=False)
    notes = notes_of(file)
    phrase = phrase_of(file, notes)
    count = len(pitched_notes(phrase))
    if count < FEWEST_NOTES:
        found = "no notes but drums" if phrase.notes and not count else f"{count} notes"
        raise MidiFileError(
            f'"{path}" must have at least {FEWEST_NOTES} pitched notes, has {found}',
            "Give a file with some music in it.",
        )
    return file, notes, at_bar_line(phrase)


def _check_out(out: Path, force: bool) -> None:
    if out.exists() and not force:
        raise SettingError(f'"{out}" exists', "Replace it with --force.")


def _open(name: str, phrase: Phrase, constraints: Constraints) -> Composer:
    """Open a composer and compare its range with the prompt's notes."""
    composer = open_composer(name)
    _say_what_it_ignores(name, constraints)
    if name in BUILT_IN:
        return composer
    lowest, highest = find_composer(name).music.pitch_range
    notes = pitched_notes(phrase)
    outside = [note for note in notes if not lowest <= note.pitch <= highest]
    if 2 * len(outside) > len(notes):
        raise SettingError(
            f"{len(outside)} of {len(notes)} notes lie outside {lowest}..{highest}, "
            f"the range of {name}",
            _remedy(notes, lowest, highest),
        )
    if outside:
        _console.print(
            f"{len(outside)} of {len(notes)} notes lie outside {lowest}..{highest}, "
            f"the range that {name} knows",
            style="yellow",
        )
    return composer


def _say_what_it_ignores(name: str, constraints: Constraints) -> None:
    """Name the options that a composer cannot keep to."""
    options = {
        "density": constraints.density,
        "key": constraints.key,
        "register": constraints.register,
    }
    asked = [option for option, value in options.items() if value is not None]
    kept = BUILT_IN_CONDITIONS.get(name) or (
        () if name in BUILT_IN else find_composer(name).music.conditions
    )
    for option in asked:
        if option not in kept:
            _console.print(f"{name} leaves --{option} out: it cannot keep to it", style="yellow")


def _remedy(notes: tuple[Note, ...], lowest: int, highest: int) -> str:
    """Say which octave would fit."""
    middle = sum(note.pitch for note in notes) / len(notes)
    octaves = round(((lowest + highest) / 2 - middle) / 12)
    if not octaves:
        return "Choose another --model."
    direction = "up" if octaves > 0 else "down"
    return f"Move the file {abs(octaves)} octaves {direction}, or choose another --model."


def _usual_model(phrase: Phrase) -> str:
    """Choose a model for a prompt: four voices, chords, or a line."""
    if _is_in_four_voices(phrase):
        return _installed("chorale_lstm", "note_lstm_chorale", "ngram")
    notes = pitched_notes(phrase)
    starts = {round(note.start_beats, 3) for note in notes}
    is_melody = len(starts) > 0.8 * len(notes)
    return _installed("note_lstm_tunes" if is_melody else "note_lstm_chorale", "ngram")


def _is_in_four_voices(phrase: Phrase) -> bool:
    """Tell four tracks in which, but for a legato's overlap, one note sounds at a time."""
    tracks = [track for track in phrase.tracks if track.notes and not track.is_drum]
    return len(tracks) == _VOICES and not any(
        then.start_beats < note.end_beats - _LEGATO_BEATS
        for track in tracks
        for note, then in pairwise(track.notes)
    )


def _installed(*names: str) -> str:
    """Return the first composer that is there; the last one is not looked for."""
    there = {entry.name for entry in list_composers()}
    return next((name for name in names if name in there), names[-1])


def _check_mode(name: str, mode: str) -> None:
    trained = () if name in BUILT_IN else find_composer(name).music.vocabulary.get("mode")
    if not trained:
        raise SettingError(
            f"--mode {mode}: {name} has no modes", "Leave --mode out, or choose a MuseGAN."
        )
    if mode not in trained:
        raise SettingError(
            f"--mode must be {' or '.join(trained)} for {name}, got {mode}",
            f"Train one of that mode: latentkeys train musegan RUN --recipe {mode}",
        )


def _say(out: Path, name: str, made: Phrase, bars: int, seconds: float, where: str) -> None:
    notes = len(made.notes)
    _console.print(
        f"{out}: {bars} bars, {notes} notes by {name} in {seconds:.2f} s, {where}", markup=False
    )
