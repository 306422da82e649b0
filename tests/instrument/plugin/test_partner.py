"""The partner inside the plug-in, in a host of our own: in time, and the same in every bounce."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from instrument.bench.clap.host import Plugin
from instrument.bench.clap.interface import NOTE_ON, midi, turn
from instrument.plugin.install import status
from instrument.plugin.places import Binary, this_target
from instrument.preset.preset import DEFAULT_PRESET

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
RATE_HZ, BPM = 48_000, 120.0
BEAT = 24_000  # frames
BYPASS, STATUS, PARTNER = 8, 9, 10
TUNE = (60, 62, 64, 67, 64, 62, 60, 60)  # four beats in eighths
Notes = list[tuple[int, int, int, int]]
PATIENCE_SECONDS = 60.0


@pytest.fixture
def duo(plugin: Plugin) -> Iterator[Plugin]:
    """An instance whose partner counts, so that it is there at once, and answers."""
    assert plugin.load(with_partner(plugin.save(), '[partner]\nmodel = "ngram"\n'))
    plugin.process(64, [turn(0, PARTNER, 1.0)])
    plugin.process(64)  # waits for it
    plugin.call("reset")
    yield plugin
    plugin.close()


def with_partner(chunk: bytes, table: str) -> bytes:
    """Give the preset in a song a partner."""
    before, _, preset = chunk.partition(b"\npreset ")
    text = preset.partition(b"\n")[2] + table.encode()
    return before + f"\npreset {len(text)}\n".encode() + text


def keys(times: int = 1, gap_beats: int = 8) -> list[tuple[int, tuple[int, int, int]]]:
    """Play the tune, and again after a gap: frames and messages."""
    found = []
    for time_ in range(times):
        for number, pitch in enumerate(TUNE):
            begin = (time_ * gap_beats * 2 + number) * BEAT // 2
            found += [(begin, (0x90, pitch, 90)), (begin + BEAT * 2 // 5, (0x80, pitch, 0))]
    return sorted(found)


def play(
    plugin: Plugin,
    blocks: Sequence[int] = (480,),
    beats: float = 10,
    at_beats: float = 0.0,
    frames_from: int = 0,
) -> tuple[Notes, NDArray[np.float32]]:
    """Play the tune in a song: what the partner gives to the host, and the sound, (2, frames)."""
    waiting, done, notes, pieces = keys(), 0, Notes(), list[NDArray[np.float32]]()
    end = round(beats * BEAT)
    while done < end:
        block = min(blocks[len(pieces) % len(blocks)], end - done)
        due = [(at, data) for at, data in waiting if at < done + block]
        waiting = waiting[len(due) :]
        events = [midi(at - done, *data) for at, data in due]
        where = at_beats + done / BEAT
        pieces.append(
            plugin.process(block, events, tempo=BPM, position=frames_from + done, beats=where)
        )
        notes += [(done + at, kind, channel, key) for at, kind, channel, key in plugin.notes]
        done += block
    return notes, np.concatenate(pieces, axis=1)


def strikes(notes: Notes) -> list[int]:
    return [at for at, kind, _, _ in notes if kind == NOTE_ON]


def sounding(notes: Notes) -> set[tuple[int, int]]:
    """Return the channels and keys that have begun and not ended."""
    down: set[tuple[int, int]] = set()
    for _, kind, channel, key in notes:
        (down.add if kind == NOTE_ON else down.discard)((channel, key))
    return down


def wait_for(plugin: Plugin, look: Callable[[], object]) -> None:
    """Let a host's time go by until something comes."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < end, "it does not come"
        plugin.process(480)
        time.sleep(0.01)


def test_a_bounce_has_the_same_notes_and_samples_every_time(duo: Plugin, clap: Path) -> None:
    notes, audio = play(duo)
    assert len(strikes(notes)) > 3
    duo.call("reset")
    again = play(duo, (1, 4096, 333))
    ended = [(0, *note[1:]) for note in again[0] if note[:2] == (0, 1)]  # of the bounce before
    assert again[0][len(ended) :] == notes
    np.testing.assert_array_equal(again[1], audio)
    other = Plugin(clap)
    assert other.load(duo.save())
    other.start()
    other.process(64)
    other.call("reset")
    elsewhere = play(other, (8192,))
    assert elsewhere[0] == notes
    np.testing.assert_array_equal(elsewhere[1], audio)
    other.close()


def test_it_plays_at_the_hosts_instruments_and_with_its_own_voices(duo: Plugin) -> None:
    notes, audio = play(duo)
    answer = strikes(notes)[0]
    assert answer % BEAT == 0 and answer >= 4 * BEAT
    duo.process(64, [turn(0, PARTNER, 0.0)])
    duo.call("reset")
    silent, alone = play(duo)
    assert not strikes(silent)
    np.testing.assert_array_equal(alone[:, :answer], audio[:, :answer])
    assert np.max(np.abs(audio[:, answer:] - alone[:, answer:])) > 0.02


def test_it_follows_the_hosts_tempo_in_the_middle_of_a_song(duo: Plugin) -> None:
    half = 4 * BEAT
    play(duo, beats=4)
    done, found = 0, []
    while done < 8 * 2 * BEAT:  # half as fast from here on
        where = 4 + done / (2 * BEAT)
        duo.process(480, tempo=BPM / 2, position=half + done, beats=where)
        found += [where + at / (2 * BEAT) for at, kind, _, _ in duo.notes if kind == NOTE_ON]
        done += 480
    assert found and abs(found[0] - round(found[0])) < 1e-3


def test_a_loop_lets_its_notes_go_and_is_the_same_music_again(duo: Plugin) -> None:
    passes = [play(duo, beats=6.5)[0] for _ in range(3)]
    open_notes = sounding(passes[0])
    assert open_notes
    first = [note for note in passes[1] if note[0] == 0 and note[1] != NOTE_ON]
    assert {(channel, key) for _, _, channel, key in first} == open_notes
    assert strikes(passes[1]) == strikes(passes[0]) == strikes(passes[2])
    assert passes[1] == passes[2]


def test_a_stop_lets_its_notes_go(duo: Plugin) -> None:
    notes, _ = play(duo, beats=6.5)
    assert sounding(notes)
    duo.process(480)  # the host stands still
    ended = {(channel, key) for _, kind, channel, key in duo.notes if kind != NOTE_ON}
    assert ended == sounding(notes)
    for _ in range(1000):
        duo.process(480)
        assert not duo.notes
    assert np.max(np.abs(duo.process(480))) < 1e-4


def test_bypass_is_silence_for_the_partner_too(duo: Plugin) -> None:
    duo.process(64, [turn(0, BYPASS, 1.0)])
    notes, _ = play(duo)
    assert not notes


def test_the_partner_has_a_sound_of_its_own(plugin: Plugin) -> None:
    """Two tables are mapped: the preset's, and that of the sound that its partner plays."""
    table = '[partner]\nmodel = "ngram"\npreset = "felt_grand"\n'
    alike = play_with(plugin, table.replace("felt_grand", DEFAULT_PRESET))
    other = play_with(plugin, table)
    assert other[0] == alike[0]
    answer = strikes(other[0])[0]
    assert answer == strikes(alike[0])[0]
    np.testing.assert_array_equal(other[1][:, :answer], alike[1][:, :answer])
    assert np.max(np.abs(other[1][:, answer:] - alike[1][:, answer:])) > 0.02
    maps = Path("/proc/self/maps")
    if maps.is_file():
        lines = maps.read_text().splitlines()
        assert len({line.split()[-1] for line in lines if ".table" in line}) > 1
    plugin.close()


def play_with(plugin: Plugin, table: str) -> tuple[Notes, NDArray[np.float32]]:
    song = plugin.save().partition(b"[partner]")[0]
    assert plugin.load(with_partner(song, table))
    plugin.process(64, [turn(0, PARTNER, 1.0)])
    plugin.process(64)  # waits for both sounds
    assert plugin.text(STATUS, 0) == "Ready"
    plugin.call("reset")
    notes, audio = play(plugin)
    plugin.process(64)  # stands still
    return notes, audio


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is stopped there")
@pytest.mark.parametrize("way", ["SIGKILL", "SIGSTOP"])
def test_a_partner_that_dies_or_hangs_is_replaced(duo: Plugin, way: str) -> None:
    duo.ask("clap.render", "set", 0)
    process = partner_process()
    process.send_signal(getattr(signal, way))
    found: list[psutil.Process] = []
    where = 0

    def is_replaced() -> bool:
        nonlocal where, found
        duo.process(480, tempo=BPM, position=where, beats=where / BEAT)
        where += 480
        found = partner_processes()
        return bool(found) and all(other.pid != process.pid for other in found)

    wait_for(duo, is_replaced)
    duo.ask("clap.render", "set", 1)
    duo.process(64)
    duo.call("reset")
    assert strikes(play(duo)[0])


def partner_processes() -> list[psutil.Process]:
    found = []
    for child in psutil.Process(status().service_pid).children():
        with suppress(psutil.Error):  # it may just be ending
            if "instrument.plugin.partner_process" in child.cmdline():
                found.append(child)
    return found


def partner_process() -> psutil.Process:
    (found,) = partner_processes()
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="installed on Linux alone")
def test_the_vst3_plays_the_same_in_another_host(plugin: Plugin, binaries: Path) -> None:
    import minihost

    plugin.process(64, [turn(0, PARTNER, 1.0)])
    plugin.process(64)
    plugin.call("reset")
    notes, audio = play(plugin)
    vst3 = str(binaries / Binary(this_target(), "vst3").bundle)
    found, pieces = Notes(), list[NDArray[np.float32]]()
    with minihost.Plugin(vst3, sample_rate=RATE_HZ, max_block_size=480) as other:
        other.non_realtime = True
        assert other.produces_midi
        silence, out = np.zeros((2, 480), np.float32), np.zeros((2, 480), np.float32)
        other.set_param_by_name("Partner", 1.0)
        for _ in range(2):
            other.process(silence, out)  # waits for the tones and the partner
        other.reset()
        for begin in range(0, audio.shape[1], 480):
            other.set_transport(BPM, position_samples=begin, position_beats=begin / BEAT)
            due = [(at - begin, *data) for at, data in keys() if begin <= at < begin + 480]
            given = other.process_midi(silence, out, due)
            found += [(begin + at, int(s >> 4 != 9), s & 15, key) for at, s, key, _ in given]
            pieces.append(out.copy())
    assert strikes(found) and found == notes
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), audio)
    plugin.close()
