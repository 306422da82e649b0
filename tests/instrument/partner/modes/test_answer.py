"""Call and response, in virtual time."""

from __future__ import annotations

import numpy as np
import pytest

from instrument.midi.messages import control_change, note_off, note_on
from tests.helpers.music.partner_stage import (
    BEAT,
    MS,
    TO_OUT,
    make_partner,
    run,
    strikes,
    stuck,
    tune,
)


def test_the_answer_begins_on_the_first_beat_after_the_silence() -> None:
    partner = make_partner(silence_beats=1.0)
    messages = run(partner, 12.0, tune())  # ends at 2.9; silent until 3.9
    first = strikes(messages)[0]
    assert first.frame == 4 * BEAT
    assert partner.hands.last_beats == pytest.approx(2.9, abs=1e-3)


@pytest.mark.parametrize("division", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("seed", range(8))
def test_a_phrase_that_ends_20_ms_before_a_line_is_answered_on_it(
    division: float, seed: int
) -> None:
    """The end is told by a controller, so that it can fall anywhere."""
    random = np.random.default_rng(seed)
    end_frame = round(4 * BEAT + random.uniform(0, 1) * division * BEAT)
    line = -(-(end_frame + 20 * MS) // round(division * BEAT)) * round(division * BEAT)
    partner = make_partner(division_beats=division, end_control=67, silence_beats=16.0, seed=seed)
    messages = run(partner, 14.0, [*tune(), (end_frame, control_change(67, 127))])
    assert strikes(messages)[0].frame == line


def test_the_answer_is_as_long_as_the_phrase_in_whole_bars_and_ends() -> None:
    partner = make_partner()
    messages = run(partner, 16.0, tune())
    starts = [message.frame / BEAT for message in strikes(messages)]
    assert starts[0] == 4.0 and starts[-1] < 8.0
    assert partner.mode.situation() == "waiting"
    assert max(message.frame for message in messages) <= 8 * BEAT
    assert not stuck(messages)


def test_everything_is_sent_before_its_time() -> None:
    partner, late = make_partner(), []
    waiting = tune()
    while partner.frame < 12 * BEAT:
        while waiting and waiting[0][0] <= partner.frame:
            partner.hear(*waiting.pop(0))
        late += [partner.frame - message.frame for message in partner.step()]
    assert max(late) <= 0
    assert min(late) >= -21 * MS - 1


def test_inside_and_at_the_output_sound_the_same_notes() -> None:
    messages = run(make_partner(), 10.0, tune())
    inside = [(m.frame, m.data[1:]) for m in strikes(messages)]
    outside = [(m.frame, m.data[1:]) for m in strikes(messages, TO_OUT)]
    assert inside == outside
    assert {m.data[0] & 0x0F for m in strikes(messages)} == {15}
    assert {m.data[0] & 0x0F for m in strikes(messages, TO_OUT)} == {0}


def test_an_output_that_is_late_is_told_earlier() -> None:
    plain = strikes(run(make_partner(), 10.0, tune()), TO_OUT)
    early = strikes(run(make_partner(out_early_milliseconds=50.0), 10.0, tune()), TO_OUT)
    assert [m.frame - 50 * MS for m in plain] == [m.frame for m in early]


def test_whoever_returns_has_the_word_within_five_milliseconds() -> None:
    partner = make_partner(answer_bars=2)
    messages = run(partner, 5.6, tune())
    assert len(partner.output.ledger) > 0 or partner.plan.notes
    returned = partner.frame
    messages += run(partner, 5.7, [(returned, note_on(48, 80))])
    assert len(partner.output.ledger) == 0
    assert not partner.plan.notes
    later = [m for m in messages if m.frame > returned + 5 * MS and m.data[0] & 0xF0 == 0x90]
    assert all(m.frame <= returned + 31 * MS for m in later)  # what was committed already
    assert not stuck(messages)
    assert partner.mode.situation() == "listening"


def test_a_note_that_would_end_soon_by_itself_ends_at_once_too() -> None:
    partner = make_partner(answer_bars=2)
    messages = run(partner, 4.2, tune())
    while not any(
        m.data[0] & 0xF0 == 0x80 and m.frame > partner.frame + 10 * MS for m in messages[-4:]
    ):
        messages += partner.step()
    returned = partner.frame
    sent = len(messages)
    messages += run(partner, (returned + 60 * MS) / BEAT, [(returned, note_on(48, 80))])
    off = [m for m in messages[sent:] if m.data[0] & 0xF0 == 0x80]
    assert off and min(m.frame for m in off) <= returned + 2 * MS
    assert not stuck(messages)


def test_after_a_return_the_new_phrase_is_answered_too() -> None:
    partner = make_partner(answer_bars=2)
    events = [*tune(), *tune(at_beats=5.5)]
    messages = run(partner, 20.0, events)
    starts = [message.frame for message in strikes(messages)]
    assert any(4 * BEAT <= start < 5.6 * BEAT for start in starts)
    assert not [start for start in starts if 5.6 * BEAT < start < 9.4 * BEAT]
    assert 10 * BEAT in starts


def test_keys_that_are_still_held_keep_the_phrase_open() -> None:
    partner = make_partner()
    messages = run(partner, 10.0, [(0, note_on(60)), (8 * BEAT, note_off(60))])
    assert strikes(messages)[0].frame == 10 * BEAT  # a beat of silence ends on 9, too late for it


def test_the_first_note_is_composed_in_the_very_step_that_ends_the_phrase() -> None:
    partner = make_partner(end_control=67)
    run(partner, 3.0, tune())
    partner.hear(partner.frame, control_change(67, 127))
    partner.step()
    assert partner.plan.notes[0].note.start_beats == pytest.approx(4.0)


def test_the_same_events_and_seed_give_the_same_music_and_another_seed_another() -> None:
    first, again, other = (run(make_partner(seed=seed), 12.0, tune()) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_no_more_notes_sound_than_asked_for() -> None:
    partner = make_partner(polyphony=1, answer_bars=4)
    down: set[int] = set()
    for message in sorted(
        (m for m in run(partner, 24.0, tune()) if m.to == TO_OUT),
        key=lambda m: (m.frame, m.data[0] & 0xF0 == 0x90),
    ):
        if message.data[0] & 0xF0 == 0x90:
            down.add(message.data[1])
            assert len(down) <= 1
        else:
            down.discard(message.data[1])


C_MAJOR = [
    (0.5 * n, 0.4, pitch) for n, pitch in enumerate((60, 64, 67, 65, 64, 62, 67, 65, 64, 62))
]


def test_one_brushed_key_is_no_phrase() -> None:
    partner = make_partner()
    assert not strikes(run(partner, 12.0, tune([(0.0, 0.1, 60)])))
    assert partner.mode.situation() == "waiting"


def test_a_pedal_that_is_down_holds_the_phrase_open() -> None:
    down, up = (0, control_change(64, 127)), (6 * BEAT, control_change(64, 0))
    first = strikes(run(make_partner(), 12.0, [*tune(), down, up]))[0]
    assert first.frame == 7 * BEAT  # soon after it is let go; without it on beat 4


def test_a_phrase_that_takes_a_breath_is_given_twice_the_silence() -> None:
    open_end = run(make_partner(), 16.0, tune(C_MAJOR))  # on the second degree, until 4.9
    closed = run(make_partner(), 16.0, tune([*C_MAJOR[:-1], (4.5, 0.4, 60)]))
    assert (strikes(open_end)[0].frame, strikes(closed)[0].frame) == (7 * BEAT, 6 * BEAT)


@pytest.mark.parametrize("seed", range(6))
def test_an_answer_comes_to_rest_on_the_tonics_chord(seed: int) -> None:
    partner = make_partner(seed=seed)
    messages = run(partner, 20.0, tune([*C_MAJOR[:-1], (4.5, 1.4, 60)]))
    last = strikes(messages)[-1]
    ends = next(m for m in messages if m.frame > last.frame and m.data[0] & 0xF0 == 0x80)
    assert last.data[1] % 12 in (0, 4, 7)
    assert ends.frame > last.frame + 0.4 * BEAT
    assert not stuck(messages)


def test_an_answer_grows_and_fades_as_the_phrase_did() -> None:
    loud = [
        event
        for n in range(16)
        for event in (
            (n * BEAT // 2, note_on(60 + (n * 5) % 12, 40 + 5 * n)),
            (n * BEAT // 2 + 9_000, note_off(60 + (n * 5) % 12)),
        )
    ]
    velocities = [m.data[2] for m in strikes(run(make_partner(), 24.0, loud))]
    half = len(velocities) // 2
    assert np.mean(velocities[half:]) > np.mean(velocities[:half]) + 15
