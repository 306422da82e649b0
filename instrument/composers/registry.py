"""Every kind of composer, and how one is found by name.

`COMPOSERS` and `NOTE_MODELS` name the function that opens a bundle, by the ``kind`` on its card.
Two composers need no bundle: "ngram", which counts and learns from what it hears, and "echo".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instrument.bundle.bundle import Bundle
from instrument.bundle.card import CARD_NAME, ComposerCard, read_card
from instrument.bundle.inference import Runtime
from instrument.bundle.installed import installed_models, user_models_folder
from instrument.composers.chorale_lstm.chorale_lstm import open_chorale_lstm
from instrument.composers.continuer import EchoContinuer, NoteModel, PhraseContinuer
from instrument.composers.crnngan.crnngan import open_crnngan
from instrument.composers.crnngan.simple import open_crnngan_simple
from instrument.composers.ensemble_lstm.composer import EnsembleComposer
from instrument.composers.ensemble_lstm.ensemble_lstm import EnsembleLSTM, open_ensemble_lstm
from instrument.composers.ensemble_lstm.likelihood import LikelihoodJudge
from instrument.composers.musegan.musegan import open_musegan
from instrument.composers.ngram.ngram import NgramModel
from instrument.composers.note_lstm.note_lstm import open_note_lstm
from instrument.composers.protocols import Composer
from instrument.composers.symbol_lstm.attention_lstm import open_attention_lstm
from instrument.composers.symbol_lstm.stacked_lstm import open_stacked_lstm
from instrument.errors import LatentkeysError, SettingError
from instrument.files import is_file
from instrument.schema import nearest

#: Composers that give note after note, as live play needs them.
NOTE_MODELS: dict[str, Callable[[Bundle, Runtime], NoteModel[Any]]] = {
    "note_lstm": open_note_lstm,
    "ensemble_lstm": open_ensemble_lstm,
    "attention_lstm": open_attention_lstm,
    "stacked_lstm": open_stacked_lstm,
}
#: Composers that make phrases in their own way.
COMPOSERS: dict[str, Callable[[Bundle, Runtime], Composer]] = {
    "chorale_lstm": open_chorale_lstm,
    "crnngan": open_crnngan,
    "crnngan_simple": open_crnngan_simple,
    "musegan": open_musegan,
}
JUDGE = "ensemble_lstm"
"""Who ranks a MuseGAN's candidates: what a GAN prefers is no likelihood."""
BUILT_IN = {
    "ngram": "counts which notes follow which, and learns from the prompt; needs no model",
    "echo": "plays the prompt again; for trying things out",
}
#: What the built-in ones can be asked for, as a card's conditions say it of the others.
BUILT_IN_CONDITIONS = {"ngram": ("key", "register", "max_length")}


@dataclass(frozen=True, slots=True)
class ComposerEntry:
    """One line of the list of composers.

    Attributes
    ----------
    name
        What ``--model`` takes.
    kind
        As on the card; "built in" without one.
    origin
        "yours", "shipped" or "".
    description
        One sentence; what is wrong with it where it cannot be opened.
    """

    name: str
    kind: str
    origin: str
    description: str


def open_composer(name: str) -> Composer:
    """Find a composer by name, the user's before the shipped ones, and open it on one thread.

    Raises
    ------
    SettingError
        There is none of that name.
    BundleError
        It is a sound, or fails a check.
    """
    if name == "echo":
        return EchoContinuer()
    if name == "ngram":
        return PhraseContinuer(NgramModel(), name)
    return composer_of(find_composer(name))


def composer_of(bundle: Bundle) -> Composer:
    """Open a bundle as a composer, on one thread of the CPU.

    Raises
    ------
    BundleError
        It is a sound, or a graph differs from the card.
    """
    kind, runtime = bundle.music.kind, Runtime(threads=1, device="cpu")
    if kind in NOTE_MODELS:
        model = NOTE_MODELS[kind](bundle, runtime)
        if isinstance(model, EnsembleLSTM):
            return EnsembleComposer(model, bundle.card.name)
        is_monophonic = len(bundle.music.voices) == 1 and bundle.music.voices[0] == "melody"
        return PhraseContinuer(model, bundle.card.name, is_monophonic)
    return COMPOSERS[kind](bundle, runtime)


def open_judge(composer: str, asked: str | None = None) -> LikelihoodJudge | None:
    """Open who ranks a composer's candidates by how likely they are to it.

    Parameters
    ----------
    composer
        By name; nobody is asked for one that gives likelihoods itself, unless `asked` says so.
    asked
        The judge's name, or "none"; `JUDGE`, where it is installed, without it.

    Raises
    ------
    SettingError
        There is no such composer, or it cannot say how likely something is.
    BundleError
        Its bundle is broken.
    """
    if asked == "none" or (asked is None and not _wants_judge(composer)):
        return None
    bundle = find_composer(asked or JUDGE)
    if bundle.music.kind != "ensemble_lstm":
        raise SettingError(
            f"{asked} cannot say how likely something is beside what you play",
            f"--judge takes {JUDGE}, your own ensemble LSTM, or none.",
        )
    return LikelihoodJudge(open_ensemble_lstm(bundle, Runtime(threads=1, device="cpu")))


def _wants_judge(composer: str) -> bool:
    if composer in BUILT_IN or JUDGE not in {entry.name for entry in list_composers()}:
        return False
    return find_composer(composer).music.kind == "musegan"


def find_composer(name: str) -> Bundle:
    """Find a composer's bundle by its name or its folder.

    Raises
    ------
    SettingError
        There is none of that name.
    BundleError
        It is a sound, or a file fails a check.
    """
    folder = installed_models().get(name, Path(name))
    if is_file(folder / CARD_NAME):
        bundle = Bundle.load(folder)
        _ = bundle.music  # a sound is refused here
        return bundle
    names = [entry.name for entry in list_composers()]
    have = f"There are: {', '.join(names)}."
    raise SettingError(
        f"there is no composer {name[:80]!r}", f"{nearest(name, names)} {have}".strip()
    )


def list_composers() -> list[ComposerEntry]:
    """List everything that ``--model`` takes; a broken bundle says what is wrong with it."""
    found = {
        name: ComposerEntry(name, "built in", "", description)
        for name, description in BUILT_IN.items()
    }
    for name, folder in installed_models().items():
        entry = _entry(name, folder)
        if entry is not None:
            found.setdefault(name, entry)
    return list(found.values())


def _entry(name: str, folder: Path) -> ComposerEntry | None:
    """Return a bundle's line; None for a voice, or a folder that is no bundle."""
    if not (folder / CARD_NAME).is_file():
        return None
    origin = "yours" if folder.parent == user_models_folder() else "shipped"
    try:
        card = read_card(folder / CARD_NAME, f'bundle "{name}", {CARD_NAME}')
    except LatentkeysError as problem:
        return ComposerEntry(name, "broken", origin, problem.message)
    if not isinstance(card, ComposerCard):
        return None
    return ComposerEntry(name, card.kind, origin, card.description)
