"""The partner: everything between a message heard and a message played, in virtual time.

In: messages of the player and of a clock, each with its frame. Out: messages for our voices and for
the MIDI output, each with its frame. Nothing here knows the real time: `Partner.step` goes on by
`STEP_SECONDS`, at most one note is composed in it, and the same messages in the same steps give the
same music. A process drives it live (`instrument.partner.process`), a loop drives it in tests and
when a session is replayed.

Where does a player's note-on go? `hear` → `PlayerNotes` → the mode decides (`answer`, `duet`, …) →
`compose_one` → `Plan` → `_hand_over`, shortly before its time → `SoundingNotes` → `Message`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from instrument.errors import SettingError
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
from instrument.music.constraints import Constraints, Key
from instrument.music.meant import Ear
from instrument.music.meant import played as played_with
from instrument.music.note import Note
from instrument.music.transport import TapTempo, Transport
from instrument.partner.clocks.metronome import BeatKeeper
from instrument.partner.clocks.midi_clock import CLOCK_MESSAGES, ClockFollower, ClockNews
from instrument.partner.commands import (
    Accept,
    FollowLink,
    Learn,
    Lock,
    PartnerCommand,
    Silence,
    Tap,
    ThinkAgain,
)
from instrument.partner.knobs import KnobBoard
from instrument.partner.nearness import blend_near, candidates_near, near_to, voices_near
from instrument.partner.note_composer import ComposerState, NoteComposer
from instrument.partner.performance_log import PerformanceLog
from instrument.partner.plan import Plan, Planned
from instrument.partner.player_notes import MOST_EQUAL, PlayerNotes
from instrument.partner.settings import COMMIT_SECONDS, HAND_OVER_SECONDS
from instrument.partner.sounding_notes import Message, SentNote, SoundingNotes
from instrument.preset.partner_options import PartnerOptions
from instrument.realtime.state import TO_OUT, TO_VOICES

STEP_SECONDS = 0.001
RULES = 3
"""The rules of today. By those of takes of format 1 a key that is struck again ends its note, and
the counts remember everything; by those of format 2 composers are told what was played, not what
was meant."""
MEANT_RULES = 3
"""From these rules on the partner hears what was meant."""
_GRID_BEATS = 0.25
_TICK_BEATS = 1.0 / 24.0
_MOST_IN_A_BEAT = 16  # a composer may stand still
_SHOWN_NOTES = 64
_JUMP_BEATS, _SAME_BEATS, _SAME_TEMPO = 0.25, 0.002, 1e-5  # of what Link says
_ANOTHER_DRAW = 1 << 20  # far from the randomness of every other note


class Mode(Protocol):
    """How the partner behaves: one object per session, told what happens."""

    def heard(self, partner: Partner, beats: float, frame: int, data: bytes) -> None:
        """The player did something; `Partner.hands` knows it already."""
        ...

    def step(self, partner: Partner, beats: float, frame: int) -> None:
        """Decide what to do at this moment; call `Partner.compose_one` at most once."""
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


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of what is being composed: where it begins and ends, and from where it closes."""

    begins_beats: float
    ends_beats: float
    closes_beats: float


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
    rules
        How it listens and decides; a take is played by the rules of its own format.

    Attributes
    ----------
    options, constraints
        As knobs have turned them, and what the composer has to keep to.
    hands, plan, ledger, moment
        What was heard, what is planned, what sounds, and where the composer is.
    journal
        Everything that both have played.
    """

    def __init__(
        self,
        options: PartnerOptions,
        composer: NoteComposer,
        mode: Mode,
        transport: Transport,
        *,
        follows_clock: bool = False,
        rules: int = RULES,
    ) -> None:
        self.rules = rules
        self.options, self.constraints = options, options.constraints()
        self.composer, self.mode = composer, mode
        self.transport = transport
        self.follower = ClockFollower(transport) if follows_clock else None
        if self.follower is not None:
            self.transport = self.follower.transport
        self._most_equal = 1 if rules == 1 else MOST_EQUAL
        self.hands, self.plan = PlayerNotes(self._most_equal), Plan()
        self.ear = Ear()
        self.shape: Shape | None = None  # of an answer
        self.ledger = SoundingNotes(self._frame_of)
        self._moment = composer.begin(0.0, transport.bar_beats)
        self._untold: Note | None = None  # our last note, which the composer is told when it counts
        self.journal = PerformanceLog(self.transport, self._most_equal)
        self.knobs = KnobBoard(options.knobs)
        self.beat_keeper = BeatKeeper(
            clicks=options.metronome,
            sends_clock=options.sends_clock,
            count_in_beats=options.count_in_bars * transport.bar_beats,
        )
        self.lately: deque[Planned] = deque(maxlen=_SHOWN_NOTES)  # what was handed over
        self._taps = TapTempo(transport.rate_hz)
        self.keeps = False  # the take is to be kept; whoever does so sets it back
        self._messages: list[Message] = []
        self._handed_over_beats = 0.0  # everything before it has been sent
        self._locked_until = -math.inf  # what is planned before it stays
        self._composed_until = -math.inf  # start of the last note that was composed
        self._frame = 0
        self.step_frames = round(STEP_SECONDS * transport.rate_hz)
        self._jumps = self.transport.jumps
        self._was_running = self.transport.is_running

    @property
    def moment(self) -> ComposerState:
        """Where the composer is, after everything that was heard and planned."""
        if self._untold is not None:
            note, self._untold = self._untold, None
            self._moment = self.composer.feed(self._moment, note, is_own=True)
        return self._moment

    @moment.setter
    def moment(self, moment: ComposerState) -> None:
        self._moment, self._untold = moment, None

    @property
    def frame(self) -> int:
        """The present moment."""
        return self._frame

    @property
    def beats(self) -> float:
        """The present position."""
        return self.transport.beats_at(self._frame)

    def begin_at(self, frame: int) -> None:
        """Begin on a frame: soon after it is beat 0, unless another program says what is."""
        self._frame = frame
        if self.follower is None:
            soon = frame + round(HAND_OVER_SECONDS * self.transport.rate_hz)
            tie = replace(self.transport.tie, frame=float(soon), beats=0.0)
            count_in = self.options.count_in_bars * self.transport.bar_beats
            self.transport = replace(self.transport, tie=replace(tie, frame=tie.frame_at(count_in)))
        self.journal = PerformanceLog(self.transport, self._most_equal)

    def listens_to(self, data: bytes) -> bool:
        """Tell whether a message can change anything; MPE alone brings thousands that do not."""
        if len(data) != message_bytes(data[0]) or any(byte >= NOTE_OFF for byte in data[1:]):
            return False
        if data[0] >= SYSTEM:
            return self.follower is not None and data[0] in CLOCK_MESSAGES
        if is_control(data):
            used = (SUSTAIN, self.options.end_control, self.options.keep_control)
            is_used = data[1] >= ALL_SOUND_OFF or data[1] in used
            return is_used or self.knobs.listens_to(data[1])
        return is_note_on(data) or is_note_off(data)

    def hear(self, frame: int, data: bytes, source: int = 0) -> None:
        """Take one message of the player or of a clock."""
        if data[0] >= SYSTEM:
            if self.follower is not None:
                self.follower.hear(float(frame), data, source)
                self._follow()
            return
        beats = self.transport.beats_at(frame)
        self.journal.hear(frame, data)
        if is_control(data):
            self.keeps = self.keeps or (data[1] == self.options.keep_control and data[2] >= DOWN)
            self.ask(self.knobs.turn(data[1], data[2], self.options))
        self.hands.hear(beats, data)
        self.mode.heard(self, beats, frame, data)

    def do(self, command: PartnerCommand) -> None:
        """Do what the player, or Link, asks for."""
        match command:
            case Tap():
                self._tap()
            case ThinkAgain():
                self.cut_soon(self._frame)
                self.moment = replace(self.moment, drawn=self.moment.drawn + _ANOTHER_DRAW)
            case Accept():
                self._locked_until = (self.plan.end_beats or self.beats) + 1e-6
            case Lock():
                self._locked_until = -math.inf if self.is_locked else math.inf
            case Silence():
                self._locked_until = -math.inf
                self.begin_anew()
            case Learn(knob):
                self.knobs.learn(knob)
            case FollowLink(beats, bpm):
                self._follow_link(beats, bpm)

    def _tap(self) -> None:
        if self.follower is not None:
            return
        bpm = self._taps.tap(float(self._frame))
        if bpm is not None:
            # From where nothing has been sent yet, so that sent ticks stay right.
            at = self.transport.tie.frame_at(self._handed_over_beats)
            self.transport = self.transport.with_tempo(bpm, max(at, float(self._frame)))
            self.journal.follow(self.transport, self._frame)

    def ask(self, options: PartnerOptions) -> None:
        """Play otherwise from the next beat on, or at once if nothing is planned.

        A register without a note of the key leaves everything as it was.
        """
        if options == self.options:
            return
        try:
            self.constraints = options.constraints()
        except SettingError:
            return
        self.options = options
        self.cut(self.transport.next_line(self.soonest_beats(), 1.0))

    def step(self) -> list[Message]:
        """Live through the next millisecond; return what is to be sent."""
        self._frame += self.step_frames
        if self.follower is not None:
            self.follower.look(float(self._frame))
            self._follow()
        if self.transport.is_running:
            self.mode.step(self, self.beats, self._frame)
            self._hand_over()
        messages, self._messages = self._messages, []
        for message in messages:
            self.journal.send(message)
        return messages

    def problems(self) -> list[str]:
        """Return what has failed, in the order in which it is to be said."""
        found = [self.composer.problem, getattr(self.mode, "problem", None)]
        return [problem for problem in found if problem]

    def take_news(self) -> list[ClockNews]:
        """Take what the player should know about the clock."""
        if self.follower is None:
            return []
        news, self.follower.news = self.follower.news, []
        return news

    def end(self) -> list[Message]:
        """Let everything go."""
        return [*self.ledger.let_all_go(self._frame), *self.beat_keeper.stop(self._frame)]

    # -- what modes use

    @property
    def hears_what_is_meant(self) -> bool:
        """Not by the rules of old takes."""
        return self.rules >= MEANT_RULES

    def feed(self, notes: tuple[Note, ...]) -> tuple[Note, ...]:
        """Tell the composer what was meant by what the player played; return it."""
        if self.hears_what_is_meant:
            notes = tuple(self.ear.hear(note) for note in notes)
        return self._tell(notes)

    def listen(self, notes: Sequence[Note]) -> None:
        """Learn how the player plays, and tell the composer nothing."""
        for note in sorted(notes):
            self.ear.hear(note)

    def remind(self, notes: tuple[Note, ...]) -> None:
        """Tell the composer of notes that were heard before, or are our own."""
        if self.hears_what_is_meant:
            notes = tuple(sorted(self.ear.meant(note) for note in notes))
        self._tell(notes)

    def _tell(self, notes: tuple[Note, ...]) -> tuple[Note, ...]:
        for note in notes:
            self.moment = self.composer.feed(self.moment, note)
        return notes

    def asked(self) -> Constraints:
        """Return what the composer has to keep to now; what is free follows the player."""
        if not self.hears_what_is_meant:
            return self.constraints
        return near_to(self.ear, self.constraints, self.options)

    @property
    def blend(self) -> float:
        """Share of the notes that the counts draw."""
        return blend_near(self.options) if self.hears_what_is_meant else self.options.blend

    @property
    def candidates(self) -> int:
        """How many notes the composer may choose from."""
        return candidates_near(self.options) if self.hears_what_is_meant else 1

    @property
    def polyphony(self) -> int:
        """How many of our notes may sound at once."""
        if not self.hears_what_is_meant:
            return self.options.polyphony
        return voices_near(self.ear, self.options)

    def compose_one(
        self, earliest_beats: float, end_beats: float, *, starts_now: bool
    ) -> Note | None:
        """Plan the next note, if it starts before an end.

        Parameters
        ----------
        starts_now
            The note starts at `earliest_beats` exactly, as the first of an answer does.

        Returns
        -------
        Note or None
            What was planned; None if the composer's next note comes no sooner than the end.
        """
        before = self.moment
        soonest = earliest_beats if starts_now else self._on_page(earliest_beats)
        soonest = max(0.0, self._room_from(soonest))
        candidates = 1 if starts_now else self.candidates
        note, after = self.composer.draw(before, self.asked(), self.blend, soonest, candidates)
        start = soonest if starts_now else note.start_beats
        if self.options.is_quantised:
            start = max(soonest, round(start / _GRID_BEATS) * _GRID_BEATS)
        if start >= end_beats - 1e-6:
            return None
        length = min(note.length_beats, end_beats - start)
        written = self._closed(replace(note, start_beats=start, length_beats=length))
        # In the order of composing, whatever the feel has become: `cut` relies on it.
        played = self.felt(written, max(earliest_beats, self._composed_until))
        self._composed_until = played.start_beats
        self.plan.add(Planned(self._blended(played), 0, before))
        self.moment, self._untold = after, written
        return played

    def felt(self, note: Note, earliest_beats: float = 0.0) -> Note:
        """Play a note as the player would have, but no sooner than a position, and in order."""
        if not self.hears_what_is_meant or self.options.is_quantised:
            return note
        felt = played_with(note, self.ear.feel)
        start = max(felt.start_beats, earliest_beats)
        return replace(felt, start_beats=start)

    def _closed(self, note: Note) -> Note:
        """Let a line come to rest: its last note is long and of the tonic's chord."""
        shape, key = self.shape, self.key
        if shape is None or not self.hears_what_is_meant or self.polyphony > 1 or key is None:
            return note
        if note.start_beats < shape.closes_beats - 1e-6:
            return note
        allowed = self.asked().allowed_pitches()
        near = [p for p in range(128) if p % 12 in key.tonic_chord and allowed[p]]
        pitch = min(near, key=lambda p: abs(p - note.pitch), default=note.pitch)
        return replace(note, pitch=pitch, length_beats=shape.ends_beats - note.start_beats)

    @property
    def key(self) -> Key | None:
        """The key that was asked for, or that the player's phrase is in."""
        return self.asked().key

    def _room_from(self, beats: float) -> float:
        """Return from where another note fits: chords and beats can be full."""
        notes = [planned.note for planned in (*self.lately, *self.plan.notes)]
        if self.hears_what_is_meant:  # a loop's later bars take no room
            until = max(beats, self._composed_until) + 1e-6
            notes = [note for note in notes if note.start_beats <= until]
        recent = notes[-_MOST_IN_A_BEAT:]
        starts = [self._on_page(note.start_beats) for note in recent]
        last = max(starts, default=-math.inf)
        if sum(start > last - 1.0 for start in starts) >= _MOST_IN_A_BEAT:
            return max(beats, last + _GRID_BEATS)
        if recent and self.hears_what_is_meant and self.polyphony == 1:
            return max(beats, self._on_page(recent[-1].end_beats))  # a line
        if sum(start > last - self._same_beats for start in starts) >= self.polyphony:
            return max(beats, last + _TICK_BEATS)
        return beats

    def _on_page(self, played_beats: float) -> float:
        """Return where a position of the player's time lies on the page."""
        is_felt = self.hears_what_is_meant and not self.options.is_quantised
        return self.ear.feel.written(played_beats) if is_felt else played_beats

    @property
    def _same_beats(self) -> float:
        return _TICK_BEATS / 2.0 if self.hears_what_is_meant else 1e-6

    @property
    def is_locked(self) -> bool:
        """Nothing changes the plan."""
        return self._locked_until > self.beats

    def take_back(self) -> None:
        """The player is back: drop what has not begun, let go what sounds."""
        if self.is_locked:
            return
        self.cut(self._handed_over_beats)
        self._messages += self.ledger.let_all_go(self._frame)

    def cut_soon(self, frame: int) -> None:
        """Think anew: drop what is planned, but for what begins within the commit time."""
        commit = frame + COMMIT_SECONDS * self.transport.rate_hz
        self.cut(max(self.transport.beats_at(round(commit)), self._handed_over_beats))

    @property
    def soon_beats(self) -> float:
        """How many beats the commit time is."""
        return COMMIT_SECONDS * self.transport.rate_hz / self.transport.tie.frames_per_beat

    def soonest_beats(self) -> float:
        """Return the first position for which a note can still be planned."""
        commit = self._frame + COMMIT_SECONDS * self.transport.rate_hz
        return max(self.transport.beats_at(round(commit)), self._handed_over_beats)

    def cut(self, beats: float) -> None:
        """Drop what is planned from a position on, and go back to the composer's moment there."""
        beats = max(beats, self._locked_until)
        self._composed_until = min(self._composed_until, beats)
        first = self.plan.cut(beats)
        if first is not None and first.before is not None:
            self.moment = first.before
        self.mode.was_cut(self, beats)

    # -- the way out

    def _follow(self) -> None:
        assert self.follower is not None
        self.transport = self.follower.transport
        jumped = self.transport.jumps != self._jumps
        stopped = self._was_running and not self.transport.is_running
        self._jumps, self._was_running = self.transport.jumps, self.transport.is_running
        self.journal.follow(self.transport, self._frame)
        if jumped or stopped:
            self.begin_anew()

    def _follow_link(self, beats: float, bpm: float) -> None:
        """Take a small difference smoothly, a large one as a jump."""
        music = self.transport
        away = beats - music.beats_at(self._frame)
        if abs(away) > _JUMP_BEATS:
            self.transport = music.at(beats, self._frame).with_tempo(bpm, self._frame)
            self.journal.follow(self.transport, self._frame)
            self.begin_anew()
        elif abs(away) > _SAME_BEATS or abs(bpm / music.bpm - 1.0) > _SAME_TEMPO:
            tie = replace(music.tie, frame=float(self._frame), beats=beats)
            self.transport = replace(music, tie=tie).with_tempo(bpm, self._frame)
            self.journal.follow(self.transport, self._frame)

    def begin_anew(self) -> None:
        """Forget what was planned and heard; let everything go."""
        self._messages += self.ledger.let_all_go(self._frame)
        self.plan = Plan()
        self.lately.clear()
        self.hands.forget()
        self.ear.begin_phrase()
        self._composed_until = -math.inf
        self._handed_over_beats, self._locked_until = 0.0, -math.inf
        bar = self.transport.bar_beats
        origin = self.transport.next_line(self.transport.tie.beats, bar) - bar
        self.moment = self.composer.begin(max(0.0, origin), bar, self.moment.drawn)
        self.beat_keeper.begin_anew(self.beats)
        if not self.transport.is_running:
            self._messages += self.beat_keeper.stop(self._frame)
        self.mode.begin_anew(self)

    def _hand_over(self) -> None:
        """Send what begins or ends soon."""
        ahead = self._frame + (HAND_OVER_SECONDS + self._early_seconds) * self.transport.rate_hz
        until = self.transport.beats_at(round(ahead))
        self._handed_over_beats = until
        for planned in self.plan.take_until(until):
            self._strike(planned)
        self._messages += self.ledger.let_go_until(until)
        self._messages += self.beat_keeper.until(until, self.transport, self._frame)

    def _strike(self, planned: Planned) -> None:
        note, options = planned.note, self.options
        self.lately.append(planned)
        keys = []
        for to, channels in (
            (TO_VOICES, options.voice_channels),
            (TO_OUT, options.output_channels),
        ):
            if channels:
                channel = channels[planned.part % len(channels)]
                keys.append(SentNote(to, channel, self._frame_of(to, note.start_beats)))
        begins = min((key.frame for key in keys), default=self._frame)
        self._messages += self.ledger.let_oldest_go(self._most_sounding - 1, begins)
        self._messages += self.ledger.strike(note.pitch, note.velocity, tuple(keys), note.end_beats)

    @property
    def _most_sounding(self) -> int:
        is_band = self.options.mode == "accompany"
        return self.options.polyphony if is_band else self.polyphony

    @property
    def _early_seconds(self) -> float:
        options = self.options
        return options.out_early_milliseconds / 1e3 if options.output_channels else 0.0

    def _frame_of(self, to: int, beats: float) -> int:
        """Return when a message for a position is to be sent, never in the past."""
        early = self._early_seconds if to == TO_OUT else 0.0
        frame = self.transport.frame_at(beats) - round(early * self.transport.rate_hz)
        return max(frame, self._frame)

    def _blended(self, note: Note) -> Note:
        """Bring a note's velocity towards the player's, and along the curve of his phrase."""
        follow, shape = self.options.velocity_follow, self.shape
        louder = 0.0
        if shape is not None and self.hears_what_is_meant:
            share = (note.start_beats - shape.begins_beats) / (
                shape.ends_beats - shape.begins_beats
            )
            louder = min(1.0, 2.0 * follow) * self.ear.velocity_at(min(max(share, 0.0), 1.0))
        velocity = round((1.0 - follow) * note.velocity + follow * self.hands.velocity + louder)
        return replace(note, velocity=min(max(velocity, 1), 127))
