"""A timbre that moves while a piece is played: which sound a note has that starts at a given time.

In: presets at times (``--morph``), or a pace at which random sounds follow one another
(``--random-timbres``). Out: a `TimbrePath`, which gives the preset of any moment. The latent moves
by `latent.between` from one to the next in time, every other number of two presets in a straight
line.
`Morph.evened` lets what is heard change at one pace.

This is the timbre interpolation of Engel et al., "GANSynth" (ICLR 2019), as Magenta's script
gansynth_generate.py does it, with one difference. The script spreads int(length / 6 s) instruments
over a piece, which is none below 6 s and one, with a division by zero, below 12 s. Here random
sounds stand at 0 s, 6 s, 12 s …, so that every file has as many as it needs.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from instrument.bundle.bundle import Bundle
from instrument.bundle.card import VoiceCard
from instrument.errors import SettingError
from instrument.latents.create_preset import mixed
from instrument.latents.even_way import EvenWay, heard_way
from instrument.latents.latent import Latent, between, draw, slerp
from instrument.preset.preset import Preset
from instrument.rendering.renderer import ToneRenderer

FASTEST_SECONDS = 0.1
MORE_THAN_A_SEED = 2**31
_TIME = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6}(?:\.\d{1,6})?)")
_PACE = re.compile(r"(?:every=)?(\d{1,6}(?:\.\d{1,6})?)s?")
_MORPH_EXAMPLE = "For example: --morph 'glass_choir@0:00,felt_grand@0:30'"


class TimbrePath(Protocol):
    """Which sound a note has."""

    def at(self, seconds: float) -> Preset:
        """Return the preset of a note that starts `seconds` after the beginning."""
        ...


@dataclass(frozen=True, slots=True)
class TimbrePoint:
    """A preset that is reached at one moment."""

    seconds: float
    preset: Preset


class Morph:
    """Presets at times; before the first and after the last nothing moves.

    Parameters
    ----------
    points
        At least one, all of one model, each later than the one before.
    card
        The model's.
    ways
        How the latent goes from each point to the next; without them at the latent's own pace, as
        in Magenta's script.
    """

    def __init__(
        self, points: Sequence[TimbrePoint], card: VoiceCard, ways: Sequence[EvenWay] = ()
    ) -> None:
        assert points and all(a.seconds < b.seconds for a, b in pairwise(points))
        self._points = tuple(points)
        self._times = [point.seconds for point in points]
        self._card = card
        self._ways = tuple(ways) or (EvenWay(),) * (len(points) - 1)

    def evened(self, renderer: ToneRenderer) -> Morph:
        """Return the same morph on which every second changes as much as the others.

        Parameters
        ----------
        renderer
            Of this model: it renders the sounds on the way, some seconds of work for each.
        """
        latents = [point.preset.sound.latent for point in self._points]
        ways = [EvenWay(heard_way(renderer, self._card, *pair)) for pair in pairwise(latents)]
        return Morph(self._points, self._card, ways)

    def at(self, seconds: float) -> Preset:
        """Return the preset of a note that starts `seconds` after the beginning."""
        after = bisect.bisect_right(self._times, seconds)
        if after == 0 or after == len(self._points):
            return self._points[max(after - 1, 0)].preset
        a, b = self._points[after - 1 : after + 1]
        amount = (seconds - a.seconds) / (b.seconds - a.seconds)
        start, end = a.preset.sound.latent, b.preset.sound.latent
        on_the_way = self._ways[after - 1].amount(amount)
        latent = between(self._card, start, end, on_the_way)
        return with_latent(mixed(a.preset, b.preset, amount), latent)


class RandomTimbres:
    """A draw from the model's prior every so often; the k-th is the draw of seed + k.

    Parameters
    ----------
    preset
        Everything but the latent.
    card
        The model's.
    pace_seconds
        From one draw to the next.
    seed
        Of the first.
    truncation, sharpness
        See `latent.draw`.
    """

    def __init__(
        self,
        preset: Preset,
        card: VoiceCard,
        pace_seconds: float,
        seed: int,
        truncation: float = 1.0,
        sharpness: float | None = None,
    ) -> None:
        self._preset = preset
        self._card = card
        self._pace_seconds = pace_seconds
        self._seed = seed
        self._truncation = truncation
        self._sharpness = sharpness

    def at(self, seconds: float) -> Preset:
        """Return the preset of a note that starts `seconds` after the beginning."""
        number, amount = divmod(max(seconds, 0.0) / self._pace_seconds, 1.0)
        start, end = (self._draw(int(number) + step) for step in (0, 1))
        return with_latent(self._preset, slerp(start, end, amount, self._card.prior))

    def _draw(self, number: int) -> Latent:
        seed = (self._seed + number) % MORE_THAN_A_SEED
        return draw(self._card, seed, self._truncation, self._sharpness)


def with_latent(preset: Preset, latent: Latent) -> Preset:
    """Give a preset another place in its model's latent space, for soft notes as well."""
    numbers = tuple(float(number) for number in latent)
    return replace(preset, recipe=None, soft=None, sound=replace(preset.sound, latent=numbers))


def check_morph(
    points: Sequence[tuple[float, Preset, Bundle]], length_seconds: float
) -> list[TimbrePoint]:
    """Check that a morph's presets belong to one model and are reached before the piece ends.

    Parameters
    ----------
    points
        Time, preset and its model; in the order of the command line.
    length_seconds
        Of the piece.

    Raises
    ------
    SettingError
        They are of different models, out of order, or later than the end.
    """
    _, first, model = points[0]
    for seconds, preset, bundle in points:
        if bundle.weights_sha256 != model.weights_sha256:
            raise SettingError(
                f"--morph: {first.name} belongs to the model {model.card.name} and {preset.name} "
                f"to {bundle.card.name}; there is nothing between two models",
                "Choose presets of one model; `latentkeys presets show NAME` names it.",
            )
        if seconds > length_seconds:
            raise SettingError(
                f"--morph: {preset.name}@{clock(seconds)} is later than the end of the piece, "
                f"which lasts {clock(length_seconds)}",
                "Choose an earlier time.",
            )
    return [TimbrePoint(seconds, preset) for seconds, preset, _ in points]


def parse_morph(text: str) -> list[tuple[str, float]]:
    """Read ``PRESET@0:00,PRESET@0:30``: names and seconds, in order of time.

    Raises
    ------
    SettingError
        A name or a time is missing or wrong, or the times do not rise.
    """
    points = []
    for item in text.split(","):
        name, at, time = item.strip().rpartition("@")
        if not at or not name.strip():
            raise SettingError(
                f"--morph: {item.strip()!r} must be a preset and its time, PRESET@M:SS",
                _MORPH_EXAMPLE,
            )
        points.append((name.strip(), _seconds(time.strip(), item.strip())))
    for (_, before), (name, seconds) in pairwise(points):
        if seconds <= before:
            raise SettingError(
                f"--morph: times must rise, but {name}@{clock(seconds)} comes after "
                f"{clock(before)}",
                "Write the presets in the order in which they sound.",
            )
    return points


def parse_pace(text: str) -> float:
    """Read ``every=6s``: seconds from one random sound to the next.

    Raises
    ------
    SettingError
        It is no such text, or faster than `FASTEST_SECONDS`.
    """
    found = _PACE.fullmatch(text.strip().lower())
    seconds = float(found[1]) if found else 0.0
    if seconds < FASTEST_SECONDS:
        raise SettingError(
            f"--random-timbres must be a pace of at least {FASTEST_SECONDS:g} s, got {text!r}",
            "For example: --random-timbres every=6s",
        )
    return seconds


def clock(seconds: float) -> str:
    """Say a time as M:SS, with hundredths where there are any."""
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    fraction = f".{rest % 100:02d}" if rest % 100 else ""
    return f"{minutes}:{rest // 100:02d}{fraction}"


def _seconds(text: str, item: str) -> float:
    found = _TIME.fullmatch(text)
    hours, minutes, seconds = found.groups() if found else (None, None, None)
    if seconds is None or (minutes is not None and float(seconds) >= 60):
        raise SettingError(
            f"--morph: the time in {item!r} must be M:SS, H:MM:SS or seconds, got {text!r}",
            _MORPH_EXAMPLE,
        )
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
