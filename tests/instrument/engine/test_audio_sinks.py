"""Sinks: the private hooks they stand on, the fallbacks, and PortAudio against a real server."""

from __future__ import annotations

import inspect
import math
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from instrument.engine.audio_sinks import (
    NullSink,
    WavSink,
    raise_priority,
    sane_latency,
)
from instrument.engine.clock import frame_at, install_clock, now_ns
from instrument.engine.messages import EngineSettings
from instrument.engine.open_sink import open_sink
from instrument.errors import DeviceError
from instrument.midi.messages import control_change, note_on
from instrument.realtime.control_input import ControlInput
from instrument.realtime.memory.state import EngineState
from instrument.realtime.offline_engine import prepare_state
from tests.helpers.live.engine import LiveEngine, live_engine
from tests.helpers.live.jack_server import RATE_HZ, Probe, realtime_is_allowed, running_jack
from tests.helpers.sounds.tones import cents, heard_hz

pytestmark = pytest.mark.serial

BLOCK = 512


def test_sounddevice_still_takes_a_callback_of_machine_code() -> None:
    import sounddevice

    parameters = inspect.signature(sounddevice._StreamBase.__init__).parameters
    assert {"kind", "callback", "userdata", "wrap_callback"} <= set(parameters)
    assert parameters["wrap_callback"].default is None
    assert sounddevice._ffi.cast("PaStreamCallback *", 1) is not None


def test_jack_client_still_shows_its_library() -> None:
    import jack

    for name in (
        "jack_set_process_callback",
        "jack_set_xrun_callback",
        "jack_on_info_shutdown",
        "jack_port_get_buffer",
        "jack_midi_get_event_count",
        "jack_midi_event_get",
        "jack_set_error_function",
        "jack_set_info_function",
    ):
        address = getattr(jack._lib, name)
        assert int(jack._ffi.cast("uintptr_t", address)) != 0
    for kind in ("JackProcessCallback", "JackXRunCallback", "JackInfoShutdownCallback"):
        jack._ffi.cast(kind, 1)
    assert jack._libname
    assert jack.Client._ptr == jack._ffi.NULL  # each client has its own in its place


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        (0.012, 0.012),
        (89478.48, 2 * 128 / 48_000),  # PipeWire's underflow
        (-1.0, 2 * 128 / 48_000),
        (0.0, 2 * 128 / 48_000),
        (math.nan, 2 * 128 / 48_000),
        (math.inf, 2 * 128 / 48_000),
    ],
)
def test_impossible_latencies_are_replaced_by_two_blocks(claimed: float, expected: float) -> None:
    assert sane_latency(claimed, 128, 48_000.0) == pytest.approx(expected)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> EngineState:
    """A machine without a JACK server."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "latentkeys-no-such-server")
    return EngineState.create(None, note_seconds=0.5)


def test_without_any_device_the_instrument_plays_to_nowhere_and_says_so(
    nowhere: EngineState,
) -> None:
    import sounddevice

    if len(sounddevice.query_devices()):
        pytest.skip("this machine has a sound card")
    sink, notices = open_sink(EngineSettings(), nowhere)
    assert isinstance(sink, NullSink)
    assert sink.rate_hz == 48_000
    assert "no audio device" in notices[0].message
    assert "--audio FILE.wav" in notices[0].remedy


@pytest.mark.parametrize("name", ["jack", "no-such-card", "123"])
def test_a_device_that_is_not_there_is_an_error_when_it_was_named(
    nowhere: EngineState, name: str
) -> None:
    with pytest.raises(DeviceError) as failure:
        open_sink(EngineSettings(audio=name), nowhere)
    assert failure.value.remedy


def playing(sink: NullSink) -> EngineState:
    state = EngineState.create(None, note_seconds=0.5)
    sink.open(state)
    state.set_rate(sink.rate_hz)
    install_clock(state)
    prepare_state(state)
    sink.start()
    return state


def test_the_null_sink_keeps_real_time() -> None:
    sink = NullSink(48_000.0, 256)
    state = playing(sink)
    before, began = state.clock, time.perf_counter()
    time.sleep(0.5)
    seconds = (state.clock - before) / 48_000.0
    waited = time.perf_counter() - began
    sink.close()
    assert not sink.is_alive()
    assert seconds == pytest.approx(waited, abs=0.1)
    assert int(state.meters["callback_ns_max"]) > 0


def test_the_audio_clock_tells_frames_from_times() -> None:
    sink = NullSink(48_000.0, 128)
    state = playing(sink)
    time.sleep(0.3)
    errors = []
    for _ in range(50):
        frame = frame_at(state, now_ns())
        assert frame is not None
        errors.append(frame - state.clock)  # in the next block, or by now already in the last one
        time.sleep(0.004)
    sink.close()
    assert -128 < np.median(errors) < 128
    assert max(errors) <= 128


def test_a_wav_file_as_a_device_holds_what_was_played(tmp_path: Path) -> None:
    path = tmp_path / "take.wav"
    sink = WavSink(path, 48_000.0, 128)
    state = playing(sink)
    ControlInput(state).send(note_on(69))
    time.sleep(0.4)
    assert not path.exists()  # under another name until it is complete
    sink.close()
    audio, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == 48_000
    assert len(audio) == state.clock
    sounding = np.flatnonzero(np.abs(audio).max(axis=1) > 1e-4)
    assert abs(cents(heard_hz(audio[sounding[0] + 2_000 :, 0]), 69)) < 2.0
    assert list(tmp_path.iterdir()) == [path]


def test_a_wav_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    sink = WavSink(tmp_path / "missing" / "take.wav", 48_000.0, 128)
    with pytest.raises(DeviceError, match="cannot write"):
        sink.open(EngineState.create(None))


@pytest.mark.skipif(sys.platform != "linux", reason="SCHED_FIFO by thread is Linux's")
def test_real_time_priority_is_asked_for_and_told_truthfully() -> None:
    granted: list[tuple[bool, int]] = []

    def ask() -> None:
        thread = threading.get_native_id()
        granted.append((raise_priority({thread}), os.sched_getscheduler(thread)))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    told, policy = granted[0]
    assert told == (policy == os.SCHED_FIFO)


@pytest.fixture(scope="module")
def card() -> Iterator[tuple[LiveEngine, Probe]]:
    """The engine on PortAudio, on the JACK host API, with rtmidi's virtual port."""
    if not realtime_is_allowed():
        pytest.skip("this user may not run real-time threads")
    with running_jack(BLOCK, "card", is_realtime=True) as server:
        settings = EngineSettings(audio="system", client_name="card", block_frames=BLOCK)
        with live_engine(settings, server.environment) as engine:
            probe = Probe(server)
            probe.client.connect("probe:keys", "card:card")
            for side in (0, 1):
                output = next(
                    port.name
                    for port in probe.client.get_ports(is_audio=True, is_output=True)
                    if port.name.endswith(f"out_{side}") and "PortAudio" in port.name
                )
                probe.client.connect(output, probe.client.inports[side])
            yield engine, probe
            probe.close()


def test_portaudio_plays_the_right_pitch(card: tuple[LiveEngine, Probe]) -> None:
    engine, probe = card
    assert engine.ready.kind == "portaudio"
    assert engine.ready.midi[0] == "card"
    heard = probe.play([(0, note_on(69))], RATE_HZ // 2)
    assert abs(cents(heard_hz(heard[RATE_HZ // 4 :, 0]), 69)) < 1.0
    probe.play([(0, control_change(120, 0))], 4_096)


def test_events_on_portaudio_keep_their_time_within_a_millisecond(
    card: tuple[LiveEngine, Probe],
) -> None:
    """From the JACK cycle that carried a note to its sound, the same time for every note.

    rtmidi tells the cycle in which a message came, not its frame in there, so that is what counts.
    The block is long enough for the polling thread to be in time on a busy machine; three stalls in
    thirty notes are the machine's, a spread of the notes themselves would show in all of them.
    """
    _, probe = card
    rng = np.random.default_rng(3)
    starts = np.cumsum(rng.integers(8_000, 11_000, 30))
    events = []
    for start in starts:
        events.append((int(start), note_on(96, 127)))
        events.append((int(start) + 3_000, control_change(120, 0)))
    heard = probe.play(events, int(starts[-1]) + 8_000)
    loud = np.abs(heard).max(axis=1) > 0.0
    onsets = [int(start + np.flatnonzero(loud[start:])[0]) for start in starts]
    milliseconds = (np.array(onsets) - starts // BLOCK * BLOCK) / RATE_HZ * 1e3
    assert np.sort(np.abs(milliseconds - np.median(milliseconds)))[-4] <= 1.0
    assert BLOCK / RATE_HZ * 1e3 - 1.0 <= np.median(milliseconds) <= 2.0 * BLOCK / RATE_HZ * 1e3
