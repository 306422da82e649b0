"""Preset files: what is read, what is refused and in which words, and where they are found."""

import os
import typing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instrument.bundle.reference import ModelReference
from instrument.errors import FileError, PresetError
from instrument.partner.knobs import KNOBS
from instrument.preset import preset as presets
from instrument.preset.partner_options import PartnerOptions
from instrument.preset.preset import Preset, find_preset, list_presets, load_preset, save_preset
from instrument.preset.sections import (
    PARAMETER_RANGES,
    Control,
    Envelope,
    Filter,
    Parameter,
    Recipe,
    Slide,
    Sound,
    Touch,
    Vibrato,
)
from tests.helpers.places import ROOT

GLASS = Preset(
    name="Glass Choir",
    model=ModelReference("frame_voice", "1", "0" * 64),
    sound=Sound(latent=(0.25, -1.5, 0.0)),
    author="A player",
    tags=("pad", "between"),
    program=3,
    controls={"cc73": Control("attack_seconds", 0.0, 2.0)},
    recipe=Recipe(blend={"Choir Aahs": 0.5, "Marimba": 0.5}),
)


@pytest.fixture
def glass(tmp_path: Path) -> Path:
    path = tmp_path / "glass.toml"
    save_preset(GLASS, path)
    return path


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in the preset"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_what_is_saved_is_what_is_loaded(glass: Path) -> None:
    assert load_preset(glass) == GLASS


@given(
    attack=st.floats(0, 10),
    release=st.floats(0, 10),
    latent=st.lists(st.floats(-100, 100), min_size=1, max_size=40),
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80),
)
def test_every_preset_in_range_survives_the_trip_through_a_file(
    tmp_path_factory: pytest.TempPathFactory,
    attack: float,
    release: float,
    latent: list[float],
    name: str,
) -> None:
    path = tmp_path_factory.mktemp("trip") / "any.toml"
    envelope = Envelope(attack_seconds=attack, release_seconds=release)
    preset = replace(GLASS, name=name, envelope=envelope, sound=Sound(tuple(latent)))
    save_preset(preset, path)
    assert load_preset(path) == preset


def test_a_few_lines_by_hand_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "short.toml"
    path.write_text(
        'format = 1\nname = "Short"\n[sound]\nlatent = [1, 2.5]\n'
        f'[model]\nname = "frame_voice"\nversion = "1"\nsha256 = "{"a" * 64}"\n',
        encoding="utf-8",
    )
    preset = load_preset(path)
    assert preset.sound.latent == (1.0, 2.5)
    assert preset.envelope == Envelope()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pan = 0.0", "pan = 2", "[sound] pan must be in -1..1, got 2"),
        ("pan = 0.0", "pann = 0.0", "[sound] pann is not a known key\nDid you mean 'pan'?"),
        ("release_seconds = 0.25", "release_seconds = -1", "must be in 0..10 s, got -1"),
        ("release_seconds = 0.25", "release_seconds = nan", "must be in 0..10 s, got nan"),
        ("release_seconds = 0.25", "release_seconds = true", "must be in 0..10 s, got True"),
        ("cutoff_hz = 20000.0", 'cutoff_hz = "open"', "in 20..20000 Hz, got 'open'"),
        (
            'sustain = "loop"',
            'sustain = "lop"',
            "[sound] sustain must be one of loop, decay, stream",
        ),
        ("-1.5,", "'x',", "[sound] latent, item 2, must be in -100..100, got 'x'"),
        ("-1.5,", "inf,", "[sound] latent, item 2, must be in -100..100, got inf"),
        ("format = 1", "format = 9", "has format 9, this version reads up to 1"),
        ("format = 1\n", "", "format is missing"),
        ("format = 1", "format = 0", "format must be in 1.."),
        ("[model]", "[modell]", "modell is not a known key\nDid you mean 'model'?"),
        ('sha256 = "0', 'sha256 = "X', "[model] sha256 must be 64 hexadecimal digits"),
        ('name = "frame_voice"', 'name = "../x"', "must be a folder name"),
        ('version = "1"\n', "", "[model] version is missing"),
        ("program = 3", "program = 128", "program must be in 0..127 (a whole number), got 128"),
        ("program = 3", "program = 2.5", "program must be in 0..127 (a whole number), got 2.5"),
        ("[controls.cc73]", "[controls.cc64]", "[controls] cc64 has a meaning of its own"),
        ("[controls.cc73]", "[controls.cc1]", "[controls] cc1 has a meaning of its own"),
        ("[controls.cc73]", "[controls.cc128]", "[controls] cc128 is not a controller"),
        ("[controls.cc73]", "[controls.wheel]", "[controls] wheel is not a controller"),
        ("high = 2.0", "high = 20", "high must be in 0..10 s for attack_seconds, got 20"),
        ("high = 2.0", "high = nan", "high must be a number, got nan"),
        ('curve = "linear"', 'curve = "exponential"', "needs low and high above 0, got 0 and 2"),
        ('"attack_seconds"', '"atack"', "[controls.cc73] parameter must be one of attack_seconds"),
        ("Marimba = 0.5", "Marimba = 9", "[recipe.blend] Marimba must be in -4..4, got 9"),
        ("[recipe.blend]", "[recipe]\nseed = 4\n[recipe.blend]", "either blend or seed"),
        ('name = "Glass Choir"', 'name = ""', "name must be text of 1 to 80 characters, got ''"),
        ('name = "Glass Choir"', "name = [1]", "name must be text of 1 to 80 characters, got [1]"),
        ("[envelope]", "[envelope.attack]", "[envelope] attack is not a known key\nDid you mean"),
        ("[envelope]", "[slide]\nlatent = [1]\n[envelope]", "[slide] latent must have"),
        ("[envelope]", "[soft]\nlatent = [1]\n[envelope]", "[soft] latent must have"),
        ("[sound]", "[[sound]]", "sound must be a table, got ["),
        ('author = "A player"', "author = ", "is not a TOML text file"),
    ],
)
def test_a_wrong_value_names_file_field_finding_and_remedy(
    glass: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(PresetError) as refused:
        load_preset(edited(glass, old, new))
    assert str(refused.value).startswith('preset "glass.toml": ')
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"\x00" * 100, b"PK\x03\x04", b"[" * 40_000, b"x=" + b"[" * 40_000]
)
def test_a_file_that_is_no_preset_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "not.toml"
    path.write_bytes(content)
    with pytest.raises(PresetError, match="not"):
        load_preset(path)


def test_a_huge_file_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(5 * 2**30)  # sparse: five gigabytes that take no room
    with pytest.raises(PresetError, match="larger than 64 KiB"):
        load_preset(path)


def test_every_truncation_of_a_preset_loads_or_is_refused_in_words(glass: Path) -> None:
    content = glass.read_bytes()
    loaded = 0
    for length in range(len(content)):
        glass.write_bytes(content[:length])
        try:
            load_preset(glass)
            loaded += 1
        except PresetError as refused:
            assert "glass.toml" in str(refused)
    assert loaded < len(content)


def test_a_write_that_fails_leaves_the_old_preset(glass: Path) -> None:
    before = glass.read_bytes()
    unwritable = replace(GLASS, name="\ud800")  # a lone surrogate has no UTF-8
    with pytest.raises(UnicodeEncodeError):
        save_preset(unwritable, glass)
    assert glass.read_bytes() == before
    assert [path.name for path in glass.parent.iterdir()] == ["glass.toml"]


def test_saving_into_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="its folder does not exist"):
        save_preset(GLASS, tmp_path / "nowhere" / "glass.toml")


def test_every_controllable_parameter_has_its_range() -> None:
    assert tuple(PARAMETER_RANGES) == typing.get_args(Parameter)


@pytest.fixture
def two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    user, shipped = tmp_path / "user", tmp_path / "shipped"
    user.mkdir()
    shipped.mkdir()
    monkeypatch.setattr(presets, "user_presets_folder", lambda: user)
    monkeypatch.setattr(presets, "shipped_presets_folder", lambda: shipped)
    return user, shipped


def test_a_path_comes_before_the_users_folder_before_the_shipped(
    two_folders: tuple[Path, Path], glass: Path
) -> None:
    user, shipped = two_folders
    save_preset(GLASS, shipped / "glass.toml")
    assert find_preset("glass") == shipped / "glass.toml"
    save_preset(GLASS, user / "glass.toml")
    assert find_preset("glass") == user / "glass.toml"
    assert find_preset(str(glass)) == glass


def test_a_misspelt_name_gets_the_nearest(two_folders: tuple[Path, Path]) -> None:
    save_preset(GLASS, two_folders[1] / "glass_choir.toml")
    with pytest.raises(PresetError, match="Did you mean 'glass_choir'"):
        find_preset("glas_choir")
    with pytest.raises(PresetError, match="presets list"):
        find_preset("zzz")
    with pytest.raises(PresetError, match="does not exist"):
        find_preset("zzz.toml")


def test_a_broken_file_keeps_its_line_in_the_list(two_folders: tuple[Path, Path]) -> None:
    user, shipped = two_folders
    save_preset(replace(GLASS, program=None), shipped / "aaa.toml")
    save_preset(replace(GLASS, program=7), shipped / "bbb.toml")
    save_preset(replace(GLASS, program=2), user / "ccc.toml")
    save_preset(replace(GLASS, program=9), shipped / "ccc.toml")
    (user / "broken.toml").write_text("format = 1")
    (user / ".half-written.toml").write_text("format =")
    entries = list_presets()
    assert [entry.name for entry in entries] == ["ccc", "bbb", "aaa", "broken"]
    assert [entry.origin for entry in entries] == ["user", "shipped", "shipped", "user"]
    assert entries[-1].preset is None
    assert "is missing" in str(entries[-1].problem)


def test_the_manual_names_every_key_with_its_range() -> None:
    manual = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")
    tables = (Preset, Sound, Envelope, Filter, Touch, Slide, Vibrato, Control)
    for table in tables:
        for name, hint in typing.get_type_hints(table, include_extras=True).items():
            assert f"`{name}`" in manual or f"[{name}" in manual or name == "format", name
            metas = [m for m in getattr(hint, "__metadata__", ()) if m.ge is not None]
            if metas and name != "format":
                line = next(line for line in manual.splitlines() if f"`{name}`" in line)
                assert f"{metas[0].ge:g}..{metas[0].le:g}" in line, name
    for parameter in PARAMETER_RANGES:
        assert f"`{parameter}`" in manual


def test_the_partners_manual_names_every_option_and_every_knob() -> None:
    manual = (ROOT / "docs" / "partner.md").read_text(encoding="utf-8")
    for name in (*typing.get_type_hints(PartnerOptions), *KNOBS):
        assert f"`{name}`" in manual, name


@pytest.mark.parametrize("name", ["n" * 300, "./" + "n" * 300 + ".toml", "a\0b"])
def test_a_name_that_no_file_can_have_is_no_preset(name: str) -> None:
    with pytest.raises(PresetError, match=r"there is no preset|does not exist"):
        find_preset(name)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("program = " + "1" * 5000 + "\n{}", "has an endless number"),
        ("{}\n[controls.cc" + "9" * 5000 + ']\nparameter = "gain_db"\nlow = 0\nhigh = 1\n', "no"),
        ("x = " + "[" * 5000 + "\n{}", "endless brackets"),
    ],
    ids=["a number of 5000 digits", "a controller of 5000 digits", "lists without end"],
)
def test_one_harmful_preset_costs_only_itself(
    harm: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presets, "user_presets_folder", lambda: tmp_path)
    monkeypatch.setattr(presets, "shipped_presets_folder", lambda: tmp_path / "none")
    save_preset(replace(GLASS, controls={}), tmp_path / "good.toml")
    text = (tmp_path / "good.toml").read_text().replace("program = ", "# ")
    (tmp_path / "bad.toml").write_text(harm.replace("{}", text))
    os.mkfifo(tmp_path / "pipe.toml")
    problems = {entry.name: str(entry.problem or "") for entry in list_presets()}
    assert problems["good"] == ""
    assert said in problems["bad"] and len(problems["bad"]) < 300
    assert "not a regular file" in problems["pipe"]
