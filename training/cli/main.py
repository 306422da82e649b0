"""``latentkeys data``, ``latentkeys train`` and ``latentkeys evaluate``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import platformdirs
import torch
from rich.console import Console

from instrument.errors import SettingError
from training.cli.convgan import evaluate_command as evaluate_convgan
from training.cli.corpora import CORPUS_COMMANDS
from training.cli.evaluate_composer import evaluate_command
from training.cli.evaluate_gansynth import NOTE_COMMANDS
from training.cli.train import train_command
from training.cli.waves import waves_group
from training.data.audio.programs import chosen_programs
from training.data.audio.tone_set import ToneSet, open_notes
from training.frame_voice.config import RECIPES
from training.systems import SYSTEMS, WAVE_SYSTEMS
from training.trainer.hardware import choose_device
from training.trainer.progress import counting, stop_flag, training_bar

_FOLDER = click.Path(path_type=Path, file_okay=False)
_DATA_OPTION = click.option(
    "--data", type=_FOLDER, help="The note set; the one that `data soundfont` makes by default."
)


def default_notes_folder() -> Path:
    """Return where `latentkeys data soundfont` puts its notes."""
    return Path(platformdirs.user_cache_dir("latentkeys")) / "notes"


@click.group("data")
def data_group() -> None:
    """Make what voices and composers learn from."""


@data_group.command("soundfont")
@click.option("--font", type=click.Path(path_type=Path), help="SF2 or SF3; found when not given.")
@click.option("--out", type=_FOLDER, help="Folder of the note set.")
@click.option("--programs", metavar="N,N,...", help="General MIDI programs, 0-127; all melodic.")
def soundfont(font: Path | None, out: Path | None, programs: str | None) -> None:
    """Render and analyse notes from a SoundFont: 100 instruments, 4.4 GB, four minutes."""
    from training.data.audio.render import render_notes
    from training.data.audio.soundfont import find_soundfont

    chosen = chosen_programs(programs)
    font = font or find_soundfont()
    folder = out or default_notes_folder()
    console = Console()
    with counting(console, "rendering") as show:
        notes = render_notes(font, folder, chosen, show)
    _describe(console, notes)


@data_group.command("tones")
@click.argument("folder", type=_FOLDER)
def tones(folder: Path) -> None:
    """Make a small note set from formulas, to try the whole way in seconds."""
    from training.data.audio.synthetic_tones import write_tones

    _describe(Console(), write_tones(folder))


data_group.add_command(waves_group)
for _command in CORPUS_COMMANDS:
    data_group.add_command(_command)


@click.group("train")
def train_group() -> None:
    """Train a voice or a composer."""


@train_group.command("frame-voice")
@click.argument("run", type=_FOLDER)
@_DATA_OPTION
@click.option("--resume", is_flag=True, help="Go on from the run's checkpoint.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.0, min_open=True),
    help="End on time, by all the run's minutes.",
)
@click.option("--steps", type=click.IntRange(min=1), help="Exactly repeatable, unlike --minutes.")
@click.option("--recipe", type=click.Choice(list(RECIPES)), help="By default, what suits --device.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto")
def frame_voice(
    run: Path,
    data: Path | None,
    resume: bool,
    minutes: float | None,
    steps: int | None,
    recipe: str | None,
    threads: int,
    seed: int,
    device: str,
) -> None:
    """Train the frame voice into the folder RUN; Ctrl-C stops and saves.

    Watch it with: tensorboard --logdir RUN
    """
    from training.frame_voice.run import load_checkpoint
    from training.frame_voice.train import Progress as Step
    from training.frame_voice.train import Trainer
    from training.trainer.checkpoint import CHECKPOINT

    if minutes and steps:
        raise SettingError("--minutes and --steps both say when to stop", "Give one of them.")
    if not resume and (run / CHECKPOINT).exists():
        raise SettingError(
            f"{run} already has a checkpoint", "Go on with --resume, or choose another folder."
        )
    torch.set_num_threads(threads)
    where = choose_device(device)
    if resume and data is None:
        data = Path(load_checkpoint(run)[0].notes_folder)
    notes = open_notes(data or default_notes_folder())
    chosen = RECIPES[recipe or ("frame_voice_gpu" if where.type == "cuda" else "frame_voice")]
    training = replace(
        chosen.training, seed=seed, minutes=minutes or 0.0, steps=steps or chosen.training.steps
    )
    trainer = Trainer(notes, run, chosen.voice, training, where, resume)
    if resume and (minutes or steps):
        trainer.change_length(steps or trainer.config.steps, minutes or 0.0)
    console = Console()
    with training_bar(console) as bar, stop_flag() as stop:

        def show(at: Step) -> None:
            state = f"step {at.step}, loss {at.loss:.3f}, held-out {at.held_out:.3f}"
            bar(at.fraction, state)

        is_complete = trainer.run(show, lambda: bool(stop))
    if is_complete:
        console.print(f"Trained {trainer.step} steps. Next: latentkeys evaluate frame-voice {run}")
    else:
        console.print(f"Stopped and saved at step {trainer.step}. Go on with:")
        console.print(f"  latentkeys train frame-voice {run} --resume")


for _system in (*SYSTEMS.values(), *WAVE_SYSTEMS.values()):
    train_group.add_command(train_command(_system))


@click.group("evaluate")
def evaluate_group() -> None:
    """Measure a trained voice or composer."""


for _system in SYSTEMS.values():
    evaluate_group.add_command(evaluate_command(_system))
for _command in NOTE_COMMANDS:
    evaluate_group.add_command(_command)
evaluate_group.add_command(evaluate_convgan)


@evaluate_group.command("frame-voice")
@click.argument("run", type=_FOLDER)
@_DATA_OPTION
@click.option("--notes", "count", type=click.IntRange(min=10), help="Test fewer notes.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Where figures go.")
@click.option("--pictures", type=_FOLDER, help="Also draw spectrograms of a dozen notes there.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
def evaluate_frame_voice(
    run: Path,
    data: Path | None,
    count: int | None,
    json_path: Path | None,
    pictures: Path | None,
    threads: int,
) -> None:
    """Compare a trained voice with its recordings at pitches that it never heard.

    The same notes are played by the voice, by resampling the nearest training pitch, and by
    GANSynth's mel-IF round trip (no network, 16 kHz). Gates are printed with their verdicts.
    """
    from training.frame_voice.evaluate import evaluate
    from training.frame_voice.report import draw_notes, print_report, write_report
    from training.frame_voice.run import load_voice

    torch.set_num_threads(threads)
    voice, summary = load_voice(run)
    notes = open_notes(data or Path(summary.notes_folder))
    console = Console()
    with counting(console, "measuring") as show:
        report = evaluate(voice, summary, notes, count, show)
    print_report(console, report)
    path = json_path or run / "evaluation.json"
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
