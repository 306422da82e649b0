"""The rack's process: ``python -m instrument.rack.process SESSION_DIR``.

It takes what the engine sends, runs it through the rack, and gives it back, each time as soon as
`BLOCK_FRAMES` more are there. It may die or hang: the engine fades what it gave and plays on. It
ends when its stdin does, that is, with control.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from instrument.engine.audio_sinks import raise_priority
from instrument.errors import LatentkeysError
from instrument.midi.messages import NOTE_OFF, NOTE_ON
from instrument.processes.heartbeat import Heartbeat
from instrument.processes.json_lines import Failed, Notice, listen, say
from instrument.rack.find import Rack, open_rack
from instrument.rack.impulse import write_impulse
from instrument.rack.knob import knob_values
from instrument.rack.messages import NOTHING, Built, RackSettings
from instrument.rack.runner import BLOCK_FRAMES, RackRunner
from instrument.realtime.memory.aux_memory import FADE_OUT_FRAMES, RACK_FRAMES
from instrument.realtime.memory.constants import PARTNER_SOURCE, RACK_BEATS
from instrument.realtime.memory.state import EngineState

POLL_SECONDS = 0.0003
OPENING_SECONDS = 15.0
"""A rack that takes longer to build is taken for one that never is."""
LIMIT_SECONDS = 1.0
"""The same for one block."""
PRIORITY = 1
OFFLINE_FRAMES = 4096
"""How much later everything is in a render, which leaves so much out at its beginning."""
MOST_BLOCK_FRAMES = 4096
_SWELL = 1 / 32
"""How far the level of what is sent moves in one block."""


class RackService:
    """Serve one session.

    Parameters
    ----------
    state
        The engine block, playing.
    rack
        What to run.
    settings
        What control has decided.
    folder
        The session's folder.

    Raises
    ------
    LatentkeysError
        The rack cannot be built.
    """

    def __init__(
        self, state: EngineState, rack: Rack, settings: RackSettings, folder: Path
    ) -> None:
        def impulse() -> Path:
            write_impulse(settings.impulse, state.rate_hz, folder / "impulse.wav")
            return folder / "impulse.wav"

        self._state, self._rack, self._waits = state, rack, settings.waits
        self._memory = state.fields["rack"]
        values = knob_values(rack.knobs, settings.turned, f"the rack {rack.name}")
        self._memory["knobs"][: len(values)] = values
        self._log = state.read_log()
        self._notes: list[tuple[int, int, int]] = []  # frame, pitch, velocity
        self._runner = RackRunner(rack, values, state.rate_hz, impulse)
        self._at = -1  # the next frame to be taken; -1: not known yet
        self._level = 0.0  # of what is sent, as it swells after a start
        self._sent = np.zeros((BLOCK_FRAMES, 2), np.float32)
        self._before = int(self._memory["sent"])

    def serve(self, heart: Heartbeat, asked: SimpleQueue[Notice | None]) -> None:
        """Go on until control is gone.

        Raises
        ------
        RackError
            The rack gives no sound any more.
        """
        gc.collect()
        gc.freeze()
        gc.disable()
        memory = self._memory
        memory["returned_from"] = memory["returned"] = 0
        memory["latency_frames"] = self.latency_frames()
        memory["is_on"] = 1
        while asked.empty():
            heart.work(LIMIT_SECONDS)
            if not self._follow():
                heart.rest()
                memory["latency_frames"] = self.latency_frames()
                time.sleep(POLL_SECONDS)
        memory["is_on"] = 0

    def latency_frames(self) -> int:
        """Return how much later than what was sent its return can be there for certain.

        That is two of the engine's blocks, one until a block is whole and one to work on it, and
        what the engine needs to fade if there is nothing more.
        """
        if self._waits:
            return OFFLINE_FRAMES
        block = min(int(self._state.fields["clock_block_frames"]), MOST_BLOCK_FRAMES)
        return 2 * block + (-block % BLOCK_FRAMES) + FADE_OUT_FRAMES

    def _follow(self) -> bool:
        """Take one block if there is one; tell whether there was."""
        sent = int(self._memory["sent"])
        if sent == self._before and self._at < 0:
            return False
        last = (sent - BLOCK_FRAMES) // BLOCK_FRAMES * BLOCK_FRAMES
        is_late = sent > self._at + int(self._memory["latency_frames"])
        if self._at < 0 or (is_late and not self._waits):
            self._at = 0 if self._waits else max(last, 0)
            self._break_off()
            self._memory["returned_from"] = self._at
        if sent - self._at < BLOCK_FRAMES:
            return False
        self._process()
        return True

    def _process(self) -> None:
        memory, runner = self._memory, self._runner
        runner.turn(self._knobs())
        runner.keep_time(float(self._state.fields["tempo"]))
        self._play_notes(self._at + BLOCK_FRAMES)
        away = float(memory["send_level"]) - self._level
        level = self._level + min(max(away, -_SWELL), _SWELL)
        gains = np.linspace(self._level, level, BLOCK_FRAMES, dtype=np.float32)
        self._level = level
        frames = np.arange(self._at, self._at + BLOCK_FRAMES) % RACK_FRAMES
        self._sent = memory["send"][frames] * gains[:, None]
        memory["wet"][frames] = runner.process(self._sent)
        self._at += BLOCK_FRAMES
        memory["returned"] = self._at  # last: this publishes it

    def _break_off(self) -> None:
        """Begin anew behind frames that were left out: what is sent fades, and swells again.

        What echoes is a jump otherwise. The fade is what was sent last, turned about its end.
        """
        if self._sent.any():
            fade = np.linspace(1, 0, BLOCK_FRAMES, dtype=np.float32)[:, None]
            self._runner.process((2 * self._sent[-1] - self._sent[::-1]) * fade)
        self._level = 1.0 if self._waits else 0.0

    def _knobs(self) -> tuple[float, ...]:
        """Return where the knobs stand, within their range whatever has been written there."""
        found = self._memory["knobs"][: len(self._rack.knobs)].tolist()
        return tuple(
            min(max(value, knob.low), knob.high) if np.isfinite(value) else knob.usual
            for knob, value in zip(self._rack.knobs, found, strict=True)
        )

    def _play_notes(self, before_frame: int) -> None:
        """Play the partner's notes; in a render, where there is none, those of the piece."""
        for event in self._log.read():
            kind = int(event["status"]) & 0xF0
            is_its = self._waits or event["source"] == PARTNER_SOURCE
            if is_its and not event["command"] and kind in (NOTE_ON, NOTE_OFF):
                velocity = int(event["data2"]) if kind == NOTE_ON else 0
                self._notes.append((int(event["time_frames"]), int(event["data1"]), velocity))
        while self._notes and self._notes[0][0] < before_frame:
            _, pitch, velocity = self._notes.pop(0)
            self._runner.strike(pitch, velocity)


def main() -> None:
    """Serve the session whose folder is the only argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is control's business
    folder = Path(sys.argv[1])
    asked = listen(NOTHING)
    state, settings = EngineState.attach(folder), RackSettings.load(folder)
    heart = Heartbeat(state, RACK_BEATS, folder).start()
    while not state.rate_hz and asked.empty():
        time.sleep(0.001)
    try:
        with heart.opening(OPENING_SECONDS):
            rack = open_rack(settings.rack)
            service = RackService(state, rack, settings, folder)
        say(Built(rack.name, rack.says, rack.knobs))
        raise_priority({threading.get_native_id()}, PRIORITY)
        service.serve(heart, asked)
    except LatentkeysError as problem:
        state.fields["rack"]["is_on"] = 0
        say(Failed(problem.message, problem.remedy or "The dry sound goes on without it."))
    heart.stop()
    sys.stdout.flush()
    os._exit(0)  # pyo's own end may crash


if __name__ == "__main__":
    main()
