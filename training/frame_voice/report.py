"""Show an evaluation: tables for people, JSON for machines, pictures for ears."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from training.data.audio.tone_set import TEST, ToneSet
from training.frame_voice.figures import ToneFigures, VoiceReport
from training.frame_voice.model import FrameVoice
from training.frame_voice.render import play_like
from training.pictures.spectrograms import compare_spectrograms
from training.trainer.evaluation import write_evaluation

FORMAT = 1

_PICTURED = (
    *("grand-piano", "tine-piano", "vibraphone", "church-organ", "nylon-guitar", "acoustic-bass"),
    *("violin", "strings", "choir-aah", "trumpet", "clarinet", "saw-lead"),
)


def print_report(console: Console, report: VoiceReport) -> None:
    """Print the distances by class, and the gates."""
    console.print(_distance_table(report))
    gates = Table(title=f"Gates, step {report.step}, motion {report.motion:g}, {report.date}")
    for name in ("figure", "value", "limit", ""):
        gates.add_column(name, justify="left" if name in ("figure", "") else "right")
    for gate in report.gates:
        limit = f"{'≤' if gate.is_upper else '≥'} {gate.limit:g}"
        verdict = "kept" if gate.is_kept else "[bold red]missed[/]"
        gates.add_row(gate.name, f"{gate.value:.2f}", limit, verdict)
    console.print(gates)


def write_report(path: Path, report: VoiceReport) -> None:
    """Write everything, every tone included, as JSON.

    Raises
    ------
    FileError
        When it cannot be written.
    """
    content = {"format": FORMAT, **asdict(report)}
    content["gates"] = [asdict(gate) | {"is_kept": gate.is_kept} for gate in report.gates]
    write_evaluation(path, report.step, content)


def draw_notes(voice: FrameVoice, tones: ToneSet, folder: Path) -> Iterator[Path]:
    """Draw spectrograms of a dozen held-out tones, source above voice, six to a picture."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for name in _PICTURED:
        rows = [
            int(row)
            for row in np.flatnonzero(tones.split == TEST)
            if tones.instruments[tones.instrument[row]].name == name
        ]
        if not rows:
            continue
        row = min(rows, key=lambda row: abs(int(tones.pitch[row]) - 60))
        ours = play_like(voice, tones, row)
        pairs.append((f"{name} {tones.pitch[row]}", tones.audio(row), ours))
    for page in range(0, len(pairs), 6):
        path = folder / f"notes_{page // 6 + 1}.png"
        compare_spectrograms(pairs[page : page + 6]).savefig(path, dpi=80)
        yield path


def _distance_table(report: VoiceReport) -> Table:
    table = Table(title=f"Distance to {len(report.notes)} held-out notes, median [p95]")
    for name in ("class", "notes", "player", "LSD dB", "LSD ≤ 8 kHz dB", "convergence"):
        table.add_column(name, justify="right" if name not in ("class", "player") else "left")
    classes: tuple[tuple[str, Callable[[ToneFigures], bool]], ...] = (
        ("all", lambda _: True),
        ("struck, plucked", lambda f: f.is_struck),
        ("sustained", lambda f: not f.is_struck),
    )
    for name, belongs in classes:
        chosen = [f for f in report.notes if belongs(f)]
        if not chosen:
            continue
        for player, columns in _PLAYERS.items():
            cells = [_spread(chosen, column) if column else "–" for column in columns]
            table.add_row(name, str(len(chosen)), player, *cells)
        table.add_section()
    return table


_PLAYERS: dict[str, tuple[str | None, str, str]] = {
    "voice": ("lsd", "lsd_8k", "convergence"),
    "nearest pitch": ("nearest_lsd", "nearest_lsd_8k", "nearest_convergence"),
    "mel-IF, 16 kHz": (None, "mel_if_lsd_8k", "mel_if_convergence"),
}


def _spread(figures: list[ToneFigures], field: str) -> str:
    values = np.array([getattr(f, field) for f in figures])
    return f"{np.nanmedian(values):.2f} [{np.nanpercentile(values, 95):.2f}]"
