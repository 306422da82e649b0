"""A GANSynth preset in the whole instrument: on a JACK server, in a file, and in the cache."""

import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from instrument.latents.create_preset import PresetRequest, check_preset, new_preset, refresh_preset
from instrument.midi.messages import note_off, note_on
from instrument.offline.render_song import render_song
from instrument.preset.banks import PresetBanks
from instrument.preset.preset import find_preset, load_preset, save_preset
from instrument.realtime.memory.constants import HIGHEST_PITCH, LOUD, LOWEST_PITCH
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from instrument.rendering.table_source import ToneTables
from tests.helpers.live.jack_server import RATE_HZ, JackServer, Probe, running_jack
from tests.helpers.live.play import played
from tests.helpers.models.plain_gansynth import plain_gansynth

pytestmark = pytest.mark.serial

BLOCK_FRAMES = 256
SECONDS_APART = 0.5
PITCHES = (12, 21, 40, 41, 57, 70, 75, 96, 108, 115)  # the model has 40 to 70


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        ours = Path(os.environ["XDG_DATA_HOME"]) / "latentkeys"
        shutil.copytree(plain_gansynth(), ours / "models" / "plain")
        new_preset("Seven", PresetRequest(seed=7), model="plain")
        new_preset("Eight", PresetRequest(seed=8), model="plain")
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(BLOCK_FRAMES, name="gansynth") as running:
        yield running


def strongest_hz(sound: npt.NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**20))
    return float(np.argmax(spectrum)) * RATE_HZ / 2**20


def test_keys_sound_in_time_and_in_tune_over_the_whole_keyboard(server: JackServer) -> None:
    events = []
    for index, pitch in enumerate(PITCHES):
        struck = 4096 + round(index * SECONDS_APART * RATE_HZ)
        events.append((struck, note_on(pitch, 100)))
        events.append((struck + RATE_HZ // 4, note_off(pitch)))
    with played("--preset", "seven", server=server) as instrument:
        instrument.wait_for_notes()
        probe = Probe(server)
        probe.listen_to()
        heard = probe.play(events, round((len(PITCHES) + 1) * SECONDS_APART * RATE_HZ))[:, 0]
        state = instrument.state
        assert int(state.meters["invalid_samples"]) == int(state.meters["starved_voices"]) == 0
        assert int(state.meters["stand_ins"]) == 0
        probe.close()
        said = instrument.end()
    assert "Traceback" not in said
    assert np.isfinite(heard).all()
    for index, pitch in enumerate(PITCHES):
        struck = 4096 + round(index * SECONDS_APART * RATE_HZ) + BLOCK_FRAMES  # JACK's loop
        assert np.abs(heard[struck - 480 : struck]).max() < 3e-3
        began = np.flatnonzero(np.abs(heard[struck:]) > 3e-3)[0]
        assert began < 0.008 * RATE_HZ
        sound = heard[struck + 1200 : struck + RATE_HZ // 4]
        assert np.sqrt(np.mean(sound**2)) > 0.01
        ratio = strongest_hz(sound) / (440 * 2 ** ((pitch - 69) / 12))
        assert ratio == pytest.approx(round(ratio), rel=0.01)


def test_live_play_equals_an_offline_render_of_its_log_bit_for_bit(server: JackServer) -> None:
    with played("--preset", "seven", server=server) as instrument:
        instrument.wait_for_notes()
        probe = Probe(server)
        probe.listen_to()
        state = instrument.state
        sound = state.read_recording()
        begin = int(state.fields["record_ring"]["head"])
        keys = [(1000 * k, note_on(p, 30 + 10 * k)) for k, p in enumerate((30, 45, 57, 64, 90))]
        probe.play([*keys, (60_000, note_off(45)), (70_000, note_off(57))], 3 * RATE_HZ)
        live = sound.read()
        ring = state.fields["log_ring"]
        log = ring["events"][: int(ring["head"])].copy()
        probe.close()
        instrument.end()
    engine = OfflineEngine(RATE_HZ, 100, note_seconds=4.0)
    loaded = PresetBanks(engine.state).prepare(find_preset("seven"))
    assert ToneTables(engine.state).begin(loaded.bank, loaded.path) is None, "not in the cache"
    engine.send_log(log)
    offline = engine.render(begin + len(live))[begin:]
    assert np.abs(live).max() > 0.01
    np.testing.assert_array_equal(live, offline)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_a_song_file_holds_notes_beyond_the_models_length(tmp_path: Path, rate_hz: int) -> None:
    song = mido.MidiFile(ticks_per_beat=480)
    song.add_track().extend(
        [
            mido.Message("note_on", note=60, velocity=100, time=0),
            mido.Message("note_off", note=60, time=480 * 12),  # 6 s
        ]
    )
    song.save(tmp_path / "song.mid")
    render_song(tmp_path / "song.mid", tmp_path / "out.wav", preset="eight", rate_hz=rate_hz)
    sound, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    window = rate_hz // 4
    parts = sound[window : 6 * rate_hz, 0].reshape(-1, window)
    levels = 10 * np.log10(np.mean(parts.astype(np.float64) ** 2, axis=1))
    assert levels.max() - levels.min() < 0.5
    assert np.abs(sound[-100:]).max() < 1e-3


def test_a_second_table_comes_from_the_cache_and_is_the_same() -> None:
    tables = []
    for _ in range(2):
        state = EngineState.create(None, RATE_HZ, 4.0)
        supply = ToneTables(state)
        supply.prepare(find_preset("eight"))
        if table := supply.begin(1, find_preset("eight")):
            while table.filler.step():
                pass
            supply.keep(table)
        tables.append(state)
    first, second = tables
    np.testing.assert_array_equal(first.slots[1], second.slots[1])
    for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1, 9):
        row = pitch - LOWEST_PITCH
        np.testing.assert_array_equal(first.tones[1, LOUD, row], second.tones[1, LOUD, row])


def test_a_latent_of_gansynths_usual_size_is_written_and_read(tmp_path: Path) -> None:
    preset = load_preset(find_preset("seven"))
    random = np.random.default_rng(0)
    for size in (256, 4096):  # 4096 is the most that a card may ask for
        latent = tuple(float(number) for number in random.normal(size=size).round(4))
        wide = dataclasses.replace(preset, sound=dataclasses.replace(preset.sound, latent=latent))
        save_preset(wide, tmp_path / "wide.toml")
        assert load_preset(tmp_path / "wide.toml") == wide


def test_presets_are_drawn_blended_copied_and_refreshed() -> None:
    preset, bundle = check_preset(find_preset("seven"))
    drawn = np.random.Generator(np.random.PCG64(7)).standard_normal(5).round(4)
    np.testing.assert_array_equal(preset.sound.latent, drawn)
    before = find_preset("seven").read_text(encoding="utf-8")
    assert refresh_preset(find_preset("seven")) == preset
    assert find_preset("seven").read_text(encoding="utf-8") == before
    half = load_preset(new_preset("Between", PresetRequest(between=("seven", "eight"))))
    ends = [np.asarray(load_preset(find_preset(name)).sound.latent) for name in ("seven", "eight")]
    angles = [
        np.arccos(half.sound.latent @ end / np.linalg.norm(half.sound.latent) / np.linalg.norm(end))
        for end in ends
    ]
    whole = np.arccos(ends[0] @ ends[1] / np.linalg.norm(ends[0]) / np.linalg.norm(ends[1]))
    assert sum(angles) == pytest.approx(whole, abs=1e-3)  # on the arc between the two
    assert half.recipe is None
    assert bundle.sound.kind == "gansynth"
