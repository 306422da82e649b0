"""Scores in MusicXML, written here bar by bar: a singer and a piano."""

import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from instrument.errors import FileError
from training.data.symbolic import musicxml
from training.data.symbolic.musicxml import Score, read_score
from training.data.symbolic.openscore import NOTICE, SOURCE, pieces_of, read_openscore

HEAD = (
    '<?xml version="1.0"?><score-partwise><identification><rights>{rights}</rights>'
    "</identification><part-list>"
    '<score-part id="P1"><part-name>Voice</part-name>'
    '<midi-instrument id="I1"><midi-program>53</midi-program></midi-instrument></score-part>'
    '<score-part id="P2"><part-name>Piano</part-name></score-part></part-list>'
)
ATTRIBUTES = (
    "<attributes><divisions>4</divisions>"
    "<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time></attributes>"
)


def note(pitch: str, length: int, extra: str = "", after: str = "") -> str:
    """One note: "C4", "F#3", or "r" for a rest; lengths in sixteenths."""
    what = "<rest/>"
    if pitch != "r":
        alter = f"<alter>{pitch.count('#') - pitch.count('b')}</alter>"
        what = f"<pitch><step>{pitch[0]}</step>{alter}<octave>{pitch[-1]}</octave></pitch>"
    return f"<note>{extra}{what}<duration>{length}</duration>{after}</note>"


def chord(pitch: str, length: int) -> str:
    return note(pitch, length, "<chord/>")


def staff(number: int) -> str:
    return f"<staff>{number}</staff>"


def mark(inner: str) -> str:
    return f"<direction><direction-type>{inner}</direction-type></direction>"


def score(voice: list[str], piano: list[str], rights: str = "OpenScore (CC0)") -> str:
    def part(name: str, bars: list[str]) -> str:
        measures = "".join(f'<measure number="{n}">{bar}</measure>' for n, bar in enumerate(bars))
        return f'<part id="{name}">{measures}</part>'

    return HEAD.format(rights=rights) + part("P1", voice) + part("P2", piano) + "</score-partwise>"


def common(bars: list[str], beats: int = 4, unit: int = 4) -> list[str]:
    return [ATTRIBUTES.format(beats=beats, unit=unit) + bars[0], *bars[1:]]


def read(tmp_path: Path, text: str) -> Score:
    (tmp_path / "score.musicxml").write_text(text, encoding="utf-8")
    return read_score(tmp_path / "score.musicxml")


def song(bars: int = 9, shifted: int = 0) -> str:
    """Four quarters in every bar, and a chord under them."""
    names = "CDEFGAB"
    voice = [
        "".join(note(f"{names[(bar * 3 + beat + shifted) % 7]}5", 4) for beat in range(4))
        for bar in range(bars)
    ]
    piano = [
        note("C4", 16, after=staff(1))
        + "<backup><duration>16</duration></backup>"
        + note("C3", 16, after=staff(2))
        for _ in range(bars)
    ]
    return score(common(voice), common(piano))


def test_staves_chords_voices_and_ties(tmp_path: Path) -> None:
    piano = [
        note("C4", 8, '<tie type="start"/>', staff(1))
        + chord("E4", 8).replace("</note>", staff(1) + "</note>")
        + note("r", 8, after=staff(1))
        + "<backup><duration>16</duration></backup>"
        + note("Bb2", 16, '<tie type="start"/>', staff(2)),
        note("r", 16, after=staff(1))
        + "<backup><duration>16</duration></backup>"
        + note("Bb2", 4, '<tie type="stop"/>', staff(2)),
    ]
    voice = ["<note><grace/><pitch><step>D</step><octave>5</octave></pitch></note>", ""]
    voice = [voice[0] + note("F#5", 16), note("r", 4)]
    found = read(tmp_path, score(common(voice), common(piano)))
    sung, right, left = (
        [(n.start_beats, n.pitch, n.length_beats) for n in staff.notes] for staff in found.staves
    )
    assert sung == [(0.0, 78, 4.0)]
    assert right == [(0.0, 60, 2.0), (0.0, 64, 2.0)]
    assert left == [(0.0, 46, 5.0)]
    assert [staff.program for staff in found.staves] == [52, 0, 0]


def test_loudness_follows_marks_hairpins_and_accents(tmp_path: Path) -> None:
    accent = "<notations><articulations><accent/></articulations></notations>"
    voice = [
        mark("<dynamics><p/></dynamics>") + note("C5", 4) + mark('<wedge type="crescendo"/>')
        + note("D5", 4) + note("E5", 4) + note("F5", 4),
        mark('<wedge type="stop"/>') + mark("<dynamics><f/></dynamics>") + note("G5", 4)
        + note("A5", 4, after=accent) + note("r", 8),
    ]  # fmt: skip
    found = read(tmp_path, score(common(voice), common([note("r", 16)] * 2)))
    loud = [n.velocity for n in found.staves[0].notes]
    assert loud[:2] == [50, 50]
    assert 50 < loud[2] < loud[3] < 92
    assert loud[4:] == [92, 104]


def test_a_part_without_marks_is_as_loud_as_the_others(tmp_path: Path) -> None:
    piano = [mark("<dynamics><ff/></dynamics>") + note("C3", 16)]
    found = read(tmp_path, score(common([note("C5", 16)]), common(piano)))
    assert found.staves[0].notes[0].velocity == 108


def test_a_repeat_is_played_with_its_last_ending(tmp_path: Path) -> None:
    def ending(number: int, kind: str) -> str:
        return f'<barline><ending number="{number}" type="{kind}"/></barline>'

    voice = [
        note("C5", 16),
        ending(1, "start") + note("D5", 16) + ending(1, "stop"),
        ending(2, "start") + note("E5", 16) + ending(2, "discontinue"),
    ]
    found = read(tmp_path, score(common(voice), common([note("C3", 16)] * 3)))
    assert [(n.start_beats, n.pitch) for n in found.staves[0].notes] == [(0.0, 72), (4.0, 76)]
    assert [bar.start_beats for bar in found.bars] == [0.0, 4.0]


def test_a_change_of_meter_makes_two_pieces_and_a_short_first_bar_a_pickup(tmp_path: Path) -> None:
    four = ["".join(note(p, 4) for p in ("C5", "D5", "E5", "F5"))] * 8
    three = ["".join(note(p, 4) for p in ("G5", "A5", "G5"))] * 11
    voice = common([note("G4", 4), *four]) + common(three, 3)
    rests = common([note("r", 4), *[note("r", 16)] * 8]) + common([note("r", 12)] * 11, 3)
    first, second = pieces_of(read(tmp_path, score(voice, rests)))
    assert (first.bar_beats, first.pickup_beats, first.length) == (4.0, 1.0, 33.0)
    assert (second.bar_beats, second.pickup_beats, second.length) == (3.0, 0.0, 33.0)
    assert second.pitch[:3].tolist() == [79, 81, 79]
    np.testing.assert_allclose(second.start_beats[:3], [0.0, 1.0, 2.0])


def test_a_folder_becomes_a_corpus_with_openscores_terms(tmp_path: Path) -> None:
    folder = tmp_path / "songs"
    (folder / "deeper").mkdir(parents=True)
    (folder / "one.musicxml").write_text(song(), encoding="utf-8")
    with zipfile.ZipFile(folder / "deeper" / "two.mxl", "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("two.xml", song(12, shifted=2))
    corpus = read_openscore(folder, "mine", lambda *_: None).corpus
    assert [piece.name for piece in corpus.pieces] == ["deeper/two.mxl#1", "one.musicxml#1"]
    assert [len(piece.programs) for piece in corpus.pieces] == [3, 3]
    assert (corpus.source, corpus.notice) == (SOURCE, NOTICE)
    (folder / "one.musicxml").write_text(
        song().replace("OpenScore (CC0)", "Somebody"), encoding="utf-8"
    )
    assert read_openscore(folder, "mine", lambda *_: None).corpus.source != SOURCE


def test_all_pieces_of_a_score_are_in_one_split(tmp_path: Path) -> None:
    for number in range(6):
        bars = ["".join(note(f"{'CDEFGAB'[(b * number + i) % 7]}5", 4) for i in range(4))
                for b in range(9)]  # fmt: skip
        voice = common(bars) + common(bars, 2, 2)
        rests = [note("r", 16)] * 9
        text = score(voice, common(rests) + common(rests, 2, 2))
        text = text.replace("<beats>2</beats><beat-type>2", "<beats>8</beats><beat-type>4")
        (tmp_path / f"{number}.xml").write_text(text, encoding="utf-8")
    pieces = read_openscore(tmp_path, "mine", lambda *_: None).corpus.pieces
    for number in range(6):
        splits = {p.split for p in pieces if p.name.startswith(f"{number}.xml")}
        assert len(splits) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not XML", "it is no XML"),
        (b"<score-timewise/>", "score-partwise"),
        (b'<!DOCTYPE s [<!ENTITY a "b">]><score-partwise/>', "entities"),
        ('<!DOCTYPE s [<!ENTITY a "b">]><score-partwise/>'.encode("utf-16"), "entities"),
        ('<!DOCTYPE s [<!ENTITY a "b">]><score-partwise/>'.encode("utf-16-le"), "no XML in UTF"),
        (b"<score-partwise/>", "0 parts"),
        (song().replace("<duration>4<", "<duration>nan<", 1).encode(), "number"),
        (song().replace("<octave>5<", "<octave>55<", 1).encode(), "MIDI's range"),
    ],
)
def test_what_is_no_score_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "bad.xml").write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        read_score(tmp_path / "bad.xml")


def test_a_file_without_end_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(musicxml, "MOST_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "bomb.mxl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", b" " * 100_000)
    with pytest.raises(ValueError, match="larger"):
        read_score(tmp_path / "bomb.mxl")
    (tmp_path / "broken.mxl").write_bytes(b"PK no zip")
    with pytest.raises(ValueError, match="compressed"):
        read_score(tmp_path / "broken.mxl")


def test_a_damaged_archive_is_one_broken_score_and_ends_no_reading(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.mxl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", song(40))
    content = bytearray((tmp_path / "a.mxl").read_bytes())
    content[60:160] = b"\xff" * 100  # inside the packed score
    (tmp_path / "a.mxl").write_bytes(content)
    with pytest.raises(ValueError, match="no compressed MusicXML"):
        read_score(tmp_path / "a.mxl")


def test_a_score_in_utf_16_is_read(tmp_path: Path) -> None:
    text = song().replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-16"?>')
    (tmp_path / "score.xml").write_bytes(text.encode("utf-16"))
    assert read_score(tmp_path / "score.xml") == read(tmp_path, song())


def test_forty_thousand_hairpins_take_no_minute(tmp_path: Path) -> None:
    wedges = mark('<wedge type="crescendo"/>') * 40_000
    text = score(common([wedges + note("C5", 16)]), common([note("C3", 16)]))
    began = time.perf_counter()
    assert read(tmp_path, text).staves[0].notes
    assert time.perf_counter() - began < 20.0  # each looked through all the others for its end


def test_broken_scores_are_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.xml").write_text("no score", encoding="utf-8")
    with pytest.raises(FileError, match=r"a\.xml: it is no XML"):
        read_openscore(tmp_path, "mine", lambda *_: None)


def test_a_folder_without_scores_says_what_it_wants(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="has no scores"):
        read_openscore(tmp_path, "mine", lambda *_: None)
