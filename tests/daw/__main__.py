"""latentkeys and a real DAW: ``make test-daw``.

Ardour 7 sends its clock (100 bpm, from bar 5 on 126 bpm) and a keyboard's track to
``latentkeys play --partner answer --clock midi``, and records our MIDI output and our sound. What
it has written is checked against its own beats.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from checks import check  # noqa: E402
from jack_server import running_jack  # noqa: E402
from live_play import played, wait_for  # noqa: E402
from picture import draw  # noqa: E402
from stage import PATIENCE_SECONDS, Fingers, Played, running_ardour  # noqa: E402
from tracks import Recording  # noqa: E402

from instrument.realtime.state import LOUD, EngineState  # noqa: E402

ROOT = Path(__file__).parents[2]
PRESET = ROOT / "presets" / "kalimba_rain.toml"
PHRASE = '\n[phrase]\nmode = "answer"\nmodel = "ngram"\nis_quantised = true\n'
TUNES = ((60, 62, 64, 67), (67, 65, 64, 60), (62, 64, 65, 69))
PHRASES_BEGIN = (4.0, 20.0, 28.0)  # bars 2, 6 and 8; the tempo changes at beat 16
LAST_ANSWER = 32.0
BLOCK_FRAMES = 256


def main() -> None:
    """Play, record, check, write the log and the picture."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="latentkeys-daw-") as name:
        folder = Path(name)
        left_down, was_down = record(folder)
        recording = Recording(folder / "daw")
        lines, problems = check(recording, PHRASES_BEGIN, left_down, was_down)
        draw(recording, ROOT / "docs" / "daw.png")
    lines.append(f"whole test: {time.monotonic() - began:.0f} s")
    text = "\n".join(["make test-daw", "", *lines, "", *(problems or ["passed"])]) + "\n"
    (ROOT / "docs" / "daw_test.log").write_text(text)
    print(text, end="")
    sys.exit(1 if problems else 0)


def record(folder: Path) -> tuple[str, int]:
    """Let Ardour record; return what hangs after its stop, and how many keys were down at it."""
    preset = folder / "kalimba_rain.toml"
    preset.write_text(PRESET.read_text() + PHRASE)
    play = ("--preset", str(preset), "--partner", "answer", "--clock", "midi", "--seed", "3")
    with (
        running_jack(BLOCK_FRAMES, "daw") as server,
        running_ardour(server, folder) as ardour,
        played(*play, "--audio", "jack", server=server) as instrument,
    ):
        ardour.say(str(folder / "daw"))
        fingers = Fingers(server, phrases())
        try:
            ardour.wait_for("READY")
            wait_for(lambda: notes_are_there(instrument.state), "the notes", PATIENCE_SECONDS)
            fingers.connect_all()
            ardour.say("go")
            wait_for(lambda: answers_at_the_end(fingers), "the last answer", PATIENCE_SECONDS)
            ardour.say("stop")
            ardour.wait_for("STOPPED")
            assert fingers.stopped.wait(PATIENCE_SECONDS), "Ardour's clock has not said stop"
            was_down = len(fingers.keys_down(fingers.stop_frame))
            left = what_hangs(fingers, instrument.state)
            ardour.say("save")
            ardour.wait_for("SAVED")
        finally:
            fingers.close()
    return left, was_down


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
    return fingers.beats > LAST_ANSWER + 0.4 and bool(fingers.keys_down())


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
