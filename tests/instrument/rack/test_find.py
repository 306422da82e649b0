"""Racks are found by name or file, and what is wrong with one is said in one message."""

from pathlib import Path

import pytest

from instrument.errors import PresetError, RackError
from instrument.preset.preset import find_preset, load_preset, save_preset
from instrument.preset.rack import RackChoice, RackOptions
from instrument.rack.find import SHIPPED, check_rack_name, open_rack, shipped_rack
from instrument.rack.knob import Knob, check_knobs, knob_values

BUILDS = "def build(pyo, inlet):\n    return inlet.sound\n"
IMPORT = "from instrument.rack.knob import Knob\n"


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_rack_says_what_it_is_and_what_can_be_turned(name: str) -> None:
    rack = shipped_rack(name)
    assert rack.says.endswith(".") and rack.knobs
    assert len(knob_values(rack.knobs, {}, name)) == len(rack.knobs)


def test_the_list_of_shipped_racks_is_the_folder() -> None:
    folder = Path(__file__).parents[3] / "instrument" / "rack" / "racks"
    assert {path.stem for path in folder.glob("[a-z]*.py")} == set(SHIPPED)


def test_a_misspelt_rack_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(RackError, match="no rack 'tpae'") as refused:
        check_rack_name("tpae")
    assert "'tape'" in refused.value.remedy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def build(pyo, inlet:\n", "SyntaxError"),
        (f"{BUILDS}\nraise ValueError('oh')\n", "line 4: ValueError: oh"),
        ("x = 1\n", "no function build"),
        (f"{BUILDS}KNOBS = 3\n", "KNOBS must be a list"),
        (f"{IMPORT}{BUILDS}KNOBS = [Knob('Wow', 0)]\n", "cannot be called 'Wow'"),
        (f"{IMPORT}{BUILDS}KNOBS = [Knob('a', 2)]\n", "stands at 2"),
        (f"{IMPORT}{BUILDS}KNOBS = [Knob('a', float('nan'))]\n", "needs numbers"),
        (f"{IMPORT}{BUILDS}KNOBS = [Knob('a', 0)] * 2\n", "same name"),
        (f"{IMPORT}{BUILDS}KNOBS = [Knob(f'a{{k}}', 0) for k in range(20)]\n", "12 is the most"),
    ],
)
def test_what_is_wrong_with_a_players_file_is_said(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(RackError, match=said) as refused:
        open_rack(str(tmp_path / "mine.py"))
    assert "mine" in refused.value.message


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RackError, match="is no file"):
        check_rack_name(str(tmp_path / "none.py"))


def test_knobs_beyond_their_range_are_refused() -> None:
    knobs = check_knobs([Knob("echo", 0.5), Knob("hz", 100, 20, 200, "Hz")], "x")
    assert knob_values(knobs, {"hz": 20}, "x") == (0.5, 20.0)
    with pytest.raises(RackError, match=r"hz must be in 20..200 Hz, got 500"):
        knob_values(knobs, {"hz": 500}, "x")
    with pytest.raises(RackError, match="no knob 'ecco'") as refused:
        knob_values(knobs, {"ecco": 0}, "x")
    assert "'echo'" in refused.value.remedy


def a_preset(folder: Path, rack: str) -> Path:
    text = find_preset("felt_grand").read_text()
    (folder / "mine.toml").write_text(f"{text}\n{rack}\n")
    return folder / "mine.toml"


def test_a_preset_keeps_its_rack(tmp_path: Path) -> None:
    path = a_preset(tmp_path, '[rack]\nname = "tape"\nlevel = 0.5\n[rack.knobs]\nwow = 0.9')
    preset = load_preset(path)
    assert preset.rack == RackOptions("tape", level=0.5, knobs={"wow": 0.9})
    save_preset(preset, tmp_path / "again.toml")
    assert load_preset(tmp_path / "again.toml") == preset


@pytest.mark.parametrize(
    ("rack", "said"),
    [
        ('[rack]\nname = "mine.py"', "rack.name|name"),
        ('[rack]\nname = "../evil.py"', "rack.name|name"),
        ('[rack]\nname = "tape"\n[rack.knobs]\nwow = 2', "wow must be in 0..1, got 2"),
        ('[rack]\nname = "tape"\n[rack.knobs]\nwov = 1', "no knob 'wov'"),
        ("[rack.knobs]\nwow = 1", "knobs, but no name"),
        ('[rack]\nname = "tape"\nlevel = 1e9', "level"),
    ],
)
def test_a_preset_names_shipped_racks_with_their_knobs_only(
    rack: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(PresetError, match=said):
        load_preset(a_preset(tmp_path, rack))


def test_what_is_asked_for_goes_before_the_presets_rack() -> None:
    tape = RackOptions("tape", knobs={"wow": 0.9})
    assert RackChoice().options(RackOptions())[0] == ""
    assert RackChoice().options(tape) == ("tape", tape)
    assert RackChoice("tape").options(tape) == ("tape", tape)
    assert RackChoice("mine.py").options(tape) == ("mine.py", RackOptions("tape"))
