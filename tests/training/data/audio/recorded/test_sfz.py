"""SFZ instruments as makers write them, and as strangers might."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.data.audio.recorded.sfz import MOST_BYTES, read_sfz


def written(folder: Path, text: str, name: str = "a.sfz") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_region_has_what_its_groups_say(tmp_path: Path) -> None:
    text = """// a piano
<control> default_path=Samples/
<global> volume=-3
<group> lovel=1 hivel=60 group_volume=2
<region> sample=PP D#0.wav lokey=21 hikey=24 pitch_keycenter=023
<region> key=c4 sample=two words C4.wav /* middle C */ volume=-6
<group> lovel=61
<region> pitch_keycenter=60 sample=loud.wav
"""
    soft, middle, loud = read_sfz(written(tmp_path, text))
    assert soft.sample == tmp_path / "Samples" / "PP D#0.wav"
    assert (soft.pitch, soft.lowest, soft.highest, soft.gain_db) == (23, 1, 60, -1.0)
    assert middle.sample.name == "two words C4.wav"
    assert (middle.pitch, middle.gain_db) == (60, -4.0)
    assert (loud.lowest, loud.highest, loud.gain_db) == (61, 127, -3.0)


def test_includes_and_definitions_are_followed(tmp_path: Path) -> None:
    written(tmp_path / "Data", "<region> sample=$DYN C4.$EXT key=60", "FF.txt")
    text = '#define $EXT flac\n<group>\nhivel=127\n#define $DYN FF\n#include "Data/$DYN.txt"\n'
    (region,) = read_sfz(written(tmp_path, text))
    assert region.sample == tmp_path / "FF C4.flac" and region.pitch == 60


@pytest.mark.parametrize(
    "opcodes",
    ["trigger=release", "locc64=65", "seq_position=2", "sw_last=24", "lorand=0.5", "sample=*sine"],
)
def test_what_no_struck_key_plays_is_left_out(tmp_path: Path, opcodes: str) -> None:
    text = f"<region> sample=a.wav key=60\n<region> sample=b.wav key=62 {opcodes}\n"
    assert [region.pitch for region in read_sfz(written(tmp_path, text))] == [60]


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\secret.wav", "/etc/passwd"])
def test_no_file_outside_its_folder_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="outside its folder"):
        read_sfz(written(tmp_path / "in", f"<region> sample={name} key=60\n"))
    with pytest.raises(ValueError, match="outside its folder"):
        read_sfz(written(tmp_path / "in", f'#include "{name}"\n'))


def test_files_that_include_themselves_come_to_an_end(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="include each other"):
        read_sfz(written(tmp_path, '#include "a.sfz"\n'))


def test_too_much_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="larger than 4 MiB"):
        read_sfz(written(tmp_path, "/" * (MOST_BYTES + 1)))


@pytest.mark.parametrize("key", ["900", "h4", "", "-3", "nan"])
def test_a_key_that_is_none_costs_its_region(tmp_path: Path, key: str) -> None:
    text = f"<region> sample=a.wav pitch_keycenter={key}\n<region> sample=b.wav key=61\n"
    assert [region.pitch for region in read_sfz(written(tmp_path, text))] == [61]
