"""The partner's process beside a real engine on a real JACK server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from instrument.engine.messages import EngineSettings
from instrument.midi.messages import control_change, message_of, note_off, note_on
from instrument.partner.clocks.link_clock import LinkClock
from instrument.partner.messages import (
    Kept,
    Listening,
    Report,
    View,
)
from instrument.partner.takes.replay import replay, replay_into
from instrument.partner.takes.take import read_take
from instrument.preset.partner_options import PartnerOptions
from instrument.processes.json_lines import Failed, Notice
from instrument.realtime.memory.constants import PARTNER_SOURCE, TO_OUT
from instrument.session.audio_history import AudioCapture
from instrument.session.children.partner_process import PartnerProcess
from tests.helpers.live.engine import LiveEngine, live_engine
from tests.helpers.live.jack_server import RATE_HZ, JackServer, Probe, running_jack

pytestmark = pytest.mark.serial

BEAT = RATE_HZ // 4  # 240 bpm
NGRAM = PartnerOptions(model="ngram", tempo=240.0)


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack(128, "partner") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", server.name)
        yield server


@contextlib.contextmanager
def listening(
    server: JackServer, options: PartnerOptions
) -> Iterator[tuple[LiveEngine, PartnerProcess, Probe, int]]:
    with live_engine(EngineSettings(audio="jack"), server.environment) as live:
        live.state.fields["playing"] = 1
        link, probe = PartnerProcess(live.state, live.folder, options), Probe(server)
        probe.listen_to()
        probe.listen_to_midi("latentkeys:out")
        try:
            ready = wait_for(link, Listening)
            assert isinstance(ready, Listening)
            yield live, link, probe, ready.first_frame
        finally:
            link.end()
            probe.close()


def wait_for(link: PartnerProcess, kind: type[Report], seconds: float = 20.0) -> Report:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for report in link.follow():
            if isinstance(report, kind):
                return report
            assert not isinstance(report, Failed), report
        time.sleep(0.01)
    raise AssertionError(f"no {kind.__name__}")


def phrase() -> list[tuple[int, bytes]]:
    events = []
    for number, pitch in enumerate((60, 62, 64, 67)):
        events += [(number * BEAT, note_on(pitch)), (number * BEAT + BEAT // 2, note_off(pitch))]
    return events


def test_it_answers_on_the_beat_to_the_frame_inside_and_at_the_output(server: JackServer) -> None:
    exact = replace(NGRAM, is_quantised=True)  # else as far from the beat as the phrase was
    with listening(server, exact) as (live, _, probe, first):
        log = live.state.read_log()
        sound = probe.play(phrase(), 16 * BEAT)
        events = [event for event in log.read() if event["source"] == PARTNER_SOURCE]
        messages = list(probe.messages)
    inside = [event for event in events if event["value"] != TO_OUT]
    outside = [event for event in events if event["value"] == TO_OUT]
    struck = [int(e["time_frames"]) for e in inside if message_of(e)[0] == 0x9F]
    assert struck and (struck[0] - first) % BEAT == 0
    assert [int(e["time_frames"]) for e in outside if message_of(e)[0] == 0x90] == struck
    received = np.array([frame for frame, data in messages if data[0] == 0x90])
    assert (received - struck == received[0] - struck[0]).all()
    assert len([e for e in inside if message_of(e)[0] == 0x8F]) == len(struck)
    assert np.abs(sound[5 * BEAT :]).max() > 0.01
    assert int(live.state.meters["late_events"]) == 0


def test_its_view_tells_the_music_and_what_comes_next(server: JackServer) -> None:
    with listening(server, NGRAM) as (_, link, probe, _):
        probe.play(phrase(), 6 * BEAT)
        views = [report for report in link.follow() if isinstance(report, View)]
    assert all(view.bpm == pytest.approx(240.0) for view in views)
    assert {"listening", "answering"} <= {view.situation for view in views}
    assert any(note.start > view.beats for view in views for note in view.notes)


def test_a_partner_that_dies_lets_its_notes_go_and_comes_back(server: JackServer) -> None:
    with listening(server, NGRAM) as (live, link, probe, _):
        probe.play(phrase(), 7 * BEAT)
        assert link._process is not None
        link._process._process.kill()
        notice = wait_for(link, Notice)
        assert isinstance(notice, Notice) and "started it again" in notice.message
        wait_for(link, Listening)
        probe.play([], 2 * BEAT)
        voices = live.state.voices
        assert not ((voices["stage"] > 0) & (voices["key_is_down"] > 0)).any()


def test_an_unknown_composer_is_said_and_the_player_plays_on(server: JackServer) -> None:
    with live_engine(EngineSettings(audio="jack"), server.environment) as live:
        wrong = replace(NGRAM, model="note_lstm_tune")
        link = PartnerProcess(live.state, Path(live.folder), wrong)
        deadline = time.monotonic() + 20.0
        failures: list[Failed] = []
        while not failures and time.monotonic() < deadline:
            failures = [report for report in link.follow() if isinstance(report, Failed)]
            time.sleep(0.01)
        link.end()
        assert live.process.poll() is None
    assert "note_lstm_tunes" in failures[0].remedy


def test_a_take_is_kept_and_can_be_made_again(
    server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    keeping = replace(NGRAM, keep_control=80)
    with listening(server, keeping) as (live, link, probe, _):
        capture = AudioCapture(live.state)
        log = live.state.read_log()
        sound = probe.play(phrase(), 12 * BEAT)
        probe.play([(0, control_change(80, 127))], 4_096)
        kept = wait_for(link, Kept)
        assert isinstance(kept, Kept)
        seconds = capture.write(tmp_path / "audio.wav")
        capture.close()
        sent = [event for event in log.read() if event["source"] == PARTNER_SOURCE]
    take = read_take(Path(kept.folder))
    struck = [m.frame for m in replay(take) if m.data[0] == 0x9F]
    assert (
        struck
        and struck
        == [int(e["time_frames"]) for e in sent if message_of(e)[0] == 0x9F][: len(struck)]
    )
    replay_into(Path(kept.folder), tmp_path / "again.mid", lambda _: None)
    assert (tmp_path / "again.mid").read_bytes() == (Path(kept.folder) / "notes.mid").read_bytes()
    audio, rate = soundfile.read(tmp_path / "audio.wav", dtype="float32")
    assert rate == RATE_HZ and seconds == len(audio) / rate
    assert np.abs(audio).max() == pytest.approx(np.abs(sound).max(), rel=1e-3)


def test_with_link_the_partner_is_where_the_other_programs_are(server: JackServer) -> None:
    other = LinkClock(97.0, 4.0)
    time.sleep(0.5)
    with listening(server, replace(NGRAM, clock="link")) as (_, link, probe, _):
        probe.play([], 3 * RATE_HZ)
        views = [report for report in link.follow() if isinstance(report, View)]
        now = other.look()
    other.close()
    assert now.peers == 1
    assert views[-1].bpm == pytest.approx(97.0, abs=0.1)
    assert views[-1].clock == "Link"
    away = (views[-1].beats - now.beats + 2.0) % 4.0 - 2.0
    assert abs(away) < 0.6  # the view is a tenth of a second old, and this machine is busy
