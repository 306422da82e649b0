"""Voices for the held notes of one preset: what was seen of its keys, at both ends of its slide.

In: a preset of a frame voice, and which note. Out: `HeldVoice`, and `SlidVoice` for what the note's
slide adds. A key is looked at once, which takes longer than half a second of it; what was looked at
last is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from instrument.bundle.bundle import Bundle
from instrument.preset.preset import Preset
from instrument.rendering.frame_voice import motion_of
from instrument.rendering.held.partials import (
    BINS,
    HOP_FRAMES,
    RATE_HZ,
    Floats,
    HeldPartials,
    PartialsProbe,
)
from instrument.rendering.held.voice import After, Before, HeldVoice, SlidVoice, StreamedNote
from instrument.rendering.k_weighting import k_response

EARLY_SECONDS = (0.08, 0.3)
"""When a tone is looked at besides, for slides that go up before it is held evenly."""
LATER_SECONDS = ((1.0, 2.5), (5.0, 8.0))
"""How long after that, for what goes on dying away."""

_HOPS_PER_SECOND = RATE_HZ / HOP_FRAMES
_KEPT = 88  # keys

Seen = TypeVar("Seen")
End = tuple[HeldPartials, Before, After | None]


class HeldSource:
    """The held notes of a preset. Belongs to one thread.

    Parameters
    ----------
    preset
        Whose.
    bundle
        Its model.
    probes
        Models that are open already, and this one once it is, by their bundle's sha256.

    Attributes
    ----------
    drawn_hops : int
        So far the preset's tables have noise.
    """

    def __init__(
        self, preset: Preset, bundle: Bundle, probes: dict[str, PartialsProbe] | None = None
    ) -> None:
        self._latent = np.asarray(preset.sound.latent, np.float32)
        self._soft = np.asarray(preset.soft.latent, np.float32) if preset.soft else None
        slide = preset.slide.latent if preset.slide else preset.sound.latent
        self._far_latent = np.asarray(slide, np.float32)
        self._motion = preset.sound.motion
        self._bundle = bundle
        self._probes = {} if probes is None else probes
        self._rings = preset.sound.sustain == "ring"
        self._keys: dict[tuple[int, float], tuple[HeldPartials, After | None]] = {}
        self._ends: dict[tuple[int, float], tuple[End, End]] = {}
        self.drawn_hops = round(preset.sound.note_seconds * RATE_HZ) // HOP_FRAMES + 1

    def has_model(self, bundle: Bundle) -> bool:
        """Whether a bundle is this preset's."""
        return bundle.sha256 == self._bundle.sha256

    def turned_to(self, preset: Preset) -> HeldSource:
        """Return the source of another preset of the same model, for notes of this one's tables."""
        turned = HeldSource(preset, self._bundle, self._probes)
        turned.drawn_hops = self.drawn_hops
        return turned

    @property
    def is_open(self) -> bool:
        """Whether the model is."""
        return self._bundle.sha256 in self._probes

    def open(self) -> PartialsProbe:
        """Open the model, or return what is open.

        Raises
        ------
        BundleError
            The model has no such graph, or it does not run here.
        """
        if not self.is_open:
            self._probes[self._bundle.sha256] = PartialsProbe(self._bundle)
        return self._probes[self._bundle.sha256]

    def voice(self, note: StreamedNote, seconds: float) -> HeldVoice:
        """Return a note that sounds on as its key does so long after its strike.

        Raises
        ------
        BundleError
            The model fails.
        """
        near, after = self._near(note.pitch, seconds)
        return HeldVoice(near, note, self.open().seed, self.drawn_hops, after=after)

    def slid_voice(self, note: StreamedNote, seconds: float) -> SlidVoice:
        """Return what such a note's slide adds to it, all the way up.

        Raises
        ------
        BundleError
            The model fails.
        """
        ends = self.look_at_slide(note.pitch, seconds)
        near, far = (
            HeldVoice(partials, note, self.open().seed, self.drawn_hops, before, after)
            for partials, before, after in ends
        )
        return SlidVoice(near, far, _loudness_gain(ends[0][0], ends[1][0], note.weights))

    @property
    def slides(self) -> bool:
        """Whether the preset has a way to slide, and the model is open."""
        return self.is_open and not np.array_equal(self._latent, self._far_latent)

    def knows_slide(self, pitch: int, seconds: float) -> bool:
        """Whether `slid_voice` would not have to look."""
        return (pitch, seconds) in self._ends

    def look_at_slide(self, pitch: int, seconds: float) -> tuple[End, End]:
        """Return what a key plays at both ends of its slide.

        Raises
        ------
        BundleError
            The model fails.
        """
        return _seen(self._ends, (pitch, seconds), lambda: self._look_at_ends(pitch, seconds))

    def _near(self, pitch: int, seconds: float) -> tuple[HeldPartials, After | None]:
        return _seen(self._keys, (pitch, seconds), lambda: self._look_near(pitch, seconds))

    def _look_near(self, pitch: int, seconds: float) -> tuple[HeldPartials, After | None]:
        motion = self._motion * motion_of(pitch)
        partials = self.open().look(pitch, self._latent, motion, seconds, soft=self._soft)
        return partials, self._after(pitch, seconds, self._latent, partials, self._soft)

    def _after(
        self,
        pitch: int,
        seconds: float,
        latent: Floats,
        partials: HeldPartials,
        soft: Floats | None = None,
    ) -> After | None:
        """Look at how a tone dies away, if it does."""
        if not self._rings:
            return None
        moments = [(seconds + one, seconds + other) for one, other in LATER_SECONDS]
        seen = [self.open().look_at(pitch, latent, partials, pair, soft) for pair in moments]
        hops = np.asarray([seconds, *np.ravel(moments)]) * _HOPS_PER_SECOND
        amplitudes, noise = zip(*seen, strict=True)
        return After(hops, np.concatenate(amplitudes), np.concatenate(noise))

    def _look_at_ends(self, pitch: int, seconds: float) -> tuple[End, End]:
        probe = self.open()
        near, _ = self._near(pitch, seconds)
        motion = self._motion * motion_of(pitch)
        far = probe.look(pitch, self._far_latent, motion, seconds, tuned_as=self._latent)
        early = min(EARLY_SECONDS[0], seconds / 4.0), min(EARLY_SECONDS[1], seconds / 2.0)
        hops = np.asarray([*early, seconds]) * _HOPS_PER_SECOND

        def end(latent: Floats, partials: HeldPartials, soft: Floats | None) -> End:
            before = Before(hops, *probe.look_at(pitch, latent, partials, early, soft))
            return partials, before, self._after(pitch, seconds, latent, partials, soft)

        return end(self._latent, near, self._soft), end(self._far_latent, far, None)


def _seen(
    known: dict[tuple[int, float], Seen], key: tuple[int, float], look: Callable[[], Seen]
) -> Seen:
    """Return what is known, or look; what was looked at first is forgotten first."""
    if key not in known:
        known[key] = look()
        if len(known) > _KEPT:
            del known[next(iter(known))]
    return known[key]


def _loudness_gain(near: HeldPartials, far: HeldPartials, weights: tuple[float, float]) -> float:
    """Return the gain that makes the far end as loud, as ITU-R BS.1770 weighs it."""
    return float(np.sqrt(_power(near, weights) / max(_power(far, weights), 1e-20)))


def _power(partials: HeldPartials, weights: tuple[float, float]) -> float:
    """Return the weighted power of a tone: its partials with their copies, and its noise."""
    shares: Floats = np.asarray(weights, np.float32)
    level, noise = shares @ partials.amplitudes, shares @ partials.noise
    own = 0.5 * np.square(level) * (1.0 + 2.0 * np.square(partials.depth))
    tonal = own @ k_response(partials.cycles * RATE_HZ)
    bins_hz = np.arange(BINS, dtype=np.float64) * (RATE_HZ / 2.0 / BINS)
    return float(tonal + np.square(noise) @ k_response(bins_hz) / BINS)
