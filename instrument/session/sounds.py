"""The sounds that play at once: the player's parts, and the partner's own.

In: the parts, and what was asked of a partner. Out: the channels that they play on, and the presets
that are brought besides the first.
"""

from __future__ import annotations

from functools import partial

from instrument.preset.partner_options import PartnerOptions
from instrument.preset.parts import SoundPart, make_room, part_channels, write_part
from instrument.preset.preset import find_preset
from instrument.realtime.memory.state import EngineState
from instrument.session.preset_changes import OtherPreset


def place_sounds(
    state: EngineState, parts: tuple[SoundPart, ...], partner: PartnerOptions | None
) -> tuple[tuple[int, ...], tuple[OtherPreset, ...]]:
    """Give each sound its channel and room for its tones; before the engine starts.

    Returns
    -------
    tuple
        The channel of each part, 0-15; the presets that play beside the first.

    Raises
    ------
    PresetError
        There is no such preset.
    """
    partners = partner.voice_channels if partner else ()
    channels = part_channels(parts, partners)
    others = [
        OtherPreset(
            (channel,),
            find_preset(str(part.preset)),
            partial(write_part, state, number, part, channel, partners),
        )
        for number, (part, channel) in enumerate(zip(parts, channels, strict=True))
        if number
    ]
    if partner and partner.preset and partners:
        others.append(OtherPreset(partners, find_preset(partner.preset)))
    make_room(state, 1 + len(others))
    if parts:
        write_part(state, 0, parts[0], channels[0], partners)
    return channels, tuple(others)
