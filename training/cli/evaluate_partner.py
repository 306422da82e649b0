"""``latentkeys evaluate partner``: whether answers have to do with what a person played."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from instrument.cli.options import option
from instrument.composers.registry import BUILT_IN, NOTE_MODELS, find_composer, list_composers
from instrument.errors import SettingError
from instrument.files import replacing_file
from instrument.music.note import Phrase
from instrument.preset.preset import find_preset, load_preset
from instrument.progress import working
from training.cli.options import FILE, FOLDER
from training.metrics.partner.listening import continuations, live_answers
from training.metrics.partner.performer import MACHINE, Performer
from training.metrics.partner.phrases import read_phrases
from training.metrics.partner.rhythm import Relation, relation
from training.metrics.partner.sessions import try_partner
from training.pictures.piano_rolls import draw_phrases

LEAST_DIFFERENCE, MOST_P, LEAST_IN_KEY = 0.3, 0.001, 0.95
DENSITIES = (0.8, 1.25)
_SHOWN = 5


@click.command("partner", short_help="Measure answers to a person's playing.")
@option("--model", "models", metavar="NAME", multiple=True, help="Every live one by default.")
@option(
    "--seeds",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="So many answers to each phrase.",
)
@option("--preset", "presets", metavar="NAME", multiple=True, help="Try a preset's own partner.")
@option("--pictures", type=FOLDER, help="With --preset: draw what both played there.")
@option("--machine", is_flag=True, help="Play exactly what is written.")
@option("--json", "json_path", type=FILE, help="Also write the figures to this file.")
def evaluate_partner(
    models: tuple[str, ...],
    seeds: int,
    presets: tuple[str, ...],
    pictures: Path | None,
    machine: bool,
    json_path: Path | None,
) -> None:
    """Play fourteen phrases to a partner and compare the rhythms of its answers.

    The player is up to 12 ms off and holds keys for 88 % of their value. An answer should share
    more with the phrase that it answers than with the others. With --preset, the phrases are
    played to that preset's partner, without a click.
    """
    phrases = list(read_phrases().values())
    performer = MACHINE if machine else Performer()
    found: dict[str, Relation] = {}
    console = Console()
    if presets:
        _try_presets(console, presets, phrases, performer, pictures)
        return
    with working(Console(stderr=True), "opening") as now:
        for model in models or _live_models():
            for way, make in (("live", live_answers), ("continue", continuations)):
                made = make(phrases, model, seeds, performer, now)
                found[f"{model}, {way}"] = relation(phrases, made)
    _print(console, found)
    if json_path:
        with replacing_file(json_path) as temporary:
            told = {name: asdict(figures) for name, figures in found.items()}
            temporary.write_text(json.dumps(told, indent=1), encoding="utf-8")


def _try_presets(
    console: Console,
    presets: tuple[str, ...],
    phrases: list[Phrase],
    performer: Performer,
    pictures: Path | None,
) -> None:
    table = Table("preset", "mode", "answered", "density", "in key %", "clashes %", "together %")
    for name in presets:
        options = load_preset(find_preset(name)).partner
        if options is None:
            raise SettingError(f"the preset {name} has no partner", "Choose one that has.")
        with working(Console(stderr=True), name):
            tried, sessions = try_partner(options, phrases, performer)
        shares = (tried.in_key, tried.clashes, tried.together)
        table.add_row(
            name,
            options.mode,
            f"{tried.answered} of {len(phrases)}",
            f"{tried.density:.2f}",
            *(f"{100.0 * share:.1f}" for share in shares),
        )
        if pictures:
            pictures.mkdir(parents=True, exist_ok=True)
            titles = (f"{name} {number}" for number in range(1, len(sessions) + 1))
            shown = dict(zip(titles, map(_here, sessions[:_SHOWN]), strict=False))
            draw_phrases(shown).savefig(pictures / f"{name}.png", dpi=70)
    console.print(table)


def _here(session: Phrase) -> Phrase:
    """Return what is heard: the same notes at the MIDI output are left out."""
    tracks = tuple(track for track in session.tracks if track.name in ("player", "partner"))
    return replace(session, tracks=tracks)


def _live_models() -> list[str]:
    """Return the composers that write note by note, the counts among them."""
    names = [entry.name for entry in list_composers() if entry.name not in BUILT_IN]
    return [name for name in names if find_composer(name).music.kind in NOTE_MODELS] + ["ngram"]


def _print(console: Console, found: dict[str, Relation]) -> None:
    table = Table("composer", "own", "others", "difference", "p", "density", "in key %", "kept")
    for name, f in found.items():
        is_kept = (
            f.own - f.others >= LEAST_DIFFERENCE
            and f.p < MOST_P
            and DENSITIES[0] <= f.density <= DENSITIES[1]
            and f.in_key >= LEAST_IN_KEY
        )
        table.add_row(
            name,
            f"{f.own:.2f}",
            f"{f.others:.2f}",
            f"{f.own - f.others:.2f}",
            f"{f.p:.5f}",
            f"{f.density:.2f}",
            f"{100.0 * f.in_key:.1f}",
            "yes" if is_kept else "no",
        )
    console.print(table)
    console.print(
        f"Wanted: a difference of {LEAST_DIFFERENCE}, p under {MOST_P}, a density of "
        f"{DENSITIES[0]} to {DENSITIES[1]} times the phrase's, {100 * LEAST_IN_KEY:g} % in key."
    )
