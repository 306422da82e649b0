"""``latentkeys play`` on a real JACK server: three processes, played from a fourth.

The server is synchronous, so no frame is lost however busy the machine is.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
import pytest
import soundfile

from instrument.bench.presets.measures import clicks
from instrument.midi.messages import control_change, note_off, note_on, program_change
from instrument.preset.banks import PresetBanks, program_table
from instrument.preset.preset import find_preset, list_presets, load_preset, save_preset
from instrument.preset.sections import Slide
from instrument.realtime.memory.constants import LOWEST_PITCH
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import OfflineEngine
from instrument.rendering.table_source import ToneTables
from tests.helpers.live.home import users_home
from tests.helpers.live.jack_server import RATE_HZ, JackServer, running_jack
from tests.helpers.live.patience import wait_for
from tests.helpers.live.play import COMMAND, Keyboard, Played, played, start

pytestmark = pytest.mark.serial

A4 = 69
HALF_SECOND = RATE_HZ // 2


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(name="host") as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's folders: two presets, and a cache that lets each be rendered once."""
    with users_home(tmp_path_factory) as folder:
        yield folder


@pytest.fixture
def keyboard(server: JackServer) -> Iterator[Keyboard]:
    keys = Keyboard(server)
    yield keys
    keys.close()


def level_db(sound: npt.NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2) + 1e-20))


def strongest_hz(sound: npt.NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**19))
    return float(np.argmax(spectrum)) * RATE_HZ / 2**19


def roughest(sound: npt.NDArray[np.float32]) -> float:
    """Return the largest second difference: a click stands far above any held note's."""
    return float(np.abs(np.diff(sound.astype(np.float64), 2, axis=0)).max())


def heard_since(keys: Keyboard, start: int) -> npt.NDArray[np.float32]:
    return keys.heard()[start:, 0]


def test_a_struck_key_sounds_at_its_pitch_and_is_recorded_bit_for_bit(
    server: JackServer, keyboard: Keyboard, tmp_path: Path
) -> None:
    recording = tmp_path / "take.wav"
    arguments = ("--preset", "reed", "--record", str(recording))
    with played(*arguments, server=server) as instrument:
        keyboard.connect()
        instrument.wait_for_notes()
        keyboard.send(note_on(A4, 100))
        time.sleep(1.5)
        keyboard.send(note_off(A4))
        time.sleep(0.5)
        said = instrument.end()
    assert instrument.command.returncode == 130
    assert "Traceback" not in said
    taken, rate = soundfile.read(recording, dtype="float32")
    assert rate == RATE_HZ
    heard = keyboard.heard()
    onset = int(np.argmax(np.abs(taken[:, 0]) > 1e-4))
    first = int(np.argmax(np.abs(heard[:, 0]) > 1e-4))
    # The last block that the engine renders is one that the server may not ask for any more.
    length = min(len(taken) - onset, len(heard) - first) - 256
    assert length > 1.8 * RATE_HZ
    np.testing.assert_array_equal(taken[onset : onset + length], heard[first : first + length])
    partial = strongest_hz(taken[onset + HALF_SECOND : onset + RATE_HZ, 0]) / 440.0
    assert partial == pytest.approx(round(partial), abs=0.002)
    assert [path.name for path in tmp_path.iterdir()] == ["take.wav"]
    assert not instrument.folder.exists()


def test_live_play_equals_an_offline_render_of_its_log_bit_for_bit(
    server: JackServer, keyboard: Keyboard
) -> None:
    with played("--preset", "reed", server=server) as instrument:
        keyboard.connect()
        instrument.wait_for_notes()
        state = instrument.state
        sound = state.read_recording()
        begin = int(state.fields["record_ring"]["head"])
        for index, pitch in enumerate((45, 52, 57, 60, 64, 69)):
            keyboard.send(note_on(pitch, 30 + 15 * index))
            time.sleep(0.07)
        keyboard.send(control_change(64, 127), control_change(1, 90))
        for pitch in (45, 52, 57, 60):
            keyboard.send(note_off(pitch))
        time.sleep(1.0)
        keyboard.send(control_change(64, 0))
        time.sleep(0.4)
        live = sound.read()
        ring = state.fields["log_ring"]
        log = ring["events"][: int(ring["head"])].copy()
    assert sound.lost == 0
    engine = OfflineEngine(RATE_HZ, 100, note_seconds=4.0)
    loaded = PresetBanks(engine.state).prepare(find_preset("reed"))
    assert ToneTables(engine.state).begin(loaded.bank, loaded.path) is None, "not in the cache"
    engine.send_log(log)
    offline = engine.render(begin + len(live))[begin:]
    assert np.abs(live).max() > 0.01
    np.testing.assert_array_equal(live, offline)


def test_a_streamed_note_equals_the_offline_render_even_when_models_are_killed_in_between(
    server: JackServer, keyboard: Keyboard, tmp_path: Path
) -> None:
    preset = tmp_path / "streamed.toml"
    text = find_preset("reed").read_text().replace('sustain = "loop"', 'sustain = "stream"')
    preset.write_text(text.replace("drift = 0.0", "drift = 1.0"))
    with played("--preset", str(preset), server=server) as instrument:
        keyboard.connect()
        instrument.wait_for_notes()
        time.sleep(2.0)  # the model is opened beside the engine
        state = instrument.state
        sound = state.read_recording()
        begin = int(state.fields["record_ring"]["head"])
        keyboard.send(note_on(57, 100), note_on(64, 60))
        wait_for(lambda: state.meters["streams"] == 2, "the streams")
        instrument.child("models").kill()
        time.sleep(4.0)
        live = sound.read()
        ring = state.fields["log_ring"]
        log = ring["events"][: int(ring["head"])].copy()
        was_late = int(state.meters["late_streams"])
    assert sound.lost == 0 and clicks(live[HALF_SECOND:], RATE_HZ) == 0
    offline = played_again(preset, log, begin + len(live))[begin:]
    if not was_late:  # the next process was there before the notes had used up what they had
        np.testing.assert_array_equal(live, offline)
    first = int(3.0 * RATE_HZ)
    np.testing.assert_array_equal(live[:first], offline[:first])


def played_again(preset: Path, log: np.ndarray, frames: int) -> npt.NDArray[np.float32]:
    """Play a log without a device, held notes streamed."""
    engine = OfflineEngine(RATE_HZ, 100, note_seconds=4.0)
    loaded = PresetBanks(engine.state).prepare(preset)
    tables = ToneTables(engine.state)
    assert tables.begin(loaded.bank, loaded.path) is None, "not in the cache"
    engine.stream_from(tables.streams.serve_all)
    engine.send_log(log)
    return engine.render(frames)


def test_slides_of_an_mpe_keyboard_equal_the_offline_render_of_their_log(
    server: JackServer, keyboard: Keyboard, tmp_path: Path
) -> None:
    preset = tmp_path / "sliding.toml"
    reed, choir = load_preset("reed"), load_preset("choir")
    streamed = replace(reed.sound, sustain="stream")
    save_preset(replace(reed, sound=streamed, slide=Slide(choir.sound.latent)), preset)
    with played("--preset", str(preset), server=server) as instrument:
        keyboard.connect()
        instrument.wait_for_notes()
        time.sleep(2.0)  # the model is opened beside the engine
        state = instrument.state
        sound = state.read_recording()
        begin = int(state.fields["record_ring"]["head"])
        keyboard.send(*(control_change(*each) for each in ((101, 0), (100, 6), (6, 15))))
        keyboard.send(note_on(57, 100, 1), note_on(64, 60, 2))
        for value in range(64, 128, 4):
            keyboard.send(control_change(74, value, 1))
            time.sleep(0.02)
        keyboard.send(control_change(74, 100, 2))
        time.sleep(1.0)
        live = sound.read()
        ring = state.fields["log_ring"]
        log = ring["events"][: int(ring["head"])].copy()
        asked, was_late = int(state.streams["slides"].sum()), int(state.meters["late_streams"])
    assert sound.lost == 0 and asked == 2
    offline = played_again(preset, log, begin + len(live))[begin:]
    if not was_late:
        np.testing.assert_array_equal(live, offline)
    first = int(np.argmax(np.abs(offline[:, 0]) > 1e-4)) + int(0.08 * RATE_HZ)
    np.testing.assert_array_equal(live[:first], offline[:first])


def test_models_killed_while_a_key_is_held_are_back_and_nothing_is_heard_of_it(
    server: JackServer, keyboard: Keyboard
) -> None:
    with played("--preset", "reed", server=server) as instrument:
        keyboard.connect()
        instrument.wait_for_notes()
        keyboard.send(note_on(A4, 100))
        time.sleep(1.0)
        before = len(keyboard.heard())
        models = instrument.child("models")
        models.kill()
        killed = time.monotonic()
        fresh = wait_for(lambda: another_models(instrument, models.pid), "new models", 2.0)
        assert fresh and time.monotonic() - killed < 2.0
        time.sleep(0.5)
        held = heard_since(keyboard, before - HALF_SECOND)
        assert roughest(held[HALF_SECOND:]) < 2 * roughest(held[:HALF_SECOND])
        assert abs(level_db(held[-HALF_SECOND // 2 :]) - level_db(held[: HALF_SECOND // 2])) < 6
        keyboard.send(note_off(A4))
        wait_for(lambda: not instrument.state.meters["active_voices"], "the release")
        said = instrument.end()
    assert said.count("models process ended") == 1


def another_models(instrument: Played, pid: int) -> bool:
    found = instrument.find("models")
    return found is not None and found.pid != pid


def test_control_killed_while_a_key_is_held_leaves_a_playing_engine(
    server: JackServer, keyboard: Keyboard
) -> None:
    with played("--preset", "reed", server=server) as instrument:
        keyboard.connect()
        instrument.wait_for_notes()
        keyboard.send(note_on(A4, 100))
        time.sleep(1.0)
        before = len(keyboard.heard())
        models = instrument.child("models")
        instrument.command.kill()
        instrument.command.wait()
        wait_for(lambda: not psutil.pid_exists(models.pid), "the end of models")
        time.sleep(0.5)
        held = heard_since(keyboard, before - HALF_SECOND)
        assert roughest(held[HALF_SECOND:]) < 2 * roughest(held[:HALF_SECOND])
        assert instrument.engine.is_running()
        keyboard.send(note_on(76, 90), note_off(A4))
        wait_for(lambda: instrument.state.meters["active_voices"] == 1, "the release of A4")
        instrument.engine.terminate()
        wait_for(lambda: not psutil.pid_exists(instrument.engine.pid), "the end of the engine")
        wait_for(lambda: not instrument.folder.exists(), "the folder's end")


def test_a_program_change_leaves_held_notes_alone(server: JackServer, keyboard: Keyboard) -> None:
    programs = program_table(list_presets())
    other = next(number for number, entry in programs.items() if entry.name == "choir")
    with played("--preset", "reed", server=server) as instrument:
        keyboard.connect()
        instrument.wait_for_notes()
        state = instrument.state
        old_bank = int(state.channels[0]["bank"])
        keyboard.send(note_on(57, 100))
        time.sleep(0.8)
        before = len(keyboard.heard())
        keyboard.send(program_change(other))
        wait_for(lambda: int(state.channels[0]["bank"]) != old_bank, "the new preset")
        time.sleep(0.3)
        held = heard_since(keyboard, before - HALF_SECOND)
        assert roughest(held[HALF_SECOND:]) < 2 * roughest(held[:HALF_SECOND])
        keyboard.send(note_on(72, 100))
        wait_for(lambda: state.meters["active_voices"] == 2, "the new note")
        banks = {int(v["pitch"]): int(v["bank"]) for v in state.voices if v["stage"]}
        assert banks[57] == old_bank != banks[72]
        keyboard.send(note_off(57), note_off(72), bytes.fromhex("f07e7f0901f7"))  # GM System On
        wait_for(lambda: int(state.channels[0]["bank"]) == old_bank, "the first preset")
        said = instrument.end()
    assert "Playing Choir" in said


def test_a_program_that_is_no_preset_is_told(server: JackServer, keyboard: Keyboard) -> None:
    with played("--preset", "reed", server=server) as instrument:
        keyboard.connect()
        instrument.wait_for_notes()
        keyboard.send(program_change(127))
        time.sleep(0.3)
        keyboard.send(note_on(A4), note_off(A4))
        said = instrument.end()
    assert "program 127 is no preset" in said


def test_ctrl_backslash_silences_everything(server: JackServer, keyboard: Keyboard) -> None:
    with played("--preset", "reed", server=server) as instrument:
        keyboard.connect()
        instrument.wait_for_notes()
        keyboard.send(control_change(64, 127), note_on(A4), note_on(76))
        wait_for(lambda: instrument.state.meters["active_voices"] == 2, "two notes")
        instrument.command.send_signal(signal.SIGQUIT)
        wait_for(lambda: instrument.state.meters["active_voices"] == 0, "silence", 2.0)
        keyboard.send(note_on(60))
        wait_for(lambda: instrument.state.meters["active_voices"] == 1, "a new note", 2.0)
        instrument.end()


def test_a_second_start_needs_no_inference(server: JackServer) -> None:
    with played("--preset", "reed", server=server) as instrument:
        instrument.wait_for_notes()
        models = instrument.child("models")
        loaded = [region.path for region in models.memory_maps()]
        instrument.end()
    assert not [path for path in loaded if "onnxruntime" in path]


def test_a_cold_key_sounds_at_once_and_its_own_sound_follows(
    server: JackServer, keyboard: Keyboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with played("--preset", "reed", server=server) as instrument:
        keyboard.connect()
        keyboard.send(note_on(30, 100))
        state = instrument.state
        wait_for(lambda: state.meters["active_voices"] == 1, "the note")
        bank = int(state.channels[0]["bank"])
        wait_for(lambda: state.slots[bank, 1, 30 - LOWEST_PITCH]["frames_ready"] > 0, "its slot")
        is_true = lambda: any(v["stage"] and not v["is_stand_in"] for v in state.voices)  # noqa: E731
        wait_for(is_true, "its own sound")
        instrument.end()


STAGES: dict[str, Callable[[list[psutil.Process], Path | None], object]] = {
    "its processes start": lambda family, folder: bool(family),
    "the engine opens its device": lambda family, folder: folder and folder.exists(),
    "keys can be played": lambda family, folder: folder and EngineState.attach(folder).clock > 0,
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("later_seconds", [0.0, 0.15])
def test_ctrl_c_at_any_stage_ends_cleanly(
    server: JackServer, tmp_path: Path, stage: str, later_seconds: float
) -> None:
    arguments = ("--preset", "reed", "--record", f"{tmp_path}/take.wav")
    command = start("play", "--no-panel", *arguments, server=server)
    wait_for(lambda: STAGES[stage](*family_of(command.pid)), stage)
    time.sleep(later_seconds)
    family, _ = family_of(command.pid)
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=20)
    assert command.returncode == 130, said
    assert "Traceback" not in said
    assert not psutil.wait_procs(family, timeout=5)[1]
    assert {path.name for path in tmp_path.iterdir()} <= {"take.wav"}


def family_of(pid: int) -> tuple[list[psutil.Process], Path | None]:
    """Return a command's processes and its session's folder, as far as they are there."""
    family = psutil.Process(pid).children(recursive=True)
    for process in family:
        with contextlib.suppress(psutil.Error, IndexError):
            if "instrument.engine.process" in process.cmdline():
                return family, Path(process.cmdline()[-1])
    return family, None


def test_with_neither_sound_nor_midi_the_piece_is_played_into_a_file(tmp_path: Path) -> None:
    environment = {**os.environ, "JACK_DEFAULT_SERVER": "none", "JACK_NO_START_SERVER": "1"}
    command = [*COMMAND, "play", "--preset", "reed", "--no-panel"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    if "Audio:" in run.stderr:
        pytest.skip("this machine has a sound card or a MIDI system")
    assert run.returncode == 0, run.stderr
    sound, rate = soundfile.read(tmp_path / "latentkeys-demo.wav", dtype="float32")
    assert 20 < len(sound) / rate < 40
    assert np.abs(sound).max() > 0.05
    assert "latentkeys-demo.wav" in run.stderr
