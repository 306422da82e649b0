"""music21's own pieces, against what is printed in the scores."""

from pathlib import Path

import numpy as np
import pytest

from instrument.errors import FileError
from training.data.symbolic import music21_corpus
from training.data.symbolic.abc import read_abc
from training.data.symbolic.music21_corpus import jsb_manifest
from training.data.symbolic.reading import refuse_many_skipped


def test_the_manifest_has_the_canonical_splits_without_overlap() -> None:
    manifest = jsb_manifest()
    assert {split: len(paths) for split, paths in manifest.items()} == {
        "train": 207,
        "valid": 65,
        "test": 70,
    }
    every = [path for paths in manifest.values() for path in paths]
    assert len(set(every)) == len(every)


def test_a_chorale_is_read_in_four_voices() -> None:
    # BWV 66.6, "Christ ist erstanden": a pickup of one beat; the first chord is C♯5 E4 A3 A3.
    read = music21_corpus._read_chorale(("bach/bwv66.6.mxl", "train"))
    (piece,) = read.pieces
    first = piece.start_beats == 0.0
    by_voice = dict(zip(piece.voice[first].tolist(), piece.pitch[first].tolist(), strict=True))
    assert by_voice == {0: 73, 1: 64, 2: 57, 3: 57}
    assert (piece.bar_beats, piece.pickup_beats, piece.length) == (4.0, 1.0, 36.0)
    # The soprano moves on after half a beat: C♯, B, A.
    soprano = piece.pitch[piece.voice == 0]
    assert soprano[:3].tolist() == [73, 71, 69]
    assert np.all(np.diff(piece.start_beats) >= 0.0)


TUNES = """X:1
T:A scale
M:6/8
L:1/8
K:D
A|DEF GAB|c3 d3|DEF GAB|c3 d3|DEF GAB|

X:2
T:Too short
M:4/4
L:1/4
K:G
GABc|

X:3
T:A waltz
M:3/4
L:1/8
K:G
G2A2B2|c2-c2d2|e2f2g2|G2A2B2|c2d2e2|f2g2a2|
"""


def test_tunes_of_an_abc_file_are_read_with_pickup_and_key(tmp_path: Path) -> None:
    path = tmp_path / "tunes.abc"
    path.write_text(TUNES)
    found = read_abc(path)
    jig, waltz = found.pieces
    assert found.skipped == ()
    assert (jig.name, waltz.name) == ("/0", "/2")
    assert jig.pitch[:4].tolist() == [69, 62, 64, 66]  # the key signature makes F an F♯
    assert (jig.bar_beats, jig.pickup_beats) == (3.0, 0.5)
    assert jig.start_beats[:3].tolist() == [0.0, 0.5, 1.0]
    tied = waltz.length_beats[waltz.pitch == 72][0]
    assert (waltz.pickup_beats, tied) == (0.0, 2.0)


def test_a_tune_has_its_own_note_length_and_meter_whatever_came_before(tmp_path: Path) -> None:
    # Standard 2.1, section 3.1.7: without L:, an eighth, or a sixteenth in meters below 3/4.
    tune = "X:{}\nM:{}\nK:D\n|d>edc d2|d>edc d2|d>edc d2|d>edc d2|\n\n"
    path = tmp_path / "tunes.abc"
    first = "X:1\nM:4/4\nL:1/4\nK:D\n" + "dedc|" * 5 + "\n\n"
    path.write_text(first + tune.format(2, "2/4") + tune.format(3, "6/8"))
    pieces = read_abc(path).pieces
    assert [float(piece.length_beats[2]) for piece in pieces] == [1.0, 0.25, 0.5]
    assert [piece.bar_beats for piece in pieces] == [4.0, 2.0, 3.0]


def test_a_file_that_is_no_abc_is_named(tmp_path: Path) -> None:
    path = tmp_path / "noise.abc"
    path.write_bytes(b"\x00\x01\x02 no music")
    assert read_abc(path).pieces == ()


def test_a_chorale_that_music21_lacks_is_named() -> None:
    read = music21_corpus._read_chorale(("bach/bwv99999.mxl", "train"))
    assert [name for name, _ in read.skipped] == ["bach/bwv99999"]


def test_voices_are_chosen_by_their_names_among_instruments() -> None:
    # BWV 120.6 is scored for three trumpets, timpani and four voices, BWV 41.6 likewise.
    read = music21_corpus._read_chorale(("bach/bwv120.6.mxl", "train"))
    (piece,) = read.pieces
    mean = [piece.pitch[piece.voice == voice].mean() for voice in range(4)]
    assert mean == sorted(mean, reverse=True)


def test_more_than_one_percent_of_skipped_items_are_fatal() -> None:
    refuse_many_skipped((("a", "b"),) * 2, 1000)
    with pytest.raises(FileError, match="2 of 100 items cannot be read: a: b"):
        refuse_many_skipped((("a", "b"),) * 2, 100)
