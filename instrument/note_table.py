"""Fill the note table: whose note is rendered next, and how it gets into its slot.

In: a `Preset`, a `NoteRenderer`, the engine block. Out: slots that are published as soon as their
samples are complete, in the order in which hands need them: what was struck and is not there yet,
then attacks outward from the middle, then whole notes outward. Only the models process writes them.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from instrument.loop_points import bake_loop, fade_out, loop_note
from instrument.note_cache import TableNote, on_the_grid
from instrument.preset import Preset
from instrument.realtime.state import (
    HIGHEST_PITCH,
    LAYER_COUNT,
    LOUD,
    LOUD_VELOCITY,
    LOWEST_PITCH,
    SOFT,
    SOFT_VELOCITY,
    EngineState,
)
from instrument.renderer import NoteRenderer

Samples = npt.NDArray[np.float32]

PITCHES = range(LOWEST_PITCH, HIGHEST_PITCH + 1)
MIDDLE_PITCH = 62
"""Between the two hands; tables are filled outward from here."""
VELOCITIES = (SOFT_VELOCITY, LOUD_VELOCITY)

RESAMPLER_TAIL_FRAMES = 256
"""Frames at an attack's end that soxr's filter has not heard the future of; they are left out."""


def outward(pitches: range = PITCHES, middle: int = MIDDLE_PITCH) -> list[int]:
    """Order pitches by their distance from the middle, the nearest first."""
    return sorted(pitches, key=lambda pitch: (abs(pitch - middle), pitch))


@dataclass(frozen=True, slots=True)
class Job:
    """One step of filling a table: the attack or the whole of one key, in both layers."""

    pitch: int
    is_whole: bool


class TableFiller:
    """Render one preset's notes into one bank, one short step at a time.

    Belongs to the models process. A filler that starts on a half-filled bank (its process was
    restarted, or another preset came first) goes on where the last one stopped: a slot that is
    whole is left alone, and what is published of an attack stays, to the bit, the beginning of its
    whole note.

    Parameters
    ----------
    state
        The engine block; its rate must be known.
    bank
        Where to write.
    preset
        Its latent, note length and kind of sustain.
    renderer
        Renders held notes at its own rate; they are resampled when the device's differs.
    """

    def __init__(
        self, state: EngineState, bank: int, preset: Preset, renderer: NoteRenderer
    ) -> None:
        self._state = state
        self._bank = bank
        self._renderer = renderer
        self._latents = np.tile(np.asarray(preset.sound.latent, np.float32), (LAYER_COUNT, 1))
        self._goes_on_evenly = preset.sound.sustain == "loop"
        self._rate_hz = round(state.rate_hz)
        self._frames = note_frames(preset, self._rate_hz)
        self._pitches = [pitch for pitch in outward() if self._can_render(pitch)]
        self._standing_order = iter(
            [Job(pitch, is_whole) for is_whole in (False, True) for pitch in self._pitches]
        )

    def step(self) -> Job | None:
        """Render the most urgent key there is; None when the table is complete."""
        job = self._struck_while_cold() or next(
            (job for job in self._standing_order if not self._is_done(job)), None
        )
        if job:
            self._do(job)
        return job

    @property
    def attacks_are_ready(self) -> bool:
        """Every key has its attack: each sounds with its own note from now on."""
        return all(self._is_done(Job(pitch, False)) for pitch in self._pitches)

    def _can_render(self, pitch: int) -> bool:
        lowest, highest = self._renderer.pitch_range
        return lowest <= pitch <= highest

    def _struck_while_cold(self) -> Job | None:
        """Return what struck keys lack: attacks before whole notes, the latest key first."""
        wanted = self._state.wanted[self._bank]
        struck = np.argsort(wanted)[::-1][: np.count_nonzero(wanted)]
        pitches = [LOWEST_PITCH + int(index) for index in struck]
        for is_whole in (False, True):
            for pitch in pitches:
                job = Job(pitch, is_whole)
                if self._can_render(pitch) and not self._is_done(job):
                    return job
        return None

    def _is_done(self, job: Job) -> bool:
        slot = self._slot(LOUD, job.pitch)
        if job.is_whole:
            return bool(0 < slot["frames_whole"] == slot["frames_ready"])
        return bool(slot["frames_ready"] > 0)

    def _slot(self, layer: int, pitch: int) -> np.void:
        slot: np.void = self._state.slots[self._bank, layer, pitch - LOWEST_PITCH]
        return slot

    def _do(self, job: Job) -> None:
        """Write both layers, the loud one last: it is the one that announces a key."""
        soft, loud = self._render(job)
        if job.is_whole:
            for note in self._looped(job.pitch, soft, loud):
                self._keep_beginning(note)
                put_note(self._state, self._bank, note)
            return
        for layer, samples in ((SOFT, soft), (LOUD, loud)):
            self._state.write_slot(self._bank, layer, job.pitch, samples, frames_whole=self._frames)

    def _render(self, job: Job) -> tuple[Samples, Samples]:
        """Return both layers at the device's rate and on the cache's steps."""
        own_hz = self._renderer.sample_rate_hz
        frames = self._renderer.attack_frames
        if job.is_whole:
            frames = math.ceil(self._frames * own_hz / self._rate_hz)
        pitches = [job.pitch] * LAYER_COUNT
        notes = self._renderer.render(pitches, self._latents, VELOCITIES, frames)
        if own_hz != self._rate_hz:
            notes = soxr.resample(notes.T, own_hz, self._rate_hz).T
            if not job.is_whole:
                notes = notes[:, :-RESAMPLER_TAIL_FRAMES]
        soft, loud = on_the_grid(notes[:, : self._frames])
        return soft, loud

    def _looped(self, pitch: int, soft: Samples, loud: Samples) -> tuple[TableNote, TableNote]:
        """Find the loud layer's loop; the soft one follows it, as both are read at one position."""
        looped = loop_note(loud, self._rate_hz, 440.0 * 2 ** ((pitch - 69) / 12))
        start, end = looped.loop_start, looped.loop_end
        if end:
            soft, _ = bake_loop(soft, self._rate_hz, start)
        else:
            soft = fade_out(soft[: len(looped.samples)], self._rate_hz)
        decay = 1.0 if self._goes_on_evenly else looped.decay_per_frame
        return (
            TableNote(SOFT, pitch, on_the_grid(soft), start, end, decay),
            TableNote(LOUD, pitch, on_the_grid(looped.samples), start, end, decay),
        )

    def _keep_beginning(self, note: TableNote) -> None:
        """Take over what is published already; another graph's rounding must not change it."""
        begun = int(self._slot(note.layer, note.pitch)["frames_ready"])
        published = self._state.notes[self._bank, note.layer, note.pitch - LOWEST_PITCH, :begun]
        note.samples[:begun] = published[: len(note.samples)]


def note_frames(preset: Preset, rate_hz: int) -> int:
    """Frames that a preset's notes are rendered for."""
    return round(preset.sound.note_seconds * rate_hz)


def put_note(state: EngineState, bank: int, note: TableNote) -> None:
    """Publish a complete note."""
    state.write_slot(
        bank,
        note.layer,
        note.pitch,
        note.samples,
        loop=(note.loop_start, note.loop_end) if note.loop_end else None,
        loop_decay_per_frame=note.loop_decay_per_frame,
        gain=note.gain,
    )


def read_table(state: EngineState, bank: int) -> list[TableNote]:
    """Return a bank's complete notes, the middle first; their samples are views of the pool."""
    notes = []
    for pitch, layer in itertools.product(outward(), (SOFT, LOUD)):
        slot = state.slots[bank, layer, pitch - LOWEST_PITCH]
        samples = state.notes[bank, layer, pitch - LOWEST_PITCH, : int(slot["frames_ready"])]
        if not len(samples):
            continue  # outside the model's range
        notes.append(
            TableNote(
                layer,
                pitch,
                samples,
                int(slot["loop_start"]),
                int(slot["loop_end"]),
                float(slot["loop_decay_per_frame"]),
                float(slot["gain"]),
            )
        )
    return notes
