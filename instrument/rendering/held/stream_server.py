"""Render held notes on, beside the engine: what the kernel asks for in `EngineState.streams`.

In: rings that voices hold, and the presets of their banks. Out: half seconds of sound in those
rings, the most urgent first, at least half a second ahead. Called by the models process between its
other work, and by whoever renders without a device before every block, so that there nothing is
ever late.

What a ring holds depends on the preset, the key, the voice's number and weights, and on nothing
that happened: another process, or a file rendered tomorrow, writes the same samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from instrument.bundle.bundle import Bundle
from instrument.preset.preset import Preset
from instrument.realtime.memory.constants import (
    CHUNK_SECONDS,
    FREE,
    LOUD,
    LOWEST_PITCH,
    STREAM_CHUNKS,
)
from instrument.rendering.held.note_chunks import MARGIN_HOPS, AnyVoice, chunk_of
from instrument.rendering.held.partials import HOP_FRAMES, RATE_HZ, PartialsProbe
from instrument.rendering.held.source import HeldSource
from instrument.rendering.held.spliced_voice import SplicedSource
from instrument.rendering.held.stream_state import StreamState
from instrument.rendering.held.voice import StreamedNote

AHEAD_CHUNKS = 2
"""A note has so many half seconds before it, or gets another one."""
MORPH_SECONDS = 0.02
"""A note that is morphed sounds so far ahead as it did, and a block more: the time to write."""
CROSS_SECONDS = 0.03
KEPT_SECONDS = 0.3
"""So much of it is rendered at once."""
STREAMED_KIND, SPLICED_KIND = "frame_voice", "gansynth"
"""Whose held notes are rendered anew, and whose tones are gone through in another order."""

_BEFORE_FRAMES = 64  # that a voice reads behind itself: its interpolation, and its ghost's

assert AHEAD_CHUNKS + 1 < STREAM_CHUNKS, "a chunk must not overwrite what is being read"


class StreamServer:
    """Serve the held notes of some banks. Belongs to one thread.

    Parameters
    ----------
    state
        The engine block.
    probes
        Models that are open already, and those that will be, by their bundle's sha256.
    """

    def __init__(self, state: StreamState, probes: dict[str, PartialsProbe] | None = None) -> None:
        self._state = state
        self._probes = {} if probes is None else probes
        self._sources: dict[int, HeldSource | SplicedSource] = {}
        self._notes: dict[int, _Note] = {}

    def play(self, bank: int, preset: Preset, bundle: Bundle) -> None:
        """Serve a bank from now on, or no more if its preset does not stream."""
        self._sources.pop(bank, None)
        whole = [part * self._state.rate_hz for part in (CHUNK_SECONDS, MARGIN_HOPS / 100)]
        fits = all(frames == round(frames) for frames in whole)
        if preset.sound.is_streamed and bundle.sound.kind == STREAMED_KIND and fits:
            self._sources[bank] = HeldSource(preset, bundle, self._probes)
        if preset.sound.sustain == "stream" and bundle.sound.kind == SPLICED_KIND:
            self._sources[bank] = SplicedSource(self._state, bank)

    def morph(self, bank: int, preset: Preset, bundle: Bundle) -> None:
        """Let the notes that a bank streams go over to another sound of its model, at once.

        They keep their phases, so what is common to both sounds goes on. The other sound's own
        tones come later: the kernel then carries the notes to the bank that they lie in.

        Raises
        ------
        BundleError
            The model fails.
        """
        source = self._sources.get(bank)
        if not isinstance(source, HeldSource):
            return
        if not source.is_open or not source.has_model(bundle):
            return
        turned = source.turned_to(preset)
        streams = self._state.streams
        for number in np.flatnonzero((streams["holders"] > 0) & (streams["bank"] == bank)):
            note = self._notes.get(int(number))
            if note and note.request == streams[number]["request"]:
                self._go_over(int(number), note, turned)

    def _go_over(self, number: int, old: _Note, source: HeldSource) -> None:
        """Replace what lies ahead in a ring, cross-faded; what lies farther is rendered later."""
        stream, ring = self._state.streams[number], self._state.rings[number]
        frames, rate_hz = self._chunk_frames, self._state.rate_hz
        cross = round(CROSS_SECONDS * rate_hz)
        ahead = round(MORPH_SECONDS * rate_hz) + int(self._state.fields["clock_block_frames"])
        note = self._begin(stream, old.request, source)
        first = int(stream["position"]) // frames
        enough = (int(stream["position"]) + round(KEPT_SECONDS * rate_hz)) // frames + 1
        until = min(int(stream["frames_ready"]) // frames, enough)
        chunks = [chunk_of(note.voice, chunk, round(rate_hz)) for chunk in range(first, until)]
        at = np.arange(int(stream["position"]) + ahead, until * frames)
        if int(stream["request"]) != old.request or len(at) < cross:
            return  # it ends, or there is too little of it: its loop will take over, and then this
        share = np.minimum(np.arange(len(at), dtype=np.float32) / np.float32(cross), 1.0)
        was = ring[at % len(ring)]
        ring[at % len(ring)] = was + (np.concatenate(chunks)[at - first * frames] - was) * share
        stream["frames_ready"] = until * frames
        self._notes[number] = note

    def forget(self, bank: int) -> None:
        """Serve a bank no more: its notes loop."""
        self._sources.pop(bank, None)

    def serves(self, bank: int) -> bool:
        """Whether the notes of a bank go on."""
        return bank in self._sources

    @property
    def is_needed(self) -> bool:
        """Whether any bank streams."""
        return bool(self._sources)

    @property
    def to_open(self) -> int | None:
        """A bank whose model is still closed; the first note to be held there would wait."""
        return next((bank for bank, source in self._sources.items() if not source.is_open), None)

    def open(self, bank: int) -> None:
        """Open what a bank's notes need.

        Raises
        ------
        BundleError
            The model has no such graph, or it does not run here.
        """
        self._sources[bank].open()

    @property
    def may_slide(self) -> tuple[int, int] | None:
        """Bank and pitch of a key that sounds and has not been looked at for its slide yet."""
        voices, masters = self._state.voices, self._state.channels["master"]
        own_channel = masters[voices["channel"]] != voices["channel"]
        sliding = [bank for bank, source in self._sources.items() if source.slides]
        sounding = (voices["stage"] != FREE) & np.isin(voices["source_bank"], sliding)
        is_true = (voices["is_stand_in"] == 0) & ((voices["loops"] | voices["reads_stream"]) != 0)
        for voice in voices[sounding & own_channel & is_true]:
            bank, pitch = int(voice["source_bank"]), int(voice["source_pitch"])
            if not self._sources[bank].knows_slide(pitch, self._held_from(bank, pitch)):
                return bank, pitch
        return None

    def look_ahead(self, bank: int, pitch: int) -> None:
        """Look at a key before its slide goes up.

        Raises
        ------
        BundleError
            The model fails.
        """
        self._sources[bank].look_at_slide(pitch, self._held_from(bank, pitch))

    @property
    def due(self) -> int | None:
        """The bank of the note that needs its next half second first; None if all have enough."""
        number = self._most_urgent()
        return None if number is None else int(self._state.streams[number]["bank"])

    def serve(self) -> bool:
        """Render one half second for the note that needs it first; False if all have enough.

        Raises
        ------
        BundleError
            The model fails.
        """
        number = self._most_urgent()
        if number is None:
            return False
        self._go_on(number)
        return True

    def serve_all(self) -> None:
        """Render whatever is needed; see `serve`."""
        while self._sources and self.serve():
            pass

    def _most_urgent(self) -> int | None:
        streams = self._state.streams
        held = streams["holders"] > 0
        if not held.any():
            self._notes.clear()
            return None
        left = streams["frames_ready"] - streams["position"]
        left = np.where(streams["answered"] == streams["request"], left, 0)
        needs = held & (left < AHEAD_CHUNKS * self._chunk_frames)
        if needs.any():
            needs &= np.isin(streams["bank"], list(self._sources))
        return (
            int(np.argmin(np.where(needs, left, np.iinfo(np.int64).max))) if needs.any() else None
        )

    @property
    def _chunk_frames(self) -> int:
        return round(CHUNK_SECONDS * self._state.rate_hz)

    def _go_on(self, number: int) -> None:
        """Render the next chunk of a ring, or its first one."""
        stream, frames = self._state.streams[number], self._chunk_frames
        request = int(stream["request"])
        note = self._notes.get(number)
        if note is None or note.request != request:
            source = self._sources[int(stream["bank"])]
            note = self._notes[number] = self._begin(stream, request, source)
        needed = max(int(stream["position"]) - _BEFORE_FRAMES, 0)
        if int(stream["answered"]) != request or int(stream["frames_ready"]) <= needed:
            start = needed // frames * frames
            stream["frames_ready"] = start
            stream["first_frame"] = start
            stream["answered"] = request
        ready = int(stream["frames_ready"])
        audio = chunk_of(note.voice, ready // frames, round(self._state.rate_hz))
        if int(stream["request"]) != request:
            return  # another note has the ring by now
        ring = self._state.rings[number]
        at = ready % len(ring)
        ring[at : at + frames] = audio
        stream["frames_ready"] = ready + frames  # last: it publishes them

    def _held_from(self, bank: int, pitch: int) -> float:
        """Return how many seconds after its strike a key's levels stay as they are."""
        slot = self._state.slots[bank][LOUD, pitch - LOWEST_PITCH]
        return float(slot["loop_start"]) / self._state.rate_hz

    def _begin(self, stream: np.void, request: int, source: HeldSource | SplicedSource) -> _Note:
        pitch, rate_hz = int(stream["pitch"]), self._state.rate_hz
        seconds = self._held_from(int(stream["bank"]), pitch)
        note = StreamedNote(
            pitch,
            int(stream["number"]),
            (float(stream["soft_weight"]), float(stream["loud_weight"])),
            float(stream["drift"]),
            float(stream["joins_at"]) / rate_hz * RATE_HZ / HOP_FRAMES,
        )
        if stream["slides"]:
            return _Note(request, source.slid_voice(note, seconds))
        return _Note(request, source.voice(note, seconds))


@dataclass(frozen=True, slots=True)
class _Note:
    """What a ring was given to."""

    request: int
    voice: AnyVoice
