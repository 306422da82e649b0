"""Render the tones of a performance as they are needed, where every tone may have its own timbre.

In: the strike that sounds next and those after it. Out: its tone, as a slot of the tone table holds
it. On a GPU tones to come are rendered along with it, since several take as long as one. What was
rendered is kept while there is room, so that a timbre that stands still is rendered once per key.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from instrument.preset.preset import Preset
from instrument.rendering.open_renderer import for_sound
from instrument.rendering.renderer import ToneRenderer
from instrument.rendering.sustained_tones import whole_tones
from instrument.rendering.tone_cache import Tone
from instrument.rendering.tone_table import tone_frames

AHEAD_STRIKES = 64
"""How far ahead tones are looked for that can be rendered together."""
KEPT_NOTES = 24
"""Rendered tones that wait for their strike, or for the next one: 1.5 MB each at 48 kHz."""

Key = tuple[int, bytes, str, str]
Layers = tuple[Tone, ...]


@dataclass(frozen=True, slots=True)
class Strike:
    """A key that is struck with the sound of that moment."""

    pitch: int  #: MIDI number
    preset: Preset

    @property
    def key(self) -> Key:
        """What its tone depends on."""
        latents = np.asarray(self.preset.layer_latents, np.float32)
        sound = self.preset.sound
        return self.pitch, latents.tobytes(), sound.table_sustain, sound.manner


class TonePrefetch:
    """Whole tones, rendered when they are struck at the latest.

    Parameters
    ----------
    renderer
        Of the model that all strikes' presets belong to.
    rate_hz
        Frames per second of the tones.
    on_note
        Called for every tone rendered.
    """

    def __init__(
        self, renderer: ToneRenderer, rate_hz: int, on_note: Callable[[], None] = lambda: None
    ) -> None:
        self._renderer = renderer
        self._rate_hz = rate_hz
        self._on_note = on_note
        self._kept: dict[Key, Layers] = {}  # what was used longest ago first

    def tone(
        self, strike: Strike, coming: Iterable[Strike] = (), elsewhere: Container[Key] = ()
    ) -> Layers:
        """Return a strike's tone: one `Tone` for each velocity layer, the loud one last.

        Parameters
        ----------
        strike, coming
            What sounds now, and what sounds after it.
        elsewhere
            Tones that nobody will ask for here.
        """
        if strike.key not in self._kept:
            self._render([strike, *self._missing(strike, coming, elsewhere)])
        layers = self._kept[strike.key] = self._kept.pop(strike.key)
        while len(self._kept) > max(KEPT_NOTES, self._renderer.info.tones_at_once):
            del self._kept[next(iter(self._kept))]
        return layers

    def _missing(
        self, strike: Strike, coming: Iterable[Strike], elsewhere: Container[Key]
    ) -> list[Strike]:
        """Choose different tones to render along with one; they go on as it does."""
        missing: dict[Key, Strike] = {}
        for later in coming if self._renderer.info.tones_at_once > 1 else ():
            key = later.key
            if len(missing) + 1 >= self._renderer.info.tones_at_once:
                break
            is_new = key not in self._kept and key not in elsewhere
            if is_new and _shape(key) == _shape(strike.key):
                missing[key] = later
        missing.pop(strike.key, None)
        return list(missing.values())

    def _render(self, strikes: Sequence[Strike]) -> None:
        sound = strikes[0].preset.sound
        tones = whole_tones(
            for_sound(self._renderer, sound, self._rate_hz),
            [strike.pitch for strike in strikes],
            np.asarray([strike.preset.layer_latents for strike in strikes], np.float32),
            rate_hz=self._rate_hz,
            frames=max(tone_frames(strike.preset, self._rate_hz) for strike in strikes),
            goes_on_evenly=sound.table_sustain == "loop",
        )
        for strike, layers in zip(strikes, tones, strict=True):
            self._kept[strike.key] = layers
            self._on_note()


def _shape(key: Key) -> tuple[int, str, str]:
    """Return what tones that are rendered together must have in common."""
    return len(key[1]), key[2], key[3]
