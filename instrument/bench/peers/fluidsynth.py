"""FluidSynth as a peer: N organ voices rendered in-process through ctypes.

`fluid_synth_write_float` is the call that FluidSynth's own audio drivers make. Interpolation is
its default (4th order), one core, and the number of sounding voices is checked, not assumed.
Functions and settings: https://www.fluidsynth.org/api/ (libfluidsynth 2 and 3).
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import time
from pathlib import Path

import numpy as np

from instrument.bench.peers.child import PeerMissing

ORGAN_PROGRAM = 19  # General MIDI "Church Organ": a loop that sounds for as long as it is held
SOUNDFONTS = (
    Path("/usr/share/sounds/sf3/FluidR3Mono_GM.sf3"),
    Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"),
    Path("/usr/share/sounds/sf3/default-GM.sf3"),
    Path("/usr/share/sounds/sf2/default-GM.sf2"),
    Path("/usr/share/soundfonts/FluidR3_GM.sf2"),
)
_LOG_LEVELS = 5


class FluidSynth:
    """One FluidSynth instance holding exactly `voices` sounding voices.

    Parameters
    ----------
    voices
        Wanted number of sounding voices.
    block_frames
        Frames rendered per call.
    rate_hz
        Output rate.
    has_effects
        Whether reverb and chorus run (FluidSynth's default) or not.

    Raises
    ------
    PeerMissing
        There is no library or SoundFont, or the voice count cannot be reached.
    """

    def __init__(self, voices: int, block_frames: int, rate_hz: int, *, has_effects: bool) -> None:
        self._library = _load_library()
        self._settings = self._library.new_fluid_settings()
        self._synth: int | None = None
        self._voices = voices
        self._block_frames = block_frames
        self._out = np.zeros((2, block_frames), np.float32)
        self._pointers = [channel.ctypes.data for channel in self._out]
        try:
            self._configure(rate_hz, has_effects)
            self._strike()
        except PeerMissing:
            self.close()
            raise

    @property
    def version(self) -> str:
        """The library's version."""
        return str(self._library.fluid_version_str().decode())

    @property
    def active_voices(self) -> int:
        """Voices that sound now, counted by FluidSynth."""
        return int(self._library.fluid_synth_get_active_voice_count(self._synth))

    @property
    def peak(self) -> float:
        """Largest absolute sample of the last block, full scale 1."""
        return float(np.abs(self._out).max())

    def measure(self, blocks: int) -> float:
        """Render `blocks` blocks; return seconds per block.

        Raises
        ------
        PeerMissing
            Other than the wanted number of voices sounded.
        """
        write, synth, frames = (
            self._library.fluid_synth_write_float,
            self._synth,
            self._block_frames,
        )
        left, right = self._pointers
        start = time.perf_counter()
        for _ in range(blocks):
            write(synth, frames, left, 0, 1, right, 0, 1)
        seconds = (time.perf_counter() - start) / blocks
        if self.active_voices != self._voices:
            raise PeerMissing(f"FluidSynth sounds {self.active_voices} voices, not {self._voices}")
        return seconds

    def close(self) -> None:
        """Free the synth and its settings."""
        if self._synth is not None:
            self._library.delete_fluid_synth(self._synth)
            self._synth = None
        if self._settings is not None:
            self._library.delete_fluid_settings(self._settings)
            self._settings = None

    def __enter__(self) -> FluidSynth:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _configure(self, rate_hz: int, has_effects: bool) -> None:
        library, settings = self._library, self._settings
        library.fluid_settings_setnum(settings, b"synth.sample-rate", float(rate_hz))
        numbers = {
            b"synth.polyphony": 512,
            b"synth.cpu-cores": 1,
            b"synth.reverb.active": int(has_effects),
            b"synth.chorus.active": int(has_effects),
            b"synth.dynamic-sample-loading": 1,  # decode the organ, not the whole font
        }
        for name, value in numbers.items():
            library.fluid_settings_setint(settings, name, value)
        self._synth = library.new_fluid_synth(settings)
        self.soundfont = _soundfont()
        if library.fluid_synth_sfload(self._synth, str(self.soundfont).encode(), 1) < 0:
            raise PeerMissing(f"FluidSynth cannot load {self.soundfont}")

    def _strike(self) -> None:
        """Hold notes until the wanted voices sound, spread over channels and pitches."""
        library, synth = self._library, self._synth
        for channel in range(8):
            library.fluid_synth_program_change(synth, channel, ORGAN_PROGRAM)
            for pitch in range(36, 96):
                if self.active_voices >= self._voices:
                    break
                library.fluid_synth_noteon(synth, channel, pitch, 80)
        self.measure(200)  # past the attack
        if self.peak == 0.0:
            raise PeerMissing("FluidSynth is silent")


def _soundfont() -> Path:
    for path in SOUNDFONTS:
        if path.exists():
            return path
    raise PeerMissing("no General MIDI SoundFont: apt-get install fluidr3mono-gm-soundfont")


def _load_library() -> ctypes.CDLL:
    name = ctypes.util.find_library("fluidsynth")
    try:
        library = ctypes.CDLL(name or "libfluidsynth.so.3")
    except OSError as error:
        raise PeerMissing("no libfluidsynth: apt-get install libfluidsynth3") from error
    pointer, integer, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    signatures: dict[str, tuple[type | None, list[type]]] = {
        "fluid_version_str": (text, []),
        "new_fluid_settings": (pointer, []),
        "delete_fluid_settings": (None, [pointer]),
        "fluid_settings_setnum": (integer, [pointer, text, ctypes.c_double]),
        "fluid_settings_setint": (integer, [pointer, text, integer]),
        "new_fluid_synth": (pointer, [pointer]),
        "delete_fluid_synth": (None, [pointer]),
        "fluid_synth_sfload": (integer, [pointer, text, integer]),
        "fluid_synth_program_change": (integer, [pointer, integer, integer]),
        "fluid_synth_noteon": (integer, [pointer, integer, integer, integer]),
        "fluid_synth_get_active_voice_count": (integer, [pointer]),
        "fluid_synth_write_float": (
            integer,
            [pointer, integer, pointer, integer, integer, pointer, integer, integer],
        ),
        "fluid_set_log_function": (pointer, [integer, pointer, pointer]),
    }
    for function, (result, arguments) in signatures.items():
        with contextlib.suppress(AttributeError):
            getattr(library, function).restype = result
            getattr(library, function).argtypes = arguments
    for level in range(_LOG_LEVELS):  # its notices on stderr would break into our table
        library.fluid_set_log_function(level, None, None)
    return library
