"""``[effects]``: every key reaches the kernel, what is wrong is said, old files stay dry."""

from pathlib import Path

import pytest

from instrument.errors import PresetError
from instrument.preset.effects import Chorus, Effects, Reverb, effect_fields
from instrument.preset.preset import Preset, load_preset, save_preset
from instrument.preset.voice_parameters import sound_fields
from instrument.realtime.memory.effect_memory import AT_REST, PARAMETERS
from instrument.realtime.memory.layout import SOUND


def test_without_the_section_the_kernel_has_nothing_to_do() -> None:
    assert effect_fields(Effects()) == AT_REST


def test_every_parameter_of_the_kernel_has_a_key() -> None:
    fields = {field.partition(".")[0] for field in sound_fields(Preset.of([0.0]))}
    assert {name for name, _, _ in PARAMETERS} <= fields == set(SOUND.names or ())


def test_names_become_numbers() -> None:
    effects = Effects(reverb=Reverb(room="hall"), chorus=Chorus(kind="ensemble"))
    fields = effect_fields(effects)
    assert (fields["reverb_room"], fields["chorus_kind"]) == (2, 1)


def test_a_preset_with_effects_is_read_as_it_was_written(tmp_path: Path) -> None:
    effects = Effects(width=0.4, reverb=Reverb(level=0.3, room="plate", seconds=2.5))
    written = Preset.of([0.5])
    path = tmp_path / "wide.toml"
    save_preset(Preset(written.name, written.model, written.sound, effects=effects), path)
    assert load_preset(path).effects == effects


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[effects.reverb]\nlevel = 2.0", "[effects.reverb] level must be in 0..1"),
        ('[effects.reverb]\nroom = "cave"', "room"),
        ("[effects.echo]\nlevel = 1.0", "echo"),
        ("[effects.delay]\nseconds = -1.0", "seconds"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "odd.toml"
    save_preset(Preset.of([0.5]), path)
    text = path.read_text()
    before = text[: text.find("[effects")] if "[effects" in text else text
    path.write_text(before + "\n" + line + "\n")
    with pytest.raises(PresetError) as told:
        load_preset(path)
    assert message in str(told.value)
