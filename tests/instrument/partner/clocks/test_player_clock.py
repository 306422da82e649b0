"""The player's strikes are the clock: the tempo is found, followed, begun anew after silence."""

import numpy as np
import pytest

from instrument.midi.messages import note_off, note_on
from instrument.partner.clocks.player_clock import fitted_beat, likely_beat
from instrument.partner.partner import Partner
from tests.helpers.music.partner_stage import RATE, make_partner

MELODY = (1.0, 1.0, 0.5, 0.5, 1.0, 1.0, 0.5, 0.5, 1.0, 2.0)


def strikes(bpm: float, seed: int = 0, first: float = 1.0) -> np.ndarray:
    """Seconds of a melody's strikes, up to 12 ms off."""
    starts = np.cumsum([0.0, *MELODY[:-1]]) * 60.0 / bpm + first
    return starts + np.random.default_rng(seed).uniform(-0.012, 0.012, len(starts))


@pytest.mark.parametrize("bpm", [72, 90, 104, 120, 138])
def test_a_melodys_tempo_is_found(bpm: int) -> None:
    for seed in range(5):
        played = strikes(bpm, seed)[:6]
        seconds = likely_beat(played)
        assert seconds is not None
        assert 60.0 / fitted_beat(played, seconds) == pytest.approx(bpm, rel=0.02)


def test_two_strikes_have_no_tempo() -> None:
    assert likely_beat(np.array([0.0, 0.5])) is None


def listen(partner: Partner, times: np.ndarray, until: float) -> list[tuple[float, float]]:
    """Play to a partner; return the position of each strike, and the tempo after it."""
    events, found = [], []
    for number, second in enumerate(times):
        frame = round(second * RATE)
        events += [(frame, note_on(60 + number % 5, 90)), (frame + 9000, note_off(60 + number % 5))]
    events.sort(key=lambda event: event[0])
    while partner.frame < until * RATE:
        while events and events[0][0] <= partner.frame:
            frame, data = events.pop(0)
            partner.hear(frame, data)
            if data[0] >= 0x90:
                found.append((partner.transport.beats_at(frame), partner.transport.bpm))
        partner.step()
    return found


@pytest.mark.parametrize("bpm", [90, 104, 126])
def test_beat_0_is_the_first_strike_and_the_tempo_the_players(bpm: int) -> None:
    partner = make_partner(follows_player=True)
    partner.begin_at(0)
    times = np.concatenate([strikes(bpm), strikes(bpm, 1, 1.0 + 9 * 60.0 / bpm + 60.0 / bpm)])
    found = listen(partner, times, 1.0 + 20 * 60.0 / bpm)
    assert found[0][0] == pytest.approx(0.0, abs=0.01)
    wanted = np.concatenate([np.cumsum([0.0, *MELODY[:-1]]), np.cumsum([0.0, *MELODY[:-1]]) + 10])
    for (beats, tempo), right in zip(found[6:], wanted[6:], strict=True):
        assert beats == pytest.approx(right, abs=0.08)
        assert tempo == pytest.approx(bpm, rel=0.03)


def test_what_was_heard_before_the_tempo_lies_where_it_was_meant() -> None:
    partner = make_partner(follows_player=True)
    partner.begin_at(0)
    listen(partner, strikes(90), 1.0 + 7 * 60.0 / 90)
    meant = [note.start_beats for note in partner.phrasing.ear.phrase]
    assert meant[:6] == [0.0, 1.0, 2.0, 2.5, 3.0, 4.0]


def test_a_takes_bars_begin_with_the_first_strike() -> None:
    partner = make_partner(follows_player=True)
    partner.begin_at(0)
    listen(partner, strikes(120), 8.0)
    played = next(t for t in partner.journal.phrase(partner.frame).tracks if t.name == "player")
    starts = [note.start_beats for note in played.notes]
    assert starts == pytest.approx(np.cumsum([0.0, *MELODY[:-1]]), abs=0.06)


@pytest.mark.slow
def test_a_slow_down_is_followed() -> None:
    partner = make_partner(follows_player=True)
    partner.begin_at(0)
    tempos = np.linspace(110, 92, 48)
    times = 1.0 + np.cumsum(60.0 / tempos) - 60.0 / tempos[0]
    found = listen(partner, times, float(times[-1]) + 0.1)
    assert found[-1][0] == pytest.approx(47.0, abs=0.15)
    assert found[-1][1] == pytest.approx(92, rel=0.05)


def test_after_a_long_silence_the_next_strike_is_a_bar_line() -> None:
    partner = make_partner(follows_player=True)
    partner.begin_at(0)
    listen(partner, np.array([1.0]), 1.5)
    found = listen(partner, np.array([31.37, 31.97]), 33.0)
    assert found[0][0] % 4.0 == pytest.approx(0.0, abs=0.01)
    assert found[0][0] > 40.0


def test_an_answer_comes_on_the_players_beat() -> None:
    partner = make_partner(follows_player=True, model="ngram", seed=1)
    partner.begin_at(0)
    listen(partner, strikes(96), 1.0 + 22 * 60.0 / 96)
    ours = [planned.note.start_beats for planned in (*partner.output.lately, *partner.plan.notes)]
    assert ours
    first = min(ours)
    assert abs(first - round(first)) < 0.05
    assert partner.transport.bpm == pytest.approx(96, rel=0.03)
