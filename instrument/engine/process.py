"""The engine process: ``python -m instrument.engine.process SESSION_DIR``.

Opens the audio device, lets machine code play, feeds it with MIDI, and says in JSON lines what
control should know (`instrument.engine.messages`). Two Python threads run here and neither is
needed for sound: the MIDI thread polls inputs, the main thread keeps house.

The engine outlives its control process: it plays on, MIDI included, until it has been quiet for a
minute; then it removes the session and ends. An engine that died or hung is followed by another one
on the same state: it opens the device again and lets go of the notes that were held.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from instrument.engine.audio_sinks import AudioSink, NullSink, WavSink
from instrument.engine.clock import install_clock
from instrument.engine.jack_cables import Cables
from instrument.engine.jack_sink import JackSink
from instrument.engine.messages import Ended, EngineSettings, OtherRate, Ready
from instrument.engine.midi_ports import no_match_notices, open_midi, open_midi_out
from instrument.engine.midi_thread import MidiThread
from instrument.engine.open_sink import open_sink
from instrument.engine.prefault import PagePrefaulter
from instrument.errors import DeviceError
from instrument.midi.messages import release_everything
from instrument.processes.ending import end_on_sigterm
from instrument.processes.heartbeat import Heartbeat
from instrument.processes.json_lines import Failed, Notice, say
from instrument.realtime.compiled.machine_code import drop_linker_pages
from instrument.realtime.memory.constants import ENGINE_BEATS, FADE_OUT, LET_GO, OUR_SOURCE, TO_OUT
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import open_rings, prepare_state

HOUSE_SECONDS = 0.02
RESCAN_SECONDS = 0.25  # a keyboard that is plugged in again takes longer to come up
REOPEN_SECONDS = 2.0
STALL_SECONDS = 1.0
"""A device that asks for no block for so long hangs ..."""
DEAD_SECONDS = 3.0
"""... and is opened again after this time."""
HOUSE_LIMIT_SECONDS = 3.0
"""The house's round may take so long; the sound does not need it."""
OPENING_SECONDS = 30.0
FADE_TIMEOUT_SECONDS = 1.0
BAD_START = 2
BEGUN_ANEW = Notice(
    "the file of --audio begins anew", "To save what was in it before, type: latentkeys recover"
)


class Stall:
    """How long the device has not asked for a block."""

    def __init__(self, state: EngineState) -> None:
        self._state = state
        self._clock = state.clock
        self._since = time.monotonic()
        self.is_long = False  # worth a word to the player

    def seconds(self) -> float:
        """Return the time since the clock was last seen to move."""
        if self._state.clock != self._clock:
            self._clock = self._state.clock
            self._since = time.monotonic()
        seconds = time.monotonic() - self._since
        self.is_long = seconds > STALL_SECONDS
        return seconds


class Engine:
    """One session's engine, from opening the device to closing it.

    Parameters
    ----------
    folder
        The session's folder with ``settings.json`` and ``state.bin``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settings = EngineSettings.load(folder)
        self._state = EngineState.attach(folder)
        self._heart = Heartbeat(self._state, ENGINE_BEATS, folder).start()
        self._follows_another = self._state.rate_hz > 0
        self._parent = os.getppid()
        self._fades_since: float | None = None
        self._looks_again_at = 0.0
        self._reopens_at = 0.0
        self._seeks_device = False
        self._must_end = False
        self._cables = Cables(folder)
        self._opened = contextlib.ExitStack()

    def open(self) -> None:
        """Take the audio device and the MIDI inputs, start both, and report ready.

        Raises
        ------
        DeviceError
            The device that was asked for by name cannot be opened.
        """
        with self._heart.opening(OPENING_SECONDS):
            self._open()

    def _open(self) -> None:
        state, settings = self._state, self._settings
        state.fields["channel_mask"] = 1 << (settings.channel - 1) if settings.channel else 0xFFFF
        if self._follows_another:
            state.forget_sounds()
        install_clock(state)
        self._sink, notices = self._find_sink()
        self._opened.callback(lambda: self._sink.close())  # whichever it is by then
        if not self._follows_another:
            self._set_rate(self._sink.rate_hz)
        prepare_state(state)
        open_rings(state)
        self._pages = PagePrefaulter(state)
        jack = self._sink if isinstance(self._sink, JackSink) else None
        self._inputs, midi_notices = open_midi(settings, plays_on_jack=jack is not None)
        self._opened.callback(self._inputs.close)
        out, out_notices = (None, []) if jack else open_midi_out(settings)
        if out is not None:
            self._opened.callback(out.close)
        self._midi = MidiThread(state, self._inputs, out, settings.lowest_latency)
        if self._follows_another:
            self._let_go()
        self._sink.start()
        self._cables.plug(self._sink)
        self._midi.start()
        self._opened.callback(self._midi.end)
        self._asked = Stall(state)
        state.fields["playing"] = 1
        if jack:
            jack.rescan_midi()
        self._say_ready()
        for notice in (*notices, *midi_notices, *out_notices, *self._no_match_notices()):
            say(notice)

    def _set_rate(self, rate_hz: float) -> None:
        try:
            self._state.set_rate(rate_hz)
        except OSError as problem:
            raise DeviceError(
                f'no room for the tones at {rate_hz:g} Hz in "{self._folder.parent}": '
                f"{problem.strerror}",
                "Free some memory or disk space there, or choose a lower --rate.",
            ) from problem

    def _find_sink(self) -> tuple[AudioSink, list[Notice]]:
        if not self._follows_another:
            return open_sink(self._settings, self._state)
        try:
            sink = self._reopen()
            return sink, [BEGUN_ANEW] if isinstance(sink, WavSink) else []
        except DeviceError as problem:
            self._seeks_device = True
            return self._stand_in(), [Notice(problem.message, "Trying to get it back.")]

    def _reopen(self) -> AudioSink:
        """Open the device again, at the rate that the session has.

        Raises
        ------
        DeviceError
            It is not there, or only at another rate, which is said.
        """
        rate_hz = self._state.rate_hz
        sink, _ = open_sink(replace(self._settings, rate_hz=rate_hz), self._state)
        if isinstance(sink, NullSink) and self._settings.audio == "auto":
            sink.close()
            raise DeviceError("there is no audio device")
        if sink.rate_hz != rate_hz:
            sink.close()
            say(OtherRate(sink.name, sink.rate_hz))
            raise DeviceError(f"{sink.name} runs at {sink.rate_hz:g} Hz now")
        return sink

    def _stand_in(self, block_frames: int = 0) -> AudioSink:
        sink = NullSink(self._state.rate_hz, block_frames)
        sink.open(self._state)
        return sink

    def _let_go(self) -> None:
        """Release what sounds at the MIDI output; before the MIDI thread starts."""
        for status, data1, data2 in release_everything():
            self._state.midi_ring.push(-1, status, data1, data2, value=TO_OUT)

    def _say_ready(self) -> None:
        sink = self._sink
        say(
            Ready(
                audio=sink.name,
                kind=sink.kind,
                rate_hz=sink.rate_hz,
                block_frames=sink.block_frames,
                latency_seconds=sink.latency_seconds,
                midi=self._midi_names(),
                process_id=os.getpid(),
                is_realtime=sink.is_realtime,
            )
        )

    def run(self) -> None:
        """Keep house until the sound has been faded out."""
        drop_linker_pages()
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection would stop the MIDI thread for milliseconds
        rounds = -1
        while not self._has_ended():
            if self._midi.rounds != rounds:
                rounds = self._midi.rounds
                self._heart.work(HOUSE_LIMIT_SECONDS)
            time.sleep(HOUSE_SECONDS)
            self._pages.follow()
            now = time.monotonic()
            if not self._sink.is_alive() or self._stands_still():
                self._replace_sink()
            if now >= self._looks_again_at or self._has_news():
                self._looks_again_at = now + RESCAN_SECONDS
                self._look_for_inputs()
            if self._seeks_device and now >= self._reopens_at:
                self._reopens_at = now + REOPEN_SECONDS
                self._try_to_return()
            if self._must_end or self._is_forgotten():
                self._fade_out()
        say(Ended())

    def end(self) -> None:
        """Let `run` fade to silence and return. Also from a signal."""
        self._must_end = True

    def _fade_out(self) -> None:
        if self._fades_since is None:
            self._fades_since = time.monotonic()
            self._midi.requests.put((FADE_OUT, 0))

    def close(self) -> None:
        """Give everything back; remove the session's folder if control is no longer there to."""
        self._opened.close()
        _say_what_ended(self._sink)
        self._state.fields["playing"] = 0
        if os.getppid() != self._parent:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _has_ended(self) -> bool:
        if self._state.fields["stopped"]:
            return True
        waited = 0.0 if self._fades_since is None else time.monotonic() - self._fades_since
        return waited > FADE_TIMEOUT_SECONDS  # the device asks for nothing any more

    def _is_forgotten(self) -> bool:
        if os.getppid() == self._parent:
            return False
        meters = self._state.meters
        last = max(int(meters["last_sound_frame"]), int(meters["last_event_frame"]))
        quiet_frames = self._state.clock - last
        return quiet_frames > self._settings.quiet_seconds * self._state.rate_hz

    def _has_news(self) -> bool:
        """Let hands go whose cable has been pulled; tell whether JACK's graph has changed."""
        return isinstance(self._sink, JackSink) and self._sink.has_news(self._let_jack_go)

    def _let_jack_go(self) -> None:
        self._midi.requests.put((LET_GO, OUR_SOURCE))

    def _look_for_inputs(self) -> None:
        for notice in self._inputs.rescan():
            say(notice)
        if isinstance(self._sink, JackSink):
            for notice in self._sink.rescan_midi():
                say(notice)
            self._cables.keep(self._sink)

    def _midi_names(self) -> tuple[str, ...]:
        names = self._inputs.names()
        return (*self._sink.midi_names, *names) if isinstance(self._sink, JackSink) else names

    def _no_match_notices(self) -> list[Notice]:
        """Say which inputs that were asked for are not there."""
        there = list(self._inputs.available())
        if isinstance(self._sink, JackSink):
            there += self._sink.available_midi()
        return no_match_notices(self._settings.midi_in, there)

    def _replace_sink(self) -> None:
        """Go on without the device that has just been lost."""
        lost = self._sink
        if not isinstance(lost, NullSink):
            self._seeks_device = True
            say(Notice(f"{lost.name} is gone: playing to nowhere", "Trying to get it back."))
            if isinstance(lost, JackSink):
                self._let_jack_go()  # its keys can no longer tell that they are up
        _say_what_ended(lost)
        self._switch_to(self._stand_in(lost.block_frames))
        self._reopens_at = time.monotonic() + REOPEN_SECONDS

    def _stands_still(self) -> bool:
        """Say when the device stops asking for audio; True when it has to be opened again.

        A JACK server that hangs would not answer us either: it is waited for.
        """
        was_long, seconds = self._asked.is_long, self._asked.seconds()
        if self._asked.is_long and not was_long:
            say(Notice(f"{self._sink.name} asks for no audio", "Waiting for it."))
        elif was_long and not self._asked.is_long:
            say(Notice(f"{self._sink.name} asks for audio again"))
        return seconds > DEAD_SECONDS and not isinstance(self._sink, JackSink)

    def _try_to_return(self) -> None:
        with contextlib.suppress(DeviceError), self._heart.opening(OPENING_SECONDS):
            sink = self._reopen()
            self._seeks_device = False
            self._switch_to(sink)
            self._cables.plug(sink)
            self._say_ready()

    def _switch_to(self, sink: AudioSink) -> None:
        self._sink.close()
        self._state.fields["clock_next_ns"] = 0.0  # another device, another clock
        self._sink = sink
        sink.start()
        self._asked = Stall(self._state)


def _say_what_ended(sink: AudioSink) -> None:
    if isinstance(sink, WavSink) and sink.problem:
        say(Notice(sink.problem.message, "What was written before is kept."))


def main() -> None:
    """Run the engine of the session whose folder is the only argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is control's business
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    engine = Engine(Path(sys.argv[1]))
    try:
        engine.open()
        end_on_sigterm(engine.end)
        engine.run()
    except DeviceError as error:
        say(Failed(error.message, error.remedy))
        sys.exit(BAD_START)
    finally:
        engine.close()


if __name__ == "__main__":
    main()
