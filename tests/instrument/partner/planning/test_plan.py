"""What several parts play is shared out so that each has a line."""

from instrument.music.note import Note
from instrument.partner.modes.duet import Duet
from instrument.partner.planning.plan import Planned, free_part
from tests.helpers.music.partner_stage import make_partner, run, tune


def shared(notes: list[Note], parts: int) -> list[int]:
    planned: list[Planned] = []
    for note in notes:
        planned.append(Planned(note, free_part(note, planned, parts)))
    return [one.part for one in planned]


def test_each_part_keeps_its_line() -> None:
    chords = [(72, 64, 55), (71, 62, 55), (72, 64, 48)]
    notes = [Note(float(beat), p, 1.0) for beat, chord in enumerate(chords) for p in chord]
    assert shared(notes, 3) == [0, 1, 2] * 3


def test_a_part_that_still_sounds_is_not_asked() -> None:
    notes = [Note(0.0, 60, 4.0), Note(1.0, 61, 1.0), Note(2.0, 60, 1.0), Note(5.0, 60, 1.0)]
    assert shared(notes, 2) == [0, 1, 1, 0]
    assert shared(notes, 1) == [0, 0, 0, 0]


def test_a_duet_in_three_voices_plays_on_three_channels() -> None:
    partner = make_partner(
        Duet(), seed=3, voices=3, channels=(14, 15, 16), lowest_pitch=40, highest_pitch=80
    )
    played = [(0.5 * n, 0.45, 60 + 2 * (n % 5)) for n in range(0, 24, 3)]
    messages = run(partner, 16.0, tune(played))
    channels = {m.data[0] & 15 for m in messages if m.data[0] & 0xF0 == 0x90}
    assert len(channels - {9}) > 1
    alone = make_partner(Duet(), seed=3, channels=(14, 15, 16))
    messages = run(alone, 16.0, tune(played))
    assert {m.data[0] & 15 for m in messages if m.data[0] & 0xF0 == 0x90} <= {0, 13}
