import dataclasses
from pathlib import Path

import numpy as np
import pytest

from instrument.errors import FileError
from tests.helpers.music.corpora import scale_piece, scales
from training.data.symbolic.corpus import (
    CORPORA,
    NOTES,
    make_corpus,
    meter_of,
    open_corpus,
    write_corpus,
)
from training.data.symbolic.statistics import key_of, off_grid_share


def test_a_corpus_comes_back_from_its_folder_unchanged(tmp_path: Path) -> None:
    corpus = scales(voices=2)
    write_corpus(corpus, tmp_path / "scales")
    again = open_corpus(tmp_path / "scales")
    assert again.sha256 == corpus.sha256
    assert [piece.name for piece in again.pieces] == [piece.name for piece in corpus.pieces]
    for ours, theirs in zip(corpus.pieces, again.pieces, strict=True):
        for column in ("start_beats", "length_beats", "pitch", "velocity", "voice"):
            np.testing.assert_array_equal(getattr(ours, column), getattr(theirs, column))
        assert (ours.split, ours.bar_beats) == (theirs.split, theirs.bar_beats)


def test_several_corpora_are_opened_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, voices in (("high", 1), ("low", 2)):
        corpus = scales(voices=voices, transposed=-12 * voices)
        write_corpus(make_corpus(name, name, f"{name} terms", corpus.pieces), CORPORA.folder / name)
    both = open_corpus("high+low")
    assert (both.name, both.source) == ("high+low", "high; low")
    assert both.notice == "high terms\nlow terms"
    assert len(both.pieces) == 24
    assert {piece.name.split("/")[0] for piece in both.pieces} == {"high", "low"}
    assert len(both.split("test")) == 8


def test_writing_replaces_an_older_corpus_whole(tmp_path: Path) -> None:
    write_corpus(scales(), tmp_path / "scales")
    write_corpus(scales(transposed=3), tmp_path / "scales")
    assert open_corpus(tmp_path / "scales").sha256 == scales(transposed=3).sha256
    assert [path.name for path in tmp_path.iterdir()] == ["scales"]


def test_a_damaged_corpus_is_refused(tmp_path: Path) -> None:
    write_corpus(scales(), tmp_path / "scales")
    content = bytearray((tmp_path / "scales" / NOTES).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "scales" / NOTES).write_bytes(content)
    with pytest.raises(FileError, match="damaged"):
        open_corpus(tmp_path / "scales")


def test_a_missing_corpus_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="latentkeys data music21"):
        open_corpus(tmp_path / "nothing")


def test_a_path_never_stands_for_the_corpus_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    write_corpus(scales(), CORPORA.folder / "scales")
    assert open_corpus("scales").name == "scales"
    with pytest.raises(FileError, match="there is no corpus"):
        open_corpus(tmp_path / "elsewhere" / "scales")


def test_an_interrupted_replacement_leaves_the_older_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(scales(), tmp_path / "scales")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.parent != tmp_path and self.name == "scales":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_corpus(scales(transposed=3), tmp_path / "scales")
    assert open_corpus(tmp_path / "scales").sha256 == scales().sha256
    assert [path.name for path in tmp_path.iterdir()] == ["scales"]


def test_a_piece_becomes_a_phrase_with_a_track_for_each_voice() -> None:
    phrase = scale_piece("c", "train", 60, voices=2).phrase()
    assert [track.notes[0].pitch for track in phrase.tracks] == [60, 53]
    assert [note.pitch for note in phrase.tracks[0].notes][:8] == [60, 62, 64, 65, 67, 69, 71, 72]
    assert phrase.length_beats == 16.0
    assert phrase.bar_beats == 4.0


def test_the_checksum_depends_on_notes_and_terms() -> None:
    corpus = scales()
    other_terms = make_corpus(corpus.name, corpus.source, "Mine.", corpus.pieces)
    assert len({corpus.sha256, scales(transposed=1).sha256, other_terms.sha256}) == 3


@pytest.mark.parametrize(
    ("bar_beats", "expected"), [(4.0, (4, 4)), (3.0, (3, 4)), (4.5, (9, 8)), (1.25, (5, 16))]
)
def test_a_bars_length_is_named_as_a_meter(bar_beats: float, expected: tuple[int, int]) -> None:
    meter = meter_of(bar_beats)
    assert (meter.beats, meter.unit) == expected
    assert meter.bar_beats == bar_beats


@pytest.mark.parametrize("tonic", range(12))
def test_the_key_of_a_scale_is_found(tonic: int) -> None:
    names = ("C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B")
    piece = scale_piece("scale", "train", 60 + tonic)
    lengths = np.where(piece.pitch % 12 == (60 + tonic) % 12, 2.0, 1.0)
    piece = dataclasses.replace(piece, length_beats=lengths)
    assert key_of(piece) == f"{names[tonic]} major"


def test_notes_off_the_grid_are_counted() -> None:
    piece = scale_piece("scale", "train", 60)
    starts = piece.start_beats.copy()
    starts[:4] += 0.01
    moved = dataclasses.replace(piece, start_beats=starts)
    assert off_grid_share(piece) == 0.0
    assert off_grid_share(moved) == 4 / 16
