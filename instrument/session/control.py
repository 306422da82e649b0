"""Control: starts the engine and the models process, keeps them going, and talks with the player.

In: the options of ``latentkeys play``. Out: sound, from the two other processes; here are only
things that have time: presets and banks, program changes, recording, the status line. Control may
die without a click; the engine then plays on by itself.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from instrument.engine import messages as engine_messages
from instrument.errors import RateChangedError
from instrument.preset.preset import load_preset
from instrument.preset.rack import RackChoice
from instrument.processes.heartbeat import Heartbeat
from instrument.processes.json_lines import Notice
from instrument.realtime.control_input import ControlInput
from instrument.realtime.memory.constants import CONTROL_BEATS, FADE_OUT, PANIC
from instrument.realtime.memory.state import EngineState
from instrument.session.band import Band
from instrument.session.children.engine_process import EngineProcess
from instrument.session.children.models_process import ModelsProcess
from instrument.session.children.rack_link import RackLink
from instrument.session.device_choice import DeviceChoice
from instrument.session.ending import Ending, uninterrupted
from instrument.session.preset_changes import PresetChanges
from instrument.session.session_folder import create_state
from instrument.session.settings import PlaySettings
from instrument.session.songs.song_player import SongFeed
from instrument.session.sounds import place_sounds
from instrument.session.terminal.status_line import StatusLine, clock
from instrument.session.terminal.terminal_keys import TerminalKeys

if TYPE_CHECKING:
    from instrument.midi.song import Song
    from instrument.session.panel_link import PanelLink
    from instrument.session.recording import Recording
    from instrument.session.renderer_thread import RendererThread

LOOP_SECONDS = 0.02
CHANGE_SECONDS = 0.004
"""While a hand waits for another sound."""
START_POLL_SECONDS = 0.002
LIMIT_SECONDS = 5.0
"""Control's loop goes round within this time."""
FADE_TIMEOUT_SECONDS = 1.0
SONG_PATIENCE_SECONDS = 10.0
"""A piece waits so long for its notes to be rendered."""


class Host:
    """One session, from control's side; use it in a ``with`` statement.

    Parameters
    ----------
    folder
        The session's folder, empty.
    settings
        What the player asked for.
    preset
        What plays first.
    status
        Shows what goes on.
    models
        Renders the tones: a process, or a thread of this one.
    ending
        Tells when the player wants to end.
    """

    def __init__(
        self,
        folder: Path,
        settings: PlaySettings,
        preset: Path,
        status: type[StatusLine] = StatusLine,
        models: Callable[[EngineState, Path], ModelsProcess | RendererThread] = ModelsProcess,
        ending: Ending | None = None,
    ) -> None:
        self._settings = settings
        self._ending = ending or Ending()
        self.state = create_state(folder)
        self._heart = Heartbeat(self.state, CONTROL_BEATS).start()
        settings.for_engine().save(folder)
        self.state.fields["key_semitones"] = settings.tuning.key_semitones()
        self.state.fields["goes_through"] = int(settings.through)
        self._status = status(self.state)
        options = settings.for_partner(load_preset(preset, self._status.say).partner)
        # What can be wrong is looked for before a process is started that nobody would end.
        partners = options.voice_channels if options else ()
        channels, others = place_sounds(self.state, settings.parts, options)
        self._models = models(self.state, folder)
        self.presets = PresetChanges(
            self.state,
            preset,
            self._models,
            self._status,
            (*partners, *channels[1:]),
            others,
        )
        self._keys = TerminalKeys()
        self.band = Band(self.state, folder, options, self._status, self._keys)
        choice = RackChoice(settings.rack, settings.impulse)
        self._rack = RackLink(self.state, folder, choice, self._status.say)
        self._engine = EngineProcess(self.state, folder)
        self.ready: engine_messages.Ready | None = None  #: what plays; None until it does
        self._recording: Recording | None = None
        self._panics = False
        self.midi = ControlInput(self.state)  #: what a program plays
        self.devices = DeviceChoice(folder, settings, lambda: self._engine)
        self._panel = self._open_panel(folder) if settings.panel else None

    def _open_panel(self, folder: Path) -> PanelLink:
        from instrument.session.children.panel_process import PanelProcess  # the engine starts now
        from instrument.session.panel_link import PanelLink

        settings = self._settings
        panel = PanelProcess(
            self.state, folder, settings.panel_host, settings.panel_port, settings.osc
        )
        self._status.also = lambda message, remedy: panel.tell(Notice(message, remedy))
        self.band.tell_pages = panel.tell
        return PanelLink(
            panel,
            self._status,
            self.presets,
            self.band,
            self.panic,
            self.devices,
            self._rack,
        )

    def start(self) -> None:
        """Wait for the engine's device.

        Raises
        ------
        DeviceError, EngineError
            The engine cannot start.
        """
        while self.ready is None:
            self._ending.check()
            self._listen_to_engine()
            time.sleep(START_POLL_SECONDS)

    @property
    def is_bare(self) -> bool:
        """There is neither a sound card nor a MIDI system, and nobody asked to go on without."""
        assert self.ready
        has_device = self.ready.kind != "null" or self._settings.audio != "auto"
        return not has_device and not self.ready.midi and not self._panel

    def begin(self) -> None:
        """Let keys play, and record if that was asked for; call `follow` often from now on."""
        self.presets.start()
        if self._settings.record:
            from instrument.session.recording import Recording  # soundfile: not needed otherwise

            self._recording = Recording(self.state, self._settings.record)
            if problem := self._recording.problem:
                self._status.say(problem.message, "It could not be saved after a crash.")
        self.band.begin()

    def play(self, song: Song | None) -> None:
        """Let keys play until Ctrl-C; if there is a piece, play it and end with it."""
        self.begin()
        self._say_how_to_play()
        with self._status, self._keys:
            if song:
                self._play_song(song)
            while song is None:
                self._pass()

    def _play_song(self, song: Song) -> None:
        patience = time.monotonic() + SONG_PATIENCE_SECONDS
        while not self.presets.table_is_complete and time.monotonic() < patience:
            self._pass()
        is_free = self._settings.demo and self._settings.preset is None
        self.presets.play_drums(song.drum_channels)
        feed = SongFeed(self.state, song, follow_programs=is_free)
        while not feed.has_ended:
            feed.feed()
            self._status.update(song=f"{clock(feed.position_seconds)}/{clock(feed.length_seconds)}")
            self._pass()

    def _pass(self) -> None:
        """Go once round control's loop."""
        self._ending.check()
        self.follow()
        self.band.obey_keys()
        self._status.refresh()
        time.sleep(CHANGE_SECONDS if self.presets.is_changing else LOOP_SECONDS)

    def follow(self) -> None:
        """Hear what the other processes say, and do what is due; never waits.

        Raises
        ------
        LatentkeysError
            The engine has died, or the first preset cannot be rendered.
        """
        self._heart.work(LIMIT_SECONDS)
        if self._panics:
            self._panics = False
            self.state.command(PANIC)
        self._listen_to_engine()
        self.band.follow()
        if self._panel and self.ready:
            self._panel.follow(self.ready)
        self.presets.follow()  # at once what a page has just asked for
        if preset := self.presets.preset:
            self._rack.follow(preset.rack)
        if self._recording:
            if problem := self._recording.drain():
                self._status.say(problem.message, "Playing goes on without recording.")
            self._status.update(recording=self._recording.seconds)

    def _listen_to_engine(self) -> None:
        for report in self._engine.follow():
            self._hear(report)

    def _hear(self, report: engine_messages.Report) -> None:
        if isinstance(report, engine_messages.OtherRate):
            raise RateChangedError(
                f"{report.audio} is back, at {report.rate_hz:g} Hz; this session plays at "
                f"{self.state.rate_hz:g} Hz"
            )
        if isinstance(report, Notice):
            self._status.say(report.message, report.remedy)
        elif isinstance(report, engine_messages.Ready):
            self.ready = report
            self.band.hear_at(report.rate_hz)
            self._status.update(
                output=f"{report.audio} {report.rate_hz / 1000:g} kHz",
                block_frames=report.block_frames,
                latency_seconds=report.latency_from_key(lowest=self._settings.lowest_latency),
            )

    def _say_how_to_play(self) -> None:
        assert self.ready
        midi = ", ".join(self.ready.midi) or "none"
        panic = "Ctrl-\\ silences everything, " if hasattr(signal, "SIGQUIT") else ""
        self._status.say(f"Audio: {self.ready.audio}. MIDI: {midi}. {panic}Ctrl-C ends.")

    def panic(self) -> None:
        """End every sound at the next `follow`: a signal may come in the middle of a push."""
        self._panics = True

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Fade out, finish the recording, end the other processes; nothing interrupts that."""
        with uninterrupted(), ExitStack() as ends:
            ends.callback(self._heart.stop)
            ends.callback(self._engine.end)
            ends.callback(self.devices.end)
            ends.callback(self._models.end)
            ends.callback(self._rack.end)
            if self._panel:
                ends.callback(self._panel.panel.end)
            ends.callback(self.band.end)
            self._fade_out()
            if self._recording:
                self._recording.finish()

    def _fade_out(self) -> None:
        self.state.command(FADE_OUT)
        deadline = time.monotonic() + FADE_TIMEOUT_SECONDS
        while self._engine.is_running and time.monotonic() < deadline:
            time.sleep(START_POLL_SECONDS)
