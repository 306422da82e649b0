"""``latentkeys data``, ``latentkeys train`` and ``latentkeys evaluate``."""

from __future__ import annotations

from pathlib import Path

import click
import torch
from rich.console import Console

from instrument.bench.presets.command import evaluate_presets
from instrument.cli.options import option
from training.cli.convgan import evaluate_command as evaluate_convgan
from training.cli.corpora import CORPUS_COMMANDS
from training.cli.evaluate_composer import evaluate_command
from training.cli.evaluate_gansynth import NOTE_COMMANDS
from training.cli.evaluate_harmony import evaluate_harmony
from training.cli.evaluate_partner import evaluate_partner
from training.cli.make_set import name_skipped
from training.cli.options import FOLDER, FONT, JSON, PROGRAMS, RUN, THREADS
from training.cli.train import train_command
from training.cli.waves import waves_group
from training.data.audio.programs import chosen_programs
from training.data.audio.tone_set import TONE_SETS, ToneSet, open_notes
from training.frame_voice.system import SYSTEM as FRAME_VOICE
from training.systems import COMPOSERS, SYSTEMS
from training.trainer.evaluation import EVALUATION
from training.trainer.progress import counting


@click.group("data")
def data_group() -> None:
    """Prepare what voices and composers learn from."""


@data_group.command("soundfont", short_help="Notes of a SoundFont, for the frame voice.")
@FONT
@option("--out", type=FOLDER, help="Folder for the note set; in the user's cache by default.")
@PROGRAMS
def soundfont(font: Path | None, out: Path | None, programs: str | None) -> None:
    """Render and analyse notes from a SoundFont: 100 instruments, 4.4 GB, four minutes.

    The frame voice learns them.
    """
    from training.data.audio.render import render_notes
    from training.data.audio.soundfont import find_soundfont

    chosen = chosen_programs(programs)
    font = font or find_soundfont()
    folder = out or TONE_SETS.folder / FRAME_VOICE.data[0]
    console = Console()
    with counting(console, "rendering") as show:
        notes = render_notes(font, folder, chosen, show)
    _describe(console, notes)


@data_group.command("instruments", short_help="Real recordings, for the frame voice.")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@option("--name", default="instruments", show_default=True, help="Name of the set's folder.")
@option("--out", type=FOLDER, help="Folder for the note set; in the user's cache by default.")
@option(
    "--programs",
    metavar="N,N,...",
    help="General MIDI programs to render from SoundFonts; all melodic ones by default.",
)
@option("--hold-out", multiple=True, metavar="NAME", help="An instrument to measure, not to learn.")
@option("--notice", default="", help="Whose recordings they are, and their licence: for the card.")
def instruments(
    sources: tuple[Path, ...],
    name: str,
    out: Path | None,
    programs: str | None,
    hold_out: tuple[str, ...],
    notice: str,
) -> None:
    """Read recordings of instruments, and SoundFonts, into one note set for the frame voice.

    SOURCES are folders with one note in each file, .sfz instruments, and .sf2 or .sf3 SoundFonts.
    An .sfz file or SpectMorph's instrument.xml says which key a file is, else its name does. Notes
    are brought to their keys, short ones held longer without a loop; what cannot be used is named.
    """
    from training.data.audio.recorded.instruments import collect_instruments

    folder = out or TONE_SETS.folder / name
    console = Console()
    with counting(console, "reading") as show:
        made = collect_instruments(
            sources, folder, chosen_programs(programs), hold_out, notice, show
        )
    name_skipped(made.skipped)
    _describe(console, made.tones)


@data_group.command("tones", short_help="A small note set, to try things out.")
@click.argument("folder", type=FOLDER)
def tones(folder: Path) -> None:
    """Make a small note set from formulas, to try every step in seconds."""
    from training.data.audio.synthetic_tones import write_tones

    _describe(Console(), write_tones(folder))


data_group.add_command(waves_group)
for _command in CORPUS_COMMANDS:
    data_group.add_command(_command)


@click.group("train")
def train_group() -> None:
    """Train a voice or a composer."""


for _system in SYSTEMS.values():
    train_group.add_command(train_command(_system))


@click.group("evaluate")
def evaluate_group() -> None:
    """Measure a trained voice or composer, or presets."""


for _system in COMPOSERS.values():
    evaluate_group.add_command(evaluate_command(_system))
for _command in NOTE_COMMANDS:
    evaluate_group.add_command(_command)
evaluate_group.add_command(evaluate_convgan)
evaluate_group.add_command(evaluate_presets)
evaluate_group.add_command(evaluate_partner)
evaluate_group.add_command(evaluate_harmony)


@evaluate_group.command("frame-voice", short_help="Compare a voice with its recordings.")
@RUN
@option("--data", metavar="NOTES", help="The note set's folder; the run's own by default.")
@option("--notes", "count", type=click.IntRange(min=10), help="Measure no more notes.")
@JSON
@option("--pictures", type=FOLDER, help="Also draw spectrograms of a dozen notes there.")
@THREADS
def evaluate_frame_voice(
    run: Path,
    data: str | None,
    count: int | None,
    json_path: Path | None,
    pictures: Path | None,
    threads: int,
) -> None:
    """Compare a trained voice with its recordings at pitches that it never heard.

    The same notes are played by the voice, by resampling the nearest training pitch, and by
    GANSynth's mel-IF round trip (no network, 16 kHz). A figure with a limit says if it is kept.
    """
    from training.frame_voice.evaluate import evaluate
    from training.frame_voice.report import draw_notes, print_report, write_report
    from training.frame_voice.run import load_voice

    torch.set_num_threads(threads)
    voice, card = load_voice(run)
    notes = open_notes(data or card.corpus)
    console = Console()
    with counting(console, "measuring") as show:
        report = evaluate(voice, card.step, notes, count, show)
    print_report(console, report)
    path = json_path or run / EVALUATION
    write_report(path, report)
    console.print(f"Written to {path}")
    if pictures:
        for picture in draw_notes(voice, notes, pictures):
            console.print(f"Drawn {picture}")


def _describe(console: Console, notes: ToneSet) -> None:
    size = notes.samples.nbytes / 1e9
    console.print(
        f"{notes.path}: {notes.pitch.size} notes of {len(notes.instruments)} instruments, "
        f"{size:.2f} GB, from {notes.source}"
    )
