"""The plug-in in real hosts: ``make test-plugin [ARGS=ardour]``; writes ``docs/plugin_test.log``.

Ardour 7 gets the VST3 on a MIDI track, hears a keyboard, records, saves, and bounces in processes
of its own. In a host of ours Wine runs the Windows plug-ins, and QEMU those of Linux on other
processors.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from instrument.bench.clap.host import Plugin
from instrument.plugin.install import install
from instrument.plugin.places import Binary, this_target
from tests.daw.stage import running_ardour
from tests.helpers.live.jack_server import running_jack
from tests.helpers.places import ROOT
from tests.helpers.plugin.stage import (
    RATE_HZ,
    binaries_in,
    four_notes,
    note_messages,
    plugin_home,
    rendered,
)
from tests.plugin.ardour import Fingers, bounce, lag_of, scan
from tests.plugin.emulated import play_emulated
from tests.plugin.wine import play_in_wine

BLOCK_FRAMES = 256
SECONDS = 4.0
Say = Callable[[str], None]
Audio = NDArray[np.float32]  # shape (2, frames)


def main() -> None:
    """Try every host; write the log."""
    names = sys.argv[1:] or list(HOSTS)
    lines = [" ".join(["make test-plugin", *(f"ARGS={name}" for name in sys.argv[1:])]), ""]
    began, problems = time.monotonic(), 0

    def say(line: str) -> None:
        lines.append(line)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="latentkeys-hosts-") as name, plugin_home(Path(name)):
        binaries = binaries_in(Path(name, "binaries"))
        for host in names:
            try:
                HOSTS[host](Path(name), binaries, say)
            except Exception:
                problems += 1
                say(traceback.format_exc())
    say(f"whole test: {time.monotonic() - began:.0f} s")
    say(f"{problems} problems" if problems else "passed")
    (ROOT / "docs" / "plugin_test.log").write_text("\n".join(lines) + "\n")
    sys.exit(problems > 0)


def try_ardour(home: Path, binaries: Path, say: Say) -> None:
    """Insert, play, record, save; open again and bounce twice; bounce with automation."""
    vst3 = next(path for path in install(binaries) if path.suffix == ".vst3")
    ready = Plugin(binaries / Binary(this_target(), "clap").file)
    ready.start()
    ready.process(1)  # its tones are in the cache then
    ready.close()
    scan(vst3)
    say("Ardour 7: its scanner accepts the VST3")
    folder = home / "ardour" / "song"
    folder.parent.mkdir()
    play_and_record(folder, say)
    first = bounce(folder, "song", home / "first.wav")
    second = bounce(folder, "song", home / "second.wav")
    assert np.max(np.abs(first)) > 0.05, "the bounce is silent"
    np.testing.assert_array_equal(first, second)
    say(f"  closed, opened, bounced twice: the same {first.shape[1]} frames, bit for bit")
    compare_partner(first, [bounce(folder, "duo", home / f"duo{n}.wav") for n in (1, 2)], say)
    drawn = bounce(folder, "automated", home / "automated.wav")
    compare_automation(first, drawn, say)


def play_and_record(folder: Path, say: Say) -> None:
    expected = rendered(four_notes())[:, : round(SECONDS * RATE_HZ)]
    phrase = [(round(at * RATE_HZ), data) for data, at in note_messages(four_notes())]
    with (
        running_jack(BLOCK_FRAMES, "hosts") as server,
        running_ardour(server, folder.parent, Path(__file__).with_name("song.lua")) as ardour,
    ):
        ardour.say(str(folder))
        fingers = Fingers(server, phrase)
        try:
            ardour.wait_for("ready")
            fingers.connect_all()
            ardour.do("roll")
            fingers.begin(plays=True)
            time.sleep(SECONDS + 1.0)
            heard = fingers.end()
            ardour.do("stop")
            lag = lag_of(heard, expected)
            same = heard[:, lag : lag + expected.shape[1]]
            np.testing.assert_array_equal(same, expected[:, : same.shape[1]])
            say(f"  live: {same.shape[1]} frames as `latentkeys render` has them, {lag} frames on")
            ardour.do("play")
            fingers.begin(plays=False)
            time.sleep(SECONDS + 1.0)
            again = fingers.end()
            ardour.do("halt")
            assert np.max(np.abs(again)) > 0.05, "what was recorded is silent when it is played"
            say(f"  recorded and played: peak {np.max(np.abs(again)):.3f}")
            ardour.do("save")
            ardour.do("accompany")
            ardour.do("automate")
        finally:
            fingers.close()


def compare_partner(plain: Audio, duo: Sequence[Audio], say: Say) -> None:
    """The partner answers after the last of four notes, and in every bounce the same."""
    np.testing.assert_array_equal(duo[0], duo[1])
    count = min(plain.shape[1], duo[0].shape[1])
    begins = int(np.argmax(np.any(plain[:, :count] != duo[0][:, :count], axis=0)))
    assert begins > 1.5 * RATE_HZ, f"the partner is heard at frame {begins}"
    share = np.max(np.abs(duo[0][:, begins:count] - plain[:, begins:count]))
    assert share > 0.01, "nothing is heard of the partner"
    say(f"  with the partner, bounced twice: the same frames; it answers at frame {begins}")


def compare_automation(plain: Audio, drawn: Audio, say: Say) -> None:
    """The level falls to -60 dB a second into the song: where does the bounce say so?"""
    count = min(plain.shape[1], drawn.shape[1])
    differs = np.any(plain[:, :count] != drawn[:, :count], axis=0)
    at = int(np.argmax(differs))
    assert differs.any() and abs(at - RATE_HZ) <= 1024, f"automation is heard at frame {at}"
    tail = slice(at + RATE_HZ // 5, at + RATE_HZ // 2)
    fall = np.sqrt(np.mean(drawn[:, tail] ** 2) / np.mean(plain[:, tail] ** 2))
    say(f"  level drawn at frame {RATE_HZ}: heard at {at}, {20 * np.log10(fall):.1f} dB after it")
    assert fall < 0.01


HOSTS = {"ardour": try_ardour, "wine": play_in_wine, "processors": play_emulated}

if __name__ == "__main__":
    main()
