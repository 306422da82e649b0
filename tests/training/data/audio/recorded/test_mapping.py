"""Instruments found in folders as they come from their makers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.sounds.played_notes import folder_of, pluck
from training.data.audio.recorded.mapping import MappedInstrument, find_instruments


def found(path: Path) -> dict[str, MappedInstrument]:
    return {instrument.name: instrument for instrument in find_instruments(path)}


def test_every_layer_of_an_sfz_is_an_instrument_and_a_shared_file_is_the_louder_ones(
    tmp_path: Path,
) -> None:
    (tmp_path / "My Piano.sfz").write_text(
        "<group> lovel=1 hivel=40\n<region> sample=p60.wav key=60\n<region> sample=p64.wav key=64\n"
        "<group> lovel=41 hivel=90\n<region> sample=p60.wav key=60 volume=3\n"
        "<group> lovel=91\n<region> sample=f60.wav key=60\n"
    )
    layers = found(tmp_path)
    assert set(layers) == {"my-piano-v40", "my-piano-v90", "my-piano-v127"}
    assert [note.pitch for note in layers["my-piano-v40"].notes] == [64]
    assert layers["my-piano-v90"].notes[0].gain_db == 3.0
    assert layers["my-piano-v90"].velocity == pytest.approx(90 / 127)


def test_spectmorph_says_the_keys(tmp_path: Path) -> None:
    (tmp_path / "oboe").mkdir()
    (tmp_path / "oboe" / "instrument.xml").write_text(
        '<instrument name="Oboe"><sample filename="b.flac" midi_note="61"/>'
        '<sample filename="a.flac" midi_note="60"/></instrument>'
    )
    (oboe,) = find_instruments(tmp_path)
    assert (oboe.name, [note.pitch for note in oboe.notes]) == ("oboe", [60, 61])


@pytest.mark.parametrize(
    "text",
    [
        "<instrument><sample",
        '<!DOCTYPE x [<!ENTITY a "b">]><instrument/>',
        '<instrument><sample filename="../../x.flac" midi_note="60"/></instrument>',
        '<instrument><sample filename="x.flac" midi_note="c4"/></instrument>',
    ],
)
def test_a_damaged_mapping_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "instrument.xml").write_text(text)
    with pytest.raises(ValueError, match=r"instrument\.xml"):
        find_instruments(tmp_path)


def test_plain_folders_are_instruments_and_names_say_keys_and_velocities(tmp_path: Path) -> None:
    note = pluck(60, 0.4)
    folder_of(tmp_path, {"Horn/C4.wav": note, "Horn/D4.wav": note, "Bell/one.wav": note})
    folder_of(tmp_path, {"Rhodes/C4v20.wav": note, "Rhodes/C4v110.wav": note})
    instruments = found(tmp_path)
    assert set(instruments) == {"horn", "bell", "rhodes-v20", "rhodes-v110"}
    assert [n.pitch for n in instruments["horn"].notes] == [60, 62]
    assert instruments["bell"].notes[0].pitch is None
