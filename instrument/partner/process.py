"""The partner's process: ``python -m instrument.partner.process SESSION_DIR``.

It sees the engine's log, composes, and hands its notes over shortly before their time. It holds no
sound and no device: when it dies, control lets its notes go and starts it again. It ends when its
stdin does, that is, with control.
"""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from instrument.engine.audio_sinks import raise_priority
from instrument.engine.clock import now_ns, read_tie
from instrument.errors import LatentkeysError
from instrument.partner.clocks.link_clock import LinkClock
from instrument.partner.commands import (
    COMMANDS,
    FARTHEST_BEATS,
    LINK_FASTEST_BPM,
    LINK_SLOWEST_BPM,
    Command,
    FollowLink,
    Keep,
)
from instrument.partner.engine_bridge import LivePartner
from instrument.partner.knobs import change_in_words
from instrument.partner.messages import Kept, KnobLearned, Listening, load_options
from instrument.partner.open_partner import open_partner
from instrument.partner.takes.take import new_take_folder
from instrument.partner.views import view_of
from instrument.preset.partner_options import PartnerOptions
from instrument.processes.heartbeat import Heartbeat
from instrument.processes.json_lines import Failed, Notice, listen, mention, say
from instrument.realtime.memory.constants import PARTNER_BEATS
from instrument.realtime.memory.state import EngineState

POLL_SECONDS = 0.001
VIEW_SECONDS = 0.1
TURNED_SECONDS = 3.0
"""So long a knob's new value is shown."""
PRIORITY = 1
LINK_SECONDS = 0.05
LIMIT_SECONDS = 3.0
"""Whoever composes for longer does not come back; the music has waited long enough."""
OPENING_SECONDS = 60.0
"""Reading a composer and its runtime from a slow disk."""


class PartnerService:
    """Serve one session.

    Parameters
    ----------
    state
        The engine block, playing.
    options
        What the player chose.
    commands
        What control asks for; None means that control is gone.
    heart
        Shows whether this goes on.
    """

    def __init__(
        self,
        state: EngineState,
        options: PartnerOptions,
        commands: SimpleQueue[Command | None],
        heart: Heartbeat,
    ) -> None:
        self._state, self._options, self._commands = state, options, commands
        self._heart = heart
        partner = open_partner(options, state.rate_hz)
        self._live = LivePartner(state, partner)
        self._next_view = self._next_link = 0.0
        is_linked = options.clock == "link"
        self._link = LinkClock(options.tempo, float(options.bar_beats)) if is_linked else None
        self._told: set[str] = set()
        self._seen_options = partner.options
        self._bound = dict(partner.knobs.bound)
        self._turned, self._turned_until = "", 0.0

    def serve(self) -> None:
        """Go on until control is gone."""
        say(Listening(self._options.model, self._live.first_frame))
        gc.collect()
        gc.freeze()  # a collection of what lies here would stop the music for milliseconds
        while self._do_commands():
            self._heart.work(LIMIT_SECONDS)
            self._live.follow()
            if self._link is not None and time.monotonic() >= self._next_link:
                self._next_link = time.monotonic() + LINK_SECONDS
                self._follow_link(self._link)
            self._tell()
            self._heart.rest()
            time.sleep(POLL_SECONDS)
        self._live.send(self._live.partner.end())
        if self._link is not None:
            self._link.close()

    def _follow_link(self, link: LinkClock) -> None:
        """Tell the partner where Link is at the partner's own frame."""
        tie = read_tie(self._state)
        if tie is None:
            return
        now = link.look()
        frame = tie.frame + (now_ns() - tie.ns) * tie.frames_per_ns
        seconds = (self._live.partner.frame - frame) / self._state.rate_hz
        beats = now.beats + seconds * now.bpm / 60.0
        if abs(beats) <= FARTHEST_BEATS and LINK_SLOWEST_BPM <= now.bpm <= LINK_FASTEST_BPM:
            self._live.take.do(FollowLink(beats, now.bpm))

    def _do_commands(self) -> bool:
        while True:
            try:
                command = self._commands.get_nowait()
            except Empty:
                return True
            if command is None:
                return False
            if isinstance(command, Keep):
                self._keep()
            else:
                self._live.take.do(command)

    def _keep(self) -> None:
        """Write the take; whatever goes wrong, the music goes on."""
        folder = None
        try:
            folder = new_take_folder()
            self._live.take.keep(folder)
        except LatentkeysError as problem:
            if folder is not None:
                with suppress(OSError):
                    folder.rmdir()  # if nothing is in it
            say(Notice(f"the take is not kept: {problem.message}", problem.remedy))
            return
        say(Kept(str(folder)))

    def _tell(self) -> None:
        partner = self._live.partner
        if partner.keeps:
            partner.keeps = False
            self._keep()
        for problem in partner.problems():
            self._tell_once(problem, "The music goes on without it.")
        if ended := self._live.take.problem:
            self._tell_once(
                f"the take ends here: {ended}", "Keep it (k); another one begins with a new start."
            )
        for news in partner.take_news():
            say(Notice(news.message, news.remedy))
        if partner.knobs.bound != self._bound:
            for source, knob in partner.knobs.bound.items() - self._bound.items():
                say(KnobLearned(source, knob))
            self._bound = dict(partner.knobs.bound)
        if time.monotonic() >= self._next_view:
            self._next_view = time.monotonic() + VIEW_SECONDS
            mention(view_of(partner, self._options.clock, self._knob_words()))

    def _knob_words(self) -> str:
        """Say what waits for a controller, or what one has turned in the last seconds."""
        partner, now = self._live.partner, time.monotonic()
        if partner.knobs.learns:
            return f"turn a controller for {partner.knobs.learns}"
        if changed := change_in_words(self._seen_options, partner.options):
            self._seen_options = partner.options
            self._turned, self._turned_until = changed, now + TURNED_SECONDS
        return self._turned if now < self._turned_until else ""

    def _tell_once(self, message: str, remedy: str) -> None:
        if message not in self._told:
            self._told.add(message)
            say(Notice(message, remedy))


def main() -> None:
    """Serve the session whose folder is the only argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is control's business
    folder = Path(sys.argv[1])
    commands = listen(COMMANDS)
    state, options = EngineState.attach(folder), load_options(folder)
    heart = Heartbeat(state, PARTNER_BEATS, folder).start()
    while not state.fields["playing"] and commands.empty():
        time.sleep(POLL_SECONDS)
    try:
        with heart.opening(OPENING_SECONDS):
            process = PartnerService(state, options, commands, heart)
    except LatentkeysError as problem:
        say(Failed(problem.message, problem.remedy))
        return
    # Below audio and MIDI, above what is not music: it works for a millisecond at a time.
    raise_priority({threading.get_native_id()}, PRIORITY)
    process.serve()


if __name__ == "__main__":
    main()
