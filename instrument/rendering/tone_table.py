"""Fill the tone table: whose tone is rendered next, and how it gets into its slot.

In: a `Preset`, a `ToneRenderer`, the engine block. Out: slots that are published as soon as their
samples are complete, in the order in which hands need them: what was struck and is not there yet,
then attacks outward from the middle, then whole tones: one per octave, so that every key has one
that can stand in for it, and the others outward. Only the models process writes them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from instrument.preset.preset import Preset
from instrument.realtime.memory.constants import (
    FARTHEST_WHOLE,
    HIGHEST_PITCH,
    LOUD,
    LOWEST_PITCH,
    SOFT,
)
from instrument.realtime.memory.state import EngineState
from instrument.rendering.renderer import ToneRenderer
from instrument.rendering.sustained_tones import (
    attacks,
    even_gain,
    held_frames,
    layers_of,
    nearest_pitch,
    whole_tones,
)
from instrument.rendering.tone_cache import Tone

Samples = npt.NDArray[np.float32]

PITCHES = range(LOWEST_PITCH, HIGHEST_PITCH + 1)
MIDDLE_PITCH = 62
"""Between the two hands; tables are filled outward from here."""


def outward() -> list[int]:
    """Order the keys by their distance from the middle, the nearest first."""
    return sorted(PITCHES, key=_distance)


@dataclass(frozen=True, slots=True)
class Job:
    """One step of filling a table: the attacks or the whole tones of some keys."""

    pitches: tuple[int, ...]
    is_whole: bool


class TableFiller:
    """Render one preset's tones into one bank, one short step at a time.

    Belongs to the models process. A filler that starts on a half-filled bank (its process was
    restarted, or another preset came first) goes on where the last one stopped: a slot that is
    whole is left alone, and what is published of an attack stays, to the bit, the beginning of its
    whole tone.

    Keys that the model has no pitch for come with the whole tone of the nearest that it has; until
    then the kernel lets a neighbour stand in.

    Parameters
    ----------
    state
        The engine block; its rate must be known.
    bank
        Where to write.
    preset
        Its latent, tone length and kind of sustain.
    renderer
        Renders held tones at its own rate; they are resampled when the device's differs.
    """

    def __init__(
        self, state: EngineState, bank: int, preset: Preset, renderer: ToneRenderer
    ) -> None:
        self._state = state
        self._bank = bank
        self._renderer = renderer
        self._latents = np.asarray(preset.layer_latents, np.float32)
        self._goes_on_evenly = preset.sound.table_sustain == "loop"
        self._rate_hz = round(state.rate_hz)
        self._frames = held_frames(renderer, self._rate_hz, tone_frames(preset, self._rate_hz))
        self._keys_of: dict[int, list[int]] = {}  # by the pitch that is rendered for them
        for pitch in outward():
            self._keys_of.setdefault(nearest_pitch(renderer, pitch), []).append(pitch)
        self._own = [pitch for pitch in outward() if pitch in self._keys_of]
        self._standing_order = iter(self._order(renderer.info.tones_at_once))

    def step(self) -> Job | None:
        """Render the most urgent keys there are; None when the table is complete."""
        job = self._struck_while_cold() or self._next_in_order()
        if job:
            self._do(job)
        return job

    @property
    def attacks_are_ready(self) -> bool:
        """Every key that the model has sounds with its own tone from now on."""
        return all(self._is_done(pitch, False) for pitch in self._own)

    def _order(self, at_once: int) -> list[Job]:
        """List all jobs: attacks, then whole tones."""
        attacks = [Job(group, False) for group in _groups(self._own, at_once)]
        wholes = [
            Job(tuple(key for pitch in group for key in self._keys_of[pitch]), True)
            for group in _groups(self._stand_ins_first(), at_once)
        ]
        return attacks + wholes

    def _stand_ins_first(self) -> list[int]:
        """Order rendered pitches so that soon a whole tone is near enough to stand in anywhere."""
        ends = {min(self._keys_of), max(self._keys_of)}
        order = sorted(self._keys_of, key=_distance)
        first = [
            pitch
            for pitch in order
            if (pitch - MIDDLE_PITCH) % FARTHEST_WHOLE == 0
            or (pitch in ends and len(self._keys_of[pitch]) > 1)
        ]
        return first + [pitch for pitch in order if pitch not in first]

    def _next_in_order(self) -> Job | None:
        for job in self._standing_order:
            left = tuple(pitch for pitch in job.pitches if not self._is_done(pitch, job.is_whole))
            if left:
                return Job(left, job.is_whole)
        return None

    def _struck_while_cold(self) -> Job | None:
        """Return what a struck key lacks: attacks before whole tones, the latest key first."""
        wanted = self._state.wanted[self._bank]
        struck = np.argsort(wanted)[::-1][: np.count_nonzero(wanted)]
        pitches = [LOWEST_PITCH + int(index) for index in struck]
        for is_whole in (False, True):
            for pitch in pitches:
                if (is_whole or pitch in self._own) and not self._is_done(pitch, is_whole):
                    return Job((pitch,), is_whole)
        return None

    def _is_done(self, pitch: int, is_whole: bool) -> bool:
        slot = self._slot(LOUD, pitch)
        if is_whole:
            return bool(0 < slot["frames_whole"] == slot["frames_ready"])
        return bool(slot["frames_ready"] > 0)

    def _slot(self, layer: int, pitch: int) -> np.void:
        slot: np.void = self._state.slots[self._bank, layer, pitch - LOWEST_PITCH]
        return slot

    def _do(self, job: Job) -> None:
        """Render keys and publish their layers, the loud one last: it announces a key."""
        latents = np.tile(self._latents, (len(job.pitches), 1, 1))
        if job.is_whole:
            self._publish_whole(job.pitches, latents)
            return
        rendered = attacks(
            self._renderer, job.pitches, latents, rate_hz=self._rate_hz, frames=self._frames
        )
        for pitch, layers in zip(job.pitches, rendered, strict=True):
            is_even = self._renderer.info.keeps_levels
            gain = 1.0 if is_even else even_gain(layers[-1], self._rate_hz)
            for layer, samples in zip(layers_of(self._renderer), layers, strict=True):
                self._state.write_slot(
                    self._bank,
                    layer,
                    pitch,
                    samples,
                    frames_whole=self._frames,
                    gain=gain,
                )

    def _publish_whole(self, pitches: Sequence[int], latents: Samples) -> None:
        tones = whole_tones(
            self._renderer,
            pitches,
            latents,
            rate_hz=self._rate_hz,
            frames=self._frames,
            goes_on_evenly=self._goes_on_evenly,
        )
        for tone in itertools.chain.from_iterable(tones):
            self._keep_beginning(tone)
            put_tone(self._state, self._bank, tone)

    def _keep_beginning(self, tone: Tone) -> None:
        """Take over what is published already; another graph's rounding must not change it."""
        begun = int(self._slot(tone.layer, tone.pitch)["frames_ready"])
        published = self._state.tones[self._bank, tone.layer, tone.pitch - LOWEST_PITCH, :begun]
        tone.samples[:begun] = published[: len(tone.samples)]


def tone_frames(preset: Preset, rate_hz: int) -> int:
    """Frames that a preset's tones are rendered for."""
    return round(preset.sound.note_seconds * rate_hz)


def put_tone(state: EngineState, bank: int, tone: Tone) -> None:
    """Publish a complete tone."""
    state.write_slot(
        bank,
        tone.layer,
        tone.pitch,
        tone.samples,
        loop=(tone.loop_start, tone.loop_end) if tone.loop_end else None,
        loop_decay_per_frame=tone.loop_decay_per_frame,
        gain=tone.gain,
    )


def read_table(state: EngineState, bank: int) -> list[Tone]:
    """Return a bank's complete tones, the middle first; their samples are views of the pool."""
    tones = []
    for pitch, layer in itertools.product(outward(), (SOFT, LOUD)):
        slot = state.slots[bank, layer, pitch - LOWEST_PITCH]
        samples = state.tones[bank, layer, pitch - LOWEST_PITCH, : int(slot["frames_ready"])]
        if not len(samples):
            continue  # a layer that the model does not have
        tones.append(
            Tone(
                layer,
                pitch,
                samples,
                int(slot["loop_start"]),
                int(slot["loop_end"]),
                float(slot["loop_decay_per_frame"]),
                float(slot["gain"]),
            )
        )
    return tones


def _distance(pitch: int) -> tuple[int, int]:
    return abs(pitch - MIDDLE_PITCH), pitch


def _groups(pitches: Sequence[int], size: int) -> list[tuple[int, ...]]:
    return [tuple(pitches[at : at + size]) for at in range(0, len(pitches), size)]
