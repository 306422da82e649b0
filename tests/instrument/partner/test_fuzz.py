"""Nonsense in virtual time: nothing sticks, nothing breaks, and it can be repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from instrument.midi.messages import control_change, note_off, note_on, release_everything
from instrument.partner.commands import FollowLink, Learn, Lock, Silence, Tap, ThinkAgain
from instrument.partner.modes.accompany import Accompany
from instrument.partner.modes.answer import Answer
from instrument.partner.modes.duet import Duet
from instrument.partner.modes.loop import Loop
from instrument.partner.open_partner import open_partner
from instrument.partner.partner import Mode, Partner
from instrument.partner.sounding_notes import Message
from instrument.preset.partner_options import ClockName, PartnerOptions
from tests.helpers.music.partner_stage import BEAT, RATE, make_partner, stuck

MINUTES = 1.0
COMMANDS = (ThinkAgain(), Silence(), Tap(), Learn("blend"), Lock(), FollowLink(3.0, 97.0))
MODES: dict[str, Callable[[], Mode]] = {"answer": Answer, "duet": Duet, "loop": Loop}


class Nonsense:
    """A player, a clock and a port that all misbehave."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self._next_tick, self._tick_frames, self._ticks_come = 0.0, 1_000.0, True

    def play(self, partner: Partner) -> None:
        """Do, or do not, something in this millisecond."""
        self._clock(partner)
        if self.random.random() > 0.008:
            return
        kind = self.random.choice(
            ["on", "off", "cc", "panic", "lost", "command", "clock"],
            p=[0.5, 0.3, 0.1, 0.02, 0.02, 0.03, 0.03],
        )
        pitch, channel = int(self.random.integers(30, 90)), int(self.random.integers(0, 3))
        if kind == "on":
            self._hear(partner, note_on(pitch, int(self.random.integers(1, 128)), channel))
        elif kind == "off":
            self._hear(partner, note_off(pitch, channel))
        elif kind == "cc":
            number = int(self.random.choice([20, 21, 22, 23, 24, 25, 26, 27, 64, 67, 123]))
            self._hear(partner, control_change(number, int(self.random.integers(0, 128))))
        elif kind in ("panic", "lost"):
            for message in release_everything():
                self._hear(partner, message)
        elif kind == "command":
            partner.do(COMMANDS[int(self.random.integers(len(COMMANDS)))])
        else:
            self._misbehave(partner)

    def _clock(self, partner: Partner) -> None:
        while self._next_tick <= partner.frame:
            if self._ticks_come:
                partner.hear(partner.frame, b"\xf8", int(self.random.integers(0, 20) == 0))
            self._next_tick += self._tick_frames * float(self.random.uniform(0.95, 1.05))

    def _misbehave(self, partner: Partner) -> None:
        turn = int(self.random.integers(0, 5))
        if turn == 0:
            self._ticks_come = not self._ticks_come
        elif turn == 1:
            self._tick_frames = float(self.random.choice([500.0, 1_000.0, 2_000.0, 710.0]))
        elif turn == 2:
            position = int(self.random.integers(0, 500))
            self._hear(partner, bytes((0xF2, position & 127, position >> 7)))
        else:
            self._hear(partner, bytes((int(self.random.choice([0xFA, 0xFB, 0xFC])),)))

    def _hear(self, partner: Partner, data: bytes) -> None:
        partner.hear(partner.frame, data)


def live_through(mode: Mode, seed: int, minutes: float, *, follows: bool) -> list[Message]:
    partner = make_partner(mode, follows_clock=follows, seed=seed, end_control=67, polyphony=6)
    nonsense, messages = Nonsense(seed), []
    if follows:
        partner.hear(0, b"\xfa")
    while partner.frame < minutes * 60 * RATE:
        nonsense.play(partner)
        messages += partner.step()
    return messages + partner.end()


@pytest.mark.slow
@pytest.mark.parametrize("follows", [False, True], ids=["own tempo", "MIDI clock"])
@pytest.mark.parametrize("name", MODES)
def test_no_note_sticks_in_a_long_session(name: str, follows: bool) -> None:
    messages = live_through(MODES[name](), 11, MINUTES, follows=follows)
    assert len(messages) > 4
    assert stuck(messages) == Counter()
    frames = np.array([message.frame for message in messages])
    assert frames.min() >= 0


@pytest.mark.slow
def test_the_same_nonsense_gives_the_same_messages() -> None:
    first, again = (live_through(Duet(), 5, 0.5, follows=True) for _ in range(2))
    assert first == again


@pytest.mark.slow
@pytest.mark.parametrize("name", MODES)
def test_a_storm_of_notes_is_answered(name: str) -> None:
    """More in a beat than any composer can be asked for: two arms on the keys, a program gone mad.

    The density that is heard goes into what the composer is asked for.
    """
    partner = make_partner(MODES[name]())
    messages: list[Message] = []
    while partner.frame < 12 * BEAT:
        if partner.frame < BEAT:
            for pitch in (60, 72):
                partner.hear(partner.frame, note_on(pitch + partner.frame // 48 % 12, 90))
                partner.hear(partner.frame, note_off(pitch + partner.frame // 48 % 12))
        messages += partner.step()
    assert stuck(messages + partner.end()) == Counter()


class Silent:
    """A band that has nothing to say."""

    def generate(self, bars: int, *_: object, **__: object) -> object:
        from instrument.music.note import Phrase

        return Phrase.of([], bars * 4.0)


def test_a_band_without_ideas_does_no_harm() -> None:
    messages = live_through(Accompany(Silent(), 0), 3, 1.0, follows=True)  # type: ignore[arg-type]
    assert stuck(messages) == Counter()


def test_sent_messages_are_spread_over_time_and_never_far_ahead() -> None:
    partner, nonsense = make_partner(Duet()), Nonsense(2)
    ahead = []
    while partner.frame < 40 * BEAT:
        nonsense.play(partner)
        ahead += [message.frame - partner.frame for message in partner.step()]
    assert max(ahead) <= 0.021 * RATE


@pytest.mark.slow
@pytest.mark.parametrize("clock", ["internal", "player", "midi", "link"])
def test_no_position_or_tempo_lets_a_millisecond_send_without_end(clock: ClockName) -> None:
    """Half a second ahead in the fastest tempo: four beats of ticks, clicks and notes."""
    options = PartnerOptions(
        mode="duet", model="ngram", clock=clock, metronome=True, sends_clock=True,
        out_early_milliseconds=500.0, count_in_bars=4, tempo=400.0,
    )  # fmt: skip
    for seed in range(8):
        partner, nonsense = open_partner(options, RATE), Nonsense(seed)
        partner.hear(0, b"\xfa")
        for _ in range(600):
            nonsense.play(partner)
            if nonsense.random.random() < 0.05:
                beats = 10.0 ** nonsense.random.uniform(-3, 9) * nonsense.random.choice((-1, 1))
                partner.do(FollowLink(float(beats), float(nonsense.random.uniform(20, 999))))
            assert len(partner.step()) < 200
