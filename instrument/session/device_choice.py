"""Another sound card, other keyboards, other blocks, chosen while the program runs.

The engine's process ends and another one opens what was chosen, on the same state: presets, tones
and the partner stay, held notes end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from instrument.engine.messages import FoundDevices
from instrument.errors import SettingError
from instrument.panel.messages.link import UseDevices
from instrument.processes.child_process import ChildProcess
from instrument.schema import NO_JSON
from instrument.session.children.engine_process import EngineProcess
from instrument.session.settings import PlaySettings

MODULE = "instrument.engine.device_list"
LONGEST_SECONDS = 10.0
"""A driver that takes longer to answer may never do."""


class DeviceChoice:
    """What can be chosen, and what is; control's loop calls `follow`.

    Parameters
    ----------
    folder
        The session's.
    settings
        To begin with.
    engine
        Opens what was chosen.
    """

    def __init__(
        self, folder: Path, settings: PlaySettings, engine: Callable[[], EngineProcess]
    ) -> None:
        self._folder, self._engine = folder, engine
        self.settings = settings
        self._looking: ChildProcess | None = None
        self._looks_until = 0.0

    @property
    def chosen(self) -> UseDevices:
        """What is chosen now."""
        settings = self.settings
        return UseDevices(
            settings.audio, settings.midi_in, settings.channel or 0, settings.block_frames or 0
        )

    def look(self) -> None:
        """Begin to look at what there is."""
        if self._looking is None:
            self._looking = ChildProcess(MODULE, self._folder)
            self._looks_until = time.monotonic() + LONGEST_SECONDS

    def follow(self) -> FoundDevices | None:
        """Return what was found, once."""
        process = self._looking
        if process is None:
            return None
        if process.exit_code is None:
            if time.monotonic() < self._looks_until:
                return None
            self.end()
            problem = (
                f"Looking for devices takes longer than {LONGEST_SECONDS:g} s: a driver hangs."
            )
            return FoundDevices((), (), problem)
        self._looking = None
        process.end()
        for line in process.lines():
            try:
                return msgspec.json.decode(line, type=FoundDevices)
            except NO_JSON:
                continue  # some driver's print
        return FoundDevices((), (), "Looking for devices has failed.")

    def use(self, chosen: UseDevices) -> None:
        """Open other devices; the sound pauses for about a second.

        Raises
        ------
        SettingError
            That is no device.
        """
        if chosen.audio.lower().endswith(".wav"):
            remedy = "Start again with --audio FILE.wav."
            raise SettingError("a file cannot be chosen while you play", remedy)
        self.settings = replace(
            self.settings,
            audio=chosen.audio,
            midi_in=chosen.midi_in,
            channel=chosen.channel or None,
            block_frames=chosen.block_frames or None,
        )
        self.settings.for_engine().save(self._folder)
        self._engine().reopen()

    def end(self) -> None:
        """Look no longer."""
        if self._looking:
            self._looking.kill()
            self._looking.end()
            self._looking = None
