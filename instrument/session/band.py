"""Who plays beside the player: the partner, kept takes, and the sound that belongs to them.

In: what keys, pages and the partner say. Out: a partner that plays, takes on disk, views for the
status line and the pages. Runs in control.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

from instrument.errors import LatentkeysError
from instrument.partner import messages as partner_messages
from instrument.partner.commands import Command
from instrument.preset.learned_controllers import PARTNER, bind, with_learned
from instrument.preset.partner_options import PartnerOptions
from instrument.processes.json_lines import Failed, Notice
from instrument.realtime.memory.state import EngineState
from instrument.session.songs.take_player import TakePlayer
from instrument.session.terminal.status_line import StatusLine, clock
from instrument.session.terminal.terminal_keys import HELP, KEYS, TerminalKeys

if TYPE_CHECKING:
    from instrument.panel.messages.link import CallPartner
    from instrument.session.audio_history import AudioCapture
    from instrument.session.children.partner_process import PartnerProcess

ECHO_SECONDS = 0.06
"""A note of the partner that another program sends back so soon is not taken for the player's."""


class Band:
    """The partner, called and sent away, and its takes; control's loop calls `follow`.

    Parameters
    ----------
    state
        The engine block.
    folder
        The session's folder.
    options
        Of the partner that plays from the beginning; None without one.
    status
        Shows what goes on.
    keys
        Of the terminal: they are the partner's.

    Attributes
    ----------
    takes
        Plays a kept one once more.
    tell_pages
        Says to the pages what the partner does and learns.
    """

    def __init__(
        self,
        state: EngineState,
        folder: Path,
        options: PartnerOptions | None,
        status: StatusLine,
        keys: TerminalKeys,
    ) -> None:
        self._state, self._folder, self._status, self._keys = state, folder, status, keys
        self._options = options
        self._partner = self._new_partner(options) if options else None
        self._capture: AudioCapture | None = None
        self.takes = TakePlayer(state)
        self.tell_pages: Callable[[partner_messages.View | partner_messages.KnobLearned], None] = (
            lambda _: None
        )

    def begin(self) -> None:
        """Keep what sounds from now on, if there is a partner: takes want it. Needs the rate."""
        if self._partner and self._capture is None:
            from instrument.session.audio_history import AudioCapture  # soundfile: for takes alone

            self._capture = AudioCapture(self._state)

    def hear_at(self, rate_hz: float) -> None:
        """Take the partner's own notes that come back from other programs for what they are."""
        if self._partner:
            self._state.fields["echo_frames"] = round(ECHO_SECONDS * rate_hz)

    @property
    def partner_channels(self) -> tuple[int, ...] | None:
        """On which the partner plays; None without one."""
        return self._options.voice_channels if self._partner and self._options else None

    def follow(self) -> None:
        """Hear the partner, and keep what sounds; never waits."""
        for report in self._partner.follow() if self._partner else ():
            self._hear(report)
        if self._capture and (problem := self._capture.drain()):
            self._status.say(problem.message, "Takes are kept without what sounds from now on.")

    def obey_keys(self) -> None:
        """Do what a key of the terminal says."""
        key = self._keys.read() if self._partner else ""
        if key == "?":
            self._status.say(f"Keys: {HELP}.")
        elif command := KEYS.get(key):
            self.ask_partner(command)

    def call_partner(self, request: CallPartner) -> None:
        """Let a partner play along, or another one than now; a take that plays ends before it."""
        self.takes.stop()
        self.dismiss_partner()
        before = self._options or PartnerOptions(seed=SystemRandom().getrandbits(31))
        self._options = replace(
            before,
            mode=request.mode,
            model=request.model,
            tempo=request.tempo,
            metronome=request.metronome,
        )
        self._partner = self._new_partner(self._options)
        self.hear_at(self._state.rate_hz)
        self.begin()

    def dismiss_partner(self) -> None:
        """Let the partner go."""
        if self._partner:
            self._partner.end()
            self._partner = None
            self._status.update(partner="")

    def ask_partner(self, command: Command) -> None:
        """Ask the partner for something; without one nothing happens."""
        if self._partner:
            self._partner.send(command)

    def play_take(self, name: str) -> None:
        """Play a kept take once more; not while a partner would take it for the player."""
        if self._partner:
            self._status.say("the partner would answer the take", "Let it go first.")
            return
        try:
            self.takes.play(name)
        except LatentkeysError as problem:
            self._status.say(problem.message, problem.remedy)

    def end(self) -> None:
        """Let the partner go for good, and forget what sounded."""
        with ExitStack() as ends:
            if self._partner:
                ends.callback(self._partner.end)
            if self._capture:
                ends.callback(self._capture.close)

    def _new_partner(self, options: PartnerOptions) -> PartnerProcess:
        from instrument.session.children.partner_process import PartnerProcess  # if one plays

        return PartnerProcess(self._state, self._folder, with_learned(options))

    def _hear(self, report: partner_messages.Report) -> None:
        if isinstance(report, (Notice, Failed)):
            self._status.say(report.message, report.remedy)
        elif isinstance(report, partner_messages.Listening):
            self._status.say(f"Your partner listens: {report.model}.")
            if self._keys.is_there:
                self._status.say(f"Keys: {HELP}.")
        elif isinstance(report, partner_messages.KnobLearned):
            self._keep_controller(report)
        elif isinstance(report, partner_messages.Kept):
            self._keep_audio(Path(report.folder))
        else:
            self._status.show(report)
            self.tell_pages(report)

    def _keep_controller(self, learned: partner_messages.KnobLearned) -> None:
        """Remember what a controller turns, for the next start and for the pages."""
        try:
            bind(learned.source, f"{PARTNER}{learned.knob}")
        except LatentkeysError as problem:
            self._status.say(problem.message, problem.remedy)
        self.tell_pages(learned)

    def _keep_audio(self, folder: Path) -> None:
        """Put what sounded beside the notes of a take."""
        assert self._capture
        try:
            seconds = self._capture.write(folder / "audio.wav")
        except LatentkeysError as problem:
            self._status.say(problem.message, problem.remedy)
            return
        self._status.say(f"Kept: {folder} (notes, and {clock(seconds)} of audio)")
