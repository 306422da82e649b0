"""Held notes of a real model, rendered on: the same samples whoever renders them, and no click."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from instrument.bench.presets.measures import clicks, self_likeness
from instrument.bundle.bundle import load_sound
from instrument.errors import BundleError
from instrument.midi.messages import control_change, note_off, note_on
from instrument.preset.banks import PresetBanks
from instrument.preset.preset import find_preset, load_preset, save_preset
from instrument.preset.sections import Slide
from instrument.realtime.offline_engine import OfflineEngine
from instrument.rendering.held.stream_server import StreamServer
from instrument.rendering.table_source import ToneTables
from tests.helpers.live.home import users_home
from tests.helpers.models.tiny_model import tiny_bundle
from tests.helpers.sounds.tones import frequency_hz

RATE_HZ = 48_000
CHORD = (45, 57, 64)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's folders with a reed that streams, wanders and loops."""
    with users_home(tmp_path_factory) as folder:
        yield folder


def reed(folder: Path, sustain: Literal["loop", "stream"] = "stream", drift: float = 1.0) -> Path:
    preset = load_preset("reed")
    path = folder / f"reed_{sustain}_{drift}.toml"
    save_preset(replace(preset, sound=replace(preset.sound, sustain=sustain, drift=drift)), path)
    return path


class Player:
    """A reed on an engine without a device, and who renders its held notes."""

    def __init__(self, preset: Path, rate_hz: int = RATE_HZ, block_frames: int = 128) -> None:
        self.engine = OfflineEngine(rate_hz, block_frames, note_seconds=4.0)
        self.loaded = PresetBanks(self.engine.state).prepare(preset)
        self.tables = ToneTables(self.engine.state)
        if table := self.tables.begin(self.loaded.bank, preset):
            while table.filler.step():
                pass
            self.tables.keep(table)
        self.engine.stream_from(self.tables.streams.serve_all)

    def hold(
        self, seconds: float, before_render: Callable[[float], None] = lambda _: None
    ) -> np.ndarray:
        """Hold a chord; what happens meanwhile is told the seconds, twice in each."""
        rate_hz = round(self.engine.state.rate_hz)
        for pitch in CHORD:
            self.engine.send(self.engine.state.clock, note_on(pitch, 90))
        parts = []
        for half in range(round(2 * seconds)):
            before_render(half / 2)
            parts.append(self.engine.render(rate_hz // 2))
        for pitch in CHORD:
            self.engine.send(self.engine.state.clock, note_off(pitch))
        return np.concatenate([*parts, self.engine.render(rate_hz // 2)])


@pytest.mark.slow
def test_a_held_chord_never_comes_back_and_does_not_click(tmp_path: Path) -> None:
    streamed, looped = Player(reed(tmp_path)), Player(reed(tmp_path, "loop"))
    audio, loop = streamed.hold(8.0), looped.hold(8.0)
    first = RATE_HZ * 2
    assert np.array_equal(audio[:first], loop[:first]), "the tones of the table are the same"
    held = slice(4 * RATE_HZ, 8 * RATE_HZ)
    assert self_likeness(audio[held], RATE_HZ) < 0.8 * self_likeness(loop[held], RATE_HZ)
    assert clicks(audio[RATE_HZ // 10 : 8 * RATE_HZ], RATE_HZ) == 0
    assert audio[held].std() == pytest.approx(loop[held].std(), rel=0.15)
    assert streamed.engine.state.meters["late_streams"] == 0


def test_blocks_and_another_renderer_in_the_middle_change_no_bit(tmp_path: Path) -> None:
    preset = reed(tmp_path)
    expected = Player(preset).hold(6.0)
    assert np.array_equal(Player(preset, block_frames=256).hold(6.0), expected)
    player = Player(preset)

    def replace_renderer(seconds: float) -> None:
        if seconds == 4.0:  # as after the death of the models process
            fresh = StreamServer(player.engine.state)
            bundle = load_sound(Path(os.environ["XDG_DATA_HOME"]) / "latentkeys/models/tiny")
            fresh.play(player.loaded.bank, player.loaded.preset, bundle)
            player.engine.stream_from(fresh.serve_all)

    assert np.array_equal(player.hold(6.0, replace_renderer), expected)


def test_a_renderer_that_is_away_for_a_while_makes_notes_loop_and_come_back(tmp_path: Path) -> None:
    player = Player(reed(tmp_path))
    late: list[int] = []

    def go_away(seconds: float) -> None:
        late.append(int(player.engine.state.meters["late_streams"]))
        is_away = 3.0 <= seconds < 6.0
        player.engine.stream_from((lambda: None) if is_away else player.tables.streams.serve_all)

    audio = player.hold(8.0, go_away)
    assert late[6] == 0 and late[-1] == len(CHORD)
    assert player.engine.state.meters["late_streams"] == len(CHORD)
    assert clicks(audio[RATE_HZ // 10 : 8 * RATE_HZ], RATE_HZ) == 0


def test_held_notes_are_morphed_within_a_tenth_of_a_second(tmp_path: Path) -> None:
    preset = load_preset(reed(tmp_path))
    far = replace(preset, sound=replace(preset.sound, latent=load_preset("choir").sound.latent))
    bundle = load_sound(Path(os.environ["XDG_DATA_HOME"]) / "latentkeys/models/tiny")

    def play(*, morphs: bool) -> np.ndarray:
        player = Player(reed(tmp_path))

        def move(seconds: float) -> None:
            if morphs and seconds == 5.0:
                player.tables.streams.morph(player.loaded.bank, far, bundle)

        return player.hold(7.0, move)

    before, after = play(morphs=False), play(morphs=True)
    moved = 5 * RATE_HZ
    differs = np.flatnonzero(np.abs(before - after).max(axis=1) > 1e-6)
    assert moved + 0.015 * RATE_HZ < differs[0] < moved + 0.04 * RATE_HZ
    late = slice(moved + RATE_HZ // 4, 7 * RATE_HZ)
    assert np.std(after[late] - before[late]) > 0.1 * np.std(before[late])
    assert clicks(after[4 * RATE_HZ : 7 * RATE_HZ], RATE_HZ) == 0
    for pitch in CHORD:
        assert strength(after[late], pitch) > 0.3 * strength(before[late], pitch)


def strength(audio: np.ndarray, pitch: int) -> float:
    """Return how much of a key's first partial there is."""
    turns = np.arange(len(audio)) * frequency_hz(pitch) / RATE_HZ
    return float(np.abs(audio[:, 0] @ np.exp(-2j * np.pi * turns)))


class Finger:
    """One of three on an MPE keyboard: moves its note's slide while a chord is held."""

    def __init__(self, player: Player) -> None:
        self.engine = player.engine
        for message in (control_change(101, 0), control_change(100, 6), control_change(6, 15)):
            self.engine.send(0, message)

    def hold(
        self, seconds: float, slides: dict[float, int], pitches: tuple[int, ...] = CHORD
    ) -> np.ndarray:
        """Hold keys, one channel each; the first one slides at seconds, to values."""
        for channel, pitch in enumerate(pitches, 1):
            self.engine.send(960, note_on(pitch, 90, channel))
        for at, value in slides.items():
            self.engine.send(960 + round(at * RATE_HZ), control_change(74, value, 1))
        return self.engine.render(round(seconds * RATE_HZ))


def sliding_reed(folder: Path) -> Path:
    """A reed whose slide goes to a choir."""
    preset = load_preset(reed(folder))
    path = folder / "sliding_reed.toml"
    far = Slide(load_preset("choir").sound.latent)
    save_preset(replace(preset, sound=replace(preset.sound, variation=0.0), slide=far), path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("at", [0.5, 5.0], ids=["in its table", "in its stream"])
def test_a_slide_moves_the_timbre_of_its_note_alone(tmp_path: Path, at: float) -> None:
    def play(slides: dict[float, int], pitches: tuple[int, ...] = CHORD) -> np.ndarray:
        return Finger(Player(sliding_reed(tmp_path))).hold(at + 2.0, slides, pitches)

    still, moved = play({}), play({at: 127})
    begins = 960 + round(at * RATE_HZ)
    differs = np.flatnonzero(np.abs(still - moved).max(axis=1) > 1e-6)
    assert 0.08 * RATE_HZ <= differs[0] - begins < 0.1 * RATE_HZ
    late = slice(begins + RATE_HZ, None)
    added = moved[late] - still[late]
    assert np.std(added) > 0.05 * np.std(still[late])
    alone = play({at: 127}, CHORD[:1])[late] - play({}, CHORD[:1])[late]
    assert np.abs(added - alone).max() < 0.01 * np.abs(alone).max()
    assert clicks(moved[begins - RATE_HZ // 4 :], RATE_HZ) == 0


def test_keys_that_may_slide_are_looked_at_before(tmp_path: Path) -> None:
    player = Player(sliding_reed(tmp_path))
    server = player.tables.streams
    server.open(player.loaded.bank)
    assert server.may_slide is None
    Finger(player).hold(0.5, {})
    looked: list[tuple[int, int]] = []
    while key := server.may_slide:
        looked.append(key)
        server.look_ahead(*key)
    assert sorted(looked) == [(player.loaded.bank, pitch) for pitch in CHORD]


def test_slides_are_the_same_to_the_bit_whatever_the_blocks(tmp_path: Path) -> None:
    preset = sliding_reed(tmp_path)
    slides = {0.0: 90, 0.4: 127, 1.0: 64, 3.7: 120, 3.9: 70, 5.2: 127}
    expected = Finger(Player(preset)).hold(6.0, slides)
    assert np.array_equal(Finger(Player(preset, block_frames=1000)).hold(6.0, slides), expected)


@pytest.mark.slow
@pytest.mark.parametrize("rate_hz", [44_100, 96_000])
def test_other_rates_are_resampled_without_seams(tmp_path: Path, rate_hz: int) -> None:
    player = Player(reed(tmp_path), rate_hz)
    audio = player.hold(5.0)
    assert clicks(audio[rate_hz // 10 : 5 * rate_hz], rate_hz) == 0
    assert player.engine.state.meters["late_streams"] == 0
    assert player.engine.state.streams["request"].sum() == len(CHORD)


def test_a_model_without_a_step_graph_is_told_and_its_notes_loop(tmp_path: Path) -> None:
    model = tmp_path / "tiny"
    shutil.copytree(tiny_bundle(), model)
    card = json.loads((model / "card.json").read_text())
    del card["graphs"]["step_8"]
    (model / "card.json").write_text(json.dumps(card))
    server = StreamServer(OfflineEngine(RATE_HZ).state)
    preset = load_preset(reed(tmp_path))
    server.play(1, preset, load_sound(model))
    assert server.to_open == 1
    with pytest.raises(BundleError, match="step_8"):
        server.open(1)
    server.forget(1)
    assert server.to_open is None and not server.is_needed


def test_a_preset_that_loops_needs_nobody() -> None:
    server = StreamServer(OfflineEngine(RATE_HZ).state)
    preset = load_preset(find_preset("reed"))
    server.play(1, preset, load_sound(Path(os.environ["XDG_DATA_HOME"]) / "latentkeys/models/tiny"))
    assert not server.is_needed and server.due is None
