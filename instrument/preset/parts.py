"""Parts: several sounds under one pair of hands, beside each other on the keys or together.

In: what a player types, ``"rubber_line keys=A0-B3 level=-3"``. Out: a `SoundPart`, and its record
in the engine's memory. Each part has a MIDI channel behind the scenes, and with it a preset, a
glide and controllers of its own.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from instrument.errors import SettingError
from instrument.midi.messages import DRUM_CHANNEL
from instrument.preset.preset import find_preset, load_preset
from instrument.realtime.memory.constants import CHANNEL_COUNT, MOST_PARTS
from instrument.realtime.memory.state import EngineState
from instrument.schema import nearest

_NOTE = re.compile(r"([A-Ga-g])([#b]?)(-?[0-9])")
_KEY = r"[A-Ga-g][#b]?-?[0-9]|[0-9]{1,3}"
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_EXAMPLE = 'For example: --part "rubber_line keys=A0-B3 level=-3".'


@dataclass(frozen=True, slots=True)
class SoundPart:
    """One sound under the hands.

    Attributes
    ----------
    preset
        Its name or file; None for the one that ``--preset`` names.
    keys, velocities
        The lowest and the highest that it plays.
    channel
        The MIDI channel that it hears, 1 to 16; None for all of them but the drums'.
    level_db
        Louder or softer than the preset has it.
    """

    preset: str | None = None
    keys: tuple[int, int] = (0, 127)
    velocities: tuple[int, int] = (1, 127)
    channel: int | None = None
    level_db: float = 0.0


def parse_part(text: str) -> SoundPart:
    """Read a part as a player types it: a preset, then ``keys=``, ``velocity=`` and so on.

    Raises
    ------
    SettingError
        It names no preset, or something is not understood.
    """
    try:
        preset, *settings = shlex.split(text)
    except ValueError as problem:
        raise SettingError(f"--part {text!r} names no preset", _EXAMPLE) from problem
    part = SoundPart(preset)
    for setting in settings:
        name, equals, value = setting.partition("=")
        if name not in _SETTINGS or not equals:
            remedy = nearest(name, _SETTINGS) or f"There are {', '.join(_SETTINGS)}. {_EXAMPLE}"
            raise SettingError(f"--part {preset}: {setting!r} is not understood", remedy)
        part = replace(part, **_SETTINGS[name](value))
    return part


def parts_of(keys: str | None, more: Sequence[str]) -> tuple[SoundPart, ...]:
    """Read what was typed behind ``--keys`` and each ``--part``; none without either.

    Raises
    ------
    SettingError
        Something is not understood.
    """
    if keys is None and not more:
        return ()
    first = SoundPart(keys=parse_keys(keys)) if keys else SoundPart()
    return (first, *(parse_part(text) for text in more))


def parse_keys(text: str) -> tuple[int, int]:
    """Read two keys, as names or MIDI numbers: ``C4-C8``, ``60-108``.

    Raises
    ------
    SettingError
        They are none.
    """
    found = re.fullmatch(rf"({_KEY})-({_KEY})", text)
    ends = [_key(end) for end in found.groups()] if found else []
    if not ends or not 0 <= ends[0] <= ends[1] <= 127:
        raise SettingError(
            f"keys must be the lowest and the highest, got {text!r}",
            "For example: C4-C8, or 60-108; middle C is C4.",
        )
    return ends[0], ends[1]


def check_parts(parts: tuple[SoundPart, ...], others: int = 0) -> None:
    """Refuse more sounds than there is room for, and presets that there are not.

    Parameters
    ----------
    parts
        With the first, which is the player's own preset.
    others
        How many more presets play, such as a partner's.

    Raises
    ------
    SettingError, PresetError
        There are too many; there is no such preset.
    """
    for part in parts:
        if part.preset:
            load_preset(find_preset(part.preset))
    if len(parts) + others > MOST_PARTS:
        raise SettingError(
            f"{len(parts)} parts{' and a partner with a preset' if others else ''} are too many",
            f"There is room for {MOST_PARTS} sounds at once.",
        )


def part_channels(parts: tuple[SoundPart, ...], taken: Collection[int]) -> tuple[int, ...]:
    """Return the channel, 0-15, that each part plays on: the first that nobody else has.

    Parameters
    ----------
    taken
        What somebody else has, such as the partner.
    """
    free = [c for c in range(CHANNEL_COUNT) if c not in taken and c != DRUM_CHANNEL]
    return tuple(free[: len(parts)])


def make_room(state: EngineState, sounds: int) -> None:
    """Ask for a bank for each of so many sounds, before there is memory for tones. Control only."""
    fields = state.fields
    fields["preset_banks"] = min(max(sounds, int(fields["preset_banks"])), MOST_PARTS)


def write_part(
    state: EngineState, number: int, part: SoundPart, channel: int, taken: Collection[int]
) -> None:
    """Let a part be heard from now on. Control only.

    Parameters
    ----------
    number
        Its place, 0 for the first.
    channel
        0-15, that it plays on.
    taken
        Channels, 0-15, of somebody else's, such as drums: the part does not hear them.
    """
    heard = [part.channel - 1] if part.channel else range(CHANNEL_COUNT)
    closed = {*taken, DRUM_CHANNEL}
    record = state.fields["parts"][number]
    record["plays"] = channel
    record["lowest_key"], record["highest_key"] = part.keys
    record["lowest_velocity"], record["highest_velocity"] = part.velocities
    record["gain"] = 10.0 ** (part.level_db / 20.0)
    ears = sum(1 << heard_channel for heard_channel in heard if heard_channel not in closed)
    record["hears"] = ears  # last: from now on it hears
    state.fields["part_count"] = max(int(state.fields["part_count"]), number + 1)


def _key(text: str) -> int:
    if found := _NOTE.fullmatch(text):
        letter, accidental, octave = found.groups()
        shift = {"#": 1, "b": -1, "": 0}[accidental]
        return 12 * (int(octave) + 1) + _SEMITONES[letter.upper()] + shift
    return int(text)


def _velocities(text: str) -> dict[str, Any]:
    found = re.fullmatch(r"([0-9]{1,3})-([0-9]{1,3})", text)
    low, high = map(int, found.groups()) if found else (0, 0)
    if not 1 <= low <= high <= 127:
        raise SettingError(f"velocity must be in 1-127, lowest and highest, got {text!r}", _EXAMPLE)
    return {"velocities": (low, high)}


def _channel(text: str) -> dict[str, Any]:
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and 1 <= int(text) <= 16):
        raise SettingError(f"a part's channel must be in 1..16, got {text!r}", _EXAMPLE)
    return {"channel": int(text)}


def _level(text: str) -> dict[str, Any]:
    number = re.fullmatch(r"[-+]?[0-9]{1,3}(\.[0-9]{1,6})?", text)
    if not number or not -60.0 <= float(text) <= 12.0:
        raise SettingError(f"a part's level must be in -60..12 dB, got {text!r}", _EXAMPLE)
    return {"level_db": float(text)}


_SETTINGS: dict[str, Callable[[str], dict[str, Any]]] = {
    "keys": lambda text: {"keys": parse_keys(text)},
    "velocity": _velocities,
    "channel": _channel,
    "level": _level,
}
