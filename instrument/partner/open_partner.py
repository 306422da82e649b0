"""Make a partner out of what the player chose: the composer is opened, the mode found."""

from __future__ import annotations

import sys
from typing import Any

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.composers.continuer import NoteModel
from instrument.composers.registry import BUILT_IN, NOTE_MODELS, find_composer, open_composer
from instrument.errors import SettingError
from instrument.music.transport import Transport
from instrument.partner.modes.accompany import Accompany
from instrument.partner.modes.answer import Answer
from instrument.partner.modes.duet import Duet
from instrument.partner.modes.loop import Loop
from instrument.partner.partner import Mode, Partner
from instrument.partner.planning.note_composer import REMEMBERED_NOTES, NoteComposer
from instrument.partner.planning.rules import RULES, PlayRules
from instrument.preset.partner_options import PartnerOptions

MODES: dict[str, type[Answer | Duet | Loop]] = {"answer": Answer, "duet": Duet, "loop": Loop}


def open_partner(options: PartnerOptions, rate_hz: float, rules: int = RULES) -> Partner:
    """Open the composer and make the partner; see `Partner`.

    Raises
    ------
    SettingError
        There is no such composer, or it does not compose note by note.
    """
    by = PlayRules(rules)
    remembers = REMEMBERED_NOTES if by.counts_forget else sys.maxsize
    network = open_note_model(options.model)
    composer = NoteComposer(network, options.model, options.seed or 0, remembers)
    transport = Transport.at_tempo(options.tempo, rate_hz, bar_beats=float(options.bar_beats))
    return Partner(
        options,
        composer,
        open_mode(options),
        transport,
        follows_clock=options.clock == "midi",
        follows_player=options.clock == "player",
        rules=by,
    )


def open_mode(options: PartnerOptions) -> Mode:
    """Make the mode; the one that accompanies opens its band.

    Raises
    ------
    SettingError
        There is no such band.
    """
    if options.mode == "accompany":
        return Accompany(open_composer(options.band), options.seed or 0)
    return MODES[options.mode]()


def open_note_model(name: str) -> NoteModel[Any] | None:
    """Open a composer that writes note by note; None for the counts alone.

    Raises
    ------
    SettingError
        There is none of that name, or it makes whole phrases.
    BundleError
        It is broken, or a sound.
    """
    bundle = _note_model_bundle(name)
    if bundle is None:
        return None
    return NOTE_MODELS[bundle.music.kind](bundle, Runtime(threads=1, device="cpu"))


def check_composers(options: PartnerOptions) -> None:
    """Find what a partner will open, so that a wrong name is told before anything starts.

    Raises
    ------
    SettingError, BundleError
        As `open_note_model`, and of the band.
    """
    _note_model_bundle(options.model)
    if options.mode == "accompany" and options.band not in BUILT_IN:
        find_composer(options.band)


def _note_model_bundle(name: str) -> Bundle | None:
    if name == "ngram":
        return None
    bundle = find_composer(name)
    if bundle.music.kind not in NOTE_MODELS:
        raise SettingError(
            f"{name} makes whole phrases and cannot answer note by note",
            "Choose a note model, such as note_lstm_tunes: latentkeys models list shows them.",
        )
    return bundle
