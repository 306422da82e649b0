"""Tunings on a real JACK server: what is retuned is heard, and to the bit in an offline twin."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import pytest

from instrument.engine.messages import EngineSettings
from instrument.midi.messages import control_change, note_off, note_on
from instrument.midi.song import Song, read_midi_file
from instrument.offline.song_player import render_to, ring_out
from instrument.realtime.memory.constants import ALL_CHANNELS, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from instrument.session.songs.song_player import SongFeed
from tests.helpers.live.engine import PRESET_BANK, LiveEngine, live_engine
from tests.helpers.live.jack_server import RATE_HZ, JackServer, Probe, running_jack
from tests.helpers.music.tunings import dump, exclusive, octave, retune
from tests.helpers.sounds.tones import cents, fill_bank, heard_hz

pytestmark = pytest.mark.serial

STRETCHED = [min(20.4 + 0.98 * key, 127.9) for key in range(128)]
HELD = 2 * RATE_HZ


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(256, "tuning") as running:
        yield running


@pytest.fixture
def engine(server: JackServer) -> Iterator[LiveEngine]:
    with live_engine(EngineSettings(audio="jack"), server.environment) as running:
        yield running


@pytest.fixture
def probe(server: JackServer, engine: LiveEngine) -> Iterator[Probe]:
    opened = Probe(server)
    opened.listen_to()
    yield opened
    opened.close()


def pitch_of(sound: np.ndarray) -> float:
    return 69.0 + cents(heard_hz(sound[:, 0]), 69) / 100.0


def offline_engine() -> OfflineEngine:
    offline = OfflineEngine(RATE_HZ, 100)
    fill_bank(offline.state, PRESET_BANK)
    return offline


def test_a_key_is_retuned_through_a_cable_while_it_sounds(probe: Probe) -> None:
    events = [(0, note_on(60)), (HELD, retune({60: 60.37})), (2 * HELD, note_off(60))]
    heard = probe.play(events, 2 * HELD)
    assert pitch_of(heard[8_000:HELD]) == pytest.approx(60.0, abs=0.001)
    assert pitch_of(heard[HELD + 8_000 :]) == pytest.approx(60.37, abs=0.001)


def test_a_dump_through_a_cable_tunes_the_next_strike(probe: Probe) -> None:
    events = [(0, note_on(70)), (1_000, dump(STRETCHED)), (HELD, note_off(70))]
    heard = probe.play([*events, (HELD + 100, note_on(50))], 2 * HELD)
    assert pitch_of(heard[8_000:HELD]) == pytest.approx(70.0, abs=0.001)
    assert pitch_of(heard[HELD + 20_000 :]) == pytest.approx(STRETCHED[50], abs=0.001)


def test_what_was_heard_equals_the_replay_of_its_log(engine: LiveEngine, probe: Probe) -> None:
    sound, history = engine.state.read_recording(), engine.state.read_log()
    begin = int(engine.state.fields["record_ring"]["head"])
    events = [(500 * n, note_on(40 + n, 20 + n)) for n in range(60)]
    events += [(501 * n + 7_000, retune({40 + n: 39.3 + 1.1 * n})) for n in range(60)]
    events += [(20_000, octave([7.0 * n - 30 for n in range(12)], (0, 3), wide=True))]
    events += [(25_000, dump(STRETCHED)), (26_000, note_on(33)), (31_000, note_on(34))]
    events += [(27_000, exclusive(b"\x04\x03\x21\x50", now=True))]
    events += [(36_000, exclusive(b"\x04\x01\x21\x60", now=True)), (40_000, control_change(123, 0))]
    probe.play(events, RATE_HZ)
    live, log = sound.read(), history.read()
    assert (log["status"] == 0xF0).sum() == 60 + 24 + 128 + 2
    offline = offline_engine()
    offline.command(USE_BANK, PRESET_BANK, ALL_CHANNELS, frame=0)
    offline.send_log(log)
    assert np.array_equal(offline.render(begin + len(live))[begin:], live)
    assert np.abs(live).max() > 0.01


def tuned_song(path: Path) -> Song:
    """Return a file that is retuned in the middle, turned down, and reset at its end."""
    sysex = [
        data[1:-1] for data in (retune({62: 62.5}), octave([20.0] * 12, (0,)), dump(STRETCHED))
    ]
    quiet, reset = exclusive(b"\x04\x01\x00\x50", now=True), exclusive(b"\x09\x01", now=False)
    track = mido.MidiTrack()
    for pitch in (60, 62, 64):
        track.append(mido.Message("note_on", note=pitch, velocity=90, time=100))
    for data in (*sysex, quiet[1:-1]):
        track.append(mido.Message("sysex", data=data, time=150))
    track.append(mido.Message("note_on", note=67, velocity=90, time=10))
    track.append(mido.Message("sysex", data=reset[1:-1], time=400))
    track.append(mido.Message("note_on", note=72, velocity=90, time=10))
    track.append(mido.Message("note_off", note=72, time=300))
    file = mido.MidiFile(tracks=[track])
    file.save(path)
    return read_midi_file(path)


def test_a_file_with_tunings_sounds_live_as_it_renders(engine: LiveEngine, tmp_path: Path) -> None:
    song = tuned_song(tmp_path / "tuned.mid")
    sound = engine.state.read_recording()
    begin = int(engine.state.fields["record_ring"]["head"])
    feed = SongFeed(engine.state, song, follow_programs=False)
    live = []
    deadline = time.monotonic() + 30
    while not feed.has_ended and time.monotonic() < deadline:
        feed.feed()
        live.append(sound.read())
        time.sleep(0.02)
    assert feed.has_ended and sound.lost == 0
    heard = np.concatenate(live)[feed.first_frame - begin :]
    offline = offline_engine()
    offline.state.channels["bank"] = PRESET_BANK
    chunks: list[np.ndarray] = []
    for message in song.messages:
        frame = round(message.time_seconds * RATE_HZ)
        chunks += render_to(offline, frame)
        offline.send(frame, message.data)
    chunks += ring_out(offline, round(song.length_seconds * RATE_HZ))
    rendered = np.concatenate(chunks)
    count = min(len(heard), len(rendered))
    assert count > 2 * RATE_HZ and np.abs(rendered).max() > 0.01
    assert np.array_equal(heard[:count], rendered[:count])
