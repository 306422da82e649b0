"""The partner: everything between a message heard and a message played, in virtual time.

In: messages of the player and of a clock, each with its frame. Out: messages for our voices and for
the MIDI output, each with its frame. Nothing here knows the real time: `Partner.step` goes on by
`STEP_SECONDS`, at most one note is composed in it, and the same messages in the same steps give the
same music. A process drives it live (`instrument.partner.process`), a loop drives it in tests and
when a session is replayed.

Where does a player's note-on go? `hear` → `PlayerNotes` → the mode decides (`answer`, `duet`, …) →
`Pen.compose_one`, by the `Phrasing` → `Plan` → `Output.hand_over`, before its time → `Message`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from instrument.midi.messages import (
    ALL_SOUND_OFF,
    DOWN,
    NOTE_OFF,
    SUSTAIN,
    SYSTEM,
    is_control,
    is_note_off,
    is_note_on,
    message_bytes,
)
from instrument.music.transport import Transport
from instrument.partner.clocks.midi_clock import CLOCK_MESSAGES, ClockNews
from instrument.partner.commands import (
    Accept,
    BarLine,
    ComeToEnd,
    FollowLink,
    Learn,
    Lock,
    LockKey,
    PartnerCommand,
    Silence,
    Tap,
    ThinkAgain,
)
from instrument.partner.knobs import KnobBoard
from instrument.partner.output import Output
from instrument.partner.pen import Pen
from instrument.partner.performance_log import PerformanceLog
from instrument.partner.planning.note_composer import NoteComposer
from instrument.partner.planning.phrasing import Phrasing
from instrument.partner.planning.plan import Plan, Planned
from instrument.partner.planning.rules import TODAY, PlayRules
from instrument.partner.player_notes import PlayerNotes
from instrument.partner.sounding_notes import Message
from instrument.partner.timeline import COMMIT_SECONDS, Change, Timeline
from instrument.preset.partner_options import PartnerOptions

STEP_SECONDS = 0.001


class Mode(Protocol):
    """How the partner behaves: one object per session, told what happens."""

    def heard(self, partner: Partner, beats: float, frame: int, data: bytes) -> None:
        """The player did something; `Partner.hands` knows it already."""
        ...

    def step(self, partner: Partner, beats: float, frame: int) -> None:
        """Decide what to do at this moment; call `Pen.compose_one` at most once."""
        ...

    def was_cut(self, partner: Partner, beats: float) -> None:
        """Know that nothing is planned any more from a position on."""
        ...

    def begin_anew(self, partner: Partner) -> None:
        """The position has jumped, or the clock has stopped: nothing planned is left."""
        ...

    def situation(self) -> str:
        """Say in a word or two what goes on, such as "listening"."""
        ...


class Partner:
    """A partner in virtual time.

    Parameters
    ----------
    options
        What it does, and how.
    composer
        Draws the notes.
    mode
        Decides when.
    transport
        Where the music begins.
    follows_clock
        Wait for a MIDI clock instead of keeping the transport's own tempo.
    follows_player
        Take beat and tempo from the player's strikes.
    rules
        How it listens and decides; a take is played by the rules of its own format.

    Attributes
    ----------
    time, phrasing, output
        Where the music is, how our notes follow the player, and their way out.
    hands, pen
        What was heard; and who writes what is planned.
    journal
        Everything that both have played.
    keeps
        The take is to be kept; whoever does so sets it back.
    """

    def __init__(
        self,
        options: PartnerOptions,
        composer: NoteComposer,
        mode: Mode,
        transport: Transport,
        *,
        follows_clock: bool = False,
        follows_player: bool = False,
        rules: PlayRules = TODAY,
    ) -> None:
        self.mode = mode
        self.time = Timeline(
            transport,
            follows_clock=follows_clock,
            follows_player=follows_player,
            starts_anywhere=rules.hears_what_is_meant,
        )
        self.phrasing = Phrasing(options, rules)
        self.output = Output(self.time, self.phrasing)
        self._most_equal = rules.most_equal
        self.hands = PlayerNotes(self._most_equal, keeps_chords=rules.tells_whole_chords)
        self.pen = Pen(composer, self.phrasing, self.hands, self.output, transport.bar_beats)
        self.journal = PerformanceLog(self.transport, self._most_equal)
        self.knobs = KnobBoard(options.knobs)
        self.keeps = False
        self._locked_until = -math.inf  # what is planned before it stays
        self._ends_at: float | None = None  # of what is being played
        self.step_frames = round(STEP_SECONDS * transport.rate_hz)

    @property
    def plan(self) -> Plan:
        """What is planned."""
        return self.pen.plan

    @property
    def options(self) -> PartnerOptions:
        """What it does, and how, as knobs have turned it."""
        return self.phrasing.options

    @property
    def transport(self) -> Transport:
        """The musical clock at this moment."""
        return self.time.transport

    @property
    def frame(self) -> int:
        """The present moment."""
        return self.time.frame

    @property
    def beats(self) -> float:
        """The present position."""
        return self.time.beats

    def begin_at(self, frame: int) -> None:
        """Begin on a frame: soon after it is beat 0, unless another program says what is."""
        self.time.begin_at(frame, self.options.count_in_bars)
        self.journal = PerformanceLog(self.transport, self._most_equal)

    def listens_to(self, data: bytes) -> bool:
        """Tell whether a message can change anything; MPE alone brings thousands that do not.

        Parameters
        ----------
        data
            One message, perhaps damaged.
        """
        if len(data) != message_bytes(data[0]) or any(byte >= NOTE_OFF for byte in data[1:]):
            return False
        if data[0] >= SYSTEM:
            return self.time.follower is not None and data[0] in CLOCK_MESSAGES
        if is_control(data):
            used = (SUSTAIN, self.options.end_control, self.options.keep_control)
            is_used = data[1] >= ALL_SOUND_OFF or data[1] in used
            return is_used or self.knobs.listens_to(data[1])
        return is_note_on(data) or is_note_off(data)

    def hear(self, frame: int, data: bytes, source: int = 0) -> None:
        """Take one message of the player or of a clock.

        Parameters
        ----------
        frame
            When it was played.
        data
            Its bytes, one whole message.
        source
            Which input it came from; a clock is followed on one of them.
        """
        if data[0] >= SYSTEM:
            self._heed(lambda: self.time.hear_clock(frame, data, source))
            return
        if is_note_on(data):
            is_free = not (self.plan.coming or self.output.is_sounding)
            self._heed(lambda: self.time.strike(frame, is_free=is_free))
        beats = self.transport.beats_at(frame)
        self.journal.hear(frame, data)
        if is_control(data):
            self.keeps = self.keeps or (data[1] == self.options.keep_control and data[2] >= DOWN)
            self.ask(self.knobs.turn(data[1], data[2], self.options))
        self.hands.hear(beats, data)
        self.mode.heard(self, beats, frame, data)

    def do(self, command: PartnerCommand) -> None:
        """Do what the player, or Link, asks for.

        Parameters
        ----------
        command
            Takes effect at the present frame.
        """
        match command:
            case Tap():
                self._heed(lambda: self.time.tap(self.output.until_beats))
            case ThinkAgain():
                self.cut_soon(self.frame)
                self.pen.think_again()
            case Accept():
                self._locked_until = (self.plan.end_beats or self.beats) + 1e-6
            case Lock():
                self._locked_until = -math.inf if self.is_locked else math.inf
            case Silence():
                self._locked_until = -math.inf
                self.begin_anew()
            case BarLine():
                self._heed(self.time.bar_line)
            case ComeToEnd():
                self._end_soon()
            case LockKey():
                self.phrasing.lock_key()
            case Learn(knob):
                self.knobs.learn(knob)
            case FollowLink(beats, bpm):
                self._heed(lambda: self.time.follow_link(beats, bpm))

    def ask(self, options: PartnerOptions) -> None:
        """Play otherwise from the next beat on, or at once if nothing is planned.

        A register without a note of the key leaves everything as it was.

        Parameters
        ----------
        options
            All of them, not only what has changed.
        """
        if self.phrasing.ask(options):
            self.cut(self.transport.next_line(self.soonest_beats(), 1.0))

    def step(self) -> list[Message]:
        """Live through the next millisecond; return what is to be sent."""
        self._heed(lambda: self.time.go_on(self.step_frames))
        if self.transport.is_running and self.time.is_sure:
            if self._ends_at is None:
                self.mode.step(self, self.beats, self.frame)
            elif self.beats >= self._ends_at:
                self._ends_at = None
                self.mode.begin_anew(self)
            self.output.hand_over(self.plan)
        messages = self.output.take()
        for message in messages:
            self.journal.send(message)
        return messages

    def problems(self) -> list[str]:
        """Return what has failed, in the order in which it is to be said."""
        found = [self.pen.composer.problem, getattr(self.mode, "problem", None)]
        return [problem for problem in found if problem]

    def take_news(self) -> list[ClockNews]:
        """Take what the player should know about the clock."""
        follower = self.time.follower
        if follower is None:
            return []
        news, follower.news = follower.news, []
        return news

    def end(self) -> list[Message]:
        """Let everything go."""
        return self.output.end()

    @property
    def is_locked(self) -> bool:
        """Nothing changes the plan."""
        return self._locked_until > self.beats

    def take_back(self) -> None:
        """The player is back: drop what has not begun, let go what sounds."""
        if self.is_locked:
            return
        self.cut(self.output.until_beats)
        self.output.let_all_go()

    def cut_soon(self, frame: int, *, stands: bool = False) -> None:
        """Think anew: drop what is planned, but for what begins within the commit time; see `cut`.

        Parameters
        ----------
        frame
            From when the commit time counts.
        """
        commit = self.transport.beats_at(round(frame + COMMIT_SECONDS * self.transport.rate_hz))
        self.cut(max(commit, self.output.until_beats), stands=stands)

    def soonest_beats(self) -> float:
        """Return the first position for which a note can still be planned."""
        return max(self.time.committed_beats, self.output.until_beats)

    def cut(self, beats: float, *, stands: bool = False) -> None:
        """Drop what is planned from a position on, and go back to the composer's moment there.

        Parameters
        ----------
        beats
            The position; what is locked stays even so.
        stands
            Let what was planned stand until something is written over it.
        """
        beats = max(beats, self._locked_until)
        self.pen.cut(beats, stands=stands)
        self.mode.was_cut(self, beats)

    def _end_soon(self) -> None:
        """Plan a last chord, a bar long, on the next bar line; nothing is composed after it."""
        bar = self.transport.bar_beats
        line = self.transport.next_line(self.soonest_beats(), bar)
        self._locked_until = -math.inf
        self.cut(line)
        self.plan.cut(line)  # a mode has put its own there again
        notes = [planned.note for planned in (*self.output.lately, *self.plan.notes)]
        for part, note in enumerate(self.phrasing.last_chord(notes[-1:], line, bar)):
            self.plan.add(Planned(replace(note, velocity=self.hands.velocity), part))
        self._ends_at = line + bar

    def begin_anew(self) -> None:
        """Forget what was planned and heard; let everything go."""
        self._ends_at = None
        self.hands.forget()
        self._locked_until = -math.inf
        bar = self.transport.bar_beats
        origin = self.transport.next_line(self.transport.tie.beats, bar) - bar
        self.pen.begin_anew(max(0.0, origin), bar)
        self.output.begin_anew()
        self.mode.begin_anew(self)

    def _heed(self, turn: Callable[[], Change]) -> None:
        """Write down what becomes of the clock; begin anew where it jumps."""
        before = self.transport.tie
        change = turn()
        if change is Change.JUMPED and self.time.has_just_begun:
            self.journal = PerformanceLog(self.transport, self._most_equal)  # its bars are ours
        elif change is not Change.NONE:
            self.journal.follow(self.transport, self.frame)
        if change is Change.JUMPED:
            self.begin_anew()
        elif change is Change.FOUND:
            after = self.transport.tie
            self.hands.move(lambda beats: after.beats_at(before.frame_at(beats)))
