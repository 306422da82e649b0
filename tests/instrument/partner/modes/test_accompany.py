"""A band beside the player, in virtual time, with the shipped MuseGAN."""

from __future__ import annotations

import pytest

from instrument.composers.protocols import BarGenerator
from instrument.composers.registry import open_composer
from instrument.music.constraints import Constraints
from instrument.music.note import Note, Phrase
from instrument.partner.modes.accompany import Accompany
from tests.helpers.music.partner_stage import BEAT, Played, make_partner, run, strikes, stuck, tune

FOUR_BARS: list[Played] = [
    (float(n), 0.9, pitch)
    for n, pitch in enumerate((67, 69, 71, 72, 71, 69, 67, 66, 67, 69, 71, 74, 72, 71, 69, 67))
]


class Listener:
    """A band that remembers what it was shown and plays one low note a beat."""

    def __init__(self) -> None:
        self.shown: list[Phrase] = []
        self.reason: Exception | None = None

    def generate(
        self,
        bars: int,
        seed: int,
        controls: Constraints,
        condition: Phrase | None = None,
        previous: Phrase | None = None,
    ) -> Phrase:
        if self.reason:
            raise self.reason
        assert condition is not None and condition.length_beats == bars * condition.bar_beats
        self.shown.append(condition)
        return EVERY_BEAT.between(0.0, condition.length_beats)


EVERY_BEAT = Phrase.of([Note(float(n), 40, 0.9) for n in range(64)], 64.0)


def test_the_shipped_band_joins_at_the_second_bar_and_plays_every_bar() -> None:
    partner = make_partner(Accompany(open_composer("musegan_accompany"), 3), polyphony=12)
    messages = run(partner, 15.5, tune(FOUR_BARS))
    starts = [m.frame / BEAT for m in strikes(messages)]
    assert min(starts) >= 4.0
    assert all(any(bar <= start < bar + 4 for start in starts) for bar in (4, 8, 12))
    assert not stuck(messages + partner.end())
    assert isinstance(partner.mode, Accompany) and partner.mode.problem is None


def test_it_is_shown_what_was_played_and_a_guess_of_what_comes() -> None:
    band = Listener()
    run(make_partner(Accompany(band, 0)), 12.5, tune(FOUR_BARS))
    third = next(shown for shown in band.shown if shown.length_beats == 12.0)
    real = [(round(n.start_beats, 2), n.pitch) for n in third.notes if n.start_beats < 7.0]
    assert real == [(start, pitch) for start, _, pitch in FOUR_BARS if start < 7.0]
    assert any(n.start_beats >= 8.0 for n in third.notes)


def test_a_wrong_guess_is_corrected_in_the_middle_of_the_bar() -> None:
    band = Listener()
    strange = [(start, 0.4, 30 + int(7 * start) % 60) for start, _, _ in FOUR_BARS]
    run(make_partner(Accompany(band, 0)), 11.9, tune(strange))
    shown = [s for s in band.shown if s.length_beats == 12.0]
    assert len(shown) >= 2  # before the bar, and in its middle
    corrected = [(n.start_beats, n.pitch) for n in shown[1].notes if 8.0 <= n.start_beats < 9.5]
    assert [pitch for _, pitch in corrected] == [p for s, _, p in strange if 8.0 <= s < 9.5]


@pytest.mark.parametrize(
    ("reason", "words"),
    [(RuntimeError("out of\nstrings"), "out of"), (MemoryError(), "MemoryError")],
)
def test_a_band_that_fails_leaves_a_voice_an_octave_lower(reason: Exception, words: str) -> None:
    band = Listener()
    band.reason = reason
    partner = make_partner(Accompany(band, 0))
    messages = run(partner, 12.0, tune(FOUR_BARS))
    assert strikes(messages)
    assert isinstance(partner.mode, Accompany)
    assert partner.mode.problem == f"the band has failed ({words})"


def test_it_stops_when_the_player_has_been_silent_for_two_bars() -> None:
    partner = make_partner(Accompany(Listener(), 0))
    messages = run(partner, 30.0, tune(FOUR_BARS))
    assert max(m.frame for m in strikes(messages)) < 26 * BEAT
    assert partner.mode.situation() == "waiting"
    assert not stuck(messages)


@pytest.mark.parametrize("channels", [(16,), (13, 14, 15)])
def test_every_part_has_its_channel(channels: tuple[int, ...]) -> None:
    band: BarGenerator = open_composer("musegan_accompany")
    partner = make_partner(Accompany(band, 3), polyphony=12, channels=channels)
    messages = run(partner, 15.5, tune(FOUR_BARS))
    assert {1 + (m.data[0] & 0x0F) for m in strikes(messages)} == set(channels)
