"""A kept take is played beside the player's own hands, and leaves them alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from instrument.midi.messages import SUSTAIN, control_change, note_on
from instrument.midi.phrases import write_phrase
from instrument.music.note import Note, Phrase
from instrument.partner.takes.take import NOTES_FILE, takes_folder
from instrument.realtime.memory.constants import BUILT_IN_BANK, PANEL_SOURCE
from instrument.realtime.offline_engine import OfflineEngine
from instrument.session.songs.take_player import TakePlayer

BLOCK = 480


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OfflineEngine:
    """One with a take called "one": a key of a second, on the player's channel."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = takes_folder() / "one"
    folder.mkdir(parents=True)
    write_phrase(folder / NOTES_FILE, Phrase.of((Note(0.0, 72, 2.0, 90),), 2.0))
    engine = OfflineEngine(48_000, 128)
    engine.state.channels["bank"] = BUILT_IN_BANK
    return engine


def press(engine: OfflineEngine, message: bytes) -> None:
    engine.state.panel_ring.push(-1, *message, source=PANEL_SOURCE)
    engine.render(BLOCK)


def go_on(engine: OfflineEngine, takes: TakePlayer, seconds: float) -> None:
    for _ in range(round(seconds * 48_000 / BLOCK)):
        takes.follow()
        engine.render(BLOCK)


def held(engine: OfflineEngine) -> list[int]:
    voices = engine.state.voices
    return sorted(
        int(v["pitch"]) for v in voices[(voices["stage"] != 0) & (voices["key_is_down"] != 0)]
    )


def test_the_end_of_a_take_lifts_no_key_and_no_pedal_of_the_player(engine: OfflineEngine) -> None:
    takes = TakePlayer(engine.state)
    press(engine, note_on(40))
    press(engine, control_change(SUSTAIN, 127))
    takes.play("one")
    go_on(engine, takes, 0.6)
    assert held(engine) == [40, 72] and takes.playing
    go_on(engine, takes, 1.2)
    assert held(engine) == [40]
    assert int(engine.state.channels[0]["sustain"]) == 127
    assert takes.playing is None  # whatever the player goes on with


def test_a_take_that_is_stopped_lets_its_own_keys_go(engine: OfflineEngine) -> None:
    takes = TakePlayer(engine.state)
    press(engine, note_on(40))
    takes.play("one")
    go_on(engine, takes, 0.6)
    takes.stop()
    go_on(engine, takes, 0.6)
    assert held(engine) == [40] and takes.playing is None


def test_another_take_ends_the_first_and_is_heard_whole(engine: OfflineEngine) -> None:
    takes = TakePlayer(engine.state)
    takes.play("one")
    go_on(engine, takes, 0.25)  # its first key has been handed over and does not sound yet
    takes.play("one")
    go_on(engine, takes, 0.7)
    assert held(engine) == [72]
    go_on(engine, takes, 1.2)
    assert held(engine) == [] and takes.playing is None
