"""A preset's modulation: what a file may say, and what is refused with which words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from instrument.errors import PresetError
from instrument.preset.modulation import Lfo, Modulation, Route, modulation_fields
from instrument.preset.preset import Preset, load_preset, save_preset
from instrument.preset.voice_parameters import sound_fields


def written(path: Path, modulation: Modulation) -> Path:
    save_preset(replace(Preset.of([0.5]), modulation=modulation), path)
    return path


def test_a_file_keeps_its_modulation(tmp_path: Path) -> None:
    modulation = Modulation(
        lfo_1=Lfo("saw", beats=2.0, of="all"),
        routes=(Route("lfo_1", "cutoff", -1.5), Route("cc20", "lfo_1", 1.0)),
    )
    path = written(tmp_path / "moves.toml", modulation)
    assert load_preset(path).modulation == modulation
    lines = [line.strip() for line in path.read_text().splitlines()]
    assert '{ source = "cc20", target = "lfo_1", amount = 1.0 },' in lines


def test_without_routes_nothing_is_moved() -> None:
    fields = sound_fields(Preset.of([0.0]))
    assert fields["route_count"] == 0
    assert not any(value for name, value in fields.items() if name.startswith("route_"))


def test_cents_become_semitones_and_a_routed_lfo_begins_at_nothing() -> None:
    routes = (Route("lfo_2", "pitch", 50.0), Route("wheel", "lfo_2", 1.0))
    fields = modulation_fields(Modulation(routes=routes))
    assert fields["route_amount.0"] == 0.5
    assert (fields["lfo_depth.0"], fields["lfo_depth.1"]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("routes", "says"),
    [
        ((Route("lfo1", "level", 1.0),), r"routes, item 1, source 'lfo1' does not exist"),
        ((Route("cc120", "level", 1.0),), "does not exist"),
        ((Route("cc1", "level", 1.0),), "does not exist"),  # the wheel
        ((Route("wheel", "level", 1.0), Route("key", "pan", 2.0)), r"item 2, amount must be in"),
        ((Route("key", "pitch", 1201.0),), r"-1200\.\.1200 cents for pitch, got 1201"),
        ((Route("key", "room", 1.0),), "must be one of level, pan, cutoff, pitch"),  # type: ignore[arg-type]
        ((Route("key", "pan", 0.1),) * 9, "routes must be a list of up to 8"),
    ],
)
def test_a_route_to_nothing_is_one_clear_message(
    tmp_path: Path, routes: tuple[Route, ...], says: str
) -> None:
    with pytest.raises(PresetError, match=says):
        load_preset(written(tmp_path / "wrong.toml", Modulation(routes=routes)))


def test_a_key_that_a_route_does_not_have_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "wrong.toml", Modulation(routes=(Route("key", "pan", 0.1),)))
    path.write_text(path.read_text().replace("source =", "from ="))
    with pytest.raises(PresetError, match=r"routes, item 1\] from is not a known key"):
        load_preset(path)


def test_a_misspelt_source_is_told_its_neighbour(tmp_path: Path) -> None:
    path = written(tmp_path / "wrong.toml", Modulation(routes=(Route("presure", "pan", 1.0),)))
    with pytest.raises(PresetError) as problem:
        load_preset(path)
    assert problem.value.remedy == "Did you mean 'pressure'?"
