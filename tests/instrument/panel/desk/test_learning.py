"""Controllers are learned, turn knobs and axes, and are remembered; a morph path goes round."""

from __future__ import annotations

from pathlib import Path

import pytest

from instrument.errors import FileError, PresetError
from instrument.panel.desk import knobs
from instrument.panel.desk.learning import Learning
from instrument.panel.explore.morph_pad import PACE_SECONDS, MorphPad
from instrument.preset.learned_controllers import bind, forget, learned_controllers, with_learned
from instrument.preset.partner_options import PartnerOptions
from instrument.realtime.memory.constants import PANEL_SOURCE, PARTNER_SOURCE
from instrument.realtime.offline_engine import OfflineEngine

CUTOFF = "filter.cutoff_hz"
TARGETS = frozenset({CUTOFF, "morph.x", "partner.density"})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def engine() -> OfflineEngine:
    return OfflineEngine(48_000.0)


def send(engine: OfflineEngine, *message: int, source: int = PANEL_SOURCE) -> None:
    engine.state.panel_ring.push(-1, *message, source=source)
    engine.render(64)


def test_the_next_controller_that_moves_is_learned_and_turns_the_knob(
    engine: OfflineEngine,
) -> None:
    learning = Learning(engine.state, TARGETS)
    send(engine, 0xB0, 20, 100)
    assert learning.moved() == {}
    learning.learn(CUTOFF)
    assert learning.show().learns == CUTOFF
    send(engine, 0xB0, 64, 127)  # a foot on the pedal is no answer
    send(engine, 0xB0, 6, 3)  # nor is data entry
    assert learning.moved() == {}
    send(engine, 0xB0, 20, 127)
    assert learning.moved() == {CUTOFF: 1.0}
    assert learning.show().bound == {CUTOFF: "cc20"} and not learning.show().learns
    send(engine, 0xB3, 20, 0)
    assert learning.moved() == {CUTOFF: 0.0}


def test_what_the_partner_plays_is_not_learned(engine: OfflineEngine) -> None:
    learning = Learning(engine.state, TARGETS)
    learning.learn(CUTOFF)
    send(engine, 0xB0, 20, 127, source=PARTNER_SOURCE)
    assert learning.moved() == {} and learning.show().learns == CUTOFF


@pytest.mark.parametrize("message", [(0xD0, 127, 0), (0xA0, 60, 127)])
def test_pressure_is_learned_too(engine: OfflineEngine, message: tuple[int, int, int]) -> None:
    learning = Learning(engine.state, TARGETS)
    learning.learn("morph.x")
    send(engine, *message)
    assert learning.moved() == {"morph.x": 1.0}
    assert learning.show().bound == {"morph.x": "pressure"}


def test_what_was_learned_is_there_at_the_next_start(engine: OfflineEngine) -> None:
    first = Learning(engine.state, TARGETS)
    first.learn(CUTOFF)
    send(engine, 0xB0, 20, 127)
    first.moved()
    assert Learning(engine.state, TARGETS).show().bound == {CUTOFF: "cc20"}
    first.forget(CUTOFF)
    assert Learning(engine.state, TARGETS).show().bound == {}


def test_learning_is_left_by_asking_again_and_refuses_what_is_no_knob(
    engine: OfflineEngine,
) -> None:
    learning = Learning(engine.state, TARGETS)
    learning.learn(CUTOFF)
    learning.learn(CUTOFF)
    send(engine, 0xB0, 20, 127)
    assert learning.moved() == {} and learning.show().bound == {}
    with pytest.raises(PresetError, match="no knob"):
        learning.learn("sound.latent")


def test_a_controller_turns_one_knob_and_a_knob_has_one_controller() -> None:
    bind("cc20", CUTOFF)
    bind("cc20", "morph.x")
    bind("cc21", "morph.x")
    assert learned_controllers() == {"cc21": "morph.x"}
    forget("morph.x")
    assert learned_controllers() == {}


def test_a_damaged_list_of_controllers_is_no_reason_not_to_play(home: Path) -> None:
    (home / "latentkeys").mkdir()
    for content in (b"{", b'{"cc999": "x"}', b"[" * 100_000, b"\xff\xfe"):
        (home / "latentkeys" / "controllers.json").write_bytes(content)
        assert learned_controllers() == {}


def test_what_was_learned_and_cannot_be_kept_is_an_error_with_words(home: Path) -> None:
    (home / "latentkeys").write_text("no folder")
    with pytest.raises(FileError, match=r"controllers\.json"):
        bind("cc20", CUTOFF)


def test_the_partner_begins_with_what_was_learned() -> None:
    bind("cc50", "partner.density")
    bind("cc20", CUTOFF)  # it was the partner's temperature
    knobs_of_partner = with_learned(PartnerOptions()).knobs
    assert knobs_of_partner["cc50"] == "density"
    assert "cc20" not in knobs_of_partner and "cc21" not in knobs_of_partner
    assert knobs_of_partner["cc22"] == "key"


@pytest.mark.parametrize(
    ("field", "share", "value"),
    [
        (CUTOFF, 0.0, 20.0),
        (CUTOFF, 0.5, 632.5),
        (CUTOFF, 1.0, 20000.0),
        ("envelope.attack_seconds", 0.5, 1.25),
        ("sound.pan", 0.5, 0.0),
        ("touch.pressure", 0.0, "nothing"),
        ("touch.pressure", 1.0, "level"),
    ],
)
def test_the_way_of_a_controller_is_that_of_the_knob(
    field: str, share: float, value: float | str
) -> None:
    assert knobs.value_at(field, share) == value


def test_a_path_is_recorded_and_goes_round() -> None:
    at = 0.0
    pad = MorphPad(lambda: at)
    pad.choose(("reed_bass", "glass_choir"))
    with pytest.raises(PresetError, match="no path"):
        pad.loop()
    pad.record()
    for number in range(11):
        at = 0.2 * number
        pad.go(number / 10, 0.25)
    pad.loop()
    began, places = at, []
    for step in range(40):
        at = began + step * PACE_SECONDS
        if place := pad.moved():
            places.append((round((at - began) % 2.0, 6), place))
    assert pad.show().path == "looping" and pad.show().seconds == 2.0
    assert len(places) > 12 and {place[1] for _, place in places} == {0.25}
    for seconds, (x, _) in places:
        assert x == pytest.approx(int(seconds / 0.2 + 1e-6) / 10)
    pad.go(0.5, 0.5)  # a hand takes it
    at += 1.0
    assert pad.moved() is None and pad.show().path == "stopped"
