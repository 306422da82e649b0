"""A path over the morph pad belongs to the sound: saved with it, taken back with it, gone again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from instrument.errors import PresetError
from instrument.files import shipped_presets_folder
from instrument.panel.engine.watcher import Watcher
from instrument.panel.explore import explorer
from instrument.panel.explore.morph_pad import MorphPad
from instrument.panel.messages.link import NowPlaying, PlayFile
from instrument.panel.messages.news import Pad, Told
from instrument.panel.messages.requests import (
    Compare,
    MorphPath,
    MorphTo,
    Place,
    Play,
    Redo,
    Save,
    Set,
    Undo,
)
from instrument.panel.studio import TICK_SECONDS, Studio
from instrument.preset.pad_path import MOST_POINTS, PadPath
from instrument.preset.preset import LIMIT_BYTES, load_preset, save_preset, user_presets_folder
from instrument.realtime.memory.state import EngineState

CORNERS = ("reed_bass", "glass_choir")
PATH = PadPath(CORNERS, 2.0, (0.0, 0.5, 1.0), (0.0, 0.5, 1.0), (0.25, 0.25, 0.75), loops=True)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def asked() -> list[object]:
    return []


@pytest.fixture
def new_studio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[object]
) -> Callable[[], Studio]:
    """What a start of the program opens, once more with every call."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(explorer, "CHOOSING_SECONDS", 1e9)  # nobody hears the ways between
    count = iter(range(10))

    def new() -> Studio:
        folder = tmp_path / f"session {next(count)}"
        folder.mkdir()
        state = EngineState.create(None, 48_000.0)
        told: list[Told] = []
        studio = Studio(folder, state, Watcher(state), told.append, asked.append)
        studio.explorer.pad = MorphPad(Clock())
        studio.follow(NowPlaying(preset=str(shipped_presets_folder() / "reed_bass.toml")))
        return studio

    return new


def pass_time(studio: Studio, seconds: float) -> None:
    clock = studio.explorer.pad._now
    assert isinstance(clock, Clock)
    clock.seconds += seconds


def drag(studio: Studio, *places: tuple[float, float]) -> None:
    for x, y in places:
        pass_time(studio, 0.2)
        studio.hear(MorphTo(CORNERS, x, y))


def record(studio: Studio) -> None:
    studio.hear(MorphTo(CORNERS, 0.0, 0.0))
    studio.hear(MorphPath("record"))
    drag(studio, (0.25, 0.0), (0.5, 0.0), (0.75, 0.0))
    pass_time(studio, 0.2)
    studio.hear(MorphPath("loop"))


def latents(studio: Studio) -> set[tuple[float, ...]]:
    """Let two seconds pass; return the sounds that it has been meanwhile."""
    found = set()
    for _ in range(100):
        pass_time(studio, 0.02)
        studio.explorer.follow()
        found.add(studio.bench.needed().sound.latent)
    time.sleep(2 * TICK_SECONDS)
    studio.tick()  # what has changed is played
    return found


def pad(studio: Studio) -> Pad:
    return studio.explorer.pad.show()


def test_a_path_is_saved_with_the_sound_and_goes_on_after_a_new_start(
    new_studio: Callable[[], Studio], asked: list[object]
) -> None:
    studio = new_studio()
    record(studio)
    went = latents(studio)
    assert len(went) == 4
    studio.hear(Save("Wandering Reed"))
    assert pad(studio).path == "looping" and latents(studio) == went
    other = new_studio()
    assert pad(other).path == "stopped" and not pad(other).seconds
    other.hear(Play("wandering_reed"))
    assert pad(other).path == "looping" and pad(other).corners == CORNERS
    assert latents(other) == went
    other.hear(Play("glass_choir"))
    assert pad(other).path == "stopped"
    assert latents(other) == {load_preset("glass_choir").sound.latent}
    written = [load_preset(Path(each.path)) for each in asked if isinstance(each, PlayFile)]
    files = [preset for preset in written if preset.name != "Wandering Reed"]
    assert files and not any(preset.pad_path for preset in files)  # other processes need no path


def test_a_path_that_was_stopped_is_kept_and_waits(new_studio: Callable[[], Studio]) -> None:
    studio = new_studio()
    record(studio)
    studio.hear(MorphPath("stop"))
    studio.hear(Save("Still Reed"))
    other = new_studio()
    other.hear(Play("still_reed"))
    assert pad(other).path == "stopped" and pad(other).seconds > 0.1
    other.hear(MorphPath("loop"))
    assert len(latents(other)) == 4


def test_a_path_is_one_step_back_however_often_it_is_gone(
    new_studio: Callable[[], Studio],
) -> None:
    studio = new_studio()
    record(studio)
    steps = studio.bench.steps[0]
    latents(studio)
    assert studio.bench.steps[0] == steps
    studio.hear(Undo())
    assert pad(studio).path == "stopped"
    assert len(latents(studio)) == 1
    studio.hear(Redo())
    assert pad(studio).path == "looping"


def test_a_hand_elsewhere_stops_the_path(new_studio: Callable[[], Studio]) -> None:
    for hand in (Place(0.3, 0.3), MorphTo(CORNERS, 0.9, 0.9), Compare()):
        studio = new_studio()
        record(studio)
        studio.hear(hand)
        assert pad(studio).path == "stopped", hand
        kept = studio.bench.needed().pad_path
        assert kept and not kept.loops
        assert len(latents(studio)) == 1


def test_a_knob_that_was_turned_stays_while_the_pad_goes_on(
    new_studio: Callable[[], Studio],
) -> None:
    studio = new_studio()
    record(studio)
    studio.hear(Set("filter.cutoff_hz", 777.0))
    assert len(latents(studio)) == 4
    assert studio.bench.needed().filter.cutoff_hz == 777.0
    studio.hear(Undo())
    drag(studio, (0.1, 0.1))
    assert studio.bench.needed().filter.cutoff_hz != 777.0


def test_a_path_between_sounds_that_are_gone_is_said_and_rests(
    new_studio: Callable[[], Studio],
) -> None:
    studio = new_studio()
    told: list[Told] = []
    studio._tell = told.append
    user_presets_folder().mkdir(parents=True)
    lost = replace(
        load_preset("reed_bass"), pad_path=replace(PATH, corners=("nobody", "reed_bass"))
    )
    save_preset(lost, user_presets_folder() / "lost.toml")
    studio.shelf.look()
    studio.hear(Play("lost"))
    latents(studio)
    assert any("nobody" in str(message) for message in told)
    assert pad(studio).path == "stopped"


def test_the_longest_path_fits_into_a_presets_file(tmp_path: Path) -> None:
    at = 0.0
    wandering = MorphPad(lambda: at)
    wandering.choose(CORNERS)
    wandering.record()
    for number in range(100 * 70):
        at = number / 100
        wandering.go((number * 0.618) % 1, (number * 0.382) % 1)
    wandering.stop()
    path = wandering.path
    assert path and MOST_POINTS * 0.7 < len(path.at_seconds) <= MOST_POINTS
    file = tmp_path / "long.toml"
    save_preset(replace(load_preset("reed_bass"), pad_path=path), file)
    assert file.stat().st_size < LIMIT_BYTES
    assert load_preset(file).pad_path == path


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"x": (0.0, 1.0)}, "equally long"),
        ({"at_seconds": (0.0, 1.0, 0.5)}, "never go back"),
        ({"at_seconds": (0.1, 0.2, 0.5)}, "begin at 0"),
        ({"y": (0.0, 1.0, 1.5)}, "0..1"),
        ({"corners": ("one",)}, "corners"),
        ({"length_seconds": 61.0}, "0.1..60"),
    ],
)
def test_a_path_that_is_none_is_refused_with_words(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    file = tmp_path / "wrong.toml"
    path = replace(PATH, **change)  # type: ignore[arg-type]
    save_preset(replace(load_preset("reed_bass"), pad_path=path), file)
    with pytest.raises(PresetError, match=told):
        load_preset(file)
