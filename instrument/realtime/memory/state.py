"""The engine's memory: one flat block and one pool of rendered tones, shared by three processes.

``SESSION_DIR/state.bin`` is one record of `STATE` (`layout`): rings, parameters, voices, meters.
``SESSION_DIR/tones.bin`` is the tone pool: float32 mono audio at the device's rate, on a fixed grid
``(bank, layer, pitch - LOWEST_PITCH, frame)``. ``SESSION_DIR/streams.bin`` has float32 rings for
held notes that go on being rendered (`tones.stream`). All are plain files that every process maps,
so there is nothing to clean up but the folder. The kernel reads the very same bytes through numba.

This module imports neither numba nor llvmlite, so control and models attach in milliseconds.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrument.realtime.memory.constants import (
    FORMAT,
    HIGHEST_PITCH,
    LOWEST_PITCH,
    MAGIC,
)
from instrument.realtime.memory.defaults import write_defaults
from instrument.realtime.memory.event_ring import (
    CommandRing,
    EventRing,
    HistoryReader,
)
from instrument.realtime.memory.layout import OUTLIVES_THE_ENGINE, STATE
from instrument.realtime.memory.pages import map_pages
from instrument.realtime.memory.tone_pool import TonePool


class EngineState:
    """One session's memory, seen from Python.

    Build it with `create` or `attach`. Every array attribute is a live view: reading it reads the
    engine, writing it changes the engine.

    Attributes
    ----------
    fields : ndarray
        The whole block, one record of `STATE`: ``state.fields["clock"]``.
    banks : ndarray
        `SOUND` records, shape (BANK_COUNT,). A voice copies what it needs at note-on.
    slots : ndarray
        `SLOT` records, shape (BANK_COUNT, LAYER_COUNT, PITCH_COUNT).
    wanted : ndarray
        int64, shape (BANK_COUNT, PITCH_COUNT): the stream frame (at least 1) of the last note that
        was struck while its slot was not whole. The largest one is the most urgent.
    streams : ndarray
        `STREAM` records, shape (STREAM_COUNT,).
    meters, channels, voices : ndarray
        `METERS` record, `CHANNEL` records, `VOICE` records, for looking.
    midi_ring, partner_ring, panel_ring, out_ring, request_ring : EventRing
        MIDI messages only.
    engine_ring, control_ring : CommandRing
        Messages and commands.
    """

    def __init__(self, block: mmap.mmap, folder: Path | None) -> None:
        self._block = block
        self.fields: NDArray[np.void] = np.frombuffer(block, STATE, 1).reshape(())
        self._pool = TonePool(self.fields, folder)
        self.banks: NDArray[np.void] = self.fields["banks"]
        self.slots: NDArray[np.void] = self.fields["slots"]
        self.wanted: NDArray[np.int64] = self.fields["wanted"]
        self.streams: NDArray[np.void] = self.fields["streams"]
        self.meters: NDArray[np.void] = self.fields["meters"]
        self.channels: NDArray[np.void] = self.fields["channels"]
        self.voices: NDArray[np.void] = self.fields["voices"]
        self.midi_ring = EventRing(self.fields["midi_ring"])
        self.engine_ring = CommandRing(self.fields["engine_ring"])
        self.control_ring = CommandRing(self.fields["control_ring"])
        self.partner_ring = EventRing(self.fields["partner_ring"])
        self.panel_ring = EventRing(self.fields["panel_ring"])
        self.out_ring = EventRing(self.fields["out_ring"])
        self.request_ring = EventRing(self.fields["request_ring"])

    @classmethod
    def create(
        cls,
        folder: Path | None,
        rate_hz: float = 0.0,
        note_seconds: float = 2.5,
        *,
        shares_tones: bool = True,
    ) -> EngineState:
        """Make a session's memory.

        Parameters
        ----------
        folder
            Where ``state.bin`` and ``tones.bin`` go; None keeps both in this process.
        rate_hz
            The device's rate; 0 leaves it to the engine, which calls `set_rate` once it knows.
        note_seconds
            The longest note that a slot can hold.
        shares_tones
            The tones go into `folder`, too; no other process sees them otherwise.

        Raises
        ------
        OSError
            There is no room for it: its pages are taken at once, so that none is missing later.
        """
        block = map_pages(
            None if folder is None else folder / "state.bin", STATE.itemsize, create=True
        )
        state = cls(block, folder if shares_tones else None)
        write_defaults(state.fields)
        state.fields["slot_frames"] = -round(note_seconds * 1000)  # milliseconds until `set_rate`
        state.fields["magic"] = MAGIC
        if rate_hz:
            state.set_rate(rate_hz)
        return state

    @classmethod
    def attach(cls, folder: Path) -> EngineState:
        """Map the memory of a running session.

        Raises
        ------
        FileNotFoundError
            There is no session in `folder`.
        ValueError
            The file is not an engine block of this version.
        """
        path = folder / "state.bin"
        found = path.stat().st_size
        if found != STATE.itemsize:
            raise ValueError(f"{path}: engine block must have {STATE.itemsize} bytes, got {found}")
        state = cls(map_pages(path, STATE.itemsize, create=False), folder)
        if int(state.fields["magic"]) != MAGIC or int(state.fields["format"]) != FORMAT:
            raise ValueError(f"{path}: not an engine block of format {FORMAT}")
        return state

    def set_rate(self, rate_hz: float) -> None:
        """Fix the rate, and with it the tone pool's size. Engine only, once, before playing.

        Raises
        ------
        OSError
            There is no room for the pool.
        """
        seconds = -float(self.fields["slot_frames"]) / 1000.0
        if seconds <= 0:
            raise ValueError(f"rate is already {float(self.fields['rate_hz'])} Hz")
        self._pool.create(rate_hz, seconds)
        self.fields["rate_hz"] = rate_hz  # last: it tells the others that the pool is there

    @property
    def rate_hz(self) -> float:
        """The device's rate; 0 until the engine has opened it."""
        return float(self.fields["rate_hz"])

    @property
    def clock(self) -> int:
        """Frames that the engine has rendered."""
        return int(self.fields["clock"])

    @property
    def tones(self) -> NDArray[np.float32]:
        """The tone pool: float32, shape (BANK_COUNT, LAYER_COUNT, PITCH_COUNT, slot_frames).

        Raises
        ------
        RuntimeError
            The engine has not set its rate yet.
        """
        if not self.rate_hz:
            raise RuntimeError("the engine has not opened its audio device yet")
        return self._pool.tones

    @property
    def rings(self) -> NDArray[np.float32]:
        """What held notes stream from: float32, shape (STREAM_COUNT, frames of a ring).

        The engine must have set its rate.
        """
        return self._pool.rings

    def forget_sounds(self) -> None:
        """Begin in silence, after an engine that died in the middle of a block. Engine only.

        Whatever belongs to its process or to its notes is as in a new session. Presets, tones,
        channels, the clock and what others have put into the rings stay.
        """
        fresh = np.zeros((), STATE)
        write_defaults(fresh)
        for name in set(STATE.names or ()) - OUTLIVES_THE_ENGINE:
            self.fields[name] = fresh[name]
        for name in ("active_voices", "fading_voices", "bank_voices", "streams"):
            self.meters[name] = 0
        for pedal in ("sustain", "sostenuto", "soft"):  # it may be up by now, unheard
            self.channels[pedal] = 0

    def write_slot(
        self,
        bank: int,
        layer: int,
        pitch: int,
        audio: NDArray[np.float32],
        *,
        frames_whole: int | None = None,
        loop: tuple[int, int] | None = None,
        loop_decay_per_frame: float = 1.0,
        gain: float = 1.0,
    ) -> None:
        """Put one rendered note where the kernel finds it (models' side).

        Parameters
        ----------
        audio
            float32, shape (frames,), at `rate_hz`, full scale ±1, from the note's first frame. A
            loop's cross-fade is already in it: ``audio[loop_end + k]`` would continue like
            ``audio[loop_start + k]``.
        frames_whole
            Frames that the complete note has, when `audio` is only its attack. Write the attack
            first and the whole note later: what is already there must not change audibly.
        loop
            First frame and one past the last frame of the loop, or None.
        loop_decay_per_frame
            How the kernel lets the note die away from the loop's start on, held on or not yet
            wrapped; the writer has taken the note's own decay out of ``audio[loop_start:]``.
        """
        assert LOWEST_PITCH <= pitch <= HIGHEST_PITCH
        slot = self.slots[bank, layer, pitch - LOWEST_PITCH]
        self.tones[bank, layer, pitch - LOWEST_PITCH, : len(audio)] = audio
        slot["frames_whole"] = frames_whole or len(audio)
        slot["loop_start"], slot["loop_end"] = loop or (0, 0)
        slot["loop_decay_per_frame"] = loop_decay_per_frame
        slot["gain"] = gain
        slot["frames_ready"] = len(audio)  # last: this publishes the slot

    def clear_bank(self, bank: int) -> None:
        """Forget a bank's notes. Only when `bank_is_free`."""
        self.slots[bank]["frames_ready"] = 0
        self.wanted[bank] = 0
        self._pool.give_back(bank)

    def bank_is_free(self, bank: int) -> bool:
        """Tell whether no channel plays from `bank` and no voice still reads it."""
        in_use = bool(np.any(self.channels["bank"] == bank))
        return not in_use and int(self.meters["bank_voices"][bank]) == 0

    def drop_pages(self, bank: int) -> None:
        """Take a bank's pages out of this process; their content stays in the shared file."""
        self._pool.drop_pages(bank)

    def command(self, command: int, data1: int = 0, data2: int = 0, value: int = 0) -> bool:
        """Ask the kernel for something, as soon as possible; False when the ring is full."""
        return self.control_ring.command(command, data1, data2, value=value)

    def read_log(self) -> HistoryReader:
        """Return a reader of the events applied from now on, each with its exact frame."""
        ring = self.fields["log_ring"]
        return HistoryReader(ring["head"], ring["events"])

    def read_recording(self) -> HistoryReader:
        """Return a reader of the stereo output from now on: float32, shape (frames, 2)."""
        ring = self.fields["record_ring"]
        return HistoryReader(ring["head"], ring["audio"])
