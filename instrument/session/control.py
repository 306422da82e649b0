"""Control: starts the engine and the models process, keeps them going, and talks with the player.

In: the options of ``latentkeys play``. Out: sound, from the two other processes; here are only
things that have time: presets and banks, program changes, recording, the status line. Control may
die without a click; the engine then plays on by itself.
"""

from __future__ import annotations

import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from instrument.engine import messages as engine_messages
from instrument.engine.messages import EngineSettings
from instrument.errors import FileError, LatentkeysError, RateChangedError, SettingError
from instrument.files import free_name
from instrument.first_start import compile_once
from instrument.midi.song import Song, read_midi_file
from instrument.partner import messages as partner_messages
from instrument.preset.banks import chosen_preset
from instrument.preset.partner_options import PartnerOptions
from instrument.preset.preset import find_preset, load_preset
from instrument.processes.heartbeat import Heartbeat
from instrument.processes.json_lines import Failed, Notice
from instrument.realtime.state import CONTROL_BEATS, FADE_OUT, PANIC, EngineState
from instrument.session.demo import demonstration
from instrument.session.ending import Ending, uninterrupted
from instrument.session.engine_process import EngineProcess
from instrument.session.models_process import ModelsProcess
from instrument.session.partner_process import PartnerProcess
from instrument.session.preset_changes import PresetChanges
from instrument.session.session_folder import (
    USUAL_RATE_HZ,
    create_state,
    other_sessions,
    session_folder,
)
from instrument.session.song_player import SongFeed
from instrument.session.status_line import StatusLine, clock
from instrument.session.terminal_keys import HELP, KEYS, TerminalKeys
from instrument.session.unfinished import unfinished_recordings, write_down

if TYPE_CHECKING:
    from instrument.session.audio_history import AudioCapture
    from instrument.session.renderer_thread import RendererThread
    from instrument.wav_files import Recorder

LOOP_SECONDS = 0.02
START_POLL_SECONDS = 0.002
LIMIT_SECONDS = 5.0
"""Control's loop goes round within this time."""
FADE_TIMEOUT_SECONDS = 1.0
SONG_PATIENCE_SECONDS = 10.0
"""A piece waits so long for its notes to be rendered."""
ECHO_SECONDS = 0.06
"""A note of the partner that another program sends back so soon is not taken for the player's."""
ALREADY_PLAYING = (
    "latentkeys is playing already (process {}); this is another one, beside it. Its JACK ports "
    "have another name, and a sound card may belong to the first one alone."
)
UNFINISHED = "The recording {} was not finished. To save it, type: latentkeys recover"
DEMO_FILE = Path("latentkeys-demo.wav")
_PARTNER = "partner_"  # flags that begin so are the partner's


@dataclass(frozen=True, slots=True)
class PlaySettings:
    """The options of ``latentkeys play``; the command line's help says what they mean."""

    preset: str | None = None
    audio: str = "auto"
    midi_in: tuple[str, ...] = ()
    channel: int | None = None
    block_frames: int | None = None
    rate_hz: int | None = None
    lowest_latency: bool = False
    record: Path | None = None
    midi: Path | None = None
    no_drums: bool = False
    demo: bool = False
    force: bool = False
    through: bool = False
    partner: Mapping[str, Any] = field(default_factory=dict)
    """What was asked of the partner: fields of `PartnerOptions`."""

    @classmethod
    def of_flags(cls, flags: Mapping[str, Any]) -> PlaySettings:
        """Take the command line's flags; what begins with ``partner_`` is the partner's."""
        own = {name: value for name, value in flags.items() if not name.startswith(_PARTNER)}
        given = {
            name.removeprefix(_PARTNER): value
            for name, value in flags.items()
            if name.startswith(_PARTNER) and value is not None
        }
        return cls(**own, partner=given)

    def for_engine(self) -> EngineSettings:
        """Say what of it concerns the engine."""
        return EngineSettings(
            audio=self.audio,
            rate_hz=float(self.rate_hz or 0),
            block_frames=self.block_frames or 0,
            midi_in=tuple(self.midi_in),
            channel=self.channel,
            lowest_latency=self.lowest_latency,
        )

    def for_partner(self, preset: PartnerOptions | None) -> PartnerOptions | None:
        """Say what of it concerns the partner; None without one.

        Parameters
        ----------
        preset
            The preset's own options; the command line's go before them.
        """
        if preset is None and "mode" not in self.partner:
            return None
        options = replace(preset or PartnerOptions(), **self.partner)
        return replace(options, seed=secrets.randbits(31)) if options.seed is None else options


def play_live(settings: PlaySettings) -> None:
    """Play until Ctrl-C, or until the piece has ended if one is played.

    Raises
    ------
    LatentkeysError
        A wrong option, a preset or device that does not work, an engine that died.
    """
    preset = chosen_preset(settings.preset)
    load_preset(preset)  # a wrong one is told before anything starts
    song = _song(settings)
    check_files(settings)
    compile_once()
    for other in other_sessions():
        click.echo(ALREADY_PLAYING.format(other), err=True)
    for recording in unfinished_recordings():
        click.echo(UNFINISHED.format(recording.path.name), err=True)
    with Ending() as ending:
        is_bare = _play_session(settings, preset, song, ending)
    if is_bare:
        play_into_file(settings, preset)


def _play_session(settings: PlaySettings, preset: Path, song: Song | None, ending: Ending) -> bool:
    """Play in one session after the other, should the device change its rate.

    Returns
    -------
    bool
        There is nothing here to play with.
    """
    while True:
        with (
            session_folder(settings.rate_hz or USUAL_RATE_HZ) as folder,
            Host(folder, settings, preset, ending=ending) as host,
        ):
            try:
                host.start()
                if not host.is_bare:
                    with panic_key(host):
                        host.play(song)
                return host.is_bare
            except RateChangedError as change:
                click.echo(f"{change.message}: starting again at that rate", err=True)
                preset = host.presets.plays or preset
        if settings.record:
            settings = replace(settings, record=free_name(settings.record))


def play_into_file(settings: PlaySettings, preset: Path) -> None:
    """Play the demonstration piece into a file: what a machine without sound and MIDI can do."""
    from instrument.offline.render_song import write_song

    click.echo(f"No sound card and no MIDI: the demonstration piece goes to {DEMO_FILE}", err=True)
    is_free = settings.preset is None
    write_song(demonstration(), DEMO_FILE, preset, rate_hz=48_000, follow_programs=is_free)


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
        self.state.fields["goes_through"] = int(settings.through)
        self._status = status(self.state)
        self._models = models(self.state, folder)
        options = settings.for_partner(load_preset(preset, self._status.say).partner)
        sound = options.preset if options else None
        self.presets = PresetChanges(
            self.state,
            preset,
            self._models,
            self._status,
            options.voice_channels if options else (),
            find_preset(sound) if sound else None,
        )
        self._partner = PartnerProcess(self.state, folder, options) if options else None
        self._keys = TerminalKeys()
        self._capture: AudioCapture | None = None
        self._engine = EngineProcess(self.state, folder)
        self.ready: engine_messages.Ready | None = None  #: what plays; None until it does
        self._recorder: Recorder | None = None
        self._forget_recording: Callable[[], None] = lambda: None
        self._panics = False

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
        return not has_device and not self.ready.midi

    def begin(self) -> None:
        """Let keys play, and record if that was asked for; call `follow` often from now on."""
        self.presets.start()
        if self._settings.record:
            from instrument.wav_files import Recorder  # soundfile: not needed otherwise

            self._recorder = Recorder(self.state, self._settings.record)
            self._write_down(self._recorder)
        if self._partner:
            from instrument.session.audio_history import AudioCapture  # soundfile, as above

            self._capture = AudioCapture(self.state)

    def _write_down(self, recorder: Recorder) -> None:
        """See that the recording can be saved, should this process be killed."""
        try:
            entry = write_down(recorder.path, recorder.temporary, round(self.state.rate_hz))
        except FileError as problem:
            self._status.say(problem.message, "It could not be saved after a crash.")
            return
        self._forget_recording = entry.release

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
        if self._partner and (command := KEYS.get(self._keys.read())):
            self._partner.send(command)
        self._status.refresh()
        time.sleep(LOOP_SECONDS)

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
        self.presets.follow()
        if self._partner:
            self._hear_partner(self._partner.follow())
        if self._capture and (problem := self._capture.drain()):
            self._status.say(problem.message, "Takes are kept without what sounds from now on.")
        if self._recorder:
            if problem := self._recorder.drain():
                self._status.say(problem.message, "Playing goes on without recording.")
            self._status.update(recording=self._recorder.seconds)

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
            if self._partner:
                self.state.fields["echo_frames"] = round(ECHO_SECONDS * report.rate_hz)
            placed_seconds = report.block_frames / report.rate_hz
            self._status.update(
                output=f"{report.audio} {report.rate_hz / 1000:g} kHz",
                block_frames=report.block_frames,
                latency_seconds=report.latency_seconds
                + (0.0 if self._settings.lowest_latency else placed_seconds),
            )

    def _hear_partner(self, reports: list[partner_messages.Report]) -> None:
        for report in reports:
            if isinstance(report, (Notice, Failed)):
                self._status.say(report.message, report.remedy)
            elif isinstance(report, partner_messages.Listening):
                self._status.say(f"Your partner listens: {report.model}.")
                if self._keys.is_there:
                    self._status.say(f"Keys: {HELP}.")
            elif isinstance(report, partner_messages.Kept):
                self._keep_audio(Path(report.folder))
            else:
                self._status.show(report)

    def _keep_audio(self, folder: Path) -> None:
        """Put what sounded beside the notes of a take."""
        assert self._capture
        try:
            seconds = self._capture.write(folder / "audio.wav")
        except LatentkeysError as problem:
            self._status.say(problem.message, problem.remedy)
            return
        self._status.say(f"Kept: {folder} (notes, and {clock(seconds)} of audio)")

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
            ends.callback(self._models.end)
            if self._partner:
                ends.callback(self._partner.end)
            if self._capture:
                ends.callback(self._capture.close)
            self._fade_out()
            if self._recorder:
                self._recorder.drain()
                self._recorder.finish()
                self._forget_recording()

    def _fade_out(self) -> None:
        self.state.command(FADE_OUT)
        deadline = time.monotonic() + FADE_TIMEOUT_SECONDS
        while self._engine.is_running and time.monotonic() < deadline:
            time.sleep(START_POLL_SECONDS)


@contextmanager
def panic_key(host: Host) -> Iterator[None]:
    """Silence everything at Ctrl and backslash, where the system has it."""
    if hasattr(signal, "SIGQUIT"):
        signal.signal(signal.SIGQUIT, lambda *_: host.panic())
    try:
        yield
    finally:
        if hasattr(signal, "SIGQUIT"):
            signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def _song(settings: PlaySettings) -> Song | None:
    if settings.midi:
        song = read_midi_file(settings.midi, drums=not settings.no_drums)
        if song.warning:
            click.echo(song.warning, err=True)
        return song
    return demonstration() if settings.demo else None


def check_files(settings: PlaySettings) -> None:
    """Refuse files that cannot be written before anything starts."""
    if settings.midi and settings.demo:
        raise SettingError("--midi and --demo exclude each other", "Choose one of them.")
    if settings.no_drums and not settings.midi:
        raise SettingError(
            "--no-drums belongs to --midi", "For example: --midi song.mid --no-drums"
        )
    for path in (settings.record, Path(settings.audio)):
        if path and (path == settings.record or path.suffix.lower() == ".wav"):
            from instrument.wav_files import check_target

            check_target(path, replace=settings.force)
