"""Which preset lies in which bank, on a kernel that really plays them."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from instrument.midi.messages import control_change, note_off, note_on
from instrument.preset.banks import LoadedPreset, PresetBanks, program_table
from instrument.preset.controllers import ControlFollower, parameter_value
from instrument.preset.preset import PresetEntry, find_preset, load_preset, save_preset
from instrument.preset.sections import Control
from instrument.realtime.memory.constants import PRESET_BANKS
from instrument.realtime.offline_engine import OfflineEngine
from instrument.rendering.renderer import SineRenderer
from instrument.rendering.tone_table import TableFiller
from tests.helpers.live.home import make_home


@pytest.fixture(scope="module", autouse=True)
def presets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """Six presets that differ in name only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        make_home(Path(os.environ["XDG_DATA_HOME"]))
        text = find_preset("reed").read_text()
        folder = tmp_path_factory.mktemp("presets")
        paths = [folder / f"{letter}.toml" for letter in "abcdef"]
        for path in paths:
            path.write_text(text)
        yield paths


def play(engine: OfflineEngine, banks: PresetBanks, path: Path) -> LoadedPreset:
    for _ in range(50):
        if loaded := banks.place(path):
            break
        engine.render(512)
    assert loaded
    renderer = SineRenderer(latent_size=len(loaded.preset.sound.latent), seconds=3.0)
    filler = TableFiller(engine.state, loaded.bank, loaded.preset, renderer)
    engine.state.wanted[loaded.bank, 60 - 21] = 1
    filler.step()
    filler.step()
    banks.use(loaded)
    engine.render(512)
    return loaded


def test_three_presets_have_banks_of_their_own_and_going_back_keeps_them(
    presets: list[Path],
) -> None:
    engine = OfflineEngine(note_seconds=4.0)
    banks = PresetBanks(engine.state)
    used = [play(engine, banks, path).bank for path in presets[:3]]
    assert sorted(used) == [1, 2, 3]
    assert banks.place(presets[0]) == banks.find(presets[0])
    assert banks.current and banks.current.path == presets[2]


def test_a_bank_with_a_sounding_voice_is_not_taken_while_another_is_free(
    presets: list[Path],
) -> None:
    engine = OfflineEngine(note_seconds=4.0)
    banks = PresetBanks(engine.state)
    first = play(engine, banks, presets[0])
    engine.send(-1, note_on(60))
    engine.render(4096)
    play(engine, banks, presets[1])
    play(engine, banks, presets[2])
    fourth = play(engine, banks, presets[3])
    assert fourth.bank != first.bank
    assert banks.find(presets[0])
    assert int(engine.state.meters["bank_voices"][first.bank]) == 1


def test_when_every_bank_sounds_the_oldest_fades_without_a_click(presets: list[Path]) -> None:
    engine = OfflineEngine(note_seconds=4.0)
    banks = PresetBanks(engine.state)
    for index, path in enumerate(presets[: len(PRESET_BANKS)]):
        play(engine, banks, path)
        engine.send(-1, note_on(48 + 12 * index))
        engine.render(9600)
    oldest = banks.find(presets[0])
    assert oldest
    assert banks.place(presets[4]) is None
    engine.render(4800)
    placed = banks.place(presets[4])
    assert placed and placed.bank == oldest.bank
    assert banks.find(presets[0]) is None
    assert int(engine.state.meters["active_voices"]) == len(PRESET_BANKS) - 1


def test_presets_go_on_changing_beside_a_partner_that_stays_on_the_first(
    presets: list[Path],
) -> None:
    """What it plays is not faded to make room: a held note on another bank is."""
    engine = OfflineEngine(note_seconds=4.0)
    banks = PresetBanks(engine.state, own_channels=(15,))
    first = banks.prepare(presets[0])
    banks.use(first)
    engine.send(-1, note_on(40, 100, 15))  # the partner's
    for pitch, path in enumerate(presets[1:3], start=60):
        play(engine, banks, path)
        engine.send(-1, note_on(pitch))
        engine.render(9600)
    assert banks.place(presets[3]) is None
    engine.render(4800)
    assert banks.place(presets[3])
    assert banks.find(presets[0]) == first
    assert int(engine.state.meters["bank_voices"][first.bank]) == 1


def test_the_first_preset_is_there_before_the_first_block(presets: list[Path]) -> None:
    engine = OfflineEngine(note_seconds=4.0)
    first = PresetBanks(engine.state).prepare(presets[0])
    engine.send(0, note_on(60))
    engine.render(256)
    voice = next(voice for voice in engine.state.voices if voice["stage"])
    assert int(voice["bank"]) == first.bank
    assert voice["is_stand_in"]


def test_programs_count_as_presets_say_and_then_in_order() -> None:
    def entry(name: str, program: int | None) -> PresetEntry:
        from dataclasses import replace

        preset = replace(load_preset(find_preset("reed")), program=program)
        return PresetEntry(Path(f"{name}.toml"), "user", preset, None)

    entries = [entry("five", 5), entry("a", None), entry("zero", 0), entry("b", None)]
    broken = PresetEntry(Path("broken.toml"), "user", None, None)
    names = {number: e.name for number, e in program_table([*entries, broken]).items()}
    assert names == {0: "zero", 1: "a", 2: "b", 5: "five"}


@pytest.mark.parametrize(
    ("control", "value", "expected"),
    [
        (Control("release_seconds", 0.1, 2.1), 0, 0.1),
        (Control("release_seconds", 0.1, 2.1), 127, 2.1),
        (Control("cutoff_hz", 100, 10_000, "exponential"), 63.5, 1000),
        (Control("sustain_level", 1, 0), 127, 0),
    ],
)
def test_a_knob_goes_from_its_low_to_its_high(
    control: Control, value: int, expected: float
) -> None:
    assert parameter_value(control, value) == pytest.approx(expected)


def test_a_knob_shapes_the_presets_coming_notes(presets: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "knob.toml"
    knob = '[controls.cc20]\nparameter = "release_seconds"\nlow = 0.1\nhigh = 5\n'
    path.write_text(f"{presets[0].read_text()}\n{knob}")
    engine = OfflineEngine(note_seconds=4.0)
    banks = PresetBanks(engine.state)
    loaded = play(engine, banks, path)
    follower = ControlFollower(engine.state)
    engine.send(-1, control_change(20, 127))
    engine.send(-1, control_change(21, 5))
    engine.send(-1, note_off(60))
    engine.render(256)
    follower.follow(banks.loaded)
    assert float(engine.state.banks[loaded.bank]["release_seconds"]) == 5.0


@pytest.mark.parametrize(
    ("changes", "keeps_its_tones"),
    [({"gain_db": -3.0}, True), ({"motion": 0.5}, False), ({"note_seconds": 2.0}, False)],
)
def test_knobs_that_change_the_tones_ask_for_new_ones(
    presets: list[Path], tmp_path: Path, changes: dict[str, Any], keeps_its_tones: bool
) -> None:
    engine = OfflineEngine(note_seconds=4.0)
    banks = PresetBanks(engine.state)
    old = play(engine, banks, presets[0]).preset
    save_preset(replace(old, sound=replace(old.sound, **changes)), tmp_path / "other.toml")
    assert banks.reshape(tmp_path / "other.toml") == keeps_its_tones
