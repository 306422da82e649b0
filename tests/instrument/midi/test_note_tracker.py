"""Pairing: a note-off ends the oldest note of its key."""

from instrument.midi.note_tracker import NoteTracker


def test_a_note_off_ends_the_oldest_note_of_its_key() -> None:
    tracker: NoteTracker[tuple[int, int], str] = NoteTracker()
    tracker.strike((0, 60), "left hand")
    tracker.strike((0, 60), "right hand")
    tracker.strike((1, 60), "other channel")
    assert tracker.release((0, 60)) == "left hand"
    assert tracker.release((0, 60)) == "right hand"
    assert tracker.release((0, 60)) is None
    assert list(tracker) == [((1, 60), "other channel")]


def test_a_key_that_has_too_many_notes_lets_go_of_its_oldest() -> None:
    tracker: NoteTracker[int, str] = NoteTracker(most=2)
    assert [tracker.strike(60, name) for name in "abc"] == [None, None, "a"]
    assert tracker.strike(61, "d") is None
    assert [tracker.release(60) for _ in range(3)] == ["b", "c", None]


def test_a_later_note_can_be_named() -> None:
    tracker: NoteTracker[int, str] = NoteTracker()
    for name in "abc":
        tracker.strike(60, name)
    assert tracker.nth(60, "b") == 1
    assert tracker.release(60, 1) == "b"
    assert tracker.release(60, 99) == "c"  # as late as there is one
    assert tracker.release(60) == "a"


def test_the_keys_of_one_channel_are_let_go_together() -> None:
    tracker: NoteTracker[tuple[int, int], int] = NoteTracker()
    for number, key in enumerate([(0, 60), (0, 64), (1, 60), (0, 60)]):
        tracker.strike(key, number)
    released = tracker.release_all(lambda key: key[0] == 0)
    assert sorted(number for _, number in released) == [0, 1, 3]
    assert tracker
    assert tracker.release_all() == [((1, 60), 2)]
    assert not tracker
