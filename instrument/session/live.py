"""A live session for programs: what ``latentkeys play`` does, behind a ``with`` statement.

In: a preset, and calls. Out: sound, from the engine's process, beside the keyboards that play into
it as always. A thread of this process looks after the others; it prints nothing, and says what it
has to say through `logging`, as ``latentkeys``.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from instrument.errors import EngineError, PresetError, SettingError, check_whole
from instrument.first_start import compile_once
from instrument.midi.messages import check_message, control_change, note_off, note_on, pitch_bend
from instrument.midi.song import Song, song_from
from instrument.music.note import Phrase
from instrument.preset.banks import preset_file
from instrument.preset.partner_options import PartnerOptions
from instrument.preset.parts import parts_of
from instrument.preset.preset import Preset, load_preset
from instrument.rack.find import check_rack_name
from instrument.realtime.memory.constants import BLOCKS_FRAMES, RATES_HZ
from instrument.realtime.memory.state import EngineState
from instrument.rendering.renderer import ToneRenderer, check_renderer
from instrument.schema import decode
from instrument.session.children.models_process import ModelsProcess
from instrument.session.control import LOOP_SECONDS, Host
from instrument.session.follower import Follower
from instrument.session.session_folder import session_folder
from instrument.session.settings import PlaySettings, check_files, check_others
from instrument.session.songs.song_player import SongFeed
from instrument.session.terminal.status_line import StatusLine

if TYPE_CHECKING:
    from instrument.session.renderer_thread import RendererThread

log = logging.getLogger("latentkeys")


class Session:
    """The instrument, playing; use it in a ``with`` statement.

    Entering starts the engine and the models process, and keys sound from then on; leaving fades
    out and ends both. Any thread may call the methods.

    Parameters
    ----------
    preset
        A preset, or the name or path of one; the default preset when not given.
    audio
        "auto", "jack", a sound device's name or number, "null", or a WAV file, which is written in
        real time. A machine without sound plays to "null" by itself.
    midi_in
        Parts of the names of keyboards that play along; all when empty.
    rate_hz, block_frames
        The device's own when not given.
    record
        A WAV file for what sounds; one that is there is replaced.
    partner
        A partner that plays along, instead of the one that the preset may bring.
    renderer
        One's own, instead of the model that presets name. It works in a thread of this process.
    keys, parts
        On which keys `preset` plays, and what plays besides, as behind ``--keys`` and each
        ``--part`` of the command line: ``keys="C4-C8", parts=["rubber_line keys=A0-B3"]``.
    part_outputs
        Give each part behind the first JACK outputs of its own.
    rack
        A shipped rack's name, or a file, as behind ``--rack``; empty: as presets say.

    Examples
    --------
    >>> from instrument import Session
    >>> with Session("glass_choir", audio="null") as session:
    ...     session.note_on(60)
    ...     session.note_off(60, at_seconds=session.seconds + 0.5)
    ...     session.change_preset("breathing_piano")
    """

    def __init__(
        self,
        preset: Preset | Path | str | None = None,
        *,
        audio: str | Path = "auto",
        midi_in: tuple[str, ...] = (),
        rate_hz: int | None = None,
        block_frames: int | None = None,
        record: Path | str | None = None,
        partner: PartnerOptions | None = None,
        renderer: ToneRenderer | None = None,
        keys: str | None = None,
        parts: Sequence[str] = (),
        part_outputs: bool = False,
        rack: str = "",
    ) -> None:
        self._preset = preset
        self._settings = PlaySettings(
            parts=parts_of(keys, parts),
            part_outputs=part_outputs,
            rack=rack,
            audio=str(audio),
            midi_in=midi_in,
            rate_hz=rate_hz,
            block_frames=block_frames,
            record=Path(record) if record else None,
            force=True,
            partner=_checked(partner) if partner else {},
        )
        for name, value, limits in (
            ("rate_hz", rate_hz, RATES_HZ),
            ("block_frames", block_frames, BLOCKS_FRAMES),
        ):
            if value is not None:
                check_whole(name, value, *limits)
        check_renderer(renderer)
        self._renderer = renderer
        self._follower: Follower | None = None
        self._opened = ExitStack()

    def __enter__(self) -> Session:
        """Start.

        Raises
        ------
        PresetError
            There is no such preset, or it is wrong.
        DeviceError, EngineError
            The engine cannot start, or this session is running already.
        """
        if self._follower:
            raise EngineError("this session is running already", "Make another one beside it.")
        check_files(self._settings)
        if self._settings.rack:
            check_rack_name(self._settings.rack)
        compile_once()
        with ExitStack() as opening:
            folder = opening.enter_context(session_folder())
            self._made = folder / "presets"
            self._made.mkdir()
            preset = self._file(self._preset)
            check_others(self._settings, load_preset(preset))
            models = ModelsProcess if self._renderer is None else self._renderer_thread
            host = Host(folder, self._settings, preset, _LoggedStatus, models)
            self._host = opening.enter_context(host)
            host.start()
            host.begin()
            self._follower = Follower(host)
            opening.callback(self._follower.stop)
            self._opened = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End; what went wrong meanwhile, and was not told yet, is raised."""
        follower, self._follower = self._follower, None
        self._opened.close()
        if error is None and follower:
            follower.check_untold()

    @property
    def audio(self) -> str:
        """What it plays to, as a person would call it."""
        ready = self._running().ready
        assert ready
        return ready.audio

    @property
    def rate_hz(self) -> float:
        """Frames per second."""
        return self._running().state.rate_hz

    @property
    def seconds(self) -> float:
        """The time on the engine's clock, which counts what has been rendered."""
        state = self._running().state
        return state.clock / state.rate_hz

    @property
    def voices(self) -> int:
        """How many notes sound."""
        return int(self._running().state.meters["active_voices"])

    def note_on(
        self,
        pitch: int,
        velocity: int = 100,
        *,
        channel: int = 0,
        at_seconds: float | None = None,
    ) -> None:
        """Strike a key: pitch 0-127 (60 = middle C), velocity 1-127; see `send`.

        Parameters
        ----------
        channel
            0-15.
        at_seconds
            When, as `send` counts; now without it.
        """
        self.send(note_on(pitch, velocity, channel), at_seconds)

    def note_off(self, pitch: int, *, channel: int = 0, at_seconds: float | None = None) -> None:
        """Let a key go; see `send`.

        Parameters
        ----------
        pitch
            0-127.
        channel
            0-15.
        at_seconds
            When, as `send` counts; now without it.
        """
        self.send(note_off(pitch, channel), at_seconds)

    def control_change(
        self, control: int, value: int, *, channel: int = 0, at_seconds: float | None = None
    ) -> None:
        """Move a controller, both 0-127: 1 is the mod wheel, 64 the pedal; see `send`.

        Parameters
        ----------
        control, value
            0-127.
        channel
            0-15.
        at_seconds
            When, as `send` counts; now without it.
        """
        self.send(control_change(control, value, channel), at_seconds)

    def pitch_bend(self, bend: int, *, channel: int = 0, at_seconds: float | None = None) -> None:
        """Move the bend wheel, -8192 to 8191; see `send`.

        Parameters
        ----------
        channel
            0-15.
        at_seconds
            When, as `send` counts; now without it.
        """
        self.send(pitch_bend(bend, channel), at_seconds)

    def send(self, message: bytes, at_seconds: float | None = None) -> None:
        """Play one MIDI message of two or three bytes.

        Parameters
        ----------
        message
            Status byte first, channels 0-15; a program change asks for a preset.
        at_seconds
            When, on the clock of `seconds`, to the frame; with the next block when not given.

        Raises
        ------
        SettingError
            It is no channel message, or the time is none.
        EngineError
            The session has ended, the engine has died, or 4096 messages are waiting already.
        """
        check_message(message)
        following = self._following()
        if at_seconds is not None and not math.isfinite(at_seconds):
            raise SettingError(f"at_seconds must be a time in seconds, got {at_seconds}")
        frame = -1 if at_seconds is None else round(at_seconds * self.rate_hz)
        with following.lock:
            if not self._host.midi.send(message, frame):
                raise EngineError("too many messages are waiting", "Send them a little later.")

    def play(self, music: Phrase | Song | Path | str) -> None:
        """Play a phrase, a song or a MIDI file from now on, and return when nothing sounds.

        Raises
        ------
        LatentkeysError
            The file is wrong, or the engine has died.
        """
        music = song_from(music)
        with self._following().lock:
            self._host.presets.play_drums(music.drum_channels)
        feed = SongFeed(self._host.state, music, follow_programs=False)
        while not feed.has_ended:
            with self._following().lock:
                feed.feed()
            time.sleep(LOOP_SECONDS)
        with self._following().lock:
            self._host.presets.play_drums(frozenset())

    def change_preset(self, preset: Preset | Path | str) -> None:
        """Let new notes play another preset as soon as its first tones are there.

        Notes that sound keep the sound that they have; `wait_until_rendered` waits for all tones.

        Raises
        ------
        PresetError
            There is no such preset, or it is wrong.
        """
        following = self._following()
        path = self._file(preset)
        with following.lock:
            self._host.presets.ask_for(path)

    def wait_until_rendered(self, timeout_seconds: float = 60.0) -> None:
        """Wait until every tone of the preset is there; keys sound before, on stand-ins.

        Parameters
        ----------
        timeout_seconds
            After which it gives up.

        Raises
        ------
        EngineError
            They were not there in time, or the engine has died.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self._host.presets.is_settled:
            self._following()
            if time.monotonic() > deadline:
                raise EngineError(f"the tones were not rendered in {timeout_seconds:g} s")
            time.sleep(LOOP_SECONDS)

    def panic(self) -> None:
        """End every sound at once."""
        self._following()
        self._host.panic()

    def _file(self, preset: Preset | Path | str | None) -> Path:
        path = preset_file(preset, self._made)
        load_preset(path)  # a wrong one is told here, and not in the thread
        return path

    def _renderer_thread(self, _: EngineState, folder: Path) -> RendererThread:
        from instrument.session.renderer_thread import RendererThread  # with all that renders

        assert self._renderer
        return RendererThread(folder, self._renderer)

    def _running(self) -> Host:
        if not self._follower:
            raise _not_running()
        return self._host

    def _following(self) -> Follower:
        """Return what looks after the session; raise what went wrong, or that it is not open."""
        if not self._follower:
            raise _not_running()
        self._follower.check()
        return self._follower


def _not_running() -> EngineError:
    return EngineError("no session is running", "Call this inside its with statement.")


class _LoggedStatus(StatusLine):
    """Says notices into the log: a library does not write into its program's terminal."""

    def say(self, notice: str, remedy: str = "") -> None:
        log.info("%s", f"{notice} {remedy}".strip())


def _checked(partner: PartnerOptions) -> dict[str, Any]:
    """Return the fields of a partner's options.

    Raises
    ------
    PresetError
        One is out of its range.
    """
    options = decode(asdict(partner), PartnerOptions, "the partner's options", PresetError)
    return {field.name: getattr(options, field.name) for field in fields(options)}
