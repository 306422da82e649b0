"""The engine process against a real JACK server: what is played is what is heard, to the bit."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from instrument.engine.messages import Ended, EngineSettings, Ready
from instrument.midi.messages import control_change, note_off, note_on, pitch_bend
from instrument.processes.json_lines import Notice
from instrument.realtime.control_input import ControlInput
from instrument.realtime.memory.constants import ALL_CHANNELS, PANIC, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.live.engine import PRESET_BANK, LiveEngine, live_engine
from tests.helpers.live.jack_server import RATE_HZ, JackServer, Probe, running_jack
from tests.helpers.sounds.tones import cents, fill_bank, heard_hz, largest_step

pytestmark = pytest.mark.serial

SECOND = RATE_HZ


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(256, "engine") as running:
        yield running


@pytest.fixture(scope="module")
def engine(server: JackServer) -> Iterator[LiveEngine]:
    with live_engine(EngineSettings(audio="jack"), server.environment) as running:
        yield running


@pytest.fixture(scope="module")
def probe(server: JackServer, engine: LiveEngine) -> Iterator[Probe]:
    opened = Probe(server)
    opened.listen_to("latentkeys")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _quiet(engine: LiveEngine, probe: Probe) -> None:
    """Begin every test in silence and with every controller at rest."""
    engine.state.command(PANIC)
    engine.state.command(USE_BANK, PRESET_BANK, ALL_CHANNELS)
    probe.play([], 8192)


def onset(audio: np.ndarray) -> int:
    """Return the first frame that sounds."""
    return int(np.flatnonzero(np.abs(audio).max(axis=1) > 0.0)[0])


def replay(engine: LiveEngine, log: np.ndarray, frames: int) -> np.ndarray:
    """Render a live log offline, beginning at the live stream's own frame."""
    offline = OfflineEngine(RATE_HZ, 100)
    fill_bank(offline.state, PRESET_BANK)
    offline.state.banks[:] = engine.state.banks
    offline.state.fields["clock"] = int(log["time_frames"][0]) // 32 * 32
    offline.command(USE_BANK, PRESET_BANK, ALL_CHANNELS)
    offline.send_log(log)
    return offline.render(frames)


def test_ready_tells_ports_rate_and_block(engine: LiveEngine) -> None:
    assert engine.ready.kind == "jack"
    assert engine.ready.rate_hz == RATE_HZ
    assert engine.ready.block_frames == 256
    assert engine.ready.midi[0] == "latentkeys:midi_in"
    assert 0.0 < engine.ready.latency_seconds < 0.1


def test_captured_audio_equals_the_offline_replay_of_the_log(
    engine: LiveEngine, probe: Probe
) -> None:
    rng = np.random.default_rng(5)
    events = []
    for start in range(100, 60_000, 997):
        pitch = int(rng.integers(21, 109))
        length = int(rng.integers(500, 20_000))
        events.append((start, note_on(pitch, int(rng.integers(1, 128)))))
        events.append((start + length, note_off(pitch)))
    events += [(9_000, control_change(64, 127)), (40_000, control_change(64, 0))]
    events += [(20_000 + 50 * i, pitch_bend(80 * i)) for i in range(100)]
    events += [(30_000 + 40 * i, control_change(1, i)) for i in range(100)]
    history = engine.state.read_log()
    recording = engine.state.read_recording()
    heard = probe.play(events, 2 * SECOND)
    log = history.read()

    assert len(log) == len(events)
    expected = replay(engine, log, 2 * SECOND)
    start, expected_start = onset(heard), onset(expected)
    count = min(len(heard) - start, len(expected) - expected_start)
    assert count > 1.9 * SECOND
    assert np.array_equal(
        heard[start : start + count], expected[expected_start : expected_start + count]
    )
    recorded = recording.read()
    first = onset(recorded)
    assert np.array_equal(recorded[first : first + count], heard[start : start + count])


@pytest.mark.parametrize("pitch", [21, 45, 69, 96, 108])
def test_the_pitch_that_is_heard_is_the_pitch_that_was_played(probe: Probe, pitch: int) -> None:
    heard = probe.play([(0, note_on(pitch)), (SECOND, note_off(pitch))], SECOND)
    assert abs(cents(heard_hz(heard[SECOND // 4 :, 0]), pitch)) < 1.0


@pytest.mark.parametrize("block_frames", [64, 128, 256])
def test_note_to_audio_takes_exactly_one_block(probe: Probe, block_frames: int) -> None:
    probe.client.blocksize = block_frames
    try:
        probe.play([], 4096)
        rng = np.random.default_rng(block_frames)
        starts = np.cumsum(rng.integers(4_000, 6_000, 20))
        events = []
        for start in starts:
            events.append((int(start), note_on(96, 127)))
            events.append((int(start) + 800, control_change(120, 0)))
        heard = probe.play(events, int(starts[-1]) + 4_000)
        loud = np.abs(heard).max(axis=1) > 0.0
        quiet_before = np.convolve(loud, np.ones(512), "full")[: len(loud)] - loud == 0
        onsets = np.flatnonzero(loud & quiet_before)
        # The first frame of a note is 0: the sine begins at phase 0, the envelope at 0.
        latencies = onsets - 1 - starts
        assert len(latencies) == 20
        assert latencies.mean() == block_frames
        assert latencies.std() == 0.0
    finally:
        probe.client.blocksize = 256
        probe.play([], 4096)


def test_128_notes_struck_at_once_all_sound(engine: LiveEngine, probe: Probe) -> None:
    keys = [(channel, pitch) for channel in (0, 1) for pitch in range(32, 96)]
    strike = [(500, note_on(pitch, 60, channel)) for channel, pitch in keys]
    heard = probe.play(strike, SECOND // 2)
    assert int(engine.state.meters["active_voices"]) == 128
    spectrum = np.abs(np.fft.rfft(heard[4096:, 0] * np.hanning(len(heard) - 4096), 1 << 18))
    for _, pitch in keys:
        hz = 440.0 * 2.0 ** ((pitch - 69) / 12)
        at = round(hz * (1 << 18) / RATE_HZ)
        beside = round(hz * 2 ** (0.5 / 12) * (1 << 18) / RATE_HZ)
        if hz > 400.0:  # below, neighbours are not resolved by this window
            assert spectrum[at - 3 : at + 4].max() > 10.0 * spectrum[beside], pitch
    assert np.abs(heard).max() <= 1.0


def test_panic_silences_everything_without_a_click(engine: LiveEngine, probe: Probe) -> None:
    strike = [(0, control_change(64, 127)), *[(0, note_on(p)) for p in range(60, 72)]]
    steady = probe.play(strike, SECOND // 2)[SECOND // 4 :]
    engine.state.command(PANIC)
    heard = probe.play([], SECOND // 4)
    assert np.abs(heard[SECOND // 8 :]).max() == 0.0
    assert largest_step(heard) <= 1.05 * largest_step(steady)


def test_pedal_holds_what_the_hand_lets_go(probe: Probe) -> None:
    held = [(0, control_change(64, 127)), (10, note_on(60)), (2_000, note_off(60))]
    heard = probe.play([*held, (30_000, control_change(64, 0))], 2 * SECOND)
    level = np.abs(heard).max(axis=1)
    assert level[20_000:30_000].max() > 0.9 * level[5_000:10_000].max()
    assert level[60_000:].max() < 1e-3 * level[5_000:10_000].max()


def test_preset_change_leaves_held_notes_alone_and_does_not_click(
    engine: LiveEngine, probe: Probe
) -> None:
    other = 2
    octave_up = {pitch: pitch + 12 for pitch in range(48, 73)}
    fill_bank(engine.state, other)
    for pitch, source in octave_up.items():  # an unmistakably different sound
        engine.state.slots[other, :, pitch - 21] = engine.state.slots[PRESET_BANK, :, source - 21]
        engine.state.tones[other, :, pitch - 21] = engine.state.tones[PRESET_BANK, :, source - 21]
    held = probe.play([(0, note_on(57))], SECOND // 2)[SECOND // 4 :]
    engine.state.command(USE_BANK, other, ALL_CHANNELS)
    after = probe.play([], SECOND // 2)
    assert abs(cents(heard_hz(after[:, 0]), 57)) < 1.0
    assert largest_step(after) <= 1.02 * largest_step(held)
    both = probe.play([(0, note_off(57)), (0, note_on(57))], SECOND)
    assert abs(cents(heard_hz(both[SECOND // 2 :, 0]), 69)) < 1.0
    assert int(engine.state.meters["bank_voices"][PRESET_BANK]) == 0


def test_events_on_all_channels_that_sequencers_send_do_no_harm(probe: Probe) -> None:
    reset = [
        (20_000, control_change(cc, 0, channel)) for channel in range(1, 16) for cc in (64, 123)
    ]
    events = [(0, control_change(64, 127)), (5, note_on(64)), (3_000, note_off(64)), *reset]
    level = np.abs(probe.play(events, SECOND)).max(axis=1)
    assert level[40_000:].max() > 0.9 * level[10_000:20_000].max()


def test_a_thread_that_hogs_the_lock_changes_no_sample(server: JackServer) -> None:
    """The same engine with a thread that keeps Python's lock for tens of milliseconds at a time."""
    code = (
        "import threading, instrument.engine.process as e\n"
        "data = list(range(400_000, 0, -1))\n"
        "from instrument.realtime.memory.state import EngineState\n"
        "def hog():\n"
        "    while not EngineState.attach(e.Path(e.sys.argv[1])).fields['playing']:\n"
        "        e.time.sleep(0.01)\n"
        "    while True: sorted(data, key=str)\n"
        "threading.Thread(target=hog, daemon=True).start()\n"
        "e.main()\n"
    )
    settings = EngineSettings(audio="jack", client_name="hogged")
    with live_engine(settings, server.environment, command=("-c", code)) as engine:
        probe = Probe(server, "probe-of-hogged")
        try:
            probe.listen_to("hogged")
            probe.play([], 8192)
            starts = list(range(3_000, 40_000, 4_000))
            events = [(s, note_on(96, 127)) for s in starts]
            events += [(s + 800, control_change(120, 0)) for s in starts]
            history = engine.state.read_log()
            heard = probe.play(events, SECOND)
            first = onset(heard)
            log = history.read()
            assert first - 1 - starts[0] == 256
            struck = log["time_frames"][(log["status"] == 0x90)]
            assert np.array_equal(np.diff(struck), np.diff(starts))
            expected = replay(engine, log, SECOND)
            start = onset(expected)
            count = min(len(heard) - first, len(expected) - start)
            assert np.array_equal(heard[first : first + count], expected[start : start + count])
        finally:
            probe.close()


def test_engine_plays_on_when_control_dies_and_ends_when_it_is_quiet(
    server: JackServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("session")
    control = (
        "import subprocess, sys, time\n"
        "from pathlib import Path\n"
        "from instrument.engine.messages import EngineSettings\n"
        "from instrument.realtime.memory.state import EngineState\n"
        "folder = Path(sys.argv[1])\n"
        "EngineSettings(audio='jack', client_name='orphan', quiet_seconds=1.5).save(folder)\n"
        "state = EngineState.create(folder)\n"
        "child = subprocess.Popen([sys.executable, '-m',\n"
        "                          'instrument.engine.process', str(folder)],\n"
        "                         stdout=subprocess.PIPE, start_new_session=True)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", control, str(folder)],
        stdout=subprocess.PIPE,
        env=server.environment,
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    probe = Probe(server, "probe-of-orphan")
    try:
        probe.listen_to("orphan")
        probe.play([(0, note_on(60))], SECOND // 4)
        parent.send_signal(signal.SIGKILL)
        parent.wait(5)
        parent.stdout.close()
        still = probe.play([], 3 * SECOND)
        assert np.abs(still[-4096:]).max() > 0.01
        after = probe.play([(0, note_off(60))], SECOND)
        assert np.abs(after[-4096:]).max() < 1e-3
    finally:
        probe.close()
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()


def test_server_that_goes_away_is_reported_and_comes_back() -> None:
    settings = EngineSettings(audio="jack", client_name="survivor")
    with running_jack(256, "first") as first:
        context = live_engine(settings, first.environment)
        engine = context.__enter__()
    try:
        notice = engine.wait_for(Notice)
        assert "gone" in notice.message
        before = engine.state.clock
        time.sleep(0.5)
        assert engine.state.clock > before + 0.3 * RATE_HZ  # the stream goes on, to nowhere
        with running_jack(128, "first") as second:
            assert second.name == first.name
            assert engine.wait_for(Ready).kind == "jack"
            # libjack cannot be a client of two servers in one process: look from another one
            listing = subprocess.run(
                ["jack_lsp", "-c"],
                env=second.environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            assert "survivor:out_L\n   system:playback_1" in listing
            recording = engine.state.read_recording()
            ControlInput(engine.state).send(note_on(69))
            time.sleep(0.5)
            heard = recording.read()
            assert abs(cents(heard_hz(heard[-SECOND // 4 :, 0]), 69)) < 1.0
    finally:
        context.__exit__(None, None, None)


def test_terminated_engine_fades_out_and_ends(server: JackServer) -> None:
    settings = EngineSettings(audio="jack", client_name="ending")
    with live_engine(settings, server.environment) as engine:
        probe = Probe(server, "probe-of-ending")
        try:
            probe.listen_to("ending")
            steady = probe.play([(0, note_on(60))], SECOND // 2)[SECOND // 4 :]
            recording = engine.state.read_recording()
            engine.process.send_signal(signal.SIGTERM)
            engine.wait_for(Ended)
            assert engine.process.wait(5) == 0
            last = recording.read()
            assert largest_step(last) <= 1.02 * largest_step(steady)
            assert np.abs(last[-1]).max() == 0.0
        finally:
            probe.close()
