"""latentkeys and a real DAW: ``make test-daw``.

Ardour 7 sends its clock and a keyboard's track to ``latentkeys play --partner answer --clock
midi``, and records our MIDI output and our sound: two sessions in two tempos, while latentkeys
plays on. What Ardour has written is checked against Ardour's own beats.

The tempo changes between sessions because Ardour 7.3's clock keeps its first tempo in one, and
says song position 408 (bar 26) where bar 5 begins.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from instrument.realtime.memory.constants import LOUD
from instrument.realtime.memory.state import EngineState
from tests.daw.checks import Take, check
from tests.daw.picture import draw
from tests.daw.stage import PATIENCE_SECONDS, Fingers, Played, running_ardour
from tests.daw.tracks import Recording
from tests.helpers.live.jack_server import JackServer, running_jack
from tests.helpers.live.patience import wait_for
from tests.helpers.live.play import played
from tests.helpers.places import ROOT

PRESET = ROOT / "presets" / "kalimba_rain.toml"
PARTNER = '\n[partner]\nmode = "answer"\nmodel = "ngram"\nis_quantised = true\n'
TUNES = ((60, 62, 64, 67), (67, 65, 64, 60))
PHRASES_BEGIN = (4.0, 12.0)  # bars 2 and 4; Ardour stops in the second answer
TEMPOS = (100, 126)
BLOCK_FRAMES = 256


def main() -> None:
    """Play, record, check, write the log and the picture."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="latentkeys-daw-") as name:
        takes = record(Path(name))
        lines, problems = check(takes, PHRASES_BEGIN)
        draw([take.recording for take in takes], ROOT / "docs" / "daw.png")
    lines.append(f"whole test: {time.monotonic() - began:.0f} s")
    text = "\n".join(["make test-daw", "", *lines, "", *(problems or ["passed"])]) + "\n"
    (ROOT / "docs" / "daw_test.log").write_text(text)
    sys.stdout.write(text)
    sys.exit(1 if problems else 0)


def record(folder: Path) -> list[Take]:
    """Let Ardour record in each tempo; latentkeys plays all the while."""
    preset = folder / "kalimba_rain.toml"
    preset.write_text(PRESET.read_text() + PARTNER)
    play = ("--preset", str(preset), "--partner", "answer", "--clock", "midi", "--seed", "3")
    with (
        running_jack(BLOCK_FRAMES, "daw") as server,
        played(*play, "--audio", "jack", server=server) as instrument,
    ):
        wait_for(lambda: notes_are_there(instrument.state), "the notes", PATIENCE_SECONDS)
        return [record_take(server, instrument.state, folder / str(bpm), bpm) for bpm in TEMPOS]


def record_take(server: JackServer, state: EngineState, folder: Path, bpm: int) -> Take:
    """Start Ardour, roll until a note of the last answer sounds, stop and save."""
    with running_ardour(server, folder) as ardour:
        ardour.say(str(folder / "daw"))
        ardour.say(str(bpm))
        fingers = Fingers(server, phrases())
        try:
            ardour.wait_for("ready")
            fingers.connect_all()
            ardour.do("roll")
            wait_for(lambda: answers_at_the_end(fingers), "the last answer", PATIENCE_SECONDS)
            ardour.do("stop")
            wait_for(lambda: fingers.stop_frames, "the clock's stop", PATIENCE_SECONDS)
            was_down = len(fingers.keys_down(fingers.stop_frames[0]))
            left_down = what_hangs(fingers, state)
            ardour.do("save")
        finally:
            fingers.close()
    return Take(bpm, Recording(folder / "daw"), left_down, was_down)


def phrases() -> list[Played]:
    """Return what the fingers play: one phrase of four notes per bar line."""
    rhythm = ((0.0, 0.45), (0.5, 0.45), (1.0, 0.9), (2.0, 0.9))
    return [
        (begin + start, length, pitch)
        for begin, tune in zip(PHRASES_BEGIN, TUNES, strict=True)
        for (start, length), pitch in zip(rhythm, tune, strict=True)
    ]


def notes_are_there(state: EngineState) -> bool:
    """Tell whether the preset is rendered to the end."""
    slots = state.slots[int(state.channels[0]["bank"]), LOUD]
    ready = slots["frames_ready"]
    return bool(np.all((ready > 0) & (ready == slots["frames_whole"])))


def answers_at_the_end(fingers: Fingers) -> bool:
    """Tell whether the last answer has a sounding note."""
    return fingers.beats > PHRASES_BEGIN[-1] + 4.4 and bool(fingers.keys_down())


def what_hangs(fingers: Fingers, state: EngineState) -> str:
    """Say which notes have no end a few seconds after the stop; empty if none."""
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        time.sleep(0.05)
        down, voices = fingers.keys_down(), int(state.meters["active_voices"])
        if not down and not voices:
            return ""
    return f"keys {sorted(down)} are down at latentkeys:out, {voices} voices sound"


if __name__ == "__main__":
    main()
