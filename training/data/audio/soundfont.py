"""Render single tones, or songs, from a SoundFont with FluidSynth, in this process.

In: a SoundFont (SF2 or SF3) and which program, pitch and hold time; or a song's messages. Out: mono
float32 audio.

FluidSynth is driven through ctypes because that needs no package and is as fast as the library:
a 4-second tone takes a few milliseconds. Reverb and chorus are off: effects belong to the host.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrument.errors import FileError, SettingError
from instrument.midi.messages import (
    CONTROL_CHANGE,
    NOTE_OFF,
    NOTE_ON,
    PITCH_BEND,
    PROGRAM_CHANGE,
    kind_of,
)
from instrument.midi.song import SongMessage
from training.audio.format import SAMPLE_RATE_HZ

# FluidSynth lets a tone fade even when it is told to stop at once, and keeps up to a block of it in
# a buffer: both would be heard at the next tone's onset.
_BLOCK_FRAMES, _FADE_FRAMES = 64, 1024

_FONT_FOLDERS = (
    "/usr/share/sounds/sf3",
    "/usr/share/sounds/sf2",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
)
# MIT-licensed fonts only. TimGM6mb, which many systems also carry, is GPL-2: weights trained on it
# could not be given away with this project.
_FONT_FILES = (
    "FluidR3Mono_GM.sf3",
    "FluidR3_GM.sf2",
    "MuseScore_General_Lite.sf3",
    "MuseScore_General.sf3",
)
_INSTALL = "Install one with: apt install fluidr3mono-gm-soundfont libfluidsynth3"


def find_soundfont() -> Path:
    """Find an MIT-licensed General MIDI SoundFont on this machine.

    Raises
    ------
    FileError
        When none is installed.
    """
    for file in _FONT_FILES:
        for folder in _FONT_FOLDERS:
            if (path := Path(folder) / file).exists():
                return path
    raise FileError(f"no SoundFont found: looked for {', '.join(_FONT_FILES)}", _INSTALL)


class SoundFont:
    """A SoundFont loaded into a private FluidSynth, for one tone or song at a time.

    Parameters
    ----------
    path
        The SF2 or SF3 file.

    Raises
    ------
    FileError
        When the file is missing or FluidSynth cannot read it.
    SettingError
        When the FluidSynth library is not installed.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise FileError(f"SoundFont {path} does not exist", _INSTALL)
        self._library = _load_library()
        self._settings = self._library.new_fluid_settings()
        for name, number in (
            (b"synth.sample-rate", float(SAMPLE_RATE_HZ)),
            (b"synth.gain", 0.4),
        ):
            self._library.fluid_settings_setnum(self._settings, name, number)
        for name, flag in ((b"synth.reverb.active", 0), (b"synth.chorus.active", 0)):
            self._library.fluid_settings_setint(self._settings, name, flag)
        self._synth = self._library.new_fluid_synth(self._settings)
        self._written = 0
        self._font = self._library.fluid_synth_sfload(self._synth, str(path).encode(), 1)
        if self._font < 0:
            self.close()
            raise FileError(f"{path} is not a SoundFont that FluidSynth can read", _INSTALL)

    def __enter__(self) -> SoundFont:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the synthesiser; a second call does nothing."""
        if self._synth:
            self._library.delete_fluid_synth(self._synth)
            self._library.delete_fluid_settings(self._settings)
            self._synth = None

    def render(
        self, program: int, pitch: int, velocity: int, hold_frames: int, release_frames: int
    ) -> NDArray[np.float32]:
        """Play one tone from its first frame.

        Parameters
        ----------
        program
            General MIDI program, 0-127.
        pitch, velocity
            MIDI numbers.
        hold_frames, release_frames
            How long the key is down, and how long to listen after it is let go, at 48 kHz.

        Returns
        -------
        NDArray
            float32, shape (hold_frames + release_frames,), the mean of left and right.
        """
        library, synth = self._library, self._synth
        self._silence()
        library.fluid_synth_program_select(synth, 0, self._font, 0, program)
        library.fluid_synth_noteon(synth, 0, pitch, velocity)
        held = self._write(hold_frames)
        library.fluid_synth_noteoff(synth, 0, pitch)
        return np.concatenate([held, self._write(release_frames)])

    def play(
        self, messages: Sequence[SongMessage], frames: int, piece_seconds: float
    ) -> Iterator[NDArray[np.float32]]:
        """Play a song's messages from its first frame, with drums on the tenth channel.

        Parameters
        ----------
        messages
            In order of time.
        frames
            How long to listen, at 48 kHz.
        piece_seconds
            Audio comes in pieces of at most so much.

        Yields
        ------
        NDArray
            float32, shape (frames of a piece,), the mean of left and right.
        """
        self._silence()
        at, most = 0, round(piece_seconds * SAMPLE_RATE_HZ)
        for message in messages:
            end = min(round(message.time_seconds * SAMPLE_RATE_HZ), frames)
            while at < end:
                piece = self._write(min(end - at, most))
                at += len(piece)
                yield piece
            self._send(message.data)
        while at < frames:
            piece = self._write(min(frames - at, most))
            at += len(piece)
            yield piece

    def _send(self, data: bytes) -> None:
        """Pass a channel message on; one that FluidSynth refuses changes nothing."""
        library, synth, channel = self._library, self._synth, data[0] & 0x0F
        kind = kind_of(data)
        if kind == NOTE_ON:
            library.fluid_synth_noteon(synth, channel, data[1], data[2])  # velocity 0 lets go
        elif kind == NOTE_OFF:
            library.fluid_synth_noteoff(synth, channel, data[1])
        elif kind == CONTROL_CHANGE:
            library.fluid_synth_cc(synth, channel, data[1], data[2])
        elif kind == PROGRAM_CHANGE:
            library.fluid_synth_program_change(synth, channel, data[1])
        elif kind == PITCH_BEND:
            library.fluid_synth_pitch_bend(synth, channel, data[1] | data[2] << 7)

    def _silence(self) -> None:
        """End what sounds, whatever its release, and start at a block's first frame."""
        self._library.fluid_synth_all_sounds_off(self._synth, -1)
        self._write(_BLOCK_FRAMES - self._written % _BLOCK_FRAMES)
        while np.abs(self._write(_FADE_FRAMES)).max() > 0.0:
            pass
        self._library.fluid_synth_system_reset(self._synth)

    def _write(self, frames: int) -> NDArray[np.float32]:
        self._written += frames
        stereo = np.zeros((2, frames), np.float32)
        left, right = (channel.ctypes.data_as(ctypes.c_void_p) for channel in stereo)
        self._library.fluid_synth_write_float(self._synth, frames, left, 0, 1, right, 0, 1)
        mono: NDArray[np.float32] = stereo.mean(axis=0, dtype=np.float32)
        return mono


def _load_library() -> ctypes.CDLL:
    name = ctypes.util.find_library("fluidsynth")
    if name is None:
        raise SettingError("the FluidSynth library is not installed", _INSTALL)
    library = ctypes.CDLL(name)
    pointer, integer, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    signatures: dict[str, tuple[object, list[object]]] = {
        "new_fluid_settings": (pointer, []),
        "fluid_settings_setnum": (integer, [pointer, text, ctypes.c_double]),
        "fluid_settings_setint": (integer, [pointer, text, integer]),
        "delete_fluid_settings": (None, [pointer]),
        "new_fluid_synth": (pointer, [pointer]),
        "delete_fluid_synth": (None, [pointer]),
        "fluid_synth_sfload": (integer, [pointer, text, integer]),
        "fluid_synth_system_reset": (integer, [pointer]),
        "fluid_synth_all_sounds_off": (integer, [pointer, integer]),
        "fluid_synth_program_select": (integer, [pointer, *[integer] * 4]),
        "fluid_synth_noteon": (integer, [pointer, *[integer] * 3]),
        "fluid_synth_noteoff": (integer, [pointer, *[integer] * 2]),
        "fluid_synth_cc": (integer, [pointer, *[integer] * 3]),
        "fluid_synth_program_change": (integer, [pointer, *[integer] * 2]),
        "fluid_synth_pitch_bend": (integer, [pointer, *[integer] * 2]),
        "fluid_synth_write_float": (
            integer,
            [pointer, integer, pointer, integer, integer, pointer, integer, integer],
        ),
    }
    for function, (result, arguments) in signatures.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    for level in range(5):  # its log goes to stderr and would tear the progress bar
        library.fluid_set_log_function(level, None, None)
    return library
