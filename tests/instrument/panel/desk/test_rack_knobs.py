"""Racks' knobs are turned like any other: by field, by controller, shipped or the player's own."""

import pytest

from instrument.errors import PresetError
from instrument.panel.desk.knobs import groups, turned, value_at, values
from instrument.panel.desk.rack_knobs import OwnRackKnobs
from instrument.preset.preset import load_preset
from instrument.preset.rack import RackOptions
from instrument.rack.find import SHIPPED, shipped_rack
from instrument.rack.knob import Knob
from instrument.realtime.memory.state import EngineState

GRAND = load_preset("felt_grand")


def test_every_knob_that_a_rack_declares_is_in_the_panel() -> None:
    for name in SHIPPED:
        shown = groups()[f"rack.{name}"]
        declared = shipped_rack(name).knobs
        assert [knob.field for knob in shown] == [f"rack.{name}.{knob.name}" for knob in declared]
        assert [knob.usual for knob in shown] == [
            values(GRAND)[f"rack.{name}.{knob.name}"] for knob in declared
        ]


def test_a_knob_of_a_rack_chooses_it_where_there_is_none() -> None:
    preset = turned(GRAND, "rack.tape.wow", 0.9)
    assert preset.rack == RackOptions("tape", knobs={"wow": 0.9})
    assert values(preset)["rack.tape.wow"] == 0.9
    assert turned(preset, "rack.freeze.freeze", True) == preset


def test_another_rack_begins_with_its_own_knobs() -> None:
    preset = turned(turned(GRAND, "rack.tape.wow", 0.9), "rack.level", 0.5)
    assert turned(preset, "rack.name", "freeze").rack == RackOptions("freeze", level=0.5)
    with pytest.raises(PresetError):
        turned(preset, "rack.name", "mine.py")


def test_a_knob_turns_no_further_than_it_goes() -> None:
    assert value_at("rack.tape.wow", 0.5) == 0.5
    assert turned(GRAND, "rack.freeze.freeze", True).rack.knobs == {"freeze": 1.0}
    for value in (2.0, "much", float("nan")):
        with pytest.raises(PresetError, match=r"wow must be in 0\.\.1"):
            turned(GRAND, "rack.tape.wow", value)


def test_the_knobs_of_the_players_own_rack_are_turned_in_memory() -> None:
    state = EngineState.create(None)
    own = OwnRackKnobs(state)
    assert own.groups() == {} and own.values() == {}
    own.knobs = (Knob("apart", 0.4), Knob("hold", 0, is_switch=True))
    own.turn("rack.own.apart", 0.75)
    own.turn_to_share("rack.own.hold", 0.9)
    own.turn_to_share("rack.own.gone", 0.9)
    assert state.fields["rack"]["knobs"][:2].tolist() == [0.75, 1.0]
    assert own.values() == {"rack.own.apart": 0.75, "rack.own.hold": True}
    with pytest.raises(PresetError, match="apart must be in"):
        own.turn("rack.own.apart", 3.0)
    with pytest.raises(PresetError, match="no knob"):
        own.turn("rack.own.other", 1.0)
