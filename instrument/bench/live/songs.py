"""``latentkeys render`` as a user runs it, against the length of the song."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from instrument.bench.harness import Goal, Row, not_measured
from instrument.bench.live.live_instrument import command_line
from instrument.bench.peers.child import PeerMissing
from instrument.bench.report import Report
from instrument.midi.phrases import write_phrase
from instrument.music.note import Note, Phrase
from instrument.realtime.compiled.machine_code import load_machine_code

SONG_SECONDS = 60
CHORD = (36, 43, 52, 55, 60, 64, 67, 72)


def song_rows(report: Report, preset: Path) -> list[Row]:
    """Render a minute of eight-note chords to a file, with and without its notes cached."""
    rows = []
    load_machine_code()  # compiled once per installation, not part of rendering a song
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "chords.mid"
        write_song(song)
        environment = {**os.environ, "XDG_CACHE_HOME": str(Path(folder) / "cache")}
        for kind in ("no cache", "notes cached"):
            name = f"render a {SONG_SECONDS}-s song, {kind}"
            report.canary.sing()
            try:
                seconds = _render_song(song, Path(folder) / f"{kind}.wav", preset, environment)
            except PeerMissing as reason:
                rows.append(not_measured(name, "s", str(reason)))
                continue
            note = f"{SONG_SECONDS / seconds:.3g} × real time, start-up included"
            goal = Goal(SONG_SECONDS, is_ratio=False)
            rows.append(Row(name, "s", seconds, goal=goal, note=note))
    return rows


def write_song(path: Path) -> None:
    """Write a MIDI file that strikes a chord every second, `SONG_SECONDS` long."""
    notes = [
        Note(second, pitch + second % 12, 1.0, velocity=60 + second)
        for second in range(SONG_SECONDS)
        for pitch in CHORD
    ]
    write_phrase(path, Phrase.of(notes, bpm=60.0))


def _render_song(song: Path, out: Path, preset: Path, environment: Mapping[str, str]) -> float:
    start = time.perf_counter()
    run = subprocess.run(
        [*command_line(), "render", str(song), str(out), "--preset", str(preset)],
        capture_output=True,
        text=True,
        env=environment,
    )
    seconds = time.perf_counter() - start
    if run.returncode != 0 or not out.exists():
        raise PeerMissing(f"latentkeys render failed: {run.stderr.strip()}")
    return seconds
