"""A person plays to a preset's partner without a click; what both played is taken down."""

import pytest

from instrument.music.note import Note, Phrase
from instrument.preset.partner_options import ModeName, PartnerOptions
from training.metrics.partner.performer import Performer
from training.metrics.partner.sessions import play_session, try_partner

SCALE = (60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62, 60)
PHRASE = Phrase.of([Note(0.5 * n, pitch, 0.5) for n, pitch in enumerate(SCALE)], 8.0, bpm=100.0)


@pytest.mark.parametrize("mode", ["answer", "duet", "loop"])
def test_every_mode_is_tried_in_the_players_own_tempo(mode: ModeName) -> None:
    options = PartnerOptions(mode=mode, model="ngram", clock="player", loop_bars=1)
    tried, (session,) = try_partner(options, [PHRASE], Performer())
    assert tried.answered == 1
    assert 0.0 < tried.density < 4.0
    assert 0.5 < tried.in_key <= 1.0
    assert session.tracks[0].name == "player"
    assert len(session.tracks[0].notes) == len(SCALE)
    assert session.tempos[-1].bpm == pytest.approx(100.0, rel=0.04)
    # An answer waits until the player pauses; the other two play along.
    assert (tried.together > 0.0) == (mode != "answer")


def test_the_same_seed_is_the_same_session() -> None:
    options = PartnerOptions(mode="answer", model="ngram", clock="player")
    played = Performer().play(PHRASE, 3)
    assert play_session(options, played, 1) == play_session(options, played, 1)
    assert play_session(options, played, 1) != play_session(options, played, 2)
