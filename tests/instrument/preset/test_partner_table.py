"""A preset's own partner, and a take made again from the command line."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from instrument.errors import PresetError
from instrument.files import shipped_presets_folder
from instrument.music.constraints import Key
from instrument.partner.messages import SessionSettings
from instrument.partner.open_partner import open_partner
from instrument.partner.settings import PartnerControls, PartnerSettings
from instrument.partner.take import FORMAT, NOTES_FILE, Take, write_take
from instrument.partner.take_events import TakeEvent
from instrument.preset.partner_table import PhraseTable
from instrument.preset.preset import load_preset, save_preset
from instrument.session.control import PlaySettings
from tests.helpers.partner_stage import BEAT, RATE, tune

SHIPPED = shipped_presets_folder() / "breathing_piano.toml"


def with_phrase(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "duo.toml"
    path.write_text(SHIPPED.read_text(encoding="utf-8") + "\n[phrase]\n" + text, encoding="utf-8")
    return path


def test_a_table_that_says_nothing_is_the_usual_partner() -> None:
    assert PhraseTable().settings() == PartnerSettings()
    assert PhraseTable().wishes() == PartnerControls()


def test_a_phrase_in_a_preset_is_read_and_written_back(tmp_path: Path) -> None:
    path = with_phrase(
        tmp_path,
        'mode = "duet"\nkey = "A minor"\nlowest_pitch = 48\nhighest_pitch = 72\n'
        "plays_here = false\nout_channels = [2, 3]\nout_early_milliseconds = 12\n"
        'knobs = {cc30 = "blend"}\n',
    )
    preset = load_preset(path)
    assert preset.phrase is not None
    settings, wishes = preset.phrase.settings(seed=4), preset.phrase.wishes()
    assert (settings.mode, settings.seed, settings.channels) == ("duet", 4, ())
    assert settings.out_channels == (1, 2)
    assert settings.out_early_seconds == pytest.approx(0.012)
    assert wishes.controls.key == Key(9, "minor") and wishes.controls.register == (48, 72)
    save_preset(preset, tmp_path / "again.toml")
    assert load_preset(tmp_path / "again.toml") == preset


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('key = "H"', "key"),
        ("lowest_pitch = 70\nhighest_pitch = 60", "register"),
        ('mode = "solo"', "mode"),
        ('knobs = {cc30 = "temprature"}', "temperature"),
        ("channels = [17]", "1..16"),
        ("silence_beats = 0", "0.25..16"),
    ],
)
def test_a_wrong_phrase_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PresetError) as problem:
        load_preset(with_phrase(tmp_path, text))
    assert says in f"{problem.value.message} {problem.value.remedy}"
    assert "phrase" in problem.value.message


def test_options_go_before_the_table_and_without_either_there_is_no_partner() -> None:
    table = PhraseTable(mode="loop", model="ngram", count_in_bars=2)
    assert PlaySettings().for_partner(None) is None
    alone = PlaySettings(partner="duet", seed=3).for_partner(None)
    assert alone is not None and alone.partner == PartnerSettings(mode="duet", seed=3)
    both = PlaySettings(partner="answer", count_in=0, seed=1).for_partner(table)
    assert both is not None
    assert (both.partner.mode, both.partner.model, both.partner.count_in_bars) == (
        "answer",
        "ngram",
        0,
    )


def a_take(folder: Path) -> None:
    settings = SessionSettings(replace(PartnerSettings(), model="ngram"))
    partner, events = open_partner(settings, RATE), tune()
    partner.begin_at(0)
    for frame, data in events:
        while partner.frame < frame:
            partner.step()
        partner.hear(frame, data)
    while partner.frame < 10 * BEAT:
        partner.step()
    heard = tuple(TakeEvent(frame, data.hex()) for frame, data in events)
    take = Take(
        format=FORMAT,
        settings=settings,
        rate_hz=RATE,
        first_frame=0,
        last_frame=partner.frame,
        composer_sha256="",
        heard=heard,
    )
    write_take(folder, take, partner.journal.phrase(partner.frame))


def replayed(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "instrument", "replay", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_replay_compares_and_writes_and_says_what_is_wrong(tmp_path: Path) -> None:
    a_take(tmp_path)
    compared = replayed(str(tmp_path))
    assert compared.returncode == 0 and "same" in compared.stderr
    out = tmp_path / "out.mid"
    assert replayed(str(tmp_path), str(out)).returncode == 0
    assert out.read_bytes() == (tmp_path / NOTES_FILE).read_bytes()
    (tmp_path / NOTES_FILE).write_bytes(b"MThd")
    changed = replayed(str(tmp_path))
    assert changed.returncode == 2 and "differs" in changed.stderr
