"""The measure of `tests.overlaps`, which is run by hand over collections."""

from instrument.midi.song import read_midi_file
from tests.helpers.places import ROOT
from tests.overlaps import as_played, as_written, compare


def test_a_note_that_ends_with_another_ones_note_off_is_counted() -> None:
    key = (60, False)
    assert compare({key: [(0.0, 4.0), (1.0, 1.5)]}, {key: [(0.0, 1.5)]}) == (2, 1)
    assert compare({key: [(0.0, 0.05)]}, {}) == (0, 0)  # too short to count


def test_two_staves_and_touching_notes_keep_their_lengths() -> None:
    for name in ("10_off_after_on", "11_two_staves"):
        path = ROOT / "tests" / "golden" / "midi" / f"{name}.mid"
        found, lost = compare(as_written(path), as_played(read_midi_file(path)))
        assert found >= 2 and lost == 0
