"""What control tells the engine once, in ``settings.json``, and what the engine says, line by line.

One JSON object per line on the engine's stdout; the engine reads nothing from its stdin. Everything
faster goes through the shared block (`memory.state`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from instrument.processes.json_lines import Failed, Notice

SETTINGS_FILE = "settings.json"


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What control resolved from defaults, files and the command line."""

    audio: str = "auto"
    """auto, jack, null, part of an audio device's name or its number, or FILE.wav."""
    rate_hz: float = 0.0
    """Wanted sample rate; 0 takes the device's own. JACK always has its own."""
    block_frames: int = 0
    """Wanted frames per block; 0 takes the device's own (JACK), else 128."""
    midi_in: tuple[str, ...] = ()
    """Parts of inputs' names: these and no others; empty takes every hardware input."""
    hardware_midi: bool = True
    """False leaves hardware inputs alone: only the virtual port plays."""
    channel: int | None = None
    """The one MIDI channel to listen to, 1 to 16; None is omni."""
    lowest_latency: bool = False
    """Start events at the block's first frame instead of at their own time, one block later."""
    client_name: str = "latentkeys"
    """What other programs see: the JACK client and the virtual MIDI port."""
    connect: bool = True
    """Connect our JACK outputs to the sound card."""
    part_pairs: int = 0
    """How many parts, from the second on, have a pair of JACK outputs of their own."""
    quiet_seconds: float = 60.0
    """How long a forgotten engine (its control process is dead) waits in silence before it ends."""

    def save(self, folder: Path) -> None:
        """Write the session's settings."""
        (folder / SETTINGS_FILE).write_bytes(msgspec.json.encode(asdict(self)))

    @classmethod
    def load(cls, folder: Path) -> EngineSettings:
        """Read the session's settings."""
        return msgspec.json.decode((folder / SETTINGS_FILE).read_bytes(), type=cls)


def is_asked_for(name: str, parts: tuple[str, ...]) -> bool:
    """Tell whether an input's name has a part that was asked for; without any part all are."""
    return not parts or any(part.lower() in name.lower() for part in parts)


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The device runs and the MIDI inputs are open: keys sound from now on."""

    audio: str  #: what it plays to: "JACK", "null", a device's name, a file
    kind: str  #: jack, portaudio, null or wav
    rate_hz: float
    block_frames: int
    latency_seconds: float  #: what the device adds after a block is rendered
    midi: tuple[str, ...]  #: inputs that are open, the virtual one first
    process_id: int
    is_realtime: bool  #: the audio thread has real-time priority

    def latency_from_key(self, *, lowest: bool) -> float:
        """Return the seconds from a note-on until its first sample leaves the device.

        JACK brings MIDI one block late; from other ports a note is placed one block late, so that
        all are late by the same time, unless the lowest latency was asked for.
        """
        waits = self.kind == "jack" or not lowest
        return self.latency_seconds + waits * self.block_frames / self.rate_hz


def input_is_open(name: str) -> Notice:
    """Say that an input can be played."""
    return Notice(f"MIDI input {name!r} is open", "")


def input_is_gone(name: str) -> Notice:
    """Say that an input was pulled out."""
    remedy = "Its notes were released; it is opened again when it comes back."
    return Notice(f"MIDI input {name!r} is gone", remedy)


class OtherRate(msgspec.Struct, frozen=True, tag=True):
    """The device has come back at another rate, for which there are no tones; it stays closed."""

    audio: str
    rate_hz: float


class FoundDevices(msgspec.Struct, frozen=True, tag=True):
    """What this machine can play on, and be played with."""

    audio: tuple[str, ...]
    midi: tuple[str, ...]
    problem: str = ""  #: why sound cards cannot be seen


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The engine has faded out and closed its device."""


Report = Ready | Notice | Failed | OtherRate | Ended

REPORTS: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)
