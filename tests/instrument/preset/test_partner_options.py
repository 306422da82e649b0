"""A preset's own partner, and a take made again from the command line."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import click
import pytest

from instrument.cli.options import meter_beats
from instrument.cli.play import play_command
from instrument.errors import PresetError
from instrument.files import shipped_presets_folder
from instrument.latents.create_preset import refresh_preset
from instrument.music.constraints import Key
from instrument.partner.takes.take import NOTES_FILE
from instrument.preset.partner_options import PartnerOptions
from instrument.preset.preset import load_preset, save_preset
from instrument.session.settings import PlaySettings
from tests.helpers.music.partner_stage import BEAT, tune
from tests.helpers.music.takes import Session

SHIPPED = shipped_presets_folder() / "breathing_piano.toml"


def with_partner(tmp_path: Path, text: str, table: str = "partner") -> Path:
    path = tmp_path / "duo.toml"
    path.write_text(SHIPPED.read_text(encoding="utf-8") + f"\n[{table}]\n{text}", encoding="utf-8")
    return path


def test_a_partner_in_a_preset_is_read_and_written_back(tmp_path: Path) -> None:
    path = with_partner(
        tmp_path,
        'mode = "duet"\nkey = "A minor"\nlowest_pitch = 48\nhighest_pitch = 72\n'
        "plays_here = false\nout_channels = [2, 3]\nout_early_milliseconds = 12\n"
        'knobs = {cc30 = "blend"}\nclock = "midi"\ntempo = 96\n',
    )
    preset = load_preset(path)
    options = preset.partner
    assert options is not None
    assert (options.mode, options.voice_channels, options.output_channels) == ("duet", (), (1, 2))
    constraints = options.constraints()
    assert constraints.key == Key(9, "minor") and constraints.register == (48, 72)
    save_preset(preset, tmp_path / "again.toml")
    assert load_preset(tmp_path / "again.toml") == preset


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('key = "H"', "key"),
        ("lowest_pitch = 70\nhighest_pitch = 60", "register"),
        ('mode = "solo"', "mode"),
        ('knobs = {cc30 = "temprature"}', "temperature"),
        ('knobs = {cc130 = "blend"}', "cc0 to cc119"),
        ("channels = [17]", "1..16"),
        ("silence_beats = 0", "0.25..16"),
        ("tempo = nan", "20..400 bpm"),
    ],
)
def test_a_wrong_partner_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PresetError) as problem:
        load_preset(with_partner(tmp_path, text))
    assert says in f"{problem.value.message} {problem.value.remedy}"
    assert "[partner" in problem.value.message


def test_the_old_name_of_the_table_is_read_with_a_notice_and_refresh_writes_the_new_one(
    tmp_path: Path,
) -> None:
    path, said = with_partner(tmp_path, 'mode = "loop"', "phrase"), []
    preset = load_preset(path, lambda *notice: said.append(" ".join(notice)))
    assert preset.partner == PartnerOptions(mode="loop")
    assert len(said) == 1 and "[partner]" in said[0] and "presets refresh duo" in said[0]
    refresh_preset(path)
    assert "[partner]" in path.read_text(encoding="utf-8")
    assert "[phrase]" not in path.read_text(encoding="utf-8")
    assert load_preset(path, lambda *_: pytest.fail("said again")).partner == preset.partner


def test_a_preset_without_a_recipe_gets_the_new_name_too_and_keeps_its_latent(
    tmp_path: Path,
) -> None:
    path = with_partner(tmp_path, "", "phrase")
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("[recipe"), text.index("[phrase]")
    path.write_text(text[:begin] + text[end:], encoding="utf-8")
    before = load_preset(path)
    assert before.recipe is None
    refresh_preset(path)
    assert load_preset(path, lambda *_: pytest.fail("said again")) == before


def test_both_names_at_once_are_refused(tmp_path: Path) -> None:
    path = with_partner(tmp_path, 'mode = "loop"\n[phrase]\nmode = "duet"')
    with pytest.raises(PresetError, match=r"both \[partner\] and \[phrase\]"):
        load_preset(path)


def test_flags_go_before_the_preset_and_without_either_there_is_no_partner() -> None:
    preset = PartnerOptions(mode="loop", model="ngram", count_in_bars=2, seed=7)
    assert PlaySettings().for_partner(None) is None
    alone = PlaySettings(partner={"mode": "duet", "seed": 3}).for_partner(None)
    assert alone == PartnerOptions(mode="duet", seed=3, clock="player")
    flags = {"partner_mode": "answer", "partner_count_in_bars": 0, "partner_model": None}
    both = PlaySettings.of_flags(flags).for_partner(preset)
    assert both == PartnerOptions(mode="answer", model="ngram", count_in_bars=0, seed=7)
    drawn = [PlaySettings(partner={"mode": "duet"}).for_partner(None) for _ in range(2)]
    assert drawn[0] and drawn[1] and drawn[0].seed != drawn[1].seed


@pytest.mark.parametrize(
    ("asked", "preset", "clock"),
    [
        ({}, None, "player"),
        ({"tempo": 90.0}, None, "internal"),
        ({"metronome": True}, None, "internal"),
        ({"sends_clock": True}, None, "internal"),
        ({"clock": "internal"}, None, "internal"),
        ({"clock": "player", "tempo": 90.0}, None, "player"),
        ({}, PartnerOptions(), "internal"),
        ({}, PartnerOptions(clock="player"), "player"),
        ({"tempo": 90.0}, PartnerOptions(clock="player"), "internal"),
        ({}, PartnerOptions(clock="midi"), "midi"),
    ],
)
def test_the_players_tempo_counts_where_nothing_else_beats_time(
    asked: dict[str, object], preset: PartnerOptions | None, clock: str
) -> None:
    options = PlaySettings(partner={"mode": "duet", **asked}).for_partner(preset)
    assert options is not None
    assert options.clock == clock


@pytest.mark.parametrize(("meter", "beats"), [("3/4", 3), ("6/8", 3), ("2/2", 4), ("12/8", 6)])
def test_a_meter_is_told_in_quarter_notes(meter: str, beats: int) -> None:
    assert meter_beats(None, None, meter) == beats


@pytest.mark.parametrize("meter", ["7/8", "0/4", "3/0", "x", "99/4", "-3/4"])
def test_a_meter_without_whole_quarter_notes_is_refused(meter: str) -> None:
    with pytest.raises(click.BadParameter, match="such as 4/4"):
        meter_beats(None, None, meter)


def test_every_flag_of_the_partner_is_one_of_its_options() -> None:
    names = [option.name for option in play_command.params if option.name]
    flags = {name.removeprefix("partner_") for name in names if name.startswith("partner_")}
    assert len(flags) > 8
    assert flags <= {field.name for field in fields(PartnerOptions)}


def replayed(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "instrument", "replay", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_replay_compares_and_writes_and_says_what_is_wrong(tmp_path: Path) -> None:
    session = Session(PartnerOptions(model="ngram"))
    session.play(10 * BEAT, tune())
    session.keep(tmp_path)
    compared = replayed(str(tmp_path))
    assert compared.returncode == 0 and "same" in compared.stderr
    out = tmp_path / "out.mid"
    assert replayed(str(tmp_path), str(out)).returncode == 0
    assert out.read_bytes() == (tmp_path / NOTES_FILE).read_bytes()
    (tmp_path / NOTES_FILE).write_bytes(b"MThd")
    changed = replayed(str(tmp_path))
    assert changed.returncode == 2 and "the notes differ" in changed.stderr
