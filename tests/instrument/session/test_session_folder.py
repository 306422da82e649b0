"""A session's folder, and songs that are fed into a session."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from instrument.errors import FileError
from instrument.midi.messages import note_off, note_on, program_change
from instrument.midi.song import Song, SongMessage
from instrument.preset.parts import make_room
from instrument.processes.held_folder import HALF_MADE_SECONDS
from instrument.realtime.memory.constants import BUILT_IN_BANK, TICK_FRAMES
from instrument.realtime.memory.state import EngineState
from instrument.realtime.memory.tone_pool import pool_bytes
from instrument.realtime.offline_engine import OfflineEngine
from instrument.session.session_folder import (
    PREFIX,
    choose_parent,
    create_state,
    other_sessions,
    session_folder,
    sweep_dead_sessions,
)
from instrument.session.songs.song_player import SongFeed


def test_the_folder_is_private_and_goes_even_after_an_error() -> None:
    with pytest.raises(RuntimeError), session_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "state.bin").write_bytes(b"")
        raise RuntimeError
    assert not folder.exists()


SESSION = """
import sys, time
from instrument.session.session_folder import session_folder
with session_folder() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def test_a_killed_sessions_folder_is_swept_and_a_living_ones_is_not() -> None:
    control = subprocess.Popen([sys.executable, "-c", SESSION], stdout=subprocess.PIPE, text=True)
    assert control.stdout
    folder = Path(control.stdout.readline().strip())
    with control.stdout, session_folder() as ours:
        assert control.pid in other_sessions()
        sweep_dead_sessions()
        assert folder.exists()
        control.kill()
        control.wait()
        sweep_dead_sessions()
        assert not folder.exists()
        assert ours.exists()
        assert control.pid not in other_sessions()


def test_what_a_process_made_after_its_session_was_gone_is_swept_when_it_is_old() -> None:
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=choose_parent(0)))
    (folder / "models.lock").write_text("1")
    sweep_dead_sessions()
    assert folder.exists()
    long_ago = time.time() - 2 * HALF_MADE_SECONDS
    os.utime(folder, (long_ago, long_ago))
    sweep_dead_sessions()
    assert not folder.exists()


AUDIO = """
import time
from instrument.realtime.offline_engine import OfflineEngine
from instrument.session.audio_history import AudioCapture
capture = AudioCapture(OfflineEngine(48_000.0, 100, note_seconds=0.1).state)
print(capture.folder, flush=True)
time.sleep(60)
"""


def test_audio_that_a_killed_session_has_kept_is_swept() -> None:
    control = subprocess.Popen([sys.executable, "-c", AUDIO], stdout=subprocess.PIPE, text=True)
    assert control.stdout
    with control.stdout:
        folder = Path(control.stdout.readline().strip())
        sweep_dead_sessions()
        assert folder.exists()
        control.kill()
        control.wait()
    sweep_dead_sessions()
    assert not folder.exists()


def test_a_container_with_little_memory_gets_its_folder_on_disk(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert choose_parent(1 << 20, tmp_path / "there is none") == Path(tempfile.gettempdir())
    assert choose_parent(1 << 20, tmp_path) == tmp_path
    assert choose_parent(2 * free, tmp_path) == Path(tempfile.gettempdir())


def a_song() -> Song:
    messages = [
        SongMessage(0.0, program_change(5)),
        SongMessage(0.10, note_on(60)),
        SongMessage(0.25, note_on(67)),
        SongMessage(0.30, note_off(60)),
    ]
    return Song(tuple(messages), 0.40)


def play(engine: OfflineEngine, feed: SongFeed) -> np.ndarray:
    audio = []
    for _ in range(2000):
        feed.feed()
        audio.append(engine.render(480))
        if feed.has_ended:
            return np.concatenate(audio)
    raise AssertionError("the song has no end")


@pytest.mark.parametrize("started_before", [0, 1000, 48_017])
def test_a_song_sounds_the_same_whenever_it_begins(started_before: int) -> None:
    heard = []
    for frames in (0, started_before):
        engine = OfflineEngine(48_000, 128)
        engine.state.channels["bank"] = BUILT_IN_BANK
        engine.render(frames)
        feed = SongFeed(engine.state, a_song(), follow_programs=False)
        assert feed.first_frame % TICK_FRAMES == 0
        audio = play(engine, feed)
        heard.append(audio[feed.first_frame - frames :][: round(0.6 * 48_000)])
    assert np.abs(heard[0]).max() > 0.01
    np.testing.assert_array_equal(heard[0], heard[1])


@pytest.mark.parametrize("follow", [True, False])
def test_program_changes_are_handed_over_only_when_asked(follow: bool) -> None:
    engine = OfflineEngine(48_000, 128)
    play(engine, SongFeed(engine.state, a_song(), follow_programs=follow))
    request = engine.state.request_ring.pop()
    assert (request is not None) == follow
    assert request is None or int(request["data1"]) == 5


def test_a_key_that_the_song_leaves_down_ends_with_it() -> None:
    engine = OfflineEngine(48_000, 128)
    engine.state.channels["bank"] = BUILT_IN_BANK
    song = Song((SongMessage(0.0, note_on(60)),), 0.2)
    audio = play(engine, SongFeed(engine.state, song, follow_programs=False))
    assert len(audio) < 3 * 48_000


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system takes pages lazily")
def test_every_page_of_a_session_is_taken_at_its_start(tmp_path: Path) -> None:
    taken = []
    for banks in (3, 4):
        folder = tmp_path / str(banks)
        folder.mkdir()
        state = EngineState.create(folder, note_seconds=0.1)
        make_room(state, banks)
        state.set_rate(48_000.0)
        files = [(folder / name).stat() for name in ("state.bin", "tones.bin")]
        assert files[0].st_blocks * 512 >= files[0].st_size
        taken.append(files[1].st_blocks * 512 / files[1].st_size)
    assert taken == pytest.approx([5 / 6, 1.0], rel=0.01)  # a fourth sound's bank when asked for
    assert pool_bytes(48_000.0, 0.1) / files[1].st_size == pytest.approx(5 / 6)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system takes pages lazily")
def test_too_little_room_is_said_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(FileError, match="no room for the engine's memory") as refused:
        create_state(tmp_path)
    assert refused.value.remedy
