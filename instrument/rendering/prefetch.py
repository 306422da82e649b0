"""Render the notes of a performance as they are needed, where every note may have its own timbre.

In: the strike that sounds next and those after it. Out: its note, as a slot of the note table holds
it. On a GPU notes to come are rendered along with it, since several take as long as one. What was
rendered is kept while there is room, so that a timbre that stands still is rendered once per key.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from instrument.preset.preset import Preset
from instrument.rendering.renderer import NoteRenderer
from instrument.rendering.sustained_tones import whole_notes
from instrument.rendering.tone_cache import TableNote
from instrument.rendering.tone_table import note_frames

AHEAD_STRIKES = 64
"""How far ahead notes are looked for that can be rendered together."""
KEPT_NOTES = 24
"""Rendered notes that wait for their strike, or for the next one: 1.5 MB each at 48 kHz."""

Key = tuple[int, bytes, str]
Layers = tuple[TableNote, ...]


@dataclass(frozen=True, slots=True)
class Strike:
    """A key that is struck with the sound of that moment."""

    pitch: int  #: MIDI number
    preset: Preset

    @property
    def key(self) -> Key:
        """What its note depends on."""
        sound = self.preset.sound
        return self.pitch, np.asarray(sound.latent, np.float32).tobytes(), sound.sustain


class NotesAhead:
    """Whole notes, rendered when they are struck at the latest.

    Parameters
    ----------
    renderer
        Of the model that all strikes' presets belong to.
    rate_hz
        Frames per second of the notes.
    on_note
        Called for every note rendered.
    """

    def __init__(
        self, renderer: NoteRenderer, rate_hz: int, on_note: Callable[[], None] = lambda: None
    ) -> None:
        self._renderer = renderer
        self._rate_hz = rate_hz
        self._on_note = on_note
        self._kept: dict[Key, Layers] = {}  # what was used longest ago first

    def note(
        self, strike: Strike, coming: Iterable[Strike] = (), elsewhere: Container[Key] = ()
    ) -> Layers:
        """Return a strike's note: one `TableNote` for each velocity layer, the loud one last.

        Parameters
        ----------
        strike, coming
            What sounds now, and what sounds after it.
        elsewhere
            Notes that nobody will ask for here.
        """
        if strike.key not in self._kept:
            self._render([strike, *self._missing(strike, coming, elsewhere)])
        layers = self._kept[strike.key] = self._kept.pop(strike.key)
        while len(self._kept) > max(KEPT_NOTES, self._renderer.notes_at_once):
            del self._kept[next(iter(self._kept))]
        return layers

    def _missing(
        self, strike: Strike, coming: Iterable[Strike], elsewhere: Container[Key]
    ) -> list[Strike]:
        """Choose different notes to render along with one; they go on as it does."""
        missing: dict[Key, Strike] = {}
        for later in coming if self._renderer.notes_at_once > 1 else ():
            key = later.key
            if len(missing) + 1 >= self._renderer.notes_at_once:
                break
            if key not in self._kept and key not in elsewhere and key[2] == strike.key[2]:
                missing[key] = later
        missing.pop(strike.key, None)
        return list(missing.values())

    def _render(self, strikes: Sequence[Strike]) -> None:
        notes = whole_notes(
            self._renderer,
            [strike.pitch for strike in strikes],
            np.asarray([strike.preset.sound.latent for strike in strikes], np.float32),
            rate_hz=self._rate_hz,
            frames=max(note_frames(strike.preset, self._rate_hz) for strike in strikes),
            goes_on_evenly=strikes[0].preset.sound.sustain == "loop",
        )
        for strike, layers in zip(strikes, notes, strict=True):
            self._kept[strike.key] = layers
            self._on_note()
