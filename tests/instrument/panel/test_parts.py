"""The panel's parts by themselves: who may come in, hands, the workbench, the map, pictures."""

from __future__ import annotations

import base64
import typing
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from instrument.bundle.bundle import load_sound
from instrument.errors import PresetError
from instrument.files import shipped_presets_folder
from instrument.panel.desk import knobs
from instrument.panel.desk.library import Shelf
from instrument.panel.desk.workbench import MOST_STEPS, Workbench
from instrument.panel.engine.ear import PACKET_FRAMES, Packets
from instrument.panel.engine.hands import Hands
from instrument.panel.explore.sound_map import SoundMap, morph
from instrument.panel.messages.news import Told
from instrument.panel.messages.requests import REQUESTS, AnyRequest, KeyStroke, Press, Turn
from instrument.panel.pictures import PICTURE_BANDS, PICTURE_STEPS, picture_of
from instrument.panel.supervised_panel import lasting_token
from instrument.panel.web.access import is_local
from instrument.panel.web.pages import MOST_AT_ONCE, Page
from instrument.preset.preset import load_preset, save_preset
from instrument.realtime.memory.constants import PANEL_SOURCE
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.places import ROOT
from tests.helpers.sounds.tones import fill_bank

PRESETS = shipped_presets_folder()


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    bench = Workbench(tmp_path / "panel")
    bench.open(PRESETS / "glass_choir.toml")
    return bench


def test_a_token_lasts_and_is_the_users_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "token"
    token = lasting_token(path)
    assert len(token) >= 32 and lasting_token(path) == token
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_addresses_that_only_this_machine_reaches(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_hands_that_go_let_everything_go() -> None:
    state = EngineState.create(None, 48_000.0)
    hands = Hands(state)
    hands.note(KeyStroke(60, 100))
    hands.note(KeyStroke(60, 90))
    hands.note(KeyStroke(64, 0))  # was never struck
    hands.turn(Turn(64, 127))
    hands.press(Press(50))
    hands.let_go()
    heard = []
    while (event := state.panel_ring.pop()) is not None:
        heard.append((int(event["status"]), int(event["data1"]), int(event["data2"])))
        assert event["source"] == PANEL_SOURCE
    assert heard == [
        (0x90, 60, 100),
        (0x90, 60, 90),
        (0xB0, 64, 127),
        (0xD0, 50, 0),
        (0x80, 60, 0),
        (0x80, 60, 0),
        (0xB0, 64, 0),
        (0xD0, 0, 0),
    ]


def test_a_preset_has_a_knob_for_every_number_of_its_schema() -> None:
    preset = load_preset("glass_choir")
    values = knobs.values(preset)
    assert values["filter.cutoff_hz"] == preset.filter.cutoff_hz
    assert values["touch.pressure"] == preset.touch.pressure
    assert "sound.latent" not in values and len(values) >= 18
    for group in knobs.groups().values():
        for knob in group:
            if knob.kind == "number":
                assert knob.low <= float(knob.usual) <= knob.high, knob


@pytest.mark.parametrize(
    ("field", "value"),
    [("envelope.attack_seconds", 11.0), ("sound.latent", 1.0), ("x", 1.0), ("touch.pressure", "y")],
)
def test_a_knob_goes_no_farther_than_its_range(field: str, value: float | str) -> None:
    with pytest.raises(PresetError):
        knobs.turned(load_preset("glass_choir"), field, value)


def test_effects_have_knobs_that_change_nothing_but_themselves() -> None:
    preset = load_preset("glass_choir")
    turned = knobs.turned(preset, "effects.reverb.seconds", 7.5)
    assert turned.effects.reverb.seconds == 7.5
    before, after = knobs.values(preset), knobs.values(turned)
    assert {field for field in before if before[field] != after[field]} == {
        "effects.reverb.seconds"
    }
    assert knobs.turned(preset, "effects.reverb.room", "plate").effects.reverb.room == "plate"
    with pytest.raises(PresetError, match="seconds must be in"):
        knobs.turned(preset, "effects.reverb.seconds", 99.0)


def test_a_knob_of_whole_numbers_takes_the_nearest_and_no_two_of_a_group_are_called_alike() -> None:
    turned = knobs.turned(load_preset("glass_choir"), "playing.unison", 2.6)
    assert turned.playing.unison == 3
    for group in knobs.groups().values():
        labels = [knob.label for knob in group]
        assert len(set(labels)) == len(labels)


def test_changes_are_taken_back_and_made_again(bench: Workbench) -> None:
    first = bench.now
    bench.turn("envelope.attack_seconds", 1.0)
    bench.turn("envelope.attack_seconds", 2.0)  # the same gesture goes on
    bench.turn("filter.resonance", 0.5)
    assert bench.steps == (2, 0) and bench.is_changed
    bench.undo()
    bench.undo()
    assert bench.now == first and bench.steps == (0, 2) and not bench.is_changed
    bench.redo()
    assert bench.now and bench.now.envelope.attack_seconds == 2.0
    for step in range(MOST_STEPS + 20):
        bench.change(knobs.turned(bench.now, "sound.pan", step / 200), f"step {step}")
    assert bench.steps == (MOST_STEPS, 0)


def test_what_changed_is_written_once_and_the_stored_file_stays(bench: Workbench) -> None:
    assert bench.file_if_due() is None
    bench.turn("sound.pan", 0.5)
    due = bench.file_if_due()
    assert due and bench.owns(due[0]) and load_preset(due[0]) == bench.now
    assert bench.file_if_due() is None
    bench.compare()
    assert bench.file_if_due() == (PRESETS / "glass_choir.toml", False)


def test_the_library_saves_renames_bins_and_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    shelf = Shelf()
    preset = load_preset("glass_choir")
    shelf.save(preset, "My Glass")
    with pytest.raises(PresetError, match="already"):
        shelf.save(preset, "My glass")
    with pytest.raises(PresetError, match="came with latentkeys"):
        shelf.delete("glass_choir")
    number = load_preset(shelf.find("my_glass")).program
    assert number is not None
    assert load_preset(shelf.rename("my_glass", "Your Glass")).program == number
    shelf.mark("your_glass", is_favourite=True)
    shelf.played("your_glass")
    card = next(card for card in Shelf().show().presets if card.preset == "your_glass")
    assert card.is_favourite and card.is_own and card.name == "Your Glass"
    shelf.delete("your_glass")
    assert "your_glass" in shelf.show().bin
    shelf.restore("your_glass")
    assert load_preset(shelf.find("your_glass")).sound == preset.sound
    text = shelf.find("your_glass").read_text()
    assert load_preset(shelf.take_in(text, tmp_path)).name == "Your Glass 2"
    with pytest.raises(PresetError, match="not a TOML"):
        shelf.take_in("= = =", tmp_path)


def test_on_a_spot_of_the_map_is_that_very_sound() -> None:
    card = load_sound(PRESETS / "models" / "frame_voice").sound
    preset = load_preset("glass_choir")
    sounds = SoundMap(card, {"glass_choir": preset})
    here = sounds.where(preset.sound.latent)
    np.testing.assert_allclose(sounds.latent_at(*here), preset.sound.latent, atol=1e-2)
    assert len(sounds.spots) == len(card.latents) + 1
    assert all(0 <= spot.x <= 1 and 0 <= spot.y <= 1 for spot in sounds.spots)
    without = SoundMap(card, {})
    assert without.spots == sounds.spots[:-1]  # a place does not depend on what presets there are
    assert SoundMap(card, {"glass_choir": preset}, without).spots == sounds.spots


def test_shipped_models_bring_their_map_and_others_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for model in ("frame_voice", "gansynth_small"):
        SoundMap(load_sound(PRESETS / "models" / model).sound, {})
    assert not list(tmp_path.rglob("*"))  # nothing had to be laid out
    card = load_sound(PRESETS / "models" / "frame_voice").sound
    fewer = replace(card, latents=dict(list(card.latents.items())[:40]))
    laid_out = SoundMap(fewer, {}).spots
    (kept,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert SoundMap(fewer, {}).spots == laid_out
    kept.write_bytes(b"[[0.5, 0.5]]")  # of another model, or damaged
    assert SoundMap(fewer, {}).spots == laid_out


def test_neighbours_on_the_map_are_nearer_than_others() -> None:
    card = load_sound(PRESETS / "models" / "frame_voice").sound
    sounds = SoundMap(card, {})
    points = np.array([entry.latent for entry in card.latents.values()])
    places = np.array([(spot.x, spot.y) for spot in sounds.spots])
    far = np.linalg.norm(points[:, None] - points, axis=2)
    flat = np.linalg.norm(places[:, None] - places, axis=2)
    nearest = np.argsort(flat + np.eye(len(flat)) * 9, axis=1)[:, :3]
    # Their distance in all 24 dimensions; two principal components leave it at 0.95.
    assert np.take_along_axis(far, nearest, 1).mean() < 0.88 * far[far > 0].mean()


def test_the_corners_of_the_morph_pad_are_the_presets() -> None:
    card = load_sound(PRESETS / "models" / "frame_voice").sound
    four = [
        load_preset(name) for name in ("glass_choir", "felt_grand", "reed_bass", "slow_strings")
    ]
    for preset, (x, y) in zip(four, [(0, 0), (1, 0), (0, 1), (1, 1)], strict=True):
        at = morph(card, four, x, y)
        np.testing.assert_allclose(at.sound.latent, preset.sound.latent, atol=1e-4)
        assert at.envelope == preset.envelope


def test_a_picture_shows_where_the_sound_is() -> None:
    rate_hz = 48_000
    low = np.sin(2 * np.pi * 200 * np.arange(rate_hz) / rate_hz).astype(np.float32)
    bytes_ = np.frombuffer(base64.b64decode(picture_of(low, rate_hz)), np.uint8)
    picture = bytes_.reshape(PICTURE_BANDS, PICTURE_STEPS)
    assert picture[3, :10].min() > 240 and picture[12:, 2:10].max() < 60
    assert picture[:, 20:].max() == 0  # it has ended by then


def test_packets_carry_what_sounds_with_its_frames() -> None:
    engine = OfflineEngine(48_000.0)
    fill_bank(engine.state, 0)
    packets = Packets(engine.state)
    engine.state.panel_ring.push(-1, 0x90, 69, 127, source=PANEL_SOURCE)
    audio = np.concatenate([engine.render(100) for _ in range(30)])
    made = list(packets.read())
    assert [int.from_bytes(packet[:8], "little") for packet in made] == [
        PACKET_FRAMES * number for number in range(3000 // PACKET_FRAMES)
    ]
    heard = np.concatenate([np.frombuffer(packet[8:], "<i2").reshape(-1, 2) for packet in made])
    np.testing.assert_allclose(heard / 32767, audio[: len(heard)], atol=1 / 32767)
    assert np.abs(heard).max() > 100


def test_ten_thousand_messages_at_once_are_too_many() -> None:
    page = Page(None, Hands(EngineState.create(None, 48_000.0)))  # type: ignore[arg-type]
    allowed = sum(page.may_say_more() for _ in range(10_000))
    assert MOST_AT_ONCE <= allowed < MOST_AT_ONCE + 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"type":"Note","pitch":128,"velocity":1}',
        '{"type":"Exec"}',
        "\x00",
        "9" * 5000,
    ],
)
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        REQUESTS.decode(text)


def test_the_manual_of_the_api_names_everything_that_can_be_said_and_heard() -> None:
    manual = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for message in (*typing.get_args(AnyRequest), *typing.get_args(Told)):
        assert f"`{message.__struct_config__.tag}`" in manual, message


def test_saving_writes_what_loads_again(bench: Workbench, tmp_path: Path) -> None:
    save_preset(bench.renamed("Other"), tmp_path / "other.toml")
    assert load_preset(tmp_path / "other.toml").name == "Other"
