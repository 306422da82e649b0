"""``latentkeys evaluate harmony``: whether composers' voices fit, beside real music's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from instrument.cli.options import option
from instrument.composers.chorale_lstm.chorale_lstm import ChoraleLSTM
from instrument.composers.chorale_lstm.state import VOICE_COUNT
from instrument.composers.ensemble_lstm.likelihood import LikelihoodJudge
from instrument.composers.hearing import accompany_as_heard, continue_as_heard
from instrument.composers.protocols import Composer
from instrument.composers.registry import JUDGE, open_composer, open_judge
from instrument.errors import SettingError
from instrument.files import replacing_file
from instrument.music.constraints import CANDIDATES, CARE, MOST_CARE, Constraints
from instrument.music.likeness import rhythm_likeness, turns_likeness
from instrument.music.note import Phrase
from instrument.progress import working
from training.cli.options import FILE, SEED
from training.data.symbolic.corpus import Corpus, Piece, open_corpus
from training.metrics.bootstrap import ratio_of
from training.metrics.partner.belonging import own_auc
from training.metrics.symbolic.harmony import Harmony, harmony_of
from training.metrics.symbolic.memorisation import LONG_RUN, NEAR_SHARE, TrainingMusic

MOST_CLASHES, LEAST_NAMED, MOST_FIFTHS = 0.08, 0.85, 0.005
LEAST_AUC = (0.75, 0.8)
REAL = "real music"
_BARS, _PROMPT_BARS = 8, 4


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one composer.

    Attributes
    ----------
    beside
        Of melodies with what was played beside them.
    after
        Of continuations alone.
    rhythm_auc, turns_auc
        Whether continuations belong to their prompts; NaN where nothing was continued.
    pieces
        How many melodies, and how many prompts.
    """

    beside: Harmony
    after: Harmony
    rhythm_auc: float
    turns_auc: float
    pieces: tuple[int, int]


@click.command("harmony", short_help="Whether composers' voices fit each other.")
@option("--model", "models", metavar="NAME", multiple=True, required=True, help="Which ones.")
@option("--data", metavar="CORPUS", default="openscore", show_default=True, help="Whose pieces.")
@option("--pieces", type=click.IntRange(4), default=40, show_default=True, help="So many of them.")
@option(
    "--candidates",
    type=click.IntRange(1, 64),
    default=CANDIDATES,
    show_default=True,
    help="Draws of which the best is kept, as in continue and accompany.",
)
@option(
    "--care",
    type=click.FloatRange(0, MOST_CARE),
    default=CARE,
    show_default=True,
    help="As in continue and accompany; 0 is the network as it is.",
)
@option(
    "--judge",
    metavar="NAME",
    help="Whose likelihood ranks candidates, as in continue and accompany: beside a melody "
    f"{JUDGE} for a MuseGAN's; none leaves it out.",
)
@SEED
@option("--json", "json_path", type=FILE, help="Also write the figures to this file.")
def evaluate_harmony(
    models: tuple[str, ...],
    data: str,
    pieces: int,
    candidates: int,
    care: float,
    judge: str | None,
    seed: int,
    json_path: Path | None,
) -> None:
    """Let composers accompany melodies of test pieces, and go on from their first bars.

    Beats on which notes a semitone apart sound, chords that have a name, and how often a
    continuation is more like its own prompt than like others', beside the same of the pieces
    themselves.
    """
    controls = Constraints(candidates=candidates, care=care)
    chosen = _test_pieces(open_corpus(data).split("test"), pieces)
    found = {REAL: _real(chosen)}
    console = Console()
    with working(Console(stderr=True), "opening") as now:
        for model in models:
            now(model)
            ranks = open_judge(model, judge)
            judges = ranks, ranks if judge else None
            found[model] = _measure(open_composer(model), chosen, seed, controls, judges)
    _print(console, found)
    for model in models:
        _print_surprise(console, model, open_composer(model), open_corpus(data))
    if json_path:
        with replacing_file(json_path) as temporary:
            told = {name: asdict(figures) for name, figures in found.items()}
            temporary.write_text(json.dumps(told, indent=1), encoding="utf-8")


def _test_pieces(pieces: Sequence[Piece], count: int) -> list[Phrase]:
    """Return whole bars from where the highest voice begins, of pieces spread over the split."""
    phrases = [stretch for piece in pieces if (stretch := _stretch(piece)) is not None]
    if len(phrases) < 2:
        raise SettingError("there are no test pieces long enough", "Choose another --data.")
    return phrases[:: max(1, len(phrases) // count)][:count]


def _stretch(piece: Piece) -> Phrase | None:
    phrase = piece.phrase()
    notes = phrase.tracks[0].notes
    if not notes:
        return None
    first = notes[0].start_beats
    begin = first - phrase.beat_phase(first)
    if phrase.beat_phase(first) and begin < phrase.pickup_beats - 1e-6:
        begin = phrase.pickup_beats
    end = begin + _BARS * phrase.bar_beats
    return phrase.between(begin, end) if begin >= 0.0 and end <= phrase.length_beats else None


def _prompts(phrases: Sequence[Phrase]) -> list[tuple[Phrase, Phrase]]:
    """Cut each stretch into a prompt and what really follows."""
    cut = []
    for phrase in phrases:
        seam = _PROMPT_BARS * phrase.bar_beats
        pair = phrase.between(0.0, seam), phrase.between(seam, phrase.length_beats)
        if all(part.notes for part in pair):
            cut.append(pair)
    return cut


def _real(phrases: Sequence[Phrase]) -> Figures:
    pairs = _prompts(phrases)
    return _figures([phrase for phrase in phrases if len(phrase.tracks) > 1], pairs)


def _measure(
    composer: Composer,
    phrases: Sequence[Phrase],
    seed: int,
    controls: Constraints,
    judges: tuple[LikelihoodJudge | None, LikelihoodJudge | None],
) -> Figures:
    """Let it play beside melodies and after prompts, its candidates ranked by either judge."""
    beside, pairs = [], []
    for number, phrase in enumerate(phrases):
        melody = replace(phrase, tracks=phrase.tracks[:1])
        try:
            made = accompany_as_heard(composer, _BARS, seed + number, controls, melody, judges[0])
        except SettingError:
            continue  # it does not accompany, or not in this meter
        beside.append(replace(melody, tracks=(*melody.tracks, *made.tracks)))
    for number, (prompt, _) in enumerate(_prompts(phrases)):
        length = _PROMPT_BARS * prompt.bar_beats
        try:
            then = continue_as_heard(composer, prompt, length, controls, seed + number, judges[1])
        except SettingError:
            continue
        pairs.append((prompt, then))
    return _figures(beside, pairs)


def _figures(beside: Sequence[Phrase], pairs: Sequence[tuple[Phrase, Phrase]]) -> Figures:
    return Figures(
        harmony_of(beside),
        harmony_of([answer for _, answer in pairs]),
        own_auc(pairs, rhythm_likeness),
        own_auc(pairs, turns_likeness),
        (len(beside), len(pairs)),
    )


def _print_surprise(console: Console, model: str, composer: Composer, corpus: Corpus) -> None:
    """Say how surprised a composer of chorales is by all of the test pieces, and by the new ones.

    Pieces that are nearly one of the training pieces are easily foreseen.
    """
    if not isinstance(composer, ChoraleLSTM):
        return
    pieces = [p.phrase() for p in corpus.split("test")]
    pieces = [phrase for phrase in pieces if len(phrase.tracks) == VOICE_COUNT]
    if not pieces:
        return
    training = TrainingMusic(piece.phrase() for piece in corpus.split("train"))
    is_new = np.array([training.shared(phrase) < NEAR_SHARE for phrase in pieces])
    nats, cells = np.array([composer.surprise(phrase) for phrase in pieces]).T
    console.print(
        f"{model}: {ratio_of(nats, cells)} nats a sixteenth of a voice in {len(pieces)} test "
        f"pieces, {ratio_of(nats[is_new], cells[is_new])} in the {int(is_new.sum())} of which less "
        f"than {NEAR_SHARE:.0%} lies in runs of {LONG_RUN} notes that a training piece has."
    )


def _print(console: Console, found: dict[str, Figures]) -> None:
    table = Table(
        "composer", "beside: clashes %", "named %", "after: clashes %", "named %", "AUC rhythm",
        "AUC turns", "fifths per 100", "frozen %", "pieces",
    )  # fmt: skip
    for name, f in found.items():
        shares = (f.beside.clashes, f.beside.named, f.after.clashes, f.after.named)
        table.add_row(
            name,
            *(f"{100.0 * share:.1f}" for share in shares),
            f"{f.rhythm_auc:.2f}",
            f"{f.turns_auc:.2f}",
            *(
                f"{100.0 * beside:.2f} / {100.0 * after:.2f}"
                for beside, after in (
                    (f.beside.fifths, f.after.fifths),
                    (f.beside.frozen, f.after.frozen),
                )
            ),
            f"{f.pieces[0]} / {f.pieces[1]}",
        )
    console.print(table)
    console.print(
        f"Wanted: clashes at most {100 * MOST_CLASHES:g} %, named at least "
        f"{100 * LEAST_NAMED:g} %, AUC at least {LEAST_AUC[0]} and {LEAST_AUC[1]}, "
        f"at most {100 * MOST_FIFTHS:g} parallel fifths in 100 steps, no frozen chord."
    )
