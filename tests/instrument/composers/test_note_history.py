"""The history against searches written out plainly, on random music."""

from itertools import pairwise

import numpy as np
import pytest

from instrument.composers.note_history import LAGS, MEMORY, History, Match

Event = tuple[int, int, int]  # shift, pitch, duration


def played(events: list[Event], bar_beats: float = 4.0, pickup_beats: float = 0.0) -> History:
    history = History.begin(bar_beats, pickup_beats)
    for shift, pitch, duration in events:
        history = history.follow(history.onset(shift), pitch, duration, 5)
    return history


def random_events(seed: int, count: int = 120) -> list[Event]:
    random = np.random.default_rng(seed)
    return [
        (
            int(random.choice([0, 12, 24])),
            int(random.integers(60, 64)),
            int(random.choice([12, 24])),
        )
        for _ in range(count)
    ]


def longest_match(events: list[Event]) -> Match:
    """Compare the end with every earlier passage, note by note."""
    steps = [(b[1] - a[1], b[0]) for a, b in pairwise(events)]
    best, place = 0, 0
    for end in range(1, len(events) - 1):
        length = 0
        while length < end and steps[end - 1 - length] == steps[len(steps) - 1 - length]:
            length += 1
        if length and length >= best:
            best, place = length, end
    if not best:
        return Match()
    after = events[place + 1]
    return Match(best, after[0], after[1] - events[place][1], after[2])


@pytest.mark.parametrize("seed", range(5))
def test_the_match_is_the_longest_and_latest(seed: int) -> None:
    events = random_events(seed)
    for count in range(1, len(events), 7):
        assert played(events[:count]).match == longest_match(events[:count])


def test_a_motive_is_recognised_in_another_key() -> None:
    motive = [(24, 60, 24), (24, 64, 12), (12, 67, 48), (48, 65, 6)]
    higher = [(shift, pitch + 5, duration) for shift, pitch, duration in motive[:3]]
    assert played([*motive, *higher]).match == Match(2, 48, -2, 6)


@pytest.mark.parametrize("seed", range(3))
def test_lags_are_what_stood_there_bars_ago(seed: int) -> None:
    events = random_events(seed, 200)
    starts = np.cumsum([shift for shift, _, _ in events])
    history = played(events)
    for shift in (0, 12, 24):
        onset = history.onset(shift)
        assert onset.start == starts[-1] + shift
        assert onset.rank == (starts == onset.start).sum()
        for lag, found in zip(LAGS, onset.lags, strict=True):
            there = [i for i, s in enumerate(starts) if s == onset.start - lag * 96]
            expected = events[there[onset.rank]][1:] if len(there) > onset.rank else None
            assert found == expected


def test_voices_that_end_are_succeeded_in_order() -> None:
    chord = [(0, 72, 24), (0, 67, 24), (0, 64, 48), (0, 48, 24)]
    history = played(chord)
    onset = history.onset(24)
    assert onset.sounding == (64,)
    assert onset.ended == (72, 67, 48)
    assert (onset.first_release, onset.last_release) == (24, 24)
    assert onset.predecessor == 72
    second = history.follow(onset, 74, 24, 5).onset(0)
    assert second.predecessor == 67
    assert second.sounding == (74, 64)


def test_going_back_is_keeping_a_reference() -> None:
    history = played(random_events(0, 30))
    before = (history.starts.copy(), history.match, history.pitch_classes.copy())
    played([])
    for pitch in (60, 72):
        history.follow(history.onset(12), pitch, 12, 5)
    assert np.array_equal(history.starts, before[0])
    assert history.match == before[1]
    assert np.array_equal(history.pitch_classes, before[2])


def test_only_the_latest_notes_are_remembered() -> None:
    events = random_events(1, MEMORY + 60)
    history = played(events)
    assert len(history.pitches) == MEMORY
    assert history.pitches.tolist() == [pitch for _, pitch, _ in events[60:]]
    assert history.match == longest_match(events)


def test_pitch_classes_are_counted_in_all_and_lately() -> None:
    history = played([(24, 60, 24)] * 3 + [(24, 67, 24)])
    recent = np.array([0.9 + 0.81 + 0.729, 1.0])
    assert history.pitch_classes[0, [0, 7]] == pytest.approx([0.75, 0.25])
    assert history.pitch_classes[1, [0, 7]] == pytest.approx(recent / recent.sum())


def test_positions_count_from_the_pickups_end() -> None:
    history = History.begin(3.0, 1.0)
    assert [history.position(tick) for tick in (0, 24, 95, 96)] == [48, 0, 71, 0]
