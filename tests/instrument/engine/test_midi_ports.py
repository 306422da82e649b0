"""MIDI inputs against real JACK ports of another client, and the fakes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import rtmidi

from instrument.engine.clock import now_ns
from instrument.engine.messages import EngineSettings
from instrument.engine.midi_ports import ScriptedMidiIn, open_midi
from instrument.engine.rtmidi_ports import ALSA_SEQUENCER, ArrivalClock, RtmidiIn, first_working_api
from instrument.midi.messages import (
    TimedMessage,
    control_change,
    note_off,
    note_on,
)
from instrument.realtime.memory.constants import (
    AMOUNT_BITS,
    FIRST_KEYBOARD,
    TUNE_KEY,
    TUNES_SOUNDING,
)
from tests.helpers.live.jack_server import running_jack
from tests.helpers.music.tunings import retune

pytestmark = pytest.mark.serial


@pytest.fixture
def jack_midi(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A private server on which rtmidi's JACK API works."""
    with running_jack(256, "midi") as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        yield rtmidi.API_UNIX_JACK


class Keyboard:
    """A keyboard that can be plugged in and pulled out: another program's MIDI output."""

    def __init__(self, name: str) -> None:
        self._port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=name)
        self._port.open_virtual_port("keys")

    def play(self, message: bytes) -> None:
        self._port.send_message(list(message))

    def pull_out(self) -> None:
        self._port.close_port()
        self._port.delete()


def poll_until(inputs: RtmidiIn, count: int) -> list[TimedMessage]:
    messages: list[TimedMessage] = []
    deadline = time.monotonic() + 5.0
    while len(messages) < count and time.monotonic() < deadline:
        messages += inputs.poll()
        time.sleep(0.001)
    return messages


def shake_hands(inputs: RtmidiIn, keyboard: Keyboard) -> None:
    """Wait until the server has really connected the two: a message before that is lost."""
    for _ in range(100):
        keyboard.play(control_change(119, 0))
        time.sleep(0.02)
        if inputs.poll():
            break
    time.sleep(0.05)
    inputs.poll()


def connect(source: str, destination: str) -> None:
    import jack

    client = jack.Client("cable", no_start_server=True)
    client.connect(source, destination)
    client.close()


def test_the_jack_api_is_found_although_alsa_comes_first_and_fails(jack_midi: int) -> None:
    if ALSA_SEQUENCER.exists():
        pytest.skip("this machine has ALSA's sequencer, which is preferred")
    assert first_working_api() == jack_midi
    with pytest.raises(rtmidi.SystemError):  # the trap that we walk around
        rtmidi.MidiIn(rtmidi.API_UNSPECIFIED)


def test_another_program_plays_the_virtual_port(jack_midi: int) -> None:
    inputs = RtmidiIn(jack_midi, EngineSettings(hardware_midi=False), with_virtual_port=True)
    keyboard = Keyboard("sequencer")
    connect("sequencer:keys", "latentkeys:latentkeys")
    shake_hands(inputs, keyboard)
    sent = [note_on(60), control_change(64, 127), note_off(60), b"\xe0\x01\x40"]
    before = now_ns()
    for message in sent:
        keyboard.play(message)
    received = poll_until(inputs, len(sent))
    assert [message.data for message in received] == sent
    times = [message.time_ns for message in received]
    assert times == sorted(times)
    assert before - 20e6 < times[0] <= now_ns()
    assert inputs.names() == ("latentkeys",)
    keyboard.pull_out()
    inputs.close()


def test_a_tuning_comes_as_one_message_for_each_key(jack_midi: int) -> None:
    inputs = RtmidiIn(jack_midi, EngineSettings(hardware_midi=False), with_virtual_port=True)
    keyboard = Keyboard("scala")
    connect("scala:keys", "latentkeys:latentkeys")
    shake_hands(inputs, keyboard)
    keyboard.play(retune({60: 60.5, 61: 62.0}, program=3))
    keyboard.play(note_on(60))
    received = poll_until(inputs, 3)
    now = TUNE_KEY + TUNES_SOUNDING << AMOUNT_BITS
    assert [(message.data, message.value) for message in received] == [
        (bytes((0xF0, 60, 3)), now + (60 << 14) + (1 << 13)),
        (bytes((0xF0, 61, 3)), now + (62 << 14)),
        (note_on(60), 0),
    ]
    keyboard.pull_out()
    inputs.close()


def test_keyboards_are_chosen_by_part_of_their_name(jack_midi: int) -> None:
    keyboards = [Keyboard(name) for name in ("Keystation 49", "nanoKEY2", "Launchpad")]
    settings = EngineSettings(midi_in=("keystation", "NANO"))
    inputs = RtmidiIn(jack_midi, settings, with_virtual_port=True)
    assert set(inputs.names()) == {"latentkeys", "Keystation 49:keys", "nanoKEY2:keys"}
    everything = RtmidiIn(jack_midi, EngineSettings(), with_virtual_port=False)
    assert {"Keystation 49:keys", "nanoKEY2:keys", "Launchpad:keys"} == set(everything.names())
    everything.close()
    for keyboard in keyboards[:2]:
        shake_hands(inputs, keyboard)
    for pitch, keyboard in enumerate(keyboards, start=60):
        keyboard.play(note_on(pitch))
    received = poll_until(inputs, 2)
    time.sleep(0.05)
    received += inputs.poll()
    assert sorted(message.data[1] for message in received) == [60, 61]
    assert len({message.source for message in received}) == 2
    for keyboard in keyboards:
        keyboard.pull_out()
    inputs.close()


def test_a_keyboard_that_is_pulled_out_lets_its_notes_go_and_comes_back(jack_midi: int) -> None:
    inputs = RtmidiIn(jack_midi, EngineSettings(midi_in=("stage",)), with_virtual_port=False)
    assert inputs.names() == ()
    keyboard = Keyboard("stage piano")
    assert ["is open" in notice.message for notice in inputs.rescan()] == [True]
    shake_hands(inputs, keyboard)
    keyboard.play(note_on(60))
    assert [message.data for message in poll_until(inputs, 1)] == [note_on(60)]
    keyboard.pull_out()
    assert ["is gone" in notice.message for notice in inputs.rescan()] == [True]
    assert (inputs.poll(), inputs.gone(), inputs.gone()) == ([], [FIRST_KEYBOARD], [])
    assert inputs.names() == ()
    again = Keyboard("stage piano")
    inputs.rescan()
    shake_hands(inputs, again)
    again.play(note_on(62))
    assert [message.data for message in poll_until(inputs, 1)] == [note_on(62)]
    again.pull_out()
    inputs.close()


def test_windows_is_told_about_loopmidi(jack_midi: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    inputs = RtmidiIn(jack_midi, EngineSettings(hardware_midi=False), with_virtual_port=True)
    assert [("loopMIDI" in n.remedy, "'latentkeys'" in n.remedy) for n in inputs.notices] == [
        (True, True)
    ]
    assert inputs.names() == ()
    inputs.close()


def test_no_midi_system_is_a_notice_and_not_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    if ALSA_SEQUENCER.exists():
        pytest.skip("this machine has ALSA's sequencer")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "latentkeys-no-such-server")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    inputs, notices = open_midi(EngineSettings())
    assert inputs.poll() == []
    assert "no MIDI system" in notices[0].message
    assert notices[0].remedy


@pytest.mark.parametrize(
    "late", [lambda rng: rng.uniform(0, 8e6), lambda rng: rng.exponential(2e6)]
)
def test_arrival_times_are_free_of_the_polls_delay(
    late: Callable[[np.random.Generator], float],
) -> None:
    rng = np.random.default_rng(1)
    arrivals = np.cumsum(rng.uniform(5e6, 50e6, 400))
    clock = ArrivalClock()
    gaps = np.diff(arrivals, prepend=arrivals[0]) * 1e-9
    stamps = [
        clock.stamp(gap, round(arrival + late(rng)))
        for gap, arrival in zip(gaps, arrivals, strict=True)
    ]
    errors = np.array(stamps)[100:] - arrivals[100:]
    assert errors.std() < 0.2e6
    assert errors.min() >= 0 and errors.max() < 1e6


def test_arrival_times_follow_a_driver_whose_clock_drifts() -> None:
    arrivals = np.arange(20_000) * 50e6  # 1000 s
    clock = ArrivalClock()
    gap = 0.05 * (1 - 50e-6)  # this driver's seconds are 50 ppm long
    stamps = [clock.stamp(gap if i else 0.0, round(t)) for i, t in enumerate(arrivals)]
    assert np.abs(np.array(stamps) - arrivals).max() < 0.1e6


def test_a_script_plays_at_its_times() -> None:
    script = [TimedMessage(0, note_on(60)), TimedMessage(30_000_000, note_off(60))]
    inputs = ScriptedMidiIn(script)
    assert inputs.names() == ("script",)
    (first,) = inputs.poll()
    assert first.data == note_on(60)
    assert inputs.poll() == []
    time.sleep(0.04)
    (second,) = inputs.poll()
    assert second.time_ns - first.time_ns == 30_000_000
    assert inputs.rescan() == []
    inputs.close()
