"""Ours as a contestant: the compiled kernel with N voices held over full tone tables."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from instrument.bench.peers.child import PeerMissing
from instrument.midi.messages import PITCH_BEND, note_on
from instrument.music.pitch import pitch_to_hz
from instrument.realtime.compiled.machine_code import PROCESS_BLOCK, load_machine_code
from instrument.realtime.memory.constants import ALL_CHANNELS, LOUD, SOFT, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine

BANK = 1
NOTE_SECONDS = 2.5  # as in play: long notes stream through the caches, short loops would not
VELOCITY = 90  # between the layers' velocities, so that both are read
CUTOFF_HZ = 6000.0  # closed enough that every voice's filter works
BEND = 0x4A  # of 0x40 = none: a quarter of a semitone, so that every read is between frames
LOWEST_HELD = 36
EFFECTS = {
    "width": 0.5,
    "drive": 0.2,
    "glue": 0.5,
    "tone_low_db": 2.0,
    "tone_mid_db": -2.0,
    "tone_high_db": 2.0,
    "orbit_depth": 0.5,
    "chorus_level": 0.5,
    "chorus_kind": 1,
    "delay_level": 0.3,
    "reverb_level": 0.4,
    "reverb_room": 2,
    "reverb_modulation_milliseconds": 2.0,
}
_CHANNELS = 2


class KernelVoices:
    """The engine with exactly `voices` sounding voices, called as an audio server calls it.

    Parameters
    ----------
    is_bent
        Play off pitch, so that every voice interpolates; unbent notes read their table 1 : 1.
    has_effects
        Send the voices through every effect that a preset can have.

    Attributes
    ----------
    engine : OfflineEngine
        Its state may be handed to a sink, which then plays the same voices.

    Raises
    ------
    PeerMissing
        Other than `voices` voices sound.
    """

    def __init__(
        self,
        voices: int,
        block_frames: int,
        rate_hz: int,
        *,
        is_bent: bool,
        has_effects: bool = False,
    ) -> None:
        self._voices = voices
        self._block_frames = block_frames
        self._pitches = range(LOWEST_HELD, LOWEST_HELD + voices // _CHANNELS)
        self.engine = OfflineEngine(rate_hz, block_frames, NOTE_SECONDS)
        self._out = np.zeros((2, block_frames), np.float32)
        self._pointers = [int(channel.ctypes.data) for channel in self._out]
        self._process = PROCESS_BLOCK(load_machine_code().process_block)
        self._address = int(self.engine.state.fields.ctypes.data)
        self._fill_tables(rate_hz)
        for name, value in EFFECTS.items() if has_effects else ():
            self.engine.state.banks[BANK][name] = value
        self._strike(is_bent)
        self.measure(200)

    @property
    def active_voices(self) -> int:
        """Voices that sound now, counted by the kernel."""
        return int(self.engine.state.meters["active_voices"])

    @property
    def peak(self) -> float:
        """Largest absolute sample of the last block, full scale 1."""
        return float(np.abs(self._out).max())

    def measure(self, blocks: int) -> float:
        """Render `blocks` blocks; return seconds per block."""
        process, address, frames = self._process, self._address, self._block_frames
        left, right = self._pointers
        start = time.perf_counter()
        for _ in range(blocks):
            process(address, left, right, 1, frames)
        seconds = (time.perf_counter() - start) / blocks
        if self.active_voices != self._voices or self.peak == 0.0:
            raise PeerMissing(f"the kernel sounds {self.active_voices} voices, not {self._voices}")
        return seconds

    def _fill_tables(self, rate_hz: int) -> None:
        state = self.engine.state
        state.banks[BANK]["cutoff_hz"] = CUTOFF_HZ
        state.banks[BANK]["sustain_level"] = 0.8
        state.banks[BANK]["decay_seconds"] = 0.5
        for pitch in self._pitches:
            for layer, harmonics in ((SOFT, 2), (LOUD, 8)):
                note = _note(pitch, harmonics, rate_hz)
                loop = (rate_hz // 2, len(note))
                state.write_slot(BANK, layer, pitch, note, loop=loop)

    def _strike(self, is_bent: bool) -> None:
        engine = self.engine
        engine.command(USE_BANK, BANK, ALL_CHANNELS)
        for channel in range(_CHANNELS):
            if is_bent:
                engine.send(-1, (PITCH_BEND | channel, 0, BEND))
            for pitch in self._pitches:
                engine.send(-1, note_on(pitch, VELOCITY, channel))
        engine.render(self._block_frames)


def _note(pitch: int, harmonics: int, rate_hz: int) -> NDArray[np.float32]:
    """Return a steady note of whole-Hz pitch, float32, shape (frames,), so that it loops."""
    fundamental_hz = round(pitch_to_hz(pitch))
    spectrum = np.zeros(rate_hz // 2 + 1, np.complex128)  # bins of 1 Hz
    for harmonic in range(1, harmonics + 1):
        if harmonic * fundamental_hz < rate_hz / 2:
            spectrum[harmonic * fundamental_hz] = -0.15j * rate_hz / harmonic
    one_second = np.fft.irfft(spectrum).astype(np.float32)
    return np.resize(one_second, int(NOTE_SECONDS * rate_hz))
